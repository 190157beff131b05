"""Refusals, cancels by hand, back-off, and orders that nobody knows."""

from __future__ import annotations

import itertools

from core.cycle import BASE, TAKE_PROFIT, DesiredState
from core.engine import is_over, step
from core.market import Side
from core.slots import attention
from core.triggers import watch
from tests.builders import (
    Play,
    a_cycle,
    at,
    price,
    report,
    started,
)
from tests.core.engine_steps import LEVELS, S, live, want
from tests.faults import fault


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


def test_an_unknown_order_changes_nothing():
    play = started()
    stranger = report(play.order(BASE), S.FILLED, 1)
    other = Play(a_cycle())
    assert step(other.cycle, stranger) == (other.cycle, ())


@fault("E35")
def test_an_order_that_the_venue_ends_at_once_again_and_again_is_tried_less_and_less_often():
    play = started()
    times: list[float] = []
    now = 0.0
    while len(times) < 8:
        level = play.order(LEVELS[0])
        if level.status is S.SENDING:
            times.append(now)
            play(report(level, S.CANCELLED, now, expired=True))
        elif not times:
            play(report(level, S.CANCELLED, now, expired=True))
            times.append(now)
        now += 1
        play(price(100, now))
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64]
