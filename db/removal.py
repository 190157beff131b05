"""Everything that belongs to a person, at once: put away, or told what to do when they are kept out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.cycle import DesiredState, PassedLevels
from db.accounts import accounts, archive_account
from db.errors import Conflict
from db.matched import rows_matched
from db.strategies import archive_strategy
from db.tables import Strategy

# What is kept as it is when everything is told to: nobody buys or sells again because of it.
QUIETER: dict[DesiredState, tuple[DesiredState, ...]] = {
    DesiredState.FINISHING: (DesiredState.RUNNING,),
    DesiredState.PAUSED: (DesiredState.RUNNING, DesiredState.FINISHING),
    DesiredState.STOPPED: (DesiredState.RUNNING, DesiredState.FINISHING, DesiredState.PAUSED),
}


def quiet_everything(session: Session, user_id: int, cycles: DesiredState, *, at: datetime) -> int:
    """One statement for all strategies: those that do more than `cycles` do that from now on; how many.

    What an earlier halt has paused stays paused: for finishing, `desired_at` remains what it was.
    """
    if cycles not in QUIETER:
        raise Conflict("Cycles can finish, pause or stop; selling is for their owner alone.")
    louder = [state.value for state in QUIETER[cycles]]
    asked_at = Strategy.desired_at if cycles is DesiredState.FINISHING else at
    changed = session.execute(
        update(Strategy)
        .where(
            Strategy.user_id == user_id,
            Strategy.archived_at.is_(None),
            Strategy.desired_state.in_(louder),
        )
        .values(
            desired_state=cycles.value,
            desired_rev=Strategy.desired_rev + 1,
            desired_at=asked_at,
            changed_at=at,
            passed_levels=PassedLevels.WAIT.value,
            release=False,
        )
    )
    return rows_matched(changed)


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
