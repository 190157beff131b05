"""Orders that the venue had and does not show any more: never assumed away, healed when they turn up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.actual_state import ActualState, state_of
from core.cycle import TAKE_PROFIT, DesiredState
from core.market import Side
from core.orders import TRANSITIONS, VANISHED, OrderStatus, OrderUpdate, merge
from core.reserve import at_stake
from core.slots import attention
from core.story import tell
from tests.builders import at, filled, report, started
from tests.core.engine_steps import LEVELS, S, live, want
from tests.faults import fault

pytestmark = [fault("E10")]


def vanished(play, slot, seconds=1):
    return report(play.order(slot), S.QUARANTINED, seconds, reason=VANISHED)


def test_only_orders_that_may_exist_can_be_quarantined():
    into = {status for status, targets in TRANSITIONS.items() if S.QUARANTINED in targets}
    assert into == {S.SENDING, S.OPEN, S.CANCELLING}


def test_it_keeps_its_slot_counts_whole_and_stops_the_buys():
    play = started()
    whole = at_stake(play.cycle)
    before, event = play.cycle, vanished(play, LEVELS[1])
    play(event)
    assert at_stake(play.cycle) == whole
    assert [e.code for e in tell(before, play.cycle, event)] == ["order_vanished"]
    play.cancel_all(2)
    assert live(play) == {TAKE_PROFIT: "open", LEVELS[1]: "quarantined"}
    state, sentence = state_of(play.cycle, at(2), None)
    assert state is ActualState.NEEDS_ATTENTION
    assert "safety 2" in sentence


def test_no_silence_proves_that_it_never_existed():
    play = started()
    play(vanished(play, LEVELS[1]))
    play(report(play.order(LEVELS[1]), S.NOT_ACCEPTED, 2))
    assert play.order(LEVELS[1]).status is S.QUARANTINED


@pytest.mark.parametrize("seen", [{"venue_order_id": "7"}, {"cancel_asked": True}])
def test_an_order_that_was_shown_once_is_never_not_accepted(seen):
    order = replace(started().order(LEVELS[0]), status=S.SENDING, **seen)
    update = OrderUpdate(order.client_order_id, OrderStatus.NOT_ACCEPTED)
    assert merge(order, update, at(1)).status is S.SENDING


@pytest.mark.parametrize(
    "wanted", [DesiredState.RUNNING, DesiredState.STOPPED, DesiredState.CLOSED]
)
def test_no_button_frees_it(wanted):
    play = started()
    play(vanished(play, LEVELS[1]))
    play(want(wanted, 2, 100))
    play.cancel_all(3)
    assert play.order(LEVELS[1]).status is S.QUARANTINED
    assert state_of(play.cycle, at(3), None)[0] is ActualState.NEEDS_ATTENTION


def test_a_vanished_take_profit_lets_nothing_be_sold_twice():
    play = started(stop_loss="0.05")
    play(vanished(play, TAKE_PROFIT))
    play(want(DesiredState.CLOSED, 2, 90))
    sells = [order for order in play.cycle.live() if order.side is Side.SELL]
    assert [order.slot for order in sells] == [TAKE_PROFIT]


def test_one_that_turns_up_open_goes_on():
    play = started()
    play(vanished(play, LEVELS[1]))
    play.cancel_all(2)
    play(report(play.order(LEVELS[1]), S.OPEN, 3))
    assert attention(play.cycle) is None
    assert play.order(LEVELS[1]).status is S.OPEN
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}


def test_its_trades_heal_it():
    play = started()
    play(vanished(play, LEVELS[0]))
    play(filled(play.order(LEVELS[0]), play.cycle.market, seconds=3))
    assert play.order(LEVELS[0]).status is S.FILLED
    assert attention(play.cycle) is None
