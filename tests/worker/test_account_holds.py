"""Holds: several reasons at once, each with its sentence; no buys, and exits go on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.cycle import DesiredState
from core.market import Side
from core.money import plain
from core.orders import OrderStatus, Role
from db import account_status
from tests.builders import a_market
from tests.faults import fault
from tests.worker.fakes import Do
from tests.worker.house import House
from tests.worker.test_account_isolation import both_stand, by_hand, two
from tests.worker.test_account_orders import running
from worker.holds import Holds
from worker.poller import EVERYTHING_EACH, Poller

S = OrderStatus


def buys_sent(house: House) -> int:
    prices = [o.side for t in house.runner.tracked.values() for o in t.cycle.orders]
    return sum(side is Side.BUY for side in prices)


# --- a hold


@pytest.mark.parametrize(("code", "state"), [("clock", "waiting"), ("key", "needs_attention")])
async def test_a_hold_starts_no_cycle_and_says_why(house: House, code: str, state: str):
    strategy = house.strategy()
    await house.start()
    house.runner.hold(code, "The clocks differ.")
    await house.stand(100)
    assert (house.venue.sent, house.state(strategy)) == ([], state)
    assert "The clocks differ." in house.status(strategy).reason
    house.runner.lift(code)
    await house.stand(100)
    assert house.state(strategy) == "running"


async def test_under_a_hold_exits_go_on_and_what_was_bought_is_sold(house: House):
    strategy = await running(house)
    house.runner.hold("peg", "USDT is 3 % off the dollar.", "USDT")
    sent = len(house.venue.sent)
    await house.price(
        99
    )  # a resting level fills: the take profit follows, the level above is not bought
    assert house.state(strategy) == "waiting"
    roles = [order.slot.role for order in house.live(strategy) if order.side is Side.SELL]
    assert roles == [Role.TAKE_PROFIT]
    assert len(house.venue.sent) == sent + 1
    await house.price("100.6")
    await house.second(3, price="100.6")
    assert house.stored(strategy).is_idle()
    assert "3 % off" in house.status(strategy).reason


async def test_a_hold_for_one_coin_leaves_the_others_alone(house: House):
    strategy = await running(house)
    house.runner.hold("peg", "EURI is off.", "EURI")
    await house.price(100)
    assert house.state(strategy) == "running"


async def test_whoever_buys_nothing_is_told_that_exits_stay_on(house: House):
    await running(house)
    house.runner.hold("maintenance", "The exchange is closed.")
    await house.second(2, price=100)
    assert house.journal("hold_maintenance") == [
        "The exchange is closed. Take profits and stop losses stay on."
    ]


async def test_the_journal_says_once_when_it_began_and_once_when_it_ended(house: House):
    await running(house)
    for sentence in ("Too far.", "Too far.", "Further."):
        house.runner.hold("clock", sentence)
        await house.settle()
    house.runner.lift("clock")
    await house.settle()
    codes = [code for code in house.journal() if code.startswith("hold_")]
    assert codes == ["hold_clock", "hold_clock_ended"]
    assert "Further." in house.journal("hold_clock_ended")[0]


def test_several_reasons_hold_at_once_and_what_the_person_can_mend_comes_first(clock):
    holds = Holds()
    holds.begin("maintenance", "Closed.", clock.now())
    clock.advance(60)
    holds.begin("key", "Refused.", clock.now())
    first = holds.of("USDT")
    assert first is not None
    assert (first.code, first.state) == ("key", "needs_attention")
    holds.end("key")
    assert [hold.code for hold in [holds.of("USDT")] if hold] == ["maintenance"]
    holds.end("maintenance")
    assert holds.of("USDT") is None


@pytest.mark.parametrize("which", ["clock_problem", "quote_problem"])
@fault("E13")
async def test_what_the_place_says_about_clock_and_coin_holds_buys(house: House, which: str):
    strategy = house.strategy()
    await house.start()
    said = "It is off."
    setattr(house.desk, which, lambda *coin: said)
    await house.stand(100)
    assert (house.venue.sent, house.state(strategy)) == ([], "waiting")
    setattr(house.desk, which, lambda *coin: None)
    await house.second(31, price=100)
    assert house.state(strategy) == "running"


# --- a freeze


@fault("E15", "D8")
async def test_a_reconciliation_that_fails_is_a_freeze_that_people_see(house: House):
    strategy = await running(house)
    looked = house.status(strategy).checked_at
    house.venue.no_open_orders = True
    await house.reconcile()
    await house.second(15, price=100)
    assert house.state(strategy) == "waiting"
    assert "does not answer" in house.status(strategy).reason
    assert house.status(strategy).checked_at <= looked
    house.venue.no_open_orders = False
    await house.second(2, price=100)
    assert house.state(strategy) == "running"
    codes = [code for code in house.journal() if code.startswith("hold_")]
    assert codes == ["hold_reconcile", "hold_reconcile_ended"]
    [frozen] = house.journal("hold_reconcile")
    assert "nothing is decided" in frozen
    assert "stop losses stay on" not in frozen, "nobody watches them meanwhile"


async def test_a_freeze_takes_no_acknowledged_stop_back(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    assert house.state(strategy) == "stopped"
    house.venue.no_open_orders = True
    await house.second(15, price=100)
    await house.reconcile()
    assert house.state(strategy) == "stopped"


# --- caps


async def test_a_live_account_without_caps_buys_nothing(house: House):
    house.go_live()
    strategy = house.strategy()
    await house.start()
    await house.stand(100)
    assert (house.venue.sent, house.state(strategy)) == ([], "needs_attention")
    assert "no cap for USDT" in house.status(strategy).reason


async def test_a_cycle_starts_only_when_its_whole_ladder_fits_the_cap(house: House):
    house.go_live(USDT="399")
    strategy = house.strategy()
    await house.start()
    await house.stand(100)
    assert (house.venue.sent, house.state(strategy)) == ([], "waiting")
    assert "cap is 399 USDT" in house.status(strategy).reason
    house.set_caps({"USDT": "401"})
    await house.learn_accounts()
    await house.stand(100)
    assert house.state(strategy) == "running"


async def test_what_other_strategies_use_counts_against_the_cap(house: House):
    house.go_live(USDT="600")
    first, second = await two(house)
    await house.start()
    await both_stand(house)
    states = sorted([house.state(first), house.state(second)])
    assert states == ["running", "waiting"]


async def test_a_buy_beyond_the_cap_is_left_out_with_its_reason_until_there_is_room(house: House):
    house.go_live(USDT="1000")
    strategy = await running(house, active_safety_orders=1)
    house.set_caps({"USDT": "250"})
    await house.learn_accounts()
    await house.price(99)  # level 1 fills: with level 2 it would be 298 USDT
    assert "no room for 1 more order" in house.status(strategy).reason
    assert house.state(strategy) == "running"
    assert [o.slot.role for o in house.live(strategy)] == [Role.TAKE_PROFIT]
    house.set_caps({"USDT": "1000"})
    await house.learn_accounts()
    await house.second(2, price=99)
    assert sorted(str(o.slot.role) for o in house.live(strategy)) == ["safety", "take_profit"]


async def test_an_order_whose_answer_is_missing_counts_whole(house: House):
    house.go_live(USDT="1000")
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 1 else None
    strategy = await running(house, active_safety_orders=2)
    house.set_caps({"USDT": "300"})
    await house.learn_accounts()
    statuses = {o.slot.level: o.status for o in house.live(strategy) if o.side is Side.BUY}
    assert statuses == {1: S.SENDING, 2: S.OPEN}
    await house.second(20, price=100)
    assert house.venue.sent.count(house.attempts(strategy, Role.SAFETY, 1)[0].client_order_id) == 1


@pytest.mark.parametrize("caps", [{"USDT": "250"}, {"USDT": "5000"}, None])
async def test_caps_that_change_between_plan_and_commit_hold_and_nothing_is_sent(
    house: House, caps: dict[str, str] | None
):
    house.go_live(USDT="1000")
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.before_commit.append(lambda: house.set_caps(caps))
    await house.price(100)
    assert house.venue.sent == []
    await house.learn_accounts()
    await house.second(3, price=100)
    enough = caps is not None and caps["USDT"] == "5000"
    assert (house.state(strategy) == "running") is enough
    assert bool(house.venue.sent) is enough


async def test_real_accounts_say_what_holds_them_on_their_own_page(house: House):
    house.go_live(USDT="1000")
    await running(house)
    house.runner.hold("maintenance", "The exchange is closed.")
    await house.reconcile()
    said = house.run(lambda s: account_status.load(s, [house.account]))[house.account]
    assert said.hold == "The exchange is closed."
    assert said.reconciled_at == house.clock.now()
    assert said.mismatch is None
    there = house.venue.books[house.account].balances
    assert said.balances == {
        asset: {"free": plain(money.free, 36), "locked": plain(money.used, 36)}
        for asset, money in there.items()
    }
    assert {"USDT", "BTC"} <= set(said.balances)


@fault("E14")
async def test_a_real_exchange_is_asked_for_balances_only_to_start_a_cycle_and_to_count(
    house: House,
):
    house.go_live(USDT="5000")
    strategy = await running(house)
    asked = house.venue.balances_asked
    await house.price(99)
    await house.second(20, price=99)
    assert house.venue.balances_asked == asked
    await house.price("100.6")  # the take profit fills, and the next cycle wants to start
    await house.second(3, price="100.6")
    assert house.stored(strategy).number == 2
    assert house.state(strategy) == "running"
    assert house.venue.balances_asked <= asked + 4


# --- symbols and rules


@fault("E16")
async def test_a_symbol_that_is_gone_needs_attention_and_stops_nobody_else(house: House):
    first, second = await two(house)
    await house.start()
    await both_stand(house)
    house.desk.gone("BTC/USDT", "BTC/USDT is not traded any more.")
    await house.reconcile()
    assert house.state(first) == "needs_attention"
    assert "not traded any more" in house.status(first).reason
    assert house.state(second) == "running"
    assert house.stored(first).has_fills(), "nothing is deleted"
    house.desk.refresh("BTC/USDT", a_market())
    await house.reconcile()
    assert house.state(first) == "running"


@fault("E17")
async def test_changed_rules_reach_a_running_cycle_and_its_orders(house: House):
    strategy = await running(house)
    house.venue.traded["BTC/USDT"] = market = a_market(tick_size=Decimal(4))
    house.desk.refresh("BTC/USDT", market)
    await house.reconcile()
    await house.second(2, price=100)
    prices = {o.price for o in house.live(strategy) if o.side is Side.BUY}
    assert all(price is not None and price % 4 == 0 for price in prices)
    assert house.journal().count("rules_changed") == 1


@fault("E17")
async def test_a_ladder_that_does_not_fit_the_new_rules_is_not_bought_on(house: House):
    strategy = await running(house, active_safety_orders=1)
    house.desk.refresh("BTC/USDT", a_market(min_notional=Decimal(150)))
    await house.reconcile()
    await house.price(99)
    assert house.state(strategy) == "needs_attention"
    assert "changed its trading rules" in house.status(strategy).reason
    assert [o.slot.role for o in house.live(strategy)] == [Role.TAKE_PROFIT]


@fault("E17", "P1")
async def test_a_restart_still_knows_that_the_ladder_does_not_fit_the_rules(house: House):
    strategy = await running(house, active_safety_orders=1, volume_scale="2")
    house.venue.traded["BTC/USDT"] = market = a_market(min_notional=Decimal(150))
    house.desk.refresh("BTC/USDT", market)
    await house.reconcile()
    await house.price(99)
    for _ in range(2):
        assert house.state(strategy) == "needs_attention"
        assert "changed its trading rules" in house.status(strategy).reason
        assert [o.slot.role for o in house.live(strategy)] == [Role.TAKE_PROFIT]
        await house.crash()
        await house.start()
        await house.stand(99)


async def test_a_live_account_with_records_that_cannot_be_read_buys_nothing_beside_them(
    house: House,
):
    house.go_live(USDT="5000")
    first, second = await two(house)
    await house.start()
    await both_stand(house)
    await house.crash()
    by_hand(house, "UPDATE orders SET status = 'lost' WHERE strategy_id = :s", s=first)
    await house.start()
    await both_stand(house, 99)
    assert house.state(second) == "needs_attention"
    assert "records of another strategy" in house.status(second).reason
    assert house.attempts_of_take_profit(second)[-1].status is S.OPEN, "exits go on"


@fault("E16", "P1")
async def test_a_symbol_that_was_not_traded_at_the_start_is_taken_up_without_anybody_asking(
    house: House,
):
    strategy = await running(house)
    await house.crash()
    market = house.venue.traded.pop("BTC/USDT")
    await house.start()
    assert house.state(strategy) == "needs_attention"
    assert "not traded" in house.status(strategy).reason
    house.venue.traded["BTC/USDT"] = market
    poller = Poller(house.database, house.runners, lambda: house.worker)
    for _ in range(EVERYTHING_EACH):
        await poller.poll()
    await house.stand(100)
    assert house.state(strategy) == "running"
