"""Our own parameters as a file, and everything hostile that can be pasted instead."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.imports.own import write_export
from core.imports.reading import read_import
from core.imports.texts import MOST_LETTERS
from core.parameter_reading import read_parameters
from tests.builders import some_parameters
from tests.core.parameter_sets import parameter_sets
from tests.faults import fault

D = Decimal
GOOD = json.loads(write_export(some_parameters()))
THEIRS = '{"base_order_volume": "10", "max_safety_orders": 0, "take_profit": "1", '


def refused(text: str | bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_import(text)
    sentence = str(caught.value)
    assert sentence.endswith((".", "?")), sentence
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


@given(parameter_sets())
def test_what_is_written_is_read_back_equal(source):
    parameters = read_parameters(source)
    found = read_import(write_export(parameters, symbol="BTC/USDT", exchange="binance"))
    assert found.parameters == parameters
    assert (found.source, found.symbol, found.exchange) == ("Stepladder", "BTC/USDT", "binance")
    assert found.differs == found.not_taken == ()


def test_symbol_and_exchange_may_be_left_out():
    found = read_import(write_export(some_parameters()))
    assert (found.symbol, found.exchange) == (None, None)


def test_numbers_are_text_so_that_no_other_program_rounds_them():
    text = write_export(some_parameters(take_profit="0.012345678901234567"))
    assert '"take_profit": "0.012345678901234567"' in text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"version": 2}, "newer"),
        ({"version": "1"}, "no whole number"),
        ({"version": True}, "no whole number"),
        ({"version": None}, "no whole number"),
        ({"format": "other"}, "not a file of Stepladder"),
        ({"parameters": None}, "must be an object"),
        ({"parameters": [1]}, "must be an object"),
        ({"parameters": {"base_order_size": {}}}, "base_order_size"),
        ({"parameters": {"base_ordr_size": "1"}}, "did you mean"),
        ({"extra": 1}, "extra"),
        ({"symbol": "BTC/USDT/X"}, "symbol"),
        ({"symbol": "<b>/USDT"}, "symbol"),
        ({"symbol": "=1+1/USDT"}, "symbol"),
        ({"symbol": ["BTC/USDT"]}, "symbol"),
        ({"symbol": "B" * 70 + "/USDT"}, "symbol"),
        ({"exchange": "../etc"}, "exchange"),
        ({"exchange": ""}, "exchange"),
    ],
)
def test_a_file_that_is_not_as_we_write_it_is_refused(changes, word):
    assert word in refused(json.dumps(GOOD | changes))


@fault("I1", "I2")
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        (b"\xff\xfe{}", "UTF-8"),
        ("{", "not JSON: line 1"),
        ("{} {}", "not JSON"),
        ("[]", "0 parameter sets"),
        ("{}", "none of these"),
        ("[[[1]]]", "not a parameter set"),
        ("[1]", "not a parameter set"),
        ("hello", "without name and value"),
        ("a: 1\na: 2", "twice"),
        ("a: 1\nb", "without name and value"),
        ("\n".join(f"a{n}: 1" for n in range(301)), "300 lines"),
        ('{"a": 1, "a": 2}', '"a" twice'),
        (THEIRS + '"x": NaN}', "NaN"),
        (THEIRS + '"x": -Infinity}', "Infinity"),
        (THEIRS + '"x": 1e400}', "out of range"),
        (THEIRS + '"x": 1e-400}', "out of range"),
        (THEIRS + '"x": ' + "9" * 5000 + "}", "out of range"),
        (THEIRS + '"baseOrderVolume": 11}', "under two names"),
        (THEIRS + '"pxSteps": 1}', "mixes"),
        ("[" * 20_000, "nested"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested"),
        (" " * (MOST_LETTERS + 1), "longer than"),
        ('{"a": "' + '\\"' * 40_000, "not JSON"),
        ("x" + ",;" * 49_000, "without name and value"),
        ('{"a": "\x00"}', "not JSON"),
        ('{"\u202ebase": 1}', "none of these"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_hostile_text_gives_one_clear_sentence(text, word):
    assert word in refused(text)


def test_a_mark_at_the_beginning_of_a_file_does_no_harm():
    text = write_export(some_parameters())
    assert read_import(("\ufeff" + text).encode()).parameters == some_parameters()
    assert read_import("\ufeff" + text).parameters == some_parameters()


KEYS = st.sampled_from(
    ["base_order_volume", "take_profit", "max_safety_orders", "pairs", "initOrdAmt", "tpPct", "pxSteps",
     "maxSafetyOrds", "format", "version", "parameters", "data", "strategy_list", "trailing_enabled"]
) | st.text(max_size=8)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@fault("I1")
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_json_is_read_or_refused_with_a_sentence(content):
    try:
        found = read_import(json.dumps(content))
    except InvalidInput:
        return
    assert found.parameters.base_order_size > 0


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    try:
        found = read_import(text)
    except InvalidInput:
        return
    assert found.parameters.base_order_size > 0
