"""V6: what a live account has in use against its cap, per quote coin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.cycle import Cycle
from core.market import Side
from core.money import ONE, ZERO, half_up, plain
from core.reserve import at_stake
from db.accounts import AccountKind
from db.tables import AuditEntry
from db.verify.broken import Broken
from db.verify.recent import Recent

SLIPPAGE = Decimal("0.01")
"""A market buy may fill that much above what it was planned at."""


def check_caps(session: Session, recent: Recent) -> Iterator[Broken]:
    """A cap that was lowered sells nothing: it is broken only by a buy that was written after it."""
    if recent.kind is not AccountKind.LIVE:
        return
    in_use: dict[str, Decimal] = defaultdict(lambda: ZERO)
    newest: dict[str, datetime] = {}
    for cycle in _open_cycles(recent):
        quote = cycle.market.quote
        in_use[quote] += at_stake(cycle)
        for order in cycle.orders:
            if order.side is Side.BUY and (order.is_live or order.fills):
                newest[quote] = max(order.created_at, newest.get(quote, order.created_at))
    for quote, amount in in_use.items():
        cap = (recent.caps or {}).get(quote, ZERO)
        if amount <= cap * (ONE + SLIPPAGE):
            continue
        changed = _caps_changed_at(session, recent)
        if quote in newest and (changed is None or newest[quote] > changed):
            sentence = (
                f"{plain(half_up(amount, 8))} {quote} are in use, the cap is {plain(cap)} {quote}."
            )
            yield Broken("cap", recent.account_id, quote, sentence)


def _open_cycles(recent: Recent) -> Iterator[Cycle]:
    for stored in recent.books.cycles:
        if stored.cycle is not None and stored.row["closed_at"] is None:
            yield stored.cycle


def _caps_changed_at(session: Session, recent: Recent) -> datetime | None:
    rows = session.execute(
        select(AuditEntry.at, AuditEntry.details)
        .where(
            AuditEntry.subject_user_id == recent.user_id,
            AuditEntry.action == "live account changed",
        )
        .order_by(AuditEntry.id.desc())
        .limit(200)
    )
    for at, details in rows:
        if details.get("account") == recent.account_id and "caps" in details.get("after", {}):
            found: datetime = at
            return found
    return None
