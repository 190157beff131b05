"""Exits: stop loss, trailing, collars, and what is too small to sell."""

from __future__ import annotations

from core.cycle import TAKE_PROFIT, DesiredState, ExitReason
from core.engine import is_over
from core.events import PriceSeen
from core.orders import Kind
from core.slots import attention
from core.succession import next_cycle, totals
from core.triggers import watch
from tests.builders import (
    a_quote,
    at,
    price,
    report,
    started,
)
from tests.core.engine_steps import CLOSE, LEVELS, STOP, D, S, live, partly, want


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
