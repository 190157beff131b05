"""What a person does on the exchange itself (cancels, withdraws, deposits): seen, told, not fought."""

from __future__ import annotations

from decimal import Decimal

from core.accounting import position
from core.cycle import DesiredState
from core.market import Side
from core.orders import OrderStatus, Role
from db import account_status
from tests.faults import fault
from tests.worker.house import House
from tests.worker.test_account_orders import running
from worker.exchanges.budget import Urgency

D = Decimal
S = OrderStatus


async def counted(house: House, **changes: object) -> int:
    """A running strategy on an account whose coins are counted."""
    house.go_live(USDT="5000")
    return await running(house, **changes)


async def two_readings(house: House, price: object = 100) -> None:
    await house.reconcile()
    await house.second(6, price=price)


# --- orders


@fault("E25")
async def test_an_order_cancelled_by_hand_is_seen_by_the_next_reconciliation_and_not_fought(
    house: House,
):
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 2)[0]
    house.venue.cancel_by_hand(house.account, level.client_order_id)
    await house.reconcile()
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    assert order.status is S.CANCELLED
    assert not order.cancel_asked
    assert house.state(strategy) == "needs_attention"
    assert "cancelled by you" in house.status(strategy).reason
    sent = len(house.venue.sent)
    await house.second(30, price=100)
    assert len(house.venue.sent) == sent, "it is not fought"
    await house.want(strategy, DesiredState.RUNNING)
    assert house.attempts(strategy, Role.SAFETY, 2)[-1].status is S.OPEN


@fault("E25")
async def test_a_take_profit_cancelled_by_hand_is_not_placed_again_until_asked(house: House):
    strategy = await running(house)
    profit = house.attempts_of_take_profit(strategy)[0]
    house.venue.cancel_by_hand(house.account, profit.client_order_id)
    await house.reconcile()
    await house.second(5, price=100)
    assert house.live(strategy) == []
    assert "take profit order was cancelled by you" in house.status(strategy).reason


# --- coins


@fault("E26")
async def test_coins_that_left_stop_the_buys_and_shrink_the_take_profit(house: House):
    strategy = await counted(house)
    profit = house.attempts_of_take_profit(strategy)[0]
    house.venue.cancel_by_hand(house.account, profit.client_order_id)
    house.venue.withdraw(house.account, "BTC", "0.4")
    await two_readings(house)
    await house.second(3, price=100)
    assert house.stored(strategy).missing == D("0.4")
    assert "0.4 BTC are not on the account any more" in house.status(strategy).reason
    assert [o for o in house.live(strategy) if o.side is Side.BUY] == []
    said = house.run(lambda s: account_status.load(s, [house.account]))[house.account]
    assert said.mismatch == {"BTC/USDT": "0.4"}
    await house.want(strategy, DesiredState.RUNNING)
    (sell,) = house.live(strategy)
    assert (sell.side, sell.quantity) == (Side.SELL, D("0.6"))


@fault("E26")
async def test_one_reading_alone_and_readings_in_a_hurry_accuse_nobody(house: House):
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "0.4")
    for _ in range(3):
        await house.reconcile()
    assert house.stored(strategy).missing == 0
    house.venue.withdraw(house.account, "BTC", "-0.4")
    await house.second(6, price=100)
    assert house.stored(strategy).missing == 0
    assert house.state(strategy) == "running"


@fault("E26")
async def test_coins_that_come_back_end_it_and_what_happened_is_told(house: House):
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "0.4")
    await two_readings(house)
    house.venue.withdraw(house.account, "BTC", "-0.4")
    await house.reconcile()
    await house.second(3, price=100)
    assert house.state(strategy) == "running"
    codes = [code for code in house.journal() if code.startswith("coins_")]
    assert codes == ["coins_missing", "coins_found"]
    assert len([o for o in house.live(strategy) if o.side is Side.BUY]) == 3


@fault("E26", "P1")
async def test_a_restart_still_knows_what_is_missing(house: House):
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "0.4")
    await two_readings(house)
    await house.crash()
    await house.start()
    await house.stand(100)
    assert house.stored(strategy).missing == D("0.4")
    assert house.state(strategy) == "needs_attention"


