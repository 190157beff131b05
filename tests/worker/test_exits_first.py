"""Whoever sells waits for nobody who buys: neither for their orders nor for their questions."""

from __future__ import annotations

from core.cycle import DesiredState
from core.market import Side
from core.orders import Kind, OrderStatus
from tests.builders import a_market
from tests.faults import fault
from tests.worker.house import House
from worker.exchanges import budget
from worker.exchanges.budget import Urgency

OTHER = "ETH/USDT"


async def one_holds_and_one_waits(house: House) -> tuple[int, int]:
    """The first strategy is about to buy; the second holds coins and has a stop loss."""
    house.venue.traded[OTHER] = a_market(symbol=OTHER)
    house.go_live(USDT="5000")
    buyer = house.strategy(max_price="90")
    seller = house.strategy(
        OTHER, stop_loss="0.05", trailing_deviation="0.005", max_safety_orders=0
    )
    await house.start()
    await house.stand(100)
    await house.stand(100, OTHER)
    assert house.state(seller) == "running"
    assert house.rows(buyer) == []
    return buyer, seller


async def both_fall(house: House) -> None:
    """Two quotes of both symbols; the second ones are seen in one turn."""
    for _ in range(2):
        house.clock.advance(1)
        await house.show(90)
        await house.show(90, OTHER)
    await house.settle()


@fault("E14")
async def test_in_one_turn_sales_are_sent_before_the_buys_of_others(house: House):
    buyer, seller = await one_holds_and_one_waits(house)
    assert buyer < seller
    before = len(house.venue.sent)
    await both_fall(house)
    bought, sold = house.rows(buyer)[0], house.rows(seller)[-1]
    assert (sold.side, sold.kind) == (Side.SELL, Kind.MARKET)
    sent = house.venue.sent[before:]
    assert sent.index(sold.client_order_id) < sent.index(bought.client_order_id)


@fault("E14")
async def test_near_the_request_limit_a_sale_does_not_wait_for_the_balances_of_who_starts(
    house: House,
):
    buyer, seller = await one_holds_and_one_waits(house)
    house.desk.has_room = lambda urgency: urgency < Urgency.SOON
    asked = house.venue.balances_asked
    await both_fall(house)
    assert house.rows(seller)[-1].side == Side.SELL
    assert house.venue.balances_asked == asked
    assert house.rows(buyer) == []
    house.desk.has_room = lambda urgency: True
    await house.price(90)
    assert house.rows(buyer) != [], "it starts once there is room"
    await house.want(buyer, DesiredState.STOPPED)


@fault("E14")
async def test_whether_a_cancelled_take_profit_is_gone_is_asked_before_anything_else(house: House):
    """Until then its position has nothing for sale, while a thousand others ask about their buys."""
    strategy = house.strategy()
    await house.start()
    await house.stand(100)
    urgencies: list[tuple[set[OrderStatus], Urgency]] = []
    look_up = house.venue.look_up

    async def noted(account_id, orders):
        statuses = {order.status for order in orders if order.side is Side.SELL}
        urgencies.append((statuses, budget._urgency.get()))
        return await look_up(account_id, orders)

    house.venue.look_up = noted  # type: ignore[method-assign]
    await house.price(99)  # level 1 fills, and the take profit is replaced
    await house.second(2, price=99)
    assert len(house.attempts_of_take_profit(strategy)) == 2
    asked = [urgency for statuses, urgency in urgencies if OrderStatus.CANCELLING in statuses]
    assert asked
    assert set(asked) == {Urgency.EXIT}
    assert Urgency.PROOF in {urgency for statuses, urgency in urgencies if not statuses}
