"""Each level as planned beside what became of it, and why it has not fired."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT, DesiredState, PassedLevels
from core.events import RulesChanged
from core.orders import VANISHED, Role
from dashboard.planned_real import LevelState, compare
from dashboard.planned_why import WhyNot
from tests.builders import Play, a_cycle, a_fill, a_market, at, price, report, started
from tests.core.engine_steps import LEVELS, S, want
from tests.dashboard.cards import a_card

D = Decimal
LATER = at(60)


def rows(cycle, last=100, **changes):
    seconds = changes.get("seconds", 60)
    return compare(a_card(cycle, last, **changes), at(seconds))


def why(row):
    assert row.why_not is not None
    assert row.why_not.sentence.endswith(".")
    return row.why_not.code


def test_without_a_cycle_there_is_nothing_to_compare():
    assert compare(a_card(None), LATER) == ()


def test_levels_that_rest_wait_for_their_price():
    found = rows(started().cycle, 100)
    assert [row.number for row in found] == [0, 1, 2, 3]
    assert [row.planned_price for row in found] == [100, 99, 98, 97]
    assert [row.state for row in found] == [LevelState.FILLED, *[LevelState.RESTING] * 3]
    assert found[0].why_not is None
    assert (found[0].filled, found[0].average) == (D(1), D(100))
    assert found[1].planned_size == 100
    assert found[1].order is not None
    assert why(found[1]) is WhyNot.PRICE
    assert "fall 1.00\u202f% to 99.00 USDT" in found[1].why_not.sentence
    assert [row.why_different for row in found] == [()] * 4


def test_without_a_price_no_distance_is_made_up():
    found = rows(started().cycle, None)
    assert "%" not in found[1].why_not.sentence


def test_a_price_at_the_level_says_that_the_exchange_fills_it():
    assert "in its turn" in rows(started().cycle, 99)[1].why_not.sentence


def test_a_filled_level_has_its_average_and_no_reason():
    play = started()
    play.fill(LEVELS[0], seconds=5, price="98.5")
    first = rows(play.cycle)[1]
    assert (first.state, first.why_not) == (LevelState.FILLED, None)
    assert first.average == D("98.5")
    assert "below the planned 99.00: an order gets the better price" in first.why_different[0]


def test_beyond_what_may_rest_at_once_a_level_waits_for_those_above():
    found = rows(started(active_safety_orders=1).cycle)
    assert [row.state for row in found[1:]] == [
        LevelState.RESTING, LevelState.WAITING, LevelState.WAITING,
    ]  # fmt: skip
    assert [why(row) for row in found[2:]] == [WhyNot.ACTIVE_LIMIT] * 2
    assert "after 1 above it has filled" in found[2].why_not.sentence
    assert "after 2 above it have filled" in found[3].why_not.sentence


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"desired_state": DesiredState.PAUSED}, WhyNot.PAUSED),
        ({"effective_state": DesiredState.PAUSED}, WhyNot.HALTED),
        ({"desired_state": DesiredState.STOPPED}, WhyNot.STOPPED),
        ({"desired_state": DesiredState.CLOSED}, WhyNot.CLOSING),
        ({"silent": True}, WhyNot.SILENT),
        ({"observed_rev": None}, WhyNot.SETTLING),
        ({"desired_rev": 2}, WhyNot.SETTLING),
        ({"actual_state": "waiting", "reason": "The clock is wrong."}, WhyNot.HOLD),
        ({"actual_state": "needs_attention", "reason": "No key."}, WhyNot.HOLD),
        ({"price_is_fresh": False}, WhyNot.NO_PRICE),
        ({}, WhyNot.ABOUT_TO),
    ],
)
def test_what_holds_the_strategy_back_holds_its_levels_back(changes, code):
    """A level that is open and has no order: the cycle right after its first buy."""
    play = started()
    cycle = replace(play.cycle, orders=tuple(o for o in play.cycle.orders if o.slot != LEVELS[0]))
    row = rows(cycle, **changes)[1]
    assert (row.state, why(row)) == (LevelState.WAITING, code)
    if code is WhyNot.HOLD:
        assert row.why_not.sentence == changes["reason"]


def test_the_cap_is_said_in_the_workers_words():
    play = started()
    cycle = replace(play.cycle, orders=tuple(o for o in play.cycle.orders if o.slot != LEVELS[0]))
    said = a_card(cycle).reason
    row = rows(cycle, reason=f"{said} The account's cap of 100.00 USDT has no room.")[1]
    assert why(row) is WhyNot.CAP
    assert row.why_not.sentence == "The account's cap of 100.00 USDT has no room."


def not_taken(reason):
    """The second level is on its way, and the exchange does not take it."""
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE, price=100)
    play(report(play.order(LEVELS[1]), S.NOT_PLACED, 58, reason=reason))
    play.open_all(59)
    return play


def test_missing_money_is_said_with_the_time_of_the_next_try():
    play = not_taken("funds")
    row = rows(play.cycle)[2]
    assert (row.state, why(row)) == (LevelState.WAITING, WhyNot.NO_FUNDS)
    assert "not enough USDT is free" in row.why_not.sentence
    assert "tried again from" in row.why_not.sentence


def test_another_reason_of_the_exchange_is_said_too():
    play = not_taken("maintenance")
    row = rows(play.cycle)[2]
    assert why(row) is WhyNot.NOT_PLACED
    assert "maintenance" in row.why_not.sentence


def test_a_refused_level_is_refused_and_the_others_need_the_person():
    play = started()
    play(report(play.order(LEVELS[0]), S.CANCELLED, 1))
    play.cancel_all(2)
    found = rows(play.cycle)
    assert found[1].state is LevelState.REFUSED
    assert [why(row) for row in found[1:]] == [WhyNot.NEEDS_YOU] * 3


def test_after_trying_again_passed_levels_say_that_they_wait():
    play = started()
    play(report(play.order(LEVELS[0]), S.CANCELLED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "97.5"))
    play.open_all(4)
    found = rows(play.cycle, "97.5")
    assert [why(row) for row in found[1:]] == [WhyNot.PASSED, WhyNot.PASSED, WhyNot.PRICE]
    assert found[1].state is LevelState.WAITING


def test_a_level_that_the_person_skipped_is_left_out():
    play = started()
    play(want(DesiredState.PAUSED, 1, 100))
    play.cancel_all(2)
    event = replace(want(DesiredState.RUNNING, 3, "98.5"), passed_levels=PassedLevels.SKIP)
    play(event)
    play.open_all(4)
    found = rows(play.cycle, "98.5")
    assert (found[1].state, why(found[1])) == (LevelState.LEFT_OUT, WhyNot.SKIPPED)
    assert found[2].state is LevelState.RESTING


def test_an_order_that_nobody_knows_is_doubtful():
    play = started()
    play(report(play.order(LEVELS[0]), S.QUARANTINED, 1, reason=VANISHED))
    found = rows(play.cycle)
    assert (found[1].state, why(found[1])) == (LevelState.DOUBTFUL, WhyNot.UNKNOWN)
    assert why(found[2]) is WhyNot.BEING_CANCELLED


def test_before_the_first_buy_sizes_are_known_and_prices_are_not():
    found = rows(a_cycle(trigger_price="90"), 100)
    assert [row.planned_price for row in found] == [None] * 4
    assert [row.planned_size for row in found] == [100] * 4
    assert [why(row) for row in found] == [WhyNot.HOLD, *[WhyNot.FIRST_BUY] * 3]
    assert "at or below 90" in found[0].why_not.sentence


def test_a_first_buy_on_its_way_is_doubtful_until_the_exchange_answers():
    play = Play(a_cycle())
    play(price(100))
    found = rows(play.cycle)
    assert (found[0].state, why(found[0])) == (LevelState.DOUBTFUL, WhyNot.UNKNOWN)
    assert found[0].planned_price == 100


def test_a_first_buy_above_its_plan_says_why():
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE, price="101")
    first = rows(play.cycle)[0]
    assert "1.00\u202f% above the planned 100.00: a market order" in first.why_different[0]


def test_the_rest_of_a_level_says_how_much_had_filled_before():
    play = started()
    order = play.order(LEVELS[0])
    fill = a_fill(order, play.cycle.market, "0.5", seconds=5)
    play(report(order, S.CANCELLED, 6, filled=D("0.5"), fills=(fill,), expired=True))
    play(price(100, 30))
    play.open_all(31)
    row = rows(play.cycle)[1]
    assert (row.attempts, row.filled, row.state) == (2, D("0.5"), LevelState.RESTING)
    assert row.why_different[0].startswith("0.5\u202fBTC of it had filled before")


def test_other_trading_rules_are_the_reason_of_another_price():
    play = started()
    coarse = replace(play.cycle.market, tick_size=D("0.4"))
    play(RulesChanged(at(5), coarse))
    row = rows(play.cycle)[1]
    assert row.planned_price == D("98.8")
    assert "changed its trading rules" in row.why_different[0]


def test_a_level_below_the_minimum_is_left_out():
    play = started()
    cycle = replace(
        play.cycle,
        market=a_market(min_notional=D(500)),
        orders=tuple(o for o in play.cycle.orders if o.slot != LEVELS[0]),
    )
    row = rows(cycle)[1]
    assert (row.state, why(row)) == (LevelState.LEFT_OUT, WhyNot.MINIMUM)


BY_ITSELF = (WhyNot.PASSED, WhyNot.NO_FUNDS)
"""Reasons that a price or the time may end at this very moment."""
WHAT = ["fill", "gone", "refuse", "later", "pause", "run", "stop", "close", "lack"]
STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(0, 2)),
    max_size=10,
)


@given(STEPS, st.sampled_from(["95", "99", "100", "103", None]))
def test_whatever_happens_each_level_is_whole(steps, last):
    """A row for each level; one that has not filled says why; together they bought the position."""
    play = played(steps)
    found = compare(a_card(play.cycle, last, seconds=300), at(300))
    assert [row.number for row in found] == [0, 1, 2, 3]
    assert all((row.why_not is None) == (row.state is LevelState.FILLED) for row in found)
    assert sum(row.filled for row in found) == position(play.cycle).bought
    for row in found:
        assert row.why_not is None or row.why_not.sentence.endswith(".")


@given(STEPS, st.sampled_from(["95", "98.5", "100"]), st.integers(1, 3))
def test_the_engine_does_what_is_said(steps, last, active):
    """At a fresh price it places what is about to be placed, and nothing of which a reason is given."""
    play = played(steps, active_safety_orders=active)
    found = compare(a_card(play.cycle, last, seconds=300), at(300))
    play(price(last, 300))
    placed = {order.slot.level for order in play.placed() if order.slot.role is Role.SAFETY}
    for row in found[1:]:
        code = None if row.why_not is None else row.why_not.code
        if row.state is LevelState.WAITING and code not in BY_ITSELF:
            assert (row.number in placed) == (code is WhyNot.ABOUT_TO), row.why_not
        elif row.state is not LevelState.WAITING:
            assert row.number not in placed, row


def played(steps, **parameters):
    play = started(**parameters)
    for number, (what, level) in enumerate(steps, start=1):
        happen(play, what, LEVELS[level], number * 20)
    return play


WISHES = {
    "pause": DesiredState.PAUSED,
    "run": DesiredState.RUNNING,
    "stop": DesiredState.STOPPED,
    "close": DesiredState.CLOSED,
}


def happen(play, what, slot, seconds):
    attempts = play.cycle.attempts(slot)
    live = attempts[-1] if attempts and attempts[-1].status is S.OPEN else None
    if what == "fill" and live is not None:
        play.fill(slot, seconds=seconds)
    elif what == "gone" and live is not None:
        play(report(live, S.QUARANTINED, seconds, reason=VANISHED))
    elif what == "refuse" and live is not None:
        play(report(live, S.CANCELLED, seconds))
    elif what in WISHES:
        play(want(WISHES[what], seconds, 100))
    elif what == "lack":
        play(price("100.5", seconds))
        for order in play.cycle.attempts(slot):
            if order.status is S.SENDING:
                play(report(order, S.NOT_PLACED, seconds, reason="funds"))
    else:
        play(price("100.5", seconds))
        play.cancel_all(seconds + 1)
    play.open_all(seconds + 2)
    assert play.cycle.attempts(TAKE_PROFIT)
