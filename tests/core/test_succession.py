"""From cycle to cycle: when one is over and what the next one takes along."""

from __future__ import annotations

import pytest

from core.cycle import TAKE_PROFIT, DesiredState
from core.engine import is_over
from core.entry import Waiting, has_ended_for_good, waits_for
from core.errors import ImpossibleTransition
from core.succession import next_cycle, reparametrized
from tests.builders import (
    Play,
    a_quote,
    at,
    price,
    report,
    some_parameters,
    started,
)
from tests.core.engine_steps import LEVELS, STOP, D, S, want


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


def test_a_cycle_is_not_over_while_the_venue_reports_coins_whose_trades_are_missing():
    play = started()
    play.fill(TAKE_PROFIT)
    play.cancel_all(1)
    assert is_over(play.cycle)
    late = play.order(LEVELS[0])
    play(report(late, S.CANCELLED, 2, filled=D("0.5")))
    assert not is_over(play.cycle)
