"""What a live account holds, as the exchange said when it was last compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.types import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account_status", sa.Column("balances", Json(), nullable=True))
