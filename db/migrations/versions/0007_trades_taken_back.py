"""Trades that an exchange took back: what holds an account back must outlive the worker that found it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.types import Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account_status", sa.Column("taken_back", Json(), nullable=True))
