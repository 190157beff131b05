"""An order with our prefix and no row: whose slot is it?"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.adoption import ATTEMPTS_AHEAD, adopt, slot_of
from core.cycle import BASE, TAKE_PROFIT
from core.market import Side
from core.order_ids import client_order_id
from core.orders import Kind, OrderStatus, Role, Slot
from tests.builders import IDENTITY, NOON, a_cycle, started

EXITS = [TAKE_PROFIT, Slot(Role.STOP_LOSS), Slot(Role.CLOSE)]
SLOTS = [BASE, *EXITS, Slot(Role.SAFETY, 1), Slot(Role.SAFETY, 3)]


def name(slot: Slot, attempt: int, number: int = 1) -> str:
    return client_order_id(IDENTITY, number, slot, attempt)


def take_in(cycle, found: str):
    return adopt(cycle, found, Side.BUY, Kind.LIMIT, Decimal(97), Decimal("1.5"), NOON)


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("attempt", [1, 2, ATTEMPTS_AHEAD])
def test_an_id_is_recognized_by_recomputing_it(slot: Slot, attempt: int):
    assert slot_of(a_cycle(), name(slot, attempt)) == (slot, attempt)


def test_ids_of_other_cycles_strategies_and_levels_are_not_recognized():
    cycle = a_cycle()
    assert slot_of(cycle, name(BASE, 1, number=2)) is None
    assert slot_of(cycle, name(Slot(Role.SAFETY, 4), 1)) is None
    assert slot_of(cycle, name(BASE, ATTEMPTS_AHEAD + 1)) is None
    assert slot_of(cycle, "stest000000000000") is None


def test_attempts_ahead_count_from_those_that_are_known():
    cycle = started().cycle
    assert slot_of(cycle, name(BASE, ATTEMPTS_AHEAD + 1)) == (BASE, ATTEMPTS_AHEAD + 1)


def test_what_is_adopted_is_in_doubt_until_the_venue_has_been_asked():
    cycle = take_in(a_cycle(), name(Slot(Role.SAFETY, 2), 1))
    assert cycle is not None
    (order,) = cycle.orders
    assert (order.status, order.slot, order.attempt) == (
        OrderStatus.SENDING,
        Slot(Role.SAFETY, 2),
        1,
    )
    assert (order.price, order.quantity) == (Decimal(97), Decimal("1.5"))


def test_an_order_that_is_known_is_not_adopted_again():
    cycle = started().cycle
    assert take_in(cycle, cycle.orders[0].client_order_id) is None


def test_a_slot_with_a_live_order_takes_no_second_one():
    assert take_in(started().cycle, name(Slot(Role.SAFETY, 1), 2)) is None
