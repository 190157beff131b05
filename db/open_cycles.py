"""Is anything still open? Asked before an account, a strategy or a person is archived."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from db.tables import CycleRow, OrderRow


def has_open_cycle(
    session: Session, *, account_ids: Sequence[int] = (), strategy_ids: Sequence[int] = ()
) -> bool:
    """A cycle that has bought and is not closed, or any order that may still be at a venue."""
    begun = select(CycleRow.number).where(
        or_(CycleRow.account_id.in_(account_ids), CycleRow.strategy_id.in_(strategy_ids)),
        CycleRow.closed_at.is_(None),
        CycleRow.started_at.is_not(None),
    )
    if session.execute(begun.limit(1)).first() is not None:
        return True
    live = select(OrderRow.client_order_id).where(
        or_(OrderRow.account_id.in_(account_ids), OrderRow.strategy_id.in_(strategy_ids)),
        OrderRow.live == 1,
    )
    return session.execute(live.limit(1)).first() is not None
