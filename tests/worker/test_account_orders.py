"""Placing an order exactly once (DESIGN 5): each row of its table, on real rows."""

from __future__ import annotations

import pytest

from core.cycle import DesiredState
from core.orders import OrderStatus, Role
from db.cycles import load_open
from tests.worker.fakes import Do
from tests.worker.house import House


async def running(house: House, **changes) -> int:
    """A strategy whose base order has filled at 100 and whose ladder rests."""
    strategy = house.strategy(**changes)
    await house.start()
    await house.stand(100)
    return strategy


async def test_a_cycle_buys_down_its_ladder_and_takes_profit(house: House):
    strategy = await running(house)
    assert house.state(strategy) == "running"
    assert len(house.open_on_venue()) == 4  # take profit and three levels
    await house.price(99)
    await house.price("100.6")
    assert house.stored(strategy).number == 2
    assert house.nothing_was_sent_twice()


async def test_a_lost_answer_is_found_and_adopted_and_never_sent_twice(house: House):
    house.venue.next.append(Do.LOSE_ANSWER)
    strategy = await running(house)
    assert [o.status for o in house.attempts(strategy, Role.BASE)] == [OrderStatus.SENDING]
    await house.second(1, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is OrderStatus.FILLED
    assert house.venue.sent.count(base.client_order_id) == 1


async def test_not_found_counts_only_after_the_window_and_three_times(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(6, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is OrderStatus.SENDING
    assert house.venue.asked.count(base.client_order_id) >= 5
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is OrderStatus.SENDING
    await house.second(1, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is OrderStatus.NOT_ACCEPTED


async def test_after_proof_the_next_attempt_has_a_new_id(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(12, price=100)
    first, second = house.attempts(strategy, Role.BASE)
    assert (first.status, second.status) == (OrderStatus.NOT_ACCEPTED, OrderStatus.FILLED)
    assert first.client_order_id != second.client_order_id
    assert house.nothing_was_sent_twice()
