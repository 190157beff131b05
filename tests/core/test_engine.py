"""`step`, one rule of DESIGN 2.1 and 2.2 at a time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT, DesiredState, ExitReason, PassedLevels
from core.engine import is_over, step
from core.entry import Waiting, has_ended_for_good, waits_for
from core.errors import ImpossibleTransition
from core.events import CancelOrder, PriceSeen, TimePassed, WantedChanged
from core.market import FeeCurrency, Side
from core.order_ids import client_order_id
from core.orders import Kind, OrderStatus, Role, Slot
from core.slots import attention
from core.succession import next_cycle, reparametrized, totals
from core.triggers import watch
from tests.builders import (
    IDENTITY,
    Play,
    a_cycle,
    a_fill,
    a_market,
    a_quote,
    at,
    price,
    report,
    some_parameters,
    started,
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


# The base order.


def test_a_price_starts_the_cycle_with_a_market_order_of_the_base_size():
    play = Play(a_cycle())
    [base] = [command.order for command in play(price(50))]
    assert (base.slot, base.kind, base.side, base.quantity) == (BASE, Kind.MARKET, Side.BUY, D(2))
    assert base.status is S.SENDING
    assert base.client_order_id == client_order_id(IDENTITY, 1, BASE, 1)


def test_nothing_starts_without_a_price():
    assert Play(a_cycle())(TimePassed(at(0))) == ()


def test_the_ladder_and_the_take_profit_follow_the_fill():
    play = started(base_price=100)
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}
    assert play.order(TAKE_PROFIT).price == D("101.00")
    assert [play.order(slot).price for slot in LEVELS] == [D(99), D(98), D(97)]


def test_a_base_order_that_expired_in_part_is_placed_again_for_the_rest():
    play = Play(a_cycle())
    play(price(100))
    partly(play, BASE, "0.6", status=S.CANCELLED, expired=True)
    play(price(100, 1))
    second = play.order(BASE)
    assert (second.attempt, second.quantity) == (2, D("0.4"))


def test_a_rest_below_the_minima_is_not_placed_again():
    play = Play(a_cycle())
    play(price(100))
    partly(play, BASE, "0.96", status=S.CANCELLED, expired=True)
    play(price(100, 1))
    assert len(play.cycle.attempts(BASE)) == 1
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}


def test_a_rest_that_falls_below_the_minima_with_the_price_is_not_fought_for():
    play = Play(a_cycle(base_order_size="6"))
    play(price(100))
    partly(play, BASE, "0.01", status=S.CANCELLED, expired=True)
    play(price(90, 1))
    play(report(play.order(BASE), S.REFUSED, 1, reason="min_notional"))
    assert attention(play.cycle) is None
    assert is_over(play.cycle)
    assert totals(play.cycle).dust.quantity == D("0.01")


def test_a_limit_base_order_rests_at_the_bid_and_follows_it_every_thirty_seconds():
    play = Play(a_cycle(base_order_type="limit"))
    play(PriceSeen(at(0), a_quote(100, 101)))
    assert (play.order(BASE).kind, play.order(BASE).price) == (Kind.LIMIT, D(100))
    play.open_all()
    assert play(PriceSeen(at(29), a_quote(102, 103))) == ()
    waits = watch(play.cycle, at(29))
    assert waits.alarm == at(30)
    [cancel] = play(PriceSeen(at(30), a_quote(102, 103)))
    assert isinstance(cancel, CancelOrder)
    play.cancel_all(30)
    play(PriceSeen(at(31), a_quote(102, 103)))
    assert (play.order(BASE).attempt, play.order(BASE).price) == (2, D(102))


def test_a_limit_base_order_wakes_on_a_price_that_differs_after_thirty_seconds():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(price(100, 40))
    assert watch(play.cycle, at(40)).is_due(D(101), at(41))


def test_a_limit_base_order_is_given_up_after_five_minutes_and_keeps_what_it_bought():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    partly(play, BASE, "0.5", 10)
    play(price(100, 299))
    assert play.order(BASE).status is S.OPEN
    play(price(100, 300))
    assert play.order(BASE).status is S.CANCELLING
    play.cancel_all(301)
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}
    assert len(play.cycle.attempts(BASE)) == 1


def test_an_unfilled_limit_base_order_that_was_given_up_is_tried_anew():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(price(100, 300))
    play.cancel_all(300)
    play(price(100, 301))
    play.open_all(301)
    assert play.order(BASE).attempt == 2
    play(price(100, 400))
    assert play.order(BASE).status is S.OPEN


# The take profit.


def test_a_filled_level_moves_the_take_profit_only_after_its_cancel_is_confirmed():
    play = started()
    play.fill(LEVELS[0])
    assert play.order(TAKE_PROFIT).status is S.CANCELLING
    assert play.placed() == []
    play.cancel_all()
    moved = play.order(TAKE_PROFIT)
    assert (moved.status, moved.attempt) == (S.SENDING, 2)
    assert moved.quantity == position(play.cycle).quantity
    assert moved.price == D(
        "100.50"
    )  # the average of 1 @ 100 and 1.01 @ 99, plus 1 %, up to the tick


def test_a_partial_fill_leaves_the_take_profit_for_ten_seconds():
    play = started()
    partly(play, LEVELS[0], "0.5", 5)
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert watch(play.cycle, at(5)).alarm == at(15)
    play(TimePassed(at(14)))
    assert play.order(TAKE_PROFIT).status is S.OPEN
    play(TimePassed(at(15)))
    assert play.order(TAKE_PROFIT).status is S.CANCELLING


def test_nothing_is_sized_while_trades_are_missing():
    play = started()
    order = play.order(LEVELS[0])
    play(report(order, S.FILLED, 1, filled=order.quantity))
    play(TimePassed(at(60)))
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert play.order(LEVELS[0]).is_live


def test_the_last_crumbs_of_a_take_profit_may_fill():
    play = started(max_safety_orders=0)
    partly(play, TAKE_PROFIT, "0.98", 5)
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert not is_over(play.cycle)
    play.fill(TAKE_PROFIT, seconds=6)
    assert is_over(play.cycle)


def test_the_last_crumbs_of_a_level_may_fill():
    play = started()
    partly(play, LEVELS[0], "0.98", 5)
    play(TimePassed(at(60)))
    assert play.order(LEVELS[0]).status is S.OPEN


def test_a_level_that_expired_in_part_is_placed_again_for_the_rest():
    play = started()
    partly(play, LEVELS[0], "0.5", 5, status=S.CANCELLED, expired=True)
    again = play.order(LEVELS[0])
    assert (again.attempt, again.quantity) == (2, D("0.51"))


def test_a_level_that_fills_beside_the_take_profit_continues_the_cycle():
    play = started()
    play.fill(TAKE_PROFIT)
    assert not is_over(play.cycle)
    assert all(order.status is S.CANCELLING for order in play.cycle.live())
    play.fill(LEVELS[0], seconds=1)
    play.cancel_all(2)
    assert not is_over(play.cycle)
    assert play.order(TAKE_PROFIT).quantity == D("1.01")
    assert play.order(TAKE_PROFIT).price == D("100.50")


def test_dust_is_carried_at_cost_and_sold_with_the_next_cycle():
    fee = D("0.001")
    market = a_market(
        lot_size=D("0.1"), maker_fee=fee, taker_fee=fee, fee_currency=FeeCurrency.BASE
    )
    play = started(market, max_safety_orders=0)
    assert play.order(TAKE_PROFIT).quantity == D("0.9")
    play.fill(TAKE_PROFIT)
    assert is_over(play.cycle)
    after = next_cycle(play.cycle, at(5), play.cycle.parameters, market)
    assert after.carried.quantity == D("0.099")
    assert after.carried.cost == pytest.approx(D("0.099") / D("0.999") * 100)
    again = Play(after)
    again(price(100, 6))
    again.fill(BASE, price=100)
    assert again.order(TAKE_PROFIT).quantity == D("1.0")
    assert position(again.cycle).average_entry_price == 100


# What the person wants.


@pytest.mark.parametrize("wanted", [DesiredState.PAUSED, DesiredState.STOPPED])
def test_pausing_and_stopping_cancel_the_buys(wanted):
    play = started()
    play(want(wanted, 1))
    assert all(play.order(slot).status is S.CANCELLING for slot in LEVELS)
    kept = play.order(TAKE_PROFIT).status
    assert kept is (S.OPEN if wanted is DesiredState.PAUSED else S.CANCELLING)


def test_stopped_keeps_the_coins_and_the_cycle():
    play = started()
    play(want(DesiredState.STOPPED, 1))
    play.cancel_all(2)
    play(price(200, 3))
    assert not live(play)
    assert not is_over(play.cycle)
    play(want(DesiredState.RUNNING, 4, 100))
    assert play.order(TAKE_PROFIT).status is S.SENDING


def test_released_coins_are_booked_at_the_price_of_the_day():
    play = started()
    play(want(DesiredState.STOPPED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, 80, release_at=D(80)))
    assert is_over(play.cycle)
    assert totals(play.cycle).realized_pnl == -20
    assert totals(play.cycle).ended_by == "released"
    after = next_cycle(play.cycle, at(4), play.cycle.parameters, play.cycle.market)
    assert after.carried.quantity == 0


def test_closing_sells_everything_once_the_take_profit_is_out_of_the_way():
    play = started()
    play(want(DesiredState.CLOSED, 1, 95))
    assert play.placed() == []
    play.cancel_all(2)
    play(price(95, 3))
    sale = play.order(CLOSE)
    assert (sale.kind, sale.quantity, sale.price) == (Kind.MARKET, D(1), D("94.05"))
    play.fill(CLOSE, seconds=4, price=95)
    assert is_over(play.cycle)
    assert totals(play.cycle).ended_by == "closed"


def test_closing_while_the_base_order_is_on_its_way_sells_what_still_arrives():
    play = Play(a_cycle())
    play(price(100))
    play(want(DesiredState.CLOSED, 1, 100))
    play.fill(BASE, seconds=2, price=100)
    assert play.cycle.exit is ExitReason.CLOSED
    play(price(100, 3))
    assert play.order(CLOSE).quantity == D(1)


def test_closing_cancels_a_base_order_that_rests():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(want(DesiredState.CLOSED, 1, 100))
    assert play.order(BASE).status is S.CANCELLING


def test_finishing_ends_after_this_cycle_and_buys_nothing_that_was_not_begun():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(want(DesiredState.FINISHING, 1))
    assert play.order(BASE).status is S.CANCELLING
    running = started()
    running(want(DesiredState.FINISHING, 1))
    assert all(running.order(slot).status is S.OPEN for slot in LEVELS)


@pytest.mark.parametrize(
    ("choice", "resting"),
    [
        (PassedLevels.WAIT, [LEVELS[2]]),
        (PassedLevels.SKIP, [LEVELS[2]]),
        (PassedLevels.BUY, LEVELS),
    ],
)
def test_levels_passed_meanwhile_are_bought_only_on_request(choice, resting):
    play = started()
    play(want(DesiredState.PAUSED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "97.5", passed_levels=choice))
    assert [slot for slot in LEVELS if slot in live(play)] == resting
    play(price("98.5", 4))
    waits = choice is PassedLevels.WAIT
    assert (LEVELS[1] in live(play)) is (waits or choice is PassedLevels.BUY)


def test_a_resume_without_a_price_holds_every_level_until_there_is_one():
    play = started()
    play(want(DesiredState.PAUSED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3))
    assert set(live(play)) == {TAKE_PROFIT}
    play(price("98.5", 4))
    assert set(live(play)) == {TAKE_PROFIT, LEVELS[1], LEVELS[2]}


# Refusals, cancels by hand and back-off.


def test_a_refused_order_stops_buying_until_the_person_tries_again():
    fresh = Play(a_cycle())
    fresh(price(100))
    fresh.fill(BASE, price=100)
    fresh(report(fresh.order(LEVELS[0]), S.REFUSED, 1, reason="filter"))
    found = attention(fresh.cycle)
    assert found is not None
    assert (found.code, found.slot) == ("refused", LEVELS[0])
    fresh.open_all(2)
    fresh.cancel_all(3)
    assert set(live(fresh)) == {TAKE_PROFIT}
    fresh(price(100, 500))
    assert set(live(fresh)) == {TAKE_PROFIT}
    fresh(want(DesiredState.RUNNING, 600, 100))
    assert set(live(fresh)) == {TAKE_PROFIT, *LEVELS}
    assert fresh.order(LEVELS[0]).attempt == 2


def test_after_trying_again_passed_levels_wait():
    play = started()
    play(report(play.order(LEVELS[0]), S.CANCELLED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "97.5"))
    assert set(live(play)) == {TAKE_PROFIT, LEVELS[2]}


def test_an_empty_cycle_that_needs_the_person_is_not_followed_by_another():
    play = started()
    play(report(play.order(LEVELS[0]), S.CANCELLED, 1))
    play.cancel_all(2)
    play.fill(TAKE_PROFIT, seconds=3)
    assert not is_over(play.cycle)
    play(want(DesiredState.RUNNING, 4, 100))
    assert is_over(play.cycle)


def test_an_order_cancelled_by_hand_is_not_fought():
    play = started()
    play(report(play.order(TAKE_PROFIT), S.CANCELLED, 1))
    found = attention(play.cycle)
    assert found is not None
    assert found.code == "cancelled_by_you"
    play(price(100, 1000))
    assert len(play.cycle.attempts(TAKE_PROFIT)) == 1
    play(want(DesiredState.RUNNING, 1001, 100))
    assert play.order(TAKE_PROFIT).status is S.SENDING


def test_what_was_not_placed_is_tried_again_later_and_later():
    play = Play(a_cycle())
    now = 0
    for pause in (5, 10, 20, 40, 80, 160, 300, 300):
        play(price(100, now))
        play(report(play.order(BASE), S.NOT_PLACED, now, reason="funds"))
        assert play(price(100, now + pause - 1)) == ()
        assert watch(play.cycle, at(now)).not_before == at(now + pause)
        now += pause
    assert len(play(price(100, now))) == 1


def test_insufficient_funds_defer_that_level_only():
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE, price=100)
    play(report(play.order(LEVELS[1]), S.NOT_PLACED, 1, reason="funds"))
    play.open_all(2)
    assert set(live(play)) == {TAKE_PROFIT, LEVELS[0], LEVELS[2]}
    play(price(100, 6))
    assert play.order(LEVELS[1]).attempt == 2


def test_a_quarantined_order_stops_buying_and_sells_no_guess():
    play = started()
    play.fill(LEVELS[0])
    play.cancel_all()
    play(report(play.order(TAKE_PROFIT), S.QUARANTINED, 1))
    play(price(100, 1000))
    assert len([o for o in play.cycle.live() if o.side is Side.SELL]) == 1
    assert attention(play.cycle) is not None


# Exits.


def test_a_stop_loss_wants_two_agreeing_quotes():
    play = started(stop_loss="0.05")
    dip = a_quote(90, previous_bid=D(100))
    play(PriceSeen(at(1), dip))
    assert play.cycle.exit is None
    play(PriceSeen(at(2), a_quote(90)))
    assert play.cycle.exit is ExitReason.STOP_LOSS


def test_a_stop_loss_once_decided_stays_decided():
    play = started(stop_loss="0.05")
    play(price(94, 1))
    play(price(200, 2))
    assert play.cycle.exit is ExitReason.STOP_LOSS
    play.cancel_all(3)
    play(price(200, 4))
    assert play.order(STOP).kind is Kind.MARKET


def test_an_exit_stays_within_a_collar_that_widens_after_thirty_seconds():
    play = started(stop_loss="0.05")
    play(price(94, 1))
    play.cancel_all(1)
    play(price(94, 2))
    assert play.order(STOP).price == D("93.06")
    play(report(play.order(STOP), S.CANCELLED, 3, expired=True))
    assert play(price(90, 3)) == ()
    play(price(90, 31))
    assert play.order(STOP).price == D("85.50")


def test_an_exit_that_filled_in_part_goes_on_with_the_rest():
    play = started(stop_loss="0.05")
    play(price(94, 1))
    play.cancel_all(1)
    play(price(94, 2))
    partly(play, STOP, "0.3", 3, status=S.CANCELLED, expired=True)
    play(price(94, 3))
    assert (play.order(STOP).attempt, play.order(STOP).quantity) == (2, D("0.7"))


def test_a_flat_cycle_cannot_be_stopped_out():
    play = started(stop_loss="0.05")
    play.fill(TAKE_PROFIT)
    play(price(50, 1))
    assert play.cycle.exit is None
    play.cancel_all(2)
    assert is_over(play.cycle)
    after = next_cycle(play.cycle, at(3), play.cycle.parameters, play.cycle.market)
    assert after.stop_losses_in_row == 0


def test_an_exit_too_small_to_sell_ends_as_dust():
    play = started(base_order_size="6", max_safety_orders=0)
    play(want(DesiredState.CLOSED, 1, 50))
    play.cancel_all(2)
    play(price(50, 3))
    play(report(play.order(CLOSE), S.REFUSED, 4, reason="min_notional"))
    assert attention(play.cycle) is None
    assert is_over(play.cycle)
    assert totals(play.cycle).dust.quantity == D("0.06")


def test_trailing_follows_the_peak_and_keeps_it():
    play = started(trailing_deviation="0.005")
    assert TAKE_PROFIT not in live(play)
    play(price("100.9", 1))
    assert not play.cycle.peak
    play(price(102, 2))
    assert play.cycle.peak == 102
    play(price("101.6", 3))
    assert play.cycle.exit is None
    play(price("101.49", 4))
    assert play.cycle.exit is ExitReason.TRAILING


def test_an_order_report_does_not_stop_what_a_price_has_not_stopped():
    play = started(stop_loss="0.05")
    play(report(play.order(LEVELS[0]), S.OPEN, 1, quote=a_quote(50)))
    assert play.cycle.exit is None
    assert watch(play.cycle, at(1)).is_due(D(50), at(1))


# From cycle to cycle.


def test_a_cycle_that_is_not_over_has_no_successor():
    play = started()
    with pytest.raises(ImpossibleTransition):
        next_cycle(play.cycle, at(1), play.cycle.parameters, play.cycle.market)
    with pytest.raises(ImpossibleTransition):
        reparametrized(play.cycle, play.cycle.parameters, play.cycle.market)


def stopped_out(**parameters) -> Play:
    play = started(stop_loss="0.05", max_safety_orders=0, **parameters)
    play(price(94, 1))
    play.cancel_all(1)
    play(price(94, 2))
    play.fill(STOP, seconds=3, price=94)
    rules = play.cycle.parameters
    return Play(next_cycle(play.cycle, at(3), rules, play.cycle.market))


def test_after_a_stop_loss_only_the_person_starts_again():
    play = stopped_out()
    assert has_ended_for_good(play.cycle) is Waiting.STOPPED_BY_STOP_LOSS
    assert play(price(94, 100_000)) == ()
    play(want(DesiredState.RUNNING, 100_001))
    assert len(play(price(94, 100_002))) == 1


def test_a_stop_loss_cooldown_delays_the_next_cycle():
    play = stopped_out(after_stop_loss="continue", stop_loss_cooldown=600)
    waiting = waits_for(play.cycle, at(602), a_quote(94))
    assert waiting is not None
    assert waiting.reason is Waiting.COOLDOWN
    assert play(price(94, 602)) == ()
    assert len(play(price(94, 603))) == 1


def test_new_parameters_start_reinvesting_anew():
    play = started(reinvest="1")
    play.fill(TAKE_PROFIT)
    play.cancel_all()
    same = next_cycle(play.cycle, at(1), play.cycle.parameters, play.cycle.market)
    assert same.reinvested == 1
    assert same.size_factor == D("1.0025")
    other = some_parameters(reinvest="0.5")
    changed = next_cycle(play.cycle, at(1), other, play.cycle.market)
    assert changed.reinvested == 1
    assert reparametrized(same, other, same.market).size_factor == 1


def test_an_unknown_order_changes_nothing():
    play = started()
    stranger = report(play.order(BASE), S.FILLED, 1)
    other = Play(a_cycle())
    assert step(other.cycle, stranger) == (other.cycle, ())


def test_an_exit_waits_for_the_trades_that_are_still_missing():
    play = started(stop_loss="0.05")
    order = play.order(LEVELS[0])
    play(report(order, S.FILLED, 1, filled=order.quantity))
    play(price(94, 2))
    play.cancel_all(3)
    play(price(94, 4))
    assert STOP not in live(play)
    play.fill(LEVELS[0], seconds=5)
    play(price(94, 6))
    assert play.order(STOP).quantity == D("2.01")


def test_a_cycle_is_not_over_while_the_venue_reports_coins_whose_trades_are_missing():
    play = started()
    play.fill(TAKE_PROFIT)
    play.cancel_all(1)
    assert is_over(play.cycle)
    late = play.order(LEVELS[0])
    play(report(late, S.CANCELLED, 2, filled=D("0.5")))
    assert not is_over(play.cycle)


def test_a_level_that_waits_for_its_price_wakes_above_it():
    play = started()
    play(want(DesiredState.PAUSED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "97.5"))
    assert watch(play.cycle, at(3)).above == 98
    assert watch(play.cycle, at(3)).is_due(D("98.5"), at(4))
