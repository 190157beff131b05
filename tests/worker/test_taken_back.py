"""Trades that the exchange takes back: kept as they are, nothing is bought until a person has read of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.cycle import DesiredState
from core.orders import OrderStatus, OrderUpdate, Role
from db import account_status
from db.account_status import AccountStatus
from tests.builders import a_fill, a_market
from tests.faults import fault
from tests.worker.fakes import NOON
from tests.worker.house import House
from tests.worker.test_account_orders import running

D = Decimal
S = OrderStatus


@fault("E36")
async def test_trades_that_the_venue_takes_back_are_kept_and_a_person_is_asked(house: House):
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    fill = a_fill(level, house.venue.traded["BTC/USDT"], "0.5")
    shown = OrderUpdate(level.client_order_id, S.OPEN, D("0.5"), (fill,))
    house.venue.shown[level.client_order_id] = shown
    await house.reconcile()
    assert house.attempts(strategy, Role.SAFETY, 1)[0].filled == D("0.5")
    house.venue.shown[level.client_order_id] = replace(shown, filled=D(0), fills=())
    for _ in range(4):
        await house.reconcile()
    assert "hold_rolled_back" not in house.journal(), "an answer may be a few seconds old"
    await house.second(61, price=100)
    await house.reconcile()
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 1)[0].filled == D("0.5"), "never edited"
    assert "hold_rolled_back" in house.journal()
    assert house.state(strategy) == "needs_attention"


async def taken_back(house: House) -> int:
    """A running strategy of which the exchange has taken back a trade, and says so for long enough."""
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    fill = a_fill(level, house.venue.traded["BTC/USDT"], "0.5")
    shown = OrderUpdate(level.client_order_id, S.OPEN, D("0.5"), (fill,))
    house.venue.shown[level.client_order_id] = shown
    await house.reconcile()
    house.venue.shown[level.client_order_id] = replace(shown, filled=D(0), fills=())
    for _ in range(2):
        await house.reconcile()
    await house.second(61, price=100)
    await house.reconcile()
    assert house.state(strategy) == "needs_attention"
    return strategy


async def starts_anew(house: House) -> None:
    await house.crash()
    await house.start()
    await house.stand(100)


@fault("E36", "P1")
async def test_a_restart_still_knows_that_trades_were_taken_back_and_buys_nothing(house: House):
    strategy = await taken_back(house)
    (entry,) = house.journal("trades_taken_back")
    assert "shows 0 as filled of this order, of which it had reported 0.5" in entry
    house.venue.traded["ETH/USDT"] = a_market(symbol="ETH/USDT")
    other = house.strategy("ETH/USDT")
    await starts_anew(house)
    await house.stand(100, "ETH/USDT")
    assert "does not list trades any more" in house.status(strategy).reason
    assert house.state(other) == "needs_attention"
    assert house.rows(other) == []
    assert house.journal().count("hold_rolled_back") == 1, "it is told once"


@fault("E36", "P1")
async def test_try_again_ends_it_for_good_with_what_is_recorded(house: House):
    strategy = await taken_back(house)
    assert "Try again means: what is recorded stays" in house.status(strategy).reason
    await house.second(1, price=100)
    await house.want(strategy, DesiredState.RUNNING)
    assert house.state(strategy) == "running"
    assert "You pressed Try again" in house.journal("hold_rolled_back_ended")[0]
    assert house.attempts(strategy, Role.SAFETY, 1)[0].filled == D("0.5")
    await starts_anew(house)
    await house.second(70, price=100)
    await house.reconcile()
    assert house.state(strategy) == "running"
    assert house.journal().count("hold_rolled_back") == 1


@fault("E36")
async def test_a_strategy_that_has_not_shown_it_cannot_end_it(house: House):
    strategy = await taken_back(house)
    await house.second(1, price=100)
    await house.want(strategy, DesiredState.PAUSED)
    assert "does not list" not in house.status(strategy).reason
    await house.second(1, price=100)
    await house.want(strategy, DesiredState.RUNNING)
    assert house.state(strategy) == "needs_attention"
    assert "does not list trades any more" in house.status(strategy).reason
    await house.second(1, price=100)
    await house.want(strategy, DesiredState.RUNNING)
    assert house.state(strategy) == "running"


@fault("E36")
async def test_trades_that_are_listed_again_end_it_by_themselves(house: House):
    strategy = await taken_back(house)
    house.venue.shown.clear()
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    house.venue.shown[level.client_order_id] = OrderUpdate(
        level.client_order_id, S.OPEN, D("0.5"), level.fills
    )
    await house.reconcile()
    assert house.state(strategy) == "running"
    assert "hold_rolled_back_ended" in house.journal()
    await starts_anew(house)
    assert house.state(strategy) == "running"


@fault("E36", "D9")
async def test_what_cannot_be_read_of_trades_taken_back_holds_until_try_again(house: House):
    strategy = await running(house)
    await house.crash()
    row = {"account_id": house.account, "user_id": house.person, "taken_back": ["?"]}
    house.run(lambda s: account_status.save(s, [AccountStatus(**row, updated_at=NOON)]))
    await house.start()
    await house.stand(100)
    assert house.state(strategy) == "needs_attention"
    await house.second(1, price=100)
    await house.want(strategy, DesiredState.RUNNING)
    assert house.state(strategy) == "running"
