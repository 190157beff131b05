"""Orders: what they are, the one table of allowed transitions, and how an update is merged.

Everything that may change an order's status lives in this file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.errors import ImpossibleTransition
from core.market import Side
from core.money import ZERO


class Role(StrEnum):
    BASE = "base"
    SAFETY = "safety"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    CLOSE = "close"


class Kind(StrEnum):
    """`MARKET` exits carry a price: the collar beyond which the venue must not fill them."""

    LIMIT = "limit"
    MARKET = "market"


class OrderStatus(StrEnum):
    SENDING = "sending"  # written, may or may not exist at the venue
    OPEN = "open"  # the venue has it
    CANCELLING = "cancelling"  # a cancel is written, its outcome is not proven
    QUARANTINED = "quarantined"  # proof did not come, or an order is gone: a person is asked
    FILLED = "filled"
    CANCELLED = "cancelled"  # may hold fills
    REFUSED = "refused"  # for good: needs attention
    NOT_PLACED = "not_placed"  # for now: next attempt later, under a new id
    NOT_ACCEPTED = "not_accepted"  # proven never to have existed

    @property
    def is_live(self) -> bool:
        return self in LIVE


S = OrderStatus
LIVE = frozenset({S.SENDING, S.OPEN, S.CANCELLING, S.QUARANTINED})
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.SENDING: frozenset(
        {S.OPEN, S.FILLED, S.CANCELLED, S.REFUSED, S.NOT_PLACED, S.NOT_ACCEPTED, S.QUARANTINED}
    ),
    # An order that the venue's answers do not hold any more may still be there, or have filled.
    S.OPEN: frozenset({S.CANCELLING, S.FILLED, S.CANCELLED, S.QUARANTINED}),
    S.CANCELLING: frozenset({S.FILLED, S.CANCELLED, S.QUARANTINED}),
    S.QUARANTINED: frozenset({S.OPEN, S.FILLED, S.CANCELLED, S.NOT_ACCEPTED}),
    S.CANCELLED: frozenset({S.FILLED}),  # real world: a fill that crossed our cancel
    S.FILLED: frozenset(),
    S.REFUSED: frozenset(),
    S.NOT_PLACED: frozenset(),
    S.NOT_ACCEPTED: frozenset(),
}
VANISHED = "vanished"
"""Reason of an order that is quarantined because the venue once had it and does not show it any more."""
GONE = "person_says_gone"
"""Reason of an order in quarantine that ended because its person looked on the exchange: it is not there. It
counts as cancelled, never as not accepted: a word is no proof, and what it bought after all can be booked."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an order in its cycle: at most one live order each. Exits have no level."""

    role: Role
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade. `fee` in units of `fee_asset`; `fee_value` is the same fee in quote at the fill."""

    trade_id: str
    at: datetime
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal

    @property
    def cost(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """`price` is the limit (None: a market buy); `planned_price` is what the engine reckoned with."""

    client_order_id: str
    slot: Slot
    attempt: int
    side: Side
    kind: Kind
    price: Decimal | None
    planned_price: Decimal
    quantity: Decimal
    status: OrderStatus
    created_at: datetime
    venue_order_id: str | None = None
    reported_filled: Decimal = ZERO
    fills: tuple[Fill, ...] = ()
    cancel_asked: bool = False
    expired: bool = False
    finished_at: datetime | None = None
    reason: str | None = None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def is_settled(self) -> bool:
        """False while the venue reports more filled than the trades that have arrived."""
        return self.reported_filled == self.filled

    @property
    def was_seen(self) -> bool:
        """The venue has shown it once: no silence of the venue proves that it never existed."""
        return (
            self.venue_order_id is not None
            or self.reported_filled > 0
            or self.cancel_asked
            or self.reason == VANISHED
        )

    @property
    def cancelled_by_hand(self) -> bool:
        ended_there = self.status is S.CANCELLED and not self.cancel_asked and not self.expired
        return ended_there and not self.was_said_gone

    @property
    def was_said_gone(self) -> bool:
        """It ended on a person's word: it may turn up after all."""
        return self.reason == GONE and not self.is_live


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """A cumulative snapshot of an order as the venue shows it, with the trades known so far.

    `filled` is the order's own cumulative figure; `fills` may lag behind it and may repeat.
    `expired`: the venue ended it by itself (an immediate-or-cancel remainder), nobody cancelled it.
    `reason`: a short code for refused and not placed, never the text of an exception.
    """

    client_order_id: str
    status: OrderStatus
    filled: Decimal = ZERO
    fills: tuple[Fill, ...] = ()
    venue_order_id: str | None = None
    expired: bool = False
    reason: str | None = None


def merge(order: Order, update: OrderUpdate, at: datetime) -> Order:
    """`order` with what `update` adds. Lost, doubled and reordered updates are harmless.

    The larger fill is kept, a fill wins over a cancel, a final order never opens again. A final status
    is taken only when the trades that prove it have arrived; until then the order stays live.
    """
    fills = _merge_fills(order.fills, update.fills)
    reported = max(order.reported_filled, update.filled, sum((f.quantity for f in fills), ZERO))
    merged = replace(
        order,
        fills=fills,
        reported_filled=reported,
        venue_order_id=order.venue_order_id or update.venue_order_id,
    )
    target = update.status
    if merged.filled >= order.quantity:
        target = S.FILLED
    if target not in LIVE and not merged.is_settled:
        target = S.OPEN if order.status in (S.SENDING, S.QUARANTINED) else order.status
    if target is order.status or target not in TRANSITIONS[order.status]:
        return merged
    if target is S.NOT_ACCEPTED and merged.was_seen:
        return merged
    ended = target not in LIVE
    return replace(
        merged,
        status=target,
        expired=update.expired if ended else order.expired,
        reason=update.reason or order.reason,
        finished_at=at if ended else None,
    )


def _merge_fills(known: tuple[Fill, ...], arrived: tuple[Fill, ...]) -> tuple[Fill, ...]:
    if not arrived:
        return known
    by_id = {fill.trade_id: fill for fill in known}
    new = [by_id.setdefault(f.trade_id, f) for f in arrived if f.trade_id not in by_id]
    return known if not new else tuple(sorted(by_id.values(), key=fill_order))


def fill_order(fill: Fill) -> tuple[datetime, int, str]:
    """Trades in the order in which they happened; ids of one venue count upwards."""
    return fill.at, len(fill.trade_id), fill.trade_id


def said_gone(order: Order) -> OrderUpdate:
    """What ends an order in quarantine on its person's word, with what it had filled before; when that may
    be believed says `core.doubt`."""
    return OrderUpdate(order.client_order_id, S.CANCELLED, filled=order.filled, reason=GONE)


def ask_cancel(order: Order) -> Order:
    """Write-ahead of a cancel. Only an order known to be open can be cancelled."""
    return replace(transition(order, S.CANCELLING), cancel_asked=True)


def transition(order: Order, status: OrderStatus) -> Order:
    if status not in TRANSITIONS[order.status]:
        raise ImpossibleTransition(f"order {order.client_order_id}: {order.status} -> {status}")
    return replace(order, status=status)
