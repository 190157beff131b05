"""An order on the venue that carries our prefix but has no row: which slot was it meant for?

Ids are pure functions of their meaning, so the answer is found by recomputing the ids of the slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from core.cycle import BASE, TAKE_PROFIT, Cycle
from core.market import Side
from core.order_ids import client_order_id
from core.orders import Kind, Order, OrderStatus, Role, Slot

ATTEMPTS_AHEAD = 20
"""How many attempts a lost database may have been ahead of the rows that are left."""


def slot_of(cycle: Cycle, sought: str) -> tuple[Slot, int] | None:
    """(slot, attempt) of the order of this cycle whose id is `sought`; None: it is not of this cycle."""
    for slot in _slots(cycle):
        known = max((order.attempt for order in cycle.attempts(slot)), default=0)
        for attempt in range(1, known + ATTEMPTS_AHEAD + 1):
            if client_order_id(cycle.identity, cycle.number, slot, attempt) == sought:
                return slot, attempt
    return None


def adopt(
    cycle: Cycle,
    found: str,
    side: Side,
    kind: Kind,
    price: Decimal,
    quantity: Decimal,
    at: datetime,
) -> Cycle | None:
    """The cycle with that resting order in it, as `sending`: a look at the venue then says what it is.

    None where it is not of this cycle, or where its slot has a live order already.
    """
    place = slot_of(cycle, found)
    if place is None or cycle.find(found) is not None or cycle.live_in(place[0]) is not None:
        return None
    slot, attempt = place
    order = Order(
        client_order_id=found,
        slot=slot,
        attempt=attempt,
        side=side,
        kind=kind,
        price=price,
        planned_price=price,
        quantity=quantity,
        status=OrderStatus.SENDING,
        created_at=at,
    )
    return cycle.with_order(order)


def _slots(cycle: Cycle) -> Iterator[Slot]:
    yield BASE
    yield TAKE_PROFIT
    yield Slot(Role.STOP_LOSS)
    yield Slot(Role.CLOSE)
    for level in range(1, cycle.parameters.level_count + 1):
        yield Slot(Role.SAFETY, level)
