"""How far it is to the next buy and to the take profit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.cycle import TAKE_PROFIT, DesiredState
from core.orders import VANISHED
from dashboard.distances import Distance, Distances, distances
from tests.builders import a_cycle, price, report, started
from tests.core.engine_steps import LEVELS, S, want
from tests.dashboard.cards import a_card

D = Decimal


def test_the_next_buy_is_the_highest_that_rests_and_the_take_profit_the_one_that_rests():
    found = distances(a_card(started().cycle, 100))
    assert found.next_buy == Distance(D(99), D("-0.01"), 1)
    assert found.take_profit == Distance(D(101), D("0.01"))


def test_a_level_that_has_filled_is_not_the_next():
    play = started()
    play.fill(LEVELS[0], seconds=5)
    assert distances(a_card(play.cycle, 99)).next_buy == Distance(D(98), D(98) / 99 - 1, 2)


def test_without_a_price_there_is_a_price_but_no_fraction():
    found = distances(a_card(started().cycle, None))
    assert found.next_buy == Distance(D(99), None, 1)
    assert found.take_profit == Distance(D(101), None)


def test_without_a_cycle_nothing_is_known():
    assert distances(a_card(None)) == Distances(None, None)


def test_a_waiting_cycle_knows_only_a_price_that_must_come_down():
    assert distances(a_card(a_cycle(), 100)) == Distances(None, None)
    found = distances(a_card(a_cycle(trigger_price="90"), 100))
    assert found == Distances(Distance(D(90), D("-0.1"), 0), None)
    assert distances(a_card(a_cycle(trigger_price="90"), 90)).next_buy is None


def test_a_paused_strategy_has_no_next_buy_but_a_take_profit():
    play = started()
    play(want(DesiredState.PAUSED, 1, 100))
    play.cancel_all(2)
    found = distances(a_card(play.cycle, 100))
    assert found.next_buy is None
    assert found.take_profit is not None


def test_under_a_halt_no_buy_is_next_but_one_that_still_rests_may_fill():
    card = a_card(started().cycle, 100, effective_state=DesiredState.PAUSED)
    assert distances(card).next_buy == Distance(D(99), D("-0.01"), 1)


def test_a_stopped_strategy_has_neither():
    play = started()
    play(want(DesiredState.STOPPED, 1, 100))
    play.cancel_all(2)
    assert distances(a_card(play.cycle, 100)) == Distances(None, None)


def test_a_strategy_that_needs_its_person_has_no_next_buy():
    play = started()
    play(report(play.order(LEVELS[0]), S.REFUSED, 1))
    play(report(play.order(LEVELS[0]), S.CANCELLED, 1))
    play.cancel_all(2)
    assert distances(a_card(play.cycle, 100)).next_buy is None


def test_an_order_that_may_exist_is_the_next_buy():
    play = started()
    play(report(play.order(LEVELS[0]), S.QUARANTINED, 1, reason=VANISHED))
    play.cancel_all(2)
    assert distances(a_card(play.cycle, 100)).next_buy == Distance(D(99), D("-0.01"), 1)


def test_levels_that_wait_to_be_passed_again_are_not_the_next():
    play = started()
    cycle = replace(
        play.cycle,
        orders=tuple(o for o in play.cycle.orders if o.slot not in LEVELS),
        held=frozenset({1}),
        skipped=frozenset({2}),
    )
    assert distances(a_card(cycle, 100)).next_buy == Distance(D(97), D("-0.03"), 3)


def test_trailing_first_waits_for_its_start_and_then_follows():
    play = started(trailing_deviation="0.005")
    assert play.cycle.attempts(TAKE_PROFIT) == []
    assert distances(a_card(play.cycle, 100)).take_profit == Distance(D(101), D("0.01"))
    play(price(102, 10))
    found = distances(a_card(play.cycle, 102)).take_profit
    assert found == Distance(D("101.49"), D("101.49") / 102 - 1, trails=True)


def test_an_exit_that_is_under_way_waits_for_no_price():
    play = started()
    play(want(DesiredState.CLOSED, 1, 100))
    assert distances(a_card(play.cycle, 100)).take_profit is None
