"""What the person wants: pause, stop, close, finish, resume."""

from __future__ import annotations

import pytest

from core.cycle import BASE, TAKE_PROFIT, DesiredState, ExitReason, PassedLevels
from core.engine import is_over
from core.orders import Kind
from core.succession import next_cycle, totals
from tests.builders import (
    Play,
    a_cycle,
    at,
    price,
    started,
)
from tests.core.engine_steps import CLOSE, LEVELS, D, S, live, want


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
