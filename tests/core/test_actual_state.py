"""What a strategy is said to be doing follows from its orders and fills."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cycle import DesiredState
from core.market import Side
from core.orders import OrderStatus, OrderUpdate, Role
from core.story import ActualState, state_of
from tests.core.stage import D, Stage, some_parameters


def state(stage: Stage) -> tuple[str, str]:
    actual, sentence = state_of(stage.cycle, stage.at, stage.quote)
    return str(actual), sentence


def test_without_a_price_it_is_starting():
    assert state(Stage()) == ("starting", "Waiting for the first fresh price.")


def test_with_coins_it_is_running_and_says_what_it_waits_for():
    stage = Stage()
    stage.see(100)
    assert state(stage) == (
        "running",
        "Holding 1 BTC bought at 100.00 on average; take profit at 101.71."
        " 4 extra buys left, the next at 97.50.",
    )
    stage.see("79")
    assert "No extra buys are left" in state(stage)[1]


def test_the_sentence_does_not_change_with_the_price_alone():
    stage = Stage()
    stage.see(100)
    before = state(stage)
    stage.see("99.5")
    assert state(stage) == before


def test_a_first_buy_on_its_way_is_starting():
    for status, words in (
        (OrderStatus.SENDING, "on its way"),
        (OrderStatus.OPEN, "rests on the exchange"),
    ):
        stage = Stage(some_parameters(base_order_type="limit"))
        stage.answer = OrderUpdate("", status)
        stage.see(100)
        actual, sentence = state(stage)
        assert actual == "starting"
        assert words in sentence


def test_a_limit_first_buy_that_follows_the_price_says_so():
    stage = Stage(some_parameters(base_order_type="limit"))
    stage.answer = OrderUpdate("", OrderStatus.OPEN)
    stage.see(100)
    stage.report = lambda *args, **more: []  # type: ignore[method-assign]
    stage.see(101, seconds=31)
    assert state(stage) == ("starting", "The first buy is being cancelled, to follow the price.")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"trigger_price": "90"}, "at or below 90"),
        ({"min_price": "110"}, "at or above 110"),
    ],
)
def test_it_waits_for_its_price_and_says_which(parameters, words):
    stage = Stage(some_parameters(**parameters))
    stage.see(100)
    actual, sentence = state(stage)
    assert actual == "waiting"
    assert words in sentence


def test_it_waits_out_its_cooldown():
    stage = Stage(some_parameters(cooldown=60))
    stage.see(100)
    stage.see(102)
    actual, sentence = state(stage)
    assert actual == "waiting"
    assert "2025-03-01 12:01:02" in sentence


def test_it_waits_for_money_and_says_until_when():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.NOT_PLACED, reason="funds")
    stage.see(100)
    actual, sentence = state(stage)
    assert actual == "waiting"
    assert "not enough USDT" in sentence
    stage.wait(0)
    stage.at = stage.at.replace(hour=13)
    assert state(stage) == ("starting", "The next cycle is about to start.")


def test_an_order_that_could_not_be_placed_is_named():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.OPEN)
    stage.see(100)
    stage.answer = OrderUpdate("", OrderStatus.NOT_PLACED, reason="funds")
    stage.fill(stage.live(Role.BASE, 0))
    assert "The take profit is not placed yet: not enough USDT is free" in state(stage)[1]


def test_after_its_last_cycle_or_a_stop_loss_it_is_stopped():
    stage = Stage(some_parameters(max_cycles=1))
    stage.see(100)
    stage.see(102)
    assert state(stage) == ("stopped", "All 1 cycles are done.")
    stage = Stage(some_parameters(stop_loss="0.3"))
    stage.see(100)
    stage.see(60)
    assert state(stage)[0] == "stopped"


def test_finishing_ends_as_stopped():
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.FINISHING)
    actual, sentence = state(stage)
    assert actual == "finishing"
    assert "No new cycle" in sentence
    stage.see(102)
    assert state(stage)[0] == "stopped"


def test_paused_says_what_is_held_and_what_goes_on():
    stage = Stage()
    stage.want(DesiredState.PAUSED)
    assert state(stage) == ("paused", "Paused: no new cycle starts. Nothing is held.")
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.PAUSED)
    assert state(stage)[1].endswith("take profit at 101.71.")


def test_pausing_names_the_buys_that_are_not_proven_cancelled():
    stage = Stage()
    stage.see(100)
    stage.report = lambda *args, **more: []  # type: ignore[method-assign]
    stage.want(DesiredState.PAUSED)
    assert state(stage) == ("paused", "Paused: 4 resting buys are being cancelled. Exits stay on.")


def test_a_stop_loss_goes_on_while_paused():
    stage = Stage(some_parameters(stop_loss="0.3"))
    stage.see(100)
    stage.answer = OrderUpdate("", OrderStatus.SENDING)
    stage.want(DesiredState.PAUSED)
    stage.see(60)
    assert state(stage) == (
        "paused",
        "Paused. Stop loss: everything is being sold at the market price.",
    )


def test_stopped_is_said_only_when_no_order_is_live():
    stage = Stage()
    stage.see(100)
    cancel, stage.report = stage.report, lambda *args, **more: []  # type: ignore[method-assign]
    stage.want(DesiredState.STOPPED)
    assert state(stage) == ("stopping", "Stopping: 5 orders are still to be proven cancelled.")
    for order in list(stage.cycle.live()):
        cancel(order, OrderStatus.CANCELLED)
    actual, sentence = state(stage)
    assert actual == "stopped"
    assert "nothing watches it" in sentence


def test_closed_is_said_only_when_everything_is_sold():
    stage = Stage()
    stage.see(100)
    stage.answer = OrderUpdate("", OrderStatus.OPEN)
    stage.want(DesiredState.CLOSED)
    assert state(stage)[0] == "stopping"
    stage.fill(stage.live(Role.CLOSE))
    assert state(stage) == ("closed", "Closed: everything is sold and no order is live.")


def test_closing_before_the_first_buy_filled_waits_for_its_cancel():
    stage = Stage(some_parameters(base_order_type="limit"))
    stage.answer = OrderUpdate("", OrderStatus.SENDING)
    stage.see(100)
    stage.want(DesiredState.CLOSED)
    assert state(stage)[0] == "stopping"


def test_a_refusal_needs_attention_and_stopping_ends_that():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.REFUSED)
    stage.see(100)
    assert state(stage)[0] == "needs_attention"
    stage.want(DesiredState.STOPPED)
    assert state(stage) == ("stopped", "Stopped. No order is live and nothing is held.")


def test_an_order_nobody_can_prove_keeps_even_a_stop_from_being_reported():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.QUARANTINED)
    stage.see(100)
    stage.want(DesiredState.STOPPED)
    assert state(stage)[0] == "needs_attention"


def test_trailing_and_held_levels_are_described():
    stage = Stage(some_parameters(trailing_deviation="0.01"))
    stage.see(100)
    assert "trailing by 1.00 % begins at 101.71" in state(stage)[1]
    stage.see(104)
    assert "trailing sells at 102.96" in state(stage)[1]
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.PAUSED)
    stage.see("80")
    stage.want(DesiredState.RUNNING)
    assert "the next at 79.68" in state(stage)[1]
    stage.want(DesiredState.PAUSED)
    stage.see("79")
    stage.want(DesiredState.RUNNING)
    assert "4 extra buys wait until the price is above" in state(stage)[1]


def test_an_exit_under_way_is_said_to_be_one():
    stage = Stage(some_parameters(stop_loss="0.3"))
    stage.see(100)
    stage.answer = OrderUpdate("", OrderStatus.SENDING)
    stage.see(60)
    assert state(stage) == ("running", "Stop loss: everything is being sold at the market price.")


# "Not accepted" is never an answer: it is proven seconds later, and the next attempt follows at once.
ANSWERS = [status for status in OrderStatus if status is not OrderStatus.NOT_ACCEPTED]
STEPS = st.one_of(
    st.tuples(st.just("see"), st.integers(50, 130)),
    st.tuples(st.just("want"), st.sampled_from(list(DesiredState))),
    st.tuples(st.just("answer"), st.sampled_from([None, *ANSWERS])),
)


@given(st.lists(STEPS, max_size=20))
def test_no_state_claims_more_than_the_orders_allow(steps):
    stage = Stage(some_parameters(stop_loss="0.25", after_stop_loss="continue"))
    for name, value in steps:
        if name == "see":
            stage.see(D(value))
        elif name == "want":
            stage.want(value)
        elif value is not OrderStatus.FILLED:
            stage.answer = None if value is None else OrderUpdate("", value)
        actual, sentence = state_of(stage.cycle, stage.at, stage.quote)
        live = list(stage.cycle.live())
        if actual in (ActualState.STOPPED, ActualState.CLOSED):
            assert not live
        if actual is ActualState.WAITING:
            assert not live
            assert not stage.cycle.has_fills()
        if actual is ActualState.RUNNING:
            assert stage.cycle.has_fills()
        if actual is ActualState.PAUSED and "nothing is bought" in sentence:
            assert all(order.side is Side.SELL for order in live)
        assert sentence.endswith(".")
