"""Before an order counts as never accepted, the account's trades are looked through too (DESIGN 5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.doubt import OwnTrade
from core.market import Side
from core.orders import Order, OrderStatus, OrderUpdate, Role
from tests.builders import a_fill, a_market
from tests.faults import fault
from tests.worker.fakes import Do
from tests.worker.house import House
from tests.worker.test_account_orders import running

D = Decimal
S = OrderStatus
ROUNDS_TAKE = 14
pytestmark = [fault("E10")]


async def lost(house: House) -> tuple[int, Order]:
    """The order of level 2 was sent, and no list shows it; (strategy, order)."""
    house.go_live(USDT="5000")
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 2 else None
    strategy = await running(house)
    house.venue.rule = lambda order: None
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    assert order.status is S.SENDING
    return strategy, order


def a_trade(order: Order, **changes: Any) -> OwnTrade:
    trade = OwnTrade("t-1", "n-1", order.created_at, Side.BUY, D(98), order.quantity)
    return replace(trade, **changes)


async def test_without_a_trade_it_was_never_accepted_and_is_placed_again(house: House):
    strategy, order = await lost(house)
    await house.second(ROUNDS_TAKE, price=100)
    assert house.venue.inquired == [order.client_order_id]
    first, second = house.attempts(strategy, Role.SAFETY, 2)
    assert (first.status, second.status) == (S.NOT_ACCEPTED, S.OPEN)


async def test_a_trade_that_may_be_its_own_keeps_its_slot_until_a_person_is_asked(house: House):
    strategy, order = await lost(house)
    house.venue.strays = (a_trade(order),)
    await house.second(ROUNDS_TAKE, price=100)
    assert [each.status for each in house.attempts(strategy, Role.SAFETY, 2)] == [S.SENDING]
    house.clock.advance(15 * 60)
    await house.stand(100)
    await house.second(2, price=100)
    assert [each.status for each in house.attempts(strategy, Role.SAFETY, 2)] == [S.QUARANTINED]


async def test_an_order_that_only_its_trade_shows_is_taken_in(house: House):
    strategy, order = await lost(house)
    trade = a_trade(order)
    fill = a_fill(order, a_market(), price=98, trade_id="t-1")
    house.venue.strays = (trade,)
    house.venue.numbered["n-1"] = OrderUpdate(
        order.client_order_id, S.FILLED, filled=order.quantity, fills=(fill,), venue_order_id="n-1"
    )
    await house.second(ROUNDS_TAKE, price=100)
    (found,) = house.attempts(strategy, Role.SAFETY, 2)
    assert (found.status, found.filled) == (S.FILLED, order.quantity)


async def test_trades_of_others_prove_nothing_and_are_asked_about_once(house: House):
    strategy, order = await lost(house)
    house.venue.strays = (a_trade(order), a_trade(order, trade_id="t-2"))
    house.venue.numbered["n-1"] = None
    await house.second(ROUNDS_TAKE, price=100)
    assert house.venue.numbers_asked == ["n-1"]
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.NOT_ACCEPTED


async def test_a_trade_that_cannot_be_its_own_is_not_asked_about(house: House):
    strategy, order = await lost(house)
    house.venue.strays = (a_trade(order, side=Side.SELL), a_trade(order, price=D(99)))
    await house.second(ROUNDS_TAKE, price=100)
    assert house.venue.numbers_asked == []
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.NOT_ACCEPTED


async def test_while_trades_cannot_be_asked_nothing_is_concluded(house: House):
    strategy, order = await lost(house)
    house.venue.mute = {order.client_order_id}
    await house.second(ROUNDS_TAKE, price=100)
    assert [each.status for each in house.attempts(strategy, Role.SAFETY, 2)] == [S.SENDING]
    house.venue.mute = set()
    await house.second(ROUNDS_TAKE, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.NOT_ACCEPTED
