"""The one gate where text becomes parameters."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.parameter_reading import read_parameters, write_parameters
from core.parameter_table import ENTRIES, Choice, Count, Levels, Number, Switch
from tests.builders import some_parameters
from tests.faults import fault

GOOD = {"base_order_size": "100", "safety_order_size": "50"}
NONSENSE = [
    math.nan, math.inf, -math.inf, "NaN", "Infinity", "-Infinity", 1e308, "1e308", -1, "-1",
    Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN"), Decimal("1E+400"), 10**400, "1e5", "",
    " ", "text", "١٢٣", "1,5", "0x10", "1_000", "9" * 61, "0." + "0" * 18 + "1", [], {}, [1], object(),
]  # fmt: skip
NUMBERS = [entry for entry in ENTRIES if isinstance(entry.rule, Number)]
COUNTS = [entry for entry in ENTRIES if isinstance(entry.rule, Count)]


def refused(name: str, value: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_parameters(GOOD | {name: value})
    return str(caught.value)


def is_sentence_about(name: str, sentence: str) -> bool:
    return (
        sentence.startswith(f"{name}: ") and sentence.endswith((".", "?")) and "\n" not in sentence
    )


@fault("I1")
@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_nonsense_is_refused_with_a_sentence_that_names_the_field(entry, value):
    if isinstance(entry.rule, Levels) and value == [1]:
        assert refused(entry.name, value).startswith("custom_levels[1]: ")
        return
    assert is_sentence_about(entry.name, refused(entry.name, value))


@pytest.mark.parametrize("entry", NUMBERS + COUNTS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_not_a_number(entry, value):
    assert is_sentence_about(entry.name, refused(entry.name, value))


@fault("I1")
@pytest.mark.parametrize("entry", NUMBERS, ids=lambda entry: entry.name)
def test_numbers_outside_the_range_of_the_table_are_refused(entry):
    rule = entry.rule
    assert is_sentence_about(entry.name, refused(entry.name, rule.high + 1))
    assert is_sentence_about(entry.name, refused(entry.name, rule.low - 1))
    if rule.open_low:
        assert is_sentence_about(entry.name, refused(entry.name, rule.low))


@pytest.mark.parametrize("entry", COUNTS, ids=lambda entry: entry.name)
def test_counts_are_whole_and_in_range(entry):
    for value in (entry.rule.high + 1, entry.rule.low - 1, "1.5"):
        assert is_sentence_about(entry.name, refused(entry.name, value))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_null_switches_off_only_what_the_table_lets_be_off(entry):
    if entry.can_be_off:
        assert getattr(read_parameters(GOOD | {entry.name: None}), entry.name) is None
    else:
        assert is_sentence_about(entry.name, refused(entry.name, None))


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if isinstance(e.rule, Choice | Switch)], ids=lambda e: e.name
)
def test_choices_are_spelled_as_the_table_has_them(entry):
    assert is_sentence_about(entry.name, refused(entry.name, "RUN"))
    assert is_sentence_about(entry.name, refused(entry.name, 1))


@pytest.mark.parametrize("name", ["base_order_size", "safety_order_size"])
def test_a_size_that_is_missing_is_asked_for(name):
    with pytest.raises(InvalidInput, match=rf"^{name}: is missing"):
        read_parameters({key: value for key, value in GOOD.items() if key != name})


@fault("I2")
def test_a_hundred_and_one_levels_are_refused():
    level = [{"deviation": f"0.{number:03d}", "size": "10"} for number in range(1, 102)]
    assert is_sentence_about("custom_levels", refused("custom_levels", level))
    assert is_sentence_about("max_safety_orders", refused("max_safety_orders", 101))


@fault("I3")
def test_levels_below_a_price_of_zero_are_refused_and_the_sentence_says_how_many_fit():
    with pytest.raises(InvalidInput) as caught:
        read_parameters(GOOD | {"max_safety_orders": 20, "step_scale": "2"})
    sentence = str(caught.value)
    assert sentence.startswith("max_safety_orders: level 6 would lie 126 % below")
    assert "5 safety orders fit" in sentence


def test_a_level_exactly_at_zero_is_refused():
    with pytest.raises(InvalidInput, match="level 2"):
        read_parameters(
            GOOD | {"max_safety_orders": 2, "step_scale": "1", "price_deviation": "0.5"}
        )


@fault("I2")
def test_a_ladder_beyond_all_money_is_refused():
    many = {
        "max_safety_orders": 40,
        "volume_scale": "10",
        "price_deviation": "0.001",
        "step_scale": "1",
    }
    with pytest.raises(InvalidInput, match=r"^volume_scale: "):
        read_parameters(GOOD | many)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trailing_deviation": "0.015"}, "trailing_deviation"),
        ({"active_safety_orders": 7}, "active_safety_orders"),
        ({"active_safety_orders": 0}, "active_safety_orders"),
        ({"max_safety_orders": 0, "active_safety_orders": 1}, "active_safety_orders"),
        ({"min_price": "10", "max_price": "9"}, "min_price"),
        ({"min_price": "10", "trigger_price": "9"}, "min_price"),
        ({"max_safety_orders": 3, "custom_levels": [{"deviation": "0.1", "size": "5"}]}, "max_safety_orders"),
        ({"take_proft": "0.01"}, "take_proft"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit_together_are_refused(changes, field):
    with pytest.raises(InvalidInput) as caught:
        read_parameters(GOOD | changes)
    assert is_sentence_about(field, str(caught.value))


@pytest.mark.parametrize(
    ("levels", "field"),
    [
        ([{"deviation": "0.1"}], "custom_levels[1]"),
        ([{"deviation": "1", "size": "5"}], "custom_levels[1].deviation"),
        ([{"deviation": "0", "size": "5"}], "custom_levels[1].deviation"),
        ([{"deviation": "0.1", "size": "-5"}], "custom_levels[1].size"),
        ([{"deviation": "0.1", "size": "5"}] * 2, "custom_levels[2].deviation"),
    ],
)  # fmt: skip
def test_custom_levels_are_checked_one_by_one(levels, field):
    with pytest.raises(InvalidInput) as caught:
        read_parameters(GOOD | {"custom_levels": levels})
    assert is_sentence_about(field, str(caught.value))


@pytest.mark.parametrize("source", [None, [], "text", 5])
def test_what_is_not_an_object_is_refused(source):
    with pytest.raises(InvalidInput, match=r"^parameters: "):
        read_parameters(source)


def test_what_is_absent_has_the_default_of_the_table():
    parameters = read_parameters(GOOD)
    assert parameters.max_safety_orders == parameters.active_safety_orders == 6
    assert parameters.take_profit == Decimal("0.015")
    assert parameters.max_stop_losses == 3
    assert parameters.stop_loss_cooldown == 86_400
    assert parameters.deviations()[-1] < Decimal("0.42")
    assert parameters.deviations()[-1] > Decimal("0.41")


def test_numbers_and_text_mean_the_same():
    assert some_parameters(take_profit=0.01) == some_parameters(take_profit=" 0.010 ")


@given(
    sizes=st.lists(st.decimals("0.01", "10000", places=8), min_size=1, max_size=5),
    off=st.booleans(),
    profit=st.decimals("0.01", "1", places=6),
)
def test_what_is_written_is_read_back_equal(sizes, off, profit):
    levels = [
        {"deviation": str(Decimal(n) / 20), "size": str(size)}
        for n, size in enumerate(sizes, start=1)
    ]
    parameters = some_parameters(
        custom_levels=levels,
        take_profit=profit,
        stop_loss=None if off else "0.5",
        max_stop_losses=None if off else 7,
        after_stop_loss="continue",
    )
    assert read_parameters(write_parameters(parameters)) == parameters


def test_every_entry_of_the_table_is_a_parameter():
    assert {entry.name for entry in ENTRIES} == set(some_parameters().__slots__)
