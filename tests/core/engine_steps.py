"""What the tests of `step` share: short names, wishes, and orders that fill in part."""

from __future__ import annotations

from decimal import Decimal

from core.cycle import DesiredState
from core.events import WantedChanged
from core.orders import OrderStatus, Role, Slot
from tests.builders import (
    Play,
    a_fill,
    a_quote,
    at,
    report,
)

S = OrderStatus
LEVELS = [Slot(Role.SAFETY, number) for number in (1, 2, 3)]
STOP, CLOSE = Slot(Role.STOP_LOSS), Slot(Role.CLOSE)


def D(value: object) -> Decimal:
    return Decimal(str(value))


def want(wanted: DesiredState, seconds: float = 0, quote=None, **changes) -> WantedChanged:
    return WantedChanged(at(seconds), wanted, None if quote is None else a_quote(quote), **changes)


def live(play: Play) -> dict[Slot, str]:
    return {order.slot: str(order.status) for order in play.cycle.live()}


def partly(play: Play, slot: Slot, quantity: object, seconds: float = 0, status=S.OPEN, **changes):
    """The newest order of the slot has bought `quantity` more in one trade."""
    order = play.order(slot)
    fills = (*order.fills, a_fill(order, play.cycle.market, quantity, seconds=seconds))
    total = sum((fill.quantity for fill in fills), D(0))
    return play(report(order, status, seconds, filled=total, fills=fills, **changes))
