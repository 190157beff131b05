"""Orders that nobody can prove: what the exchange said of them, and what their person answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.tables.model import MYSQL_OPTIONS
from db.types import AsciiId, BigId, Money, UtcDateTime, Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_answers",
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_order_answers")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_order_answers_account_id"), "order_answers", ["account_id"])
    op.create_table(
        "order_inquiries",
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.Column("contradicts", sa.Boolean(), nullable=False),
        sa.Column("coins_before", Money(), nullable=True),
        sa.Column("answered_rev", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_order_inquiries")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_order_inquiries_account_id"), "order_inquiries", ["account_id"])
