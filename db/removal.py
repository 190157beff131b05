"""Putting away everything that belongs to a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.accounts import accounts, archive_account
from db.strategies import archive_strategy
from db.tables import Strategy


def archive_everything(session: Session, user_id: int, *, at: datetime) -> None:
    """Raises Conflict, and nothing is changed, when a cycle is open or a strategy may still buy."""
    strategy_ids = session.scalars(
        select(Strategy.id)
        .where(Strategy.user_id == user_id, Strategy.archived_at.is_(None))
        .order_by(Strategy.id)
    ).all()
    for strategy_id in strategy_ids:
        archive_strategy(session, user_id, strategy_id, at=at)
    for account in accounts(session, user_id):
        archive_account(session, user_id, account.account_id, at=at)
