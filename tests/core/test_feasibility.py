"""What cannot be traded is refused before it starts, in a sentence that names the level and the way out."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.backtest import Settings, backtest
from core.candles import Candle
from core.errors import InvalidInput
from core.feasibility import (
    check_ladder,
    friendly_above,
    least_base_size,
    least_safety_size,
    problems,
    warnings,
)
from core.ladder import build_ladder
from core.market import FeeCurrency
from core.parameters import Parameters
from tests.core.stage import D, a_market, some_parameters
from tests.faults import fault

PRICE = D(100)


def only_problem(parameters: Parameters, **rules: object) -> InvalidInput:
    found = problems(parameters, a_market(**rules), PRICE)
    assert len(found) == 1, [str(problem) for problem in found]
    with pytest.raises(InvalidInput, match=re.escape(found[0].sentence)):
        check_ladder(parameters, a_market(**rules), PRICE)
    return found[0]


def test_a_usual_ladder_is_allowed():
    assert problems(some_parameters(), a_market(), PRICE) == []
    check_ladder(some_parameters(), a_market(), PRICE)


def test_without_rules_only_the_fees_can_be_a_problem():
    bare = a_market(tick_size=None, lot_size=None, min_quantity=D(0), min_notional=D(0))
    assert problems(some_parameters(stop_loss="0.5"), bare, PRICE) == []
    assert warnings(some_parameters(), bare, PRICE) == []


def test_a_base_order_below_the_minimum_after_rounding_names_what_would_do():
    found = only_problem(some_parameters(base_order_size="5.05"), lot_size=D("0.01"))
    assert found.field == "base_order_size"
    assert "the first buy" in found.sentence
    assert "use at least 8 USDT" in found.sentence


@fault("I3")
def test_a_level_below_the_minimum_is_named_with_the_size_that_mends_the_whole_ladder():
    found = only_problem(some_parameters(safety_order_size="4.90", volume_scale="0.5"))
    assert found.field == "safety_order_size"
    assert found.sentence.startswith("level 1 would be 4.88 USDT (0.05 BTC) after rounding")
    assert "use at least 40.2 USDT, or fewer levels" in found.sentence
    mended = some_parameters(safety_order_size="40.2", volume_scale="0.5")
    assert problems(mended, a_market(), PRICE) == []


def test_each_level_typed_by_hand_is_judged_by_itself():
    parameters = some_parameters(
        max_safety_orders=3,
        custom_levels=[
            {"deviation": "0.1", "size": "4"},
            {"deviation": "0.2", "size": "40"},
            {"deviation": "0.20001", "size": "3"},
        ],
    )
    fields = [problem.field for problem in problems(parameters, a_market(), PRICE)]
    assert fields == [
        "custom_levels[1].size",
        "custom_levels[3].size",
        "custom_levels[3].deviation",
    ]


@fault("I3")
def test_a_price_below_one_tick_says_how_many_levels_fit():
    parameters = some_parameters(
        custom_levels=[{"deviation": "0.5", "size": "50"}, {"deviation": "0.99", "size": "50"}],
        max_safety_orders=2,
    )
    found = only_problem(parameters, tick_size=D(2))
    assert "level 2 would lie 99.00 % below" in found.sentence
    assert "1 level fits. Use at most 1" in found.sentence


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        (
            {"price_deviation": "0.00005"},
            "price_deviation",
            "level 1 would lie closer to the first",
        ),
        (
            {"price_deviation": "0.0001", "step_scale": "0.5"},
            "step_scale",
            "closer to level 1 than",
        ),
    ],
)
def test_levels_closer_than_a_tick_are_refused(changes, field, words):
    found = only_problem(some_parameters(**changes))
    assert found.field == field
    assert words in found.sentence
    assert "at least 0.01 %" in found.sentence


def test_a_stop_by_the_base_price_must_lie_below_the_last_level():
    changes = {"stop_loss_reference": "base_order_price", "max_safety_orders": 3}
    found = only_problem(some_parameters(stop_loss="0.1", **changes))
    assert found.field == "stop_loss"
    assert "level 3" in found.sentence
    assert "use at most 2 levels, or a stop loss of at least 11.9 %" in found.sentence
    assert problems(some_parameters(stop_loss="0.119", **changes), a_market(), PRICE) == []


def test_a_stop_by_the_average_must_not_fire_before_the_next_level():
    found = only_problem(some_parameters(stop_loss="0.08"))
    assert "level 3" in found.sentence
    assert "below the average entry price is above its price of 88.12" in found.sentence


def test_a_level_at_the_stop_itself_may_stay():
    changes = {"stop_loss_reference": "base_order_price", "max_safety_orders": 1}
    parameters = some_parameters(stop_loss="0.025", **changes)
    assert problems(parameters, a_market(), PRICE) == []


def test_coins_that_could_not_be_sold_after_a_fall_are_refused():
    found = only_problem(some_parameters(base_order_size="6"))
    assert found.field == "base_order_size"
    assert "could not be sold after a fall of 30.00 %" in found.sentence
    assert "use at least 7.2 USDT" in found.sentence
    assert problems(some_parameters(base_order_size="7.2"), a_market(), PRICE) == []
    deeper = only_problem(some_parameters(base_order_size="7.2", stop_loss="0.4"))
    assert "at the stop loss of 40.00 %" in deeper.sentence


def test_a_fee_in_coins_is_reckoned_with_when_selling():
    smallest = some_parameters(base_order_size="7.2")
    found = only_problem(smallest, fee_currency=FeeCurrency.BASE)
    assert "use at least 7.3 USDT" in found.sentence


def test_more_resting_orders_than_the_exchange_allows_are_refused():
    found = only_problem(some_parameters(), max_open_orders=4)
    assert found.field == "active_safety_orders"
    assert "Use at most 3." in found.sentence
    assert (
        problems(some_parameters(active_safety_orders=3), a_market(max_open_orders=4), PRICE) == []
    )


def test_quantities_above_the_market_order_maximum_are_refused():
    found = problems(some_parameters(), a_market(max_market_quantity=D("0.9")), PRICE)
    assert [problem.field for problem in found] == ["base_order_size", "safety_order_size"]
    found = problems(some_parameters(), a_market(max_market_quantity=D(2)), PRICE)
    assert "with level 2 the cycle would hold 2.258 BTC" in found[0].sentence
    limit = some_parameters(base_order_type="limit", max_safety_orders=0)
    assert problems(limit, a_market(max_market_quantity=D("0.9")), PRICE) == []


def test_a_take_profit_that_does_not_pay_the_fees_is_refused():
    changes = {"take_profit_includes_fees": False}
    found = only_problem(some_parameters(take_profit="0.002", **changes))
    assert found.field == "take_profit"
    assert "0.20 % does not pay the fees" in found.sentence
    assert "use more than 0.201 %" in found.sentence
    assert problems(some_parameters(take_profit="0.00201", **changes), a_market(), PRICE) == []
    assert problems(some_parameters(take_profit="0.0001"), a_market(), PRICE) == []


def test_a_price_that_is_no_price_is_refused():
    for price in (D(0), D("NaN"), D("Infinity")):
        with pytest.raises(InvalidInput, match="price"):
            problems(some_parameters(), a_market(), price)


def test_all_problems_are_shown_at_once():
    parameters = some_parameters(
        base_order_size="3", safety_order_size="3", stop_loss="0.05", active_safety_orders=3
    )
    fields = {p.field for p in problems(parameters, a_market(max_open_orders=2), PRICE)}
    assert fields == {"base_order_size", "safety_order_size", "stop_loss", "active_safety_orders"}


def test_sizes_grown_by_reinvesting_are_what_is_judged():
    parameters = some_parameters(base_order_size="6", safety_order_size="4")
    assert len(problems(parameters, a_market(), PRICE)) == 2
    assert problems(parameters, a_market(), PRICE, D(2)) == []


def test_a_coarse_lot_is_warned_about_with_the_size_that_mends_it():
    market = a_market(lot_size=D("0.01"))
    notes = warnings(some_parameters(), market, PRICE)
    assert [note.field for note in notes] == ["base_order_size"]
    assert "with a first buy of 134 USDT or more" in notes[0].sentence
    assert warnings(some_parameters(base_order_size="134"), market, PRICE) == []


def test_a_first_buy_close_to_the_minimum_is_warned_about():
    notes = warnings(some_parameters(base_order_size="7.5"), a_market(lot_size=D("0.00001")), PRICE)
    assert "Leave some room: 9 USDT" in notes[0].sentence


PARAMETERS = st.fixed_dictionaries(
    {
        "base_order_size": st.decimals(1, 200, places=2),
        "safety_order_size": st.decimals(1, 200, places=2),
        "max_safety_orders": st.integers(0, 8),
        "price_deviation": st.decimals("0.0001", "0.08", places=4),
        "step_scale": st.decimals("0.5", "1.6", places=1),
        "volume_scale": st.decimals("0.5", "2", places=1),
        "take_profit": st.decimals("0.001", "0.05", places=3),
        "take_profit_includes_fees": st.booleans(),
        "stop_loss": st.none() | st.decimals("0.01", "0.9", places=2),
        "stop_loss_reference": st.sampled_from(["average_entry_price", "base_order_price"]),
    }
)
RULES = st.fixed_dictionaries(
    {
        "tick_size": st.sampled_from([D("0.01"), D("0.5"), D(1)]),
        "lot_size": st.sampled_from([D("0.00001"), D("0.001"), D("0.1")]),
        "min_notional": st.sampled_from([D(0), D(5), D(20)]),
        "fee_currency": st.sampled_from(list(FeeCurrency)),
    }
)


def a_ladder(values: dict[str, object]) -> Parameters:
    try:
        return some_parameters(**values)
    except InvalidInput:
        assume(False)
        raise


def falling(price: Decimal, bottom: Decimal) -> Candle:
    return Candle(0, price, price, bottom, bottom)


@given(PARAMETERS, RULES, st.decimals("20", "400", places=2))
def test_an_allowed_ladder_fills_to_its_last_level_when_the_price_falls(values, rules, price):
    parameters, market = a_ladder(values), a_market(**rules)
    assume(problems(parameters, market, price) == [])
    ladder = build_ladder(parameters, price, market)
    bottom = ladder.rungs[-1].level.price
    result = backtest(parameters, market, [falling(price, min(bottom, price))], Settings())
    assert result.safety_orders_per_level == (1,) * parameters.level_count
    assert all(
        rung.level.quantity * rung.level.price >= market.min_notional for rung in ladder.rungs
    )


@given(PARAMETERS, RULES, st.decimals("20", "400", places=2))
def test_the_sizes_that_the_sentences_suggest_are_large_enough(values, rules, price):
    parameters, market = a_ladder(values), a_market(**rules)
    base = friendly_above(least_base_size(parameters, market, price))
    mended = replace(parameters, base_order_size=base)
    fields = {problem.field for problem in problems(mended, market, price)}
    assert "base_order_size" not in fields
    if parameters.max_safety_orders:
        size = friendly_above(least_safety_size(parameters, market, price))
        mended = replace(mended, safety_order_size=size)
        fields = {problem.field for problem in problems(mended, market, price)}
        assert "safety_order_size" not in fields


@given(PARAMETERS, RULES, st.decimals("20", "400", places=2))
def test_a_size_slightly_below_the_least_is_refused(values, rules, price):
    parameters, market = a_ladder(values), a_market(**rules)
    least = least_base_size(parameters, market, price)
    short = replace(parameters, base_order_size=least * D("0.9999"))
    assert "base_order_size" in {problem.field for problem in problems(short, market, price)}


@given(st.decimals("0.000001", "1000000", places=6), st.integers(1, 4))
def test_a_friendly_number_is_never_less_and_has_few_digits(value, digits):
    friendly = friendly_above(value, digits)
    assert value <= friendly
    assert len(friendly.normalize().as_tuple().digits) <= digits
    assert friendly <= value * (1 + D(10) ** (1 - digits))
