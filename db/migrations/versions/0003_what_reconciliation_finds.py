"""Facts that reconciliation finds: coins that are missing, trading rules that changed in a running cycle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.types import Money, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    missing: sa.Column[object] = sa.Column(
        "missing", Money(), server_default=sa.text("'0'"), nullable=False
    )
    op.add_column("cycles", missing)
    op.add_column("cycles", sa.Column("rules_changed_at", UtcDateTime(), nullable=True))