@fault("E26")
async def test_closing_sells_what_exists_and_ends_the_cycle(house: House):
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "0.4")
    await two_readings(house)
    await house.second(3, price=100)
    await house.want(strategy, DesiredState.CLOSED)
    await house.second(5, price=100)
    assert house.stored(strategy).number == 2
    assert house.state(strategy) == "closed"
    assert house.venue.books[house.account].money("BTC").free == 0


@fault("E27")
async def test_foreign_coins_are_never_sold(house: House):
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "-5")
    await two_readings(house)
    await house.want(strategy, DesiredState.CLOSED)
    await house.second(5, price=100)
    assert house.state(strategy) == "closed"
    assert house.venue.books[house.account].money("BTC").free == 5


@fault("E26")
async def test_no_fill_in_a_lively_market_is_taken_for_missing_coins(house: House):
    strategy = await counted(house)
    for number in range(30):
        await house.reconcile()
        await house.price(("99", "98.5", "101", "97")[number % 4], seconds=6)
    assert "coins_missing" not in house.journal()
    assert house.stored(strategy).missing == 0


@fault("E26", "E28")
async def test_an_urgent_exit_sells_what_is_free_when_the_rest_is_locked_elsewhere(house: House):
    strategy = await counted(house, stop_loss="0.05")
    profit = house.attempts_of_take_profit(strategy)[0]
    house.venue.cancel_by_hand(house.account, profit.client_order_id)
    coins = house.venue.books[house.account].money("BTC")
    coins.free, coins.used = D("0.7"), D("0.3")  # the person put some up for sale by hand
    await house.reconcile()
    await house.want(strategy, DesiredState.CLOSED)
    await house.second(30, price=100)
    assert coins.free == 0
    assert house.stored(strategy).missing == 0
    coins.free, coins.used = D("0.3"), D(0)
    await house.second(300, price=100)
    assert house.state(strategy) == "closed"
    assert house.stored(strategy).number == 2


# --- a sale is refused because coins are gone


async def refused_for_coins(house: House) -> int:
    """Coins are sold by hand, a level fills, and the larger take profit is refused. Nobody has counted."""
    strategy = await counted(house)
    house.venue.withdraw(house.account, "BTC", "0.4")
    await house.price(99)
    assert house.attempts_of_take_profit(strategy)[-1].reason == "funds"
    assert house.stored(strategy).missing == 0
    return strategy


@fault("E26", "E28")
async def test_a_sale_that_is_refused_for_coins_has_its_smaller_take_profit_within_7_seconds(
    house: House,
):
    strategy = await refused_for_coins(house)
    await house.second(7, price=99)
    (sell,) = [order for order in house.live(strategy) if order.side is Side.SELL]
    held = position(house.stored(strategy)).quantity
    assert sell.quantity == house.venue.traded["BTC/USDT"].round_quantity(held - D("0.4"))
    assert house.stored(strategy).missing == D("0.4")


@fault("E26", "E14")
async def test_coins_that_are_only_locked_elsewhere_cost_few_comparisons(house: House):
    strategy = await refused_for_coins(house)
    coins = house.venue.books[house.account].money("BTC")
    coins.used += D("0.4")  # they were put up for sale by hand
    asked = house.venue.balances_asked
    await house.second(120, price=99)
    assert house.stored(strategy).missing == 0
    refused = [o for o in house.attempts_of_take_profit(strategy) if o.reason == "funds"]
    assert house.venue.balances_asked - asked <= len(refused) <= 6


@fault("E14")
async def test_near_the_request_limit_a_refused_sale_is_looked_into_when_there_is_room(
    house: House,
):
    asked: list[Urgency] = []

    def has_room(urgency: Urgency) -> bool:
        asked.append(urgency)
        return False

    strategy = await refused_for_coins(house)
    house.desk.has_room = has_room
    before = house.venue.balances_asked
    await house.second(4, price=99)
    assert house.venue.balances_asked == before
    assert set(asked) == {Urgency.SOON}
    house.desk.has_room = lambda urgency: True
    await house.second(8, price=99)
    assert house.stored(strategy).missing == D("0.4")
