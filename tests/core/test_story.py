"""The journal says what happened, why, and what it means for the money."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cycle import DesiredState, PassedLevels
from core.market import FeeCurrency, Side
from core.orders import OrderStatus, OrderUpdate, Role
from core.story import Entry, EntryLevel, tell, tell_halt
from core.story_orders import reason_words
from core.words import (
    duration_words,
    money_words,
    percent_words,
    price_words,
    quantity_words,
)
from tests.core.stage import D, Stage, a_market, some_parameters


def sentence(told: list[Entry], code: str) -> str:
    return next(entry.sentence for entry in told if entry.code == code)


def test_the_first_fill_of_a_cycle_says_that_it_started_and_what_is_planned():
    stage = Stage()
    stage.see(100)
    assert stage.last("cycle_started").sentence == (
        "Cycle 1 started: bought 1 BTC at 100.00, for 100.00 USDT (first buy)."
        " 4 extra buys are planned below, from 97.50 down to 79.68."
    )


def test_an_extra_buy_says_how_far_the_price_fell_and_what_it_does_to_the_average():
    stage = Stage()
    stage.see(100)
    stage.see("97.40")
    assert stage.last("bought").sentence == (
        "Bought 0.512 BTC at 97.50 (level 1): the price fell 2.50 % below the first buy."
        " Average entry price is now 99.15, the take profit 100.85."
    )
    assert stage.last("bought").client_order_id is not None


def test_a_part_of_a_level_is_called_a_part():
    stage = Stage()
    stage.see(100)
    told = stage.fill(stage.live(Role.SAFETY, 2), D("0.1"))
    assert "(part of level 2)" in sentence(told, "bought")


def test_a_take_profit_says_what_was_earned_and_the_end_of_the_cycle_what_it_cost():
    stage = Stage()
    stage.see(100)
    stage.see("101.71", seconds=7_500)
    assert stage.last("sold").sentence == (
        "Sold 1 BTC at 101.71 (take profit): earned 1.51 USDT, fees included."
    )
    assert stage.last("cycle_ended").sentence == (
        "Cycle 1 ended by take profit after 2 h 5 min: earned 1.51 USDT after 0.20 USDT of fees."
    )


def test_a_stop_loss_warns_with_its_price_and_says_that_the_strategy_stops():
    stage = Stage(some_parameters(stop_loss="0.3"))
    stage.see(100)
    stage.see("60")
    reached = stage.last("stop_loss_reached")
    assert reached.level is EntryLevel.WARNING
    assert "The price (60.00) fell to the stop loss at 62.56, 30.00 % below" in reached.sentence
    assert "lost" in stage.last("sold").sentence
    assert "The strategy stops here" in stage.last("cycle_ended").sentence


def test_the_last_of_a_number_of_cycles_says_that_the_strategy_stops():
    stage = Stage(some_parameters(max_cycles=1))
    stage.see(100)
    stage.see(102)
    assert stage.last("cycle_ended").sentence.endswith(
        "All 1 cycle is done, so the strategy stops here."
    )


def test_trailing_says_when_it_begins_and_why_it_sells():
    stage = Stage(some_parameters(trailing_deviation="0.01"))
    stage.see(100)
    stage.see(103)
    assert "1.00 % from its peak" in stage.last("trailing_started").sentence
    stage.see(104)
    stage.see("102.5")
    assert "from its peak of 104.00" in stage.last("trailing_reached").sentence
    assert "(trailing)" in stage.last("sold").sentence
    assert stage.codes().count("trailing_started") == 1


def test_pausing_says_that_exits_stay_on_and_how_many_buys_go():
    stage = Stage()
    stage.see(100)
    told = sentence(stage.want(DesiredState.PAUSED), "paused")
    assert "nothing is bought" in told
    assert "stay on" in told
    assert "4 resting buys are being cancelled." in told
    assert told.endswith("Held: 1 BTC bought at 100.00 on average.")


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (PassedLevels.WAIT, "Levels 1, 2 are not bought until the price is above again"),
        (PassedLevels.SKIP, "Levels 1, 2 are not bought for the rest of this cycle"),
    ],
)
def test_resuming_says_what_becomes_of_the_levels_that_the_price_has_passed(choice, words):
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.PAUSED)
    stage.see("93.75")
    assert words in sentence(stage.want(DesiredState.RUNNING, choice), "resumed")


def test_stopping_says_that_nothing_watches_the_coins():
    stage = Stage()
    stage.see(100)
    told = sentence(stage.want(DesiredState.STOPPED), "stopped")
    assert "No take profit and no stop loss" in told


def test_letting_the_coins_go_shows_the_loss():
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.STOPPED)
    stage.see("90")
    stage.want(DesiredState.RUNNING, release_at=D(90))
    released = stage.last("released")
    assert "You let 1 BTC go" in released.sentence
    assert "lost 10.10 USDT" in released.sentence
    assert "letting the coins go" in stage.last("cycle_ended").sentence
    assert "Level" not in stage.last("resumed").sentence


def test_finishing_and_closing_say_what_they_do():
    stage = Stage()
    stage.see(100)
    assert "no new one starts" in sentence(stage.want(DesiredState.FINISHING), "finishing")
    assert "sold at the market price" in sentence(stage.want(DesiredState.CLOSED), "closed")
    assert "ended by closing" in stage.last("cycle_ended").sentence


def test_a_refused_order_is_an_alarm_with_its_reason_and_the_way_out():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.REFUSED, reason="filters")
    stage.see(100)
    refused = stage.last("order_refused")
    assert refused.level is EntryLevel.ALARM
    assert "first buy: price or quantity break the rules" in refused.sentence
    assert "Try again" in refused.sentence


def test_trying_again_is_told():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.REFUSED)
    stage.see(100)
    assert "it gave no reason" in stage.last("order_refused").sentence
    stage.answer = None
    assert sentence(stage.want(DesiredState.RUNNING), "tried_again").startswith("Trying again")


def test_an_order_put_off_says_when_it_is_tried_again():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.NOT_PLACED, reason="funds")
    stage.see(100)
    entry = stage.last("order_not_placed")
    assert entry.level is EntryLevel.WARNING
    assert "not enough USDT is free" in entry.sentence
    assert "tried again from 2025-03-01 12:00:06 UTC on" in entry.sentence


def test_an_order_cancelled_by_hand_is_said_to_be_yours():
    stage = Stage()
    stage.see(100)
    told = stage.report(stage.live(Role.SAFETY, 3), OrderStatus.CANCELLED)
    assert sentence(told, "cancelled_by_you").startswith("The extra buy 3 was cancelled by you")


def test_an_order_nobody_can_prove_is_an_alarm_and_a_proven_absence_is_not():
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.QUARANTINED)
    stage.see(100)
    assert stage.last("order_quarantined").level is EntryLevel.ALARM
    stage = Stage()
    stage.answer = OrderUpdate("", OrderStatus.SENDING)
    stage.see(100)
    stage.answer = None
    stage.report(stage.live(Role.BASE, 0), OrderStatus.NOT_ACCEPTED)
    assert stage.last("order_not_accepted").level is EntryLevel.INFO


def test_an_exit_that_found_no_buyer_is_told_as_such():
    stage = Stage(some_parameters(stop_loss="0.3"))
    stage.see(100)
    stage.answer = OrderUpdate("", OrderStatus.CANCELLED, expired=True)
    stage.see("60")
    assert "found no buyer near the market price" in stage.last("order_expired").sentence


def test_a_limit_first_buy_that_is_given_up_is_told():
    stage = Stage(some_parameters(base_order_type="limit"))
    stage.answer = OrderUpdate("", OrderStatus.OPEN)
    stage.see(100)
    stage.fill(stage.live(Role.BASE, 0), D("0.1"))
    stage.answer = None
    stage.see("100.5", seconds=301)
    assert "within 5 minutes" in stage.last("first_buy_given_up").sentence


def test_dust_is_told_with_its_cost_and_named_while_nothing_else_is_held():
    stage = Stage(some_parameters(cooldown=60), a_market(fee_currency=FeeCurrency.BASE))
    stage.see(101)
    stage.see("110")
    assert "left over is too little to sell" in stage.last("dust_carried").sentence
    told = sentence(stage.want(DesiredState.PAUSED), "paused")
    assert told.endswith("Held: less than 0.001 BTC left over from earlier cycles.")


def test_a_first_buy_that_fills_in_parts_is_told_in_parts():
    stage = Stage(some_parameters(base_order_type="limit"))
    stage.see(100)
    base = stage.live(Role.BASE, 0)
    assert "for 10.00 USDT (first buy)" in sentence(stage.fill(base, D("0.1")), "cycle_started")
    told = stage.fill(stage.live(Role.BASE, 0), D("0.5"))
    assert sentence(told, "bought").startswith(
        "Bought 0.5 BTC at 100.00 more (part of the first buy)."
    )
    told = stage.fill(stage.live(Role.BASE, 0))
    assert sentence(told, "bought").startswith("Bought 0.4 BTC at 100.00 more (the first buy).")


def test_a_buy_that_the_exchange_ended_by_itself_is_told():
    stage = Stage()
    stage.see(100)
    told = stage.report(stage.live(Role.SAFETY, 4), OrderStatus.CANCELLED, expired=True)
    assert "ended the extra buy 4 by itself" in sentence(told, "order_expired")


def test_a_halt_says_what_it_means_and_that_lifting_it_resumes_nothing():
    assert tell_halt(True).level is EntryLevel.ALARM
    assert "resume the strategy yourself" in tell_halt(False).sentence


def test_nothing_is_told_where_nothing_happened():
    stage = Stage()
    stage.see(100)
    assert stage.see("100.01") == []
    assert tell(None, stage.cycle, None) == ()  # type: ignore[arg-type]
    other = replace(stage.cycle, number=2)
    assert tell(stage.cycle, other, None) == ()  # type: ignore[arg-type]


def test_an_unknown_reason_is_shown_as_it_is():
    assert reason_words("price_band", "USDT") == "price band"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1.235", "1.24"), ("-1.235", "-1.24"), ("0.004567", "0.0046"), ("0", "0.00"),
     ("0.09999", "0.10"), ("1e-17", "0.000000000000000010"), ("1e-20", "0.000000000000000000"),
     ("123456", "123456.00")],
)  # fmt: skip
def test_money_is_printed_half_up_with_its_coin(amount, shown):
    assert money_words(a_market(), D(amount)) == f"{shown} USDT"


def test_prices_and_quantities_follow_the_market():
    market = a_market()
    assert price_words(market, D("98.605")) == "98.61"
    assert price_words(replace(market, tick_size=None), D("98.6051234567")) == "98.605123"
    assert quantity_words(market, D("0.5")) == "0.5 BTC"
    assert quantity_words(market, D("0.0001")) == "less than 0.001 BTC"
    assert quantity_words(replace(market, lot_size=None), D("0.5")) == "0.5 BTC"
    assert percent_words(D("0.02505")) == "2.51 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_500, "2 h 5 min"), (86_400 * 3 + 61, "3 d")],
)
def test_durations_show_their_two_largest_units(seconds, words):
    assert duration_words(seconds) == words


STEPS = st.one_of(
    st.tuples(st.just("see"), st.integers(50, 130)),
    st.tuples(st.just("want"), st.sampled_from(list(DesiredState))),
    st.tuples(st.just("part"), st.integers(0, 5)),
)


@given(st.lists(STEPS, max_size=25), st.booleans(), st.booleans())
def test_every_fill_is_told_once_and_what_was_earned_adds_up(steps, trails, stops):
    more: dict[str, object] = {"trailing_deviation": "0.01"} if trails else {}
    if stops:
        more |= {"stop_loss": "0.25", "after_stop_loss": "continue", "stop_loss_cooldown": 0}
    stage = Stage(some_parameters(**more))
    stage.see(100)
    for name, value in steps:
        if name == "see":
            stage.see(Decimal(value))
        elif name == "want":
            stage.want(value)
        else:
            resting = [o for o in stage.cycle.live() if o.side is Side.BUY and o.quantity > 1]
            if value < len(resting) and resting[value].filled == 0:
                stage.fill(resting[value], D("0.2"))
    fills = [entry for entry in stage.told if entry.code in ("cycle_started", "bought", "sold")]
    assert len(fills) == stage.trades
    ended = sum(code == "cycle_ended" for code in stage.codes())
    assert ended == len(stage.closed)
    for entry in stage.told:
        assert entry.sentence.endswith(".")
        assert not {"None", "Decimal", "E-"} & set(entry.sentence.split())
