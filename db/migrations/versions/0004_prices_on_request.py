"""Symbols whose price somebody wants to see before any strategy trades them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.tables.model import MYSQL_OPTIONS, SYMBOL_LENGTH
from db.types import AsciiId, UtcDateTime, Words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_requests",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(SYMBOL_LENGTH), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_price_requests")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_price_requests_asked_at"), "price_requests", ["asked_at"], unique=False
    )
