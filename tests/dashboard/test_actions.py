"""What a person can ask for, and what is said before it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.cycle import DesiredState
from dashboard import actions, risk, strategy_cards
from dashboard.actions import Action, consequences, passed_levels, possible
from db import reports
from db.accounts import AccountKind
from db.transactions import run
from tests.dashboard import stand_in
from tests.db.people import a_strategy

# The made-up price is a function of time: at this minute the strategy holds coins and waits for its levels.
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@pytest.fixture
def card(world):
    """A strategy that holds coins."""
    strategy_id = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    stand_in.trade(world.engine, strategy_id, NOW, 60)
    (found,) = run(world.engine, lambda s: reports.home(s, world.ann, at=NOW))
    assert actions.holds_coins(found)
    return found


def wanting(card, state, actual="paused", **more):
    return replace(card, desired_state=state, effective_state=state, actual_state=actual, **more)


@pytest.mark.parametrize(
    ("state", "actual", "offered"),
    [
        ("running", "running", "finish pause stop close"),
        ("finishing", "finishing", "run pause stop close"),
        ("paused", "paused", "run finish stop close"),
        ("stopped", "stopped", "start_again close"),
        ("closed", "stopping", "start_again stop"),
        ("running", "stopped", "start_again close"),
        ("running", "needs_attention", "try_again finish pause stop close"),
    ],
)
def test_what_is_offered_depends_on_what_is(card, state, actual, offered):
    found = possible(wanting(card, DesiredState(state), actual))
    assert [str(action) for action in found] == offered.split()


def test_after_a_halt_run_is_offered_although_running_is_wanted(card):
    halted = replace(card, effective_state=DesiredState.PAUSED)
    assert Action.RUN in possible(halted)


def test_every_action_says_what_it_will_do(card):
    for action in Action:
        sentences = consequences(card, action)
        assert sentences
        assert all(sentence.endswith((".", "!")) for sentence in sentences)


def test_every_action_can_be_said_of_a_strategy_that_has_done_nothing(card):
    empty = replace(card, cycle=None, position=None, last_price=None, unrealized_pnl=None)
    for action in Action:
        assert consequences(empty, action)
        assert passed_levels(empty, action) == ()


def test_closing_names_what_is_sold_and_that_it_cannot_be_undone(card):
    said = " ".join(consequences(card, Action.CLOSE))
    assert "PRACTICE1" in said
    assert "cannot be undone" in said
    assert "gain" in said or "loss" in said


def test_stopping_says_that_nobody_watches_the_coins(card):
    assert "no take profit and no stop loss" in " ".join(consequences(card, Action.STOP))


def test_levels_that_the_price_has_passed_are_asked_about_with_their_cost(card):
    resting = tuple(o for o in card.cycle.orders if not o.is_live)
    paused = wanting(
        replace(card, cycle=replace(card.cycle, orders=resting)),
        DesiredState.PAUSED,
        last_price=card.last_price * Decimal("0.9"),
    )
    passed = passed_levels(paused, Action.RUN)
    assert passed
    assert all(level.planned_price > paused.last_price for level in passed)
    assert all(level.cost < level.planned_price * level.quantity for level in passed)
    assert passed_levels(paused, Action.PAUSE) == ()


def test_starting_again_with_coins_asks_what_happens_to_them(card):
    stopped = wanting(card, DesiredState.STOPPED, "stopped")
    assert actions.asks_about_coins(stopped, Action.START_AGAIN)
    assert not actions.asks_about_coins(stopped, Action.RUN)


def test_a_deeper_fall_never_loses_less(card):
    found = risk.risk_of(card)
    results = [found.results[fall] for fall in risk.FALLS]
    assert results == sorted(results, reverse=True)
    assert results[-1] < 0


def test_without_a_price_no_loss_is_named(card):
    found = risk.risk_of(replace(card, last_price=None))
    assert found.results == {}
    assert not found.is_complete


def test_kinds_and_quote_coins_are_never_added_up(card):
    others = [
        replace(card, symbol="BTC/EUR"),
        replace(card, account_kind=AccountKind.PAPER),
        card,
    ]
    shelves = strategy_cards.shelves([*others, card])
    assert [(shelf.kind.value, shelf.quote, len(shelf.cards)) for shelf in shelves] == [
        ("paper", "USDT", 1),
        ("simulated", "EUR", 1),
        ("simulated", "USDT", 2),
    ]


def test_what_needs_the_person_comes_first(card):
    calm = replace(card, name="a")
    broken = replace(card, name="z", actual_state="needs_attention")
    poor = replace(card, name="y", missing=Decimal(5))
    over = replace(card, name="b", actual_state="stopped")
    (shelf,) = strategy_cards.shelves([over, calm, poor, broken])
    assert [found.name for found in shelf.cards] == ["z", "y", "a", "b"]
