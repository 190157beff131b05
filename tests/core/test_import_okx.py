"""Spot DCA (Martingale) bots of OKX: its API's body, its command line, its form."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.imports.reading import read_import
from core.ladder import safety_levels
from core.parameters import Parameters, StopLossReference
from tests.builders import a_market

D = Decimal
BODY = {
    "instId": "BTC-USDT", "initOrdAmt": "10", "reserveFunds": "true", "safetyOrdAmt": "20",
    "maxSafetyOrds": "3", "pxSteps": "0.01", "pxStepsMult": "2", "volMult": "2", "tpPct": "0.015",
    "slPct": "", "triggerType": "1", "direction": "long", "algoOrdType": "spot_dca", "tag": "x",
}  # fmt: skip


def imported(**changes):
    return read_import(json.dumps(BODY | changes))


def refused(**changes) -> str:
    with pytest.raises(InvalidInput) as caught:
        imported(**changes)
    return str(caught.value)


def test_the_body_of_the_api_call_is_read_whole():
    found = imported()
    assert (found.source, found.symbol, found.exchange) == ("OKX", "BTC/USDT", "okx")
    assert found.not_taken == ()
    assert found.parameters == Parameters(
        base_order_size=D(10), safety_order_size=D(20), max_safety_orders=3, active_safety_orders=3,
        price_deviation=D("0.01"), step_scale=D(2), volume_scale=D(2), take_profit=D("0.015"),
    )  # fmt: skip


def test_the_example_of_its_help_has_the_same_levels():
    """From 25,000 with steps of 2 %: safety orders at 24,500 and 24,000, each from the first price."""
    parameters = imported(pxSteps="0.02", pxStepsMult="1", maxSafetyOrds="2").parameters
    levels = safety_levels(parameters, D(25_000), a_market())
    assert [level.price for level in levels] == [24_500, 24_000]


def test_the_amounts_of_its_help_are_the_same():
    """An amount of 100 with a multiplier of 2: 100, 200, 400."""
    assert imported(safetyOrdAmt="100").parameters.sizes() == (100, 200, 400)


def test_the_answer_of_the_api_is_opened():
    assert read_import(json.dumps({"code": "0", "msg": "", "data": [BODY]})) == imported()
    with pytest.raises(InvalidInput, match="holds 2 parameter sets"):
        read_import(json.dumps({"code": "0", "data": [BODY, BODY]}))


def test_a_command_line_is_read():
    found = read_import(
        "okx bot dca create --algoOrdType spot_dca --instId ETH-USDC --direction long \\\n"
        "  --initOrdAmt 50 --maxSafetyOrds 3 --tpPct 0.03 --safetyOrdAmt 30 --pxSteps 0.05 \\\n"
        "  --pxStepsMult 1 --volMult 1"
    )
    assert found.symbol == "ETH/USDC"
    assert found.parameters.deviations() == (D("0.05"), D("0.1"), D("0.15"))


def test_the_labels_of_the_form_are_percent_with_their_sign():
    form = (
        "Price steps: 2%\nPrice steps multiplier: 1.5\nTake profit target: 1.2 %\nInitial order: 10 USDT\n"
        "Safety order: 20 USDT\nMax safety orders: 4\nAmount multiplier: 1\nStop loss target: 30%"
    )
    found = read_import(form).parameters
    assert (found.price_deviation, found.take_profit) == (D("0.02"), D("0.012"))
    assert (found.stop_loss, found.max_safety_orders) == (D("0.3"), 4)
    with pytest.raises(InvalidInput, match="without a percent sign"):
        read_import(form.replace("2%", "2"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"instId": "BTC-USDT-SWAP"}, "no spot pair"),
        ({"algoOrdType": "contract_dca"}, "not a spot DCA bot"),
        ({"instType": "SWAP"}, "not a spot DCA bot"),
        ({"direction": "short"}, "short"),
        ({"lever": "3"}, "leverage"),
        ({"initOrdAmt": None}, "initOrdAmt: is missing"),
        ({"tpPct": ""}, "tpPct: is missing"),
        ({"pxSteps": ""}, "pxSteps: is missing"),
        ({"volMult": None}, "volMult: is missing"),
        ({"pxSteps": "1"}, "price_deviation"),
        ({"pxSteps": "0.4"}, "safety orders fit"),
        ({"initOrdAmt": "10 BTC"}, "is in BTC"),
        ({"volMult": "x"}, "plain number"),
    ],
)
def test_what_cannot_mean_the_same_here_is_refused_in_one_sentence(changes, word):
    sentence = refused(**changes)
    assert word in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("changes", "where", "word"),
    [
        ({}, "differs", "average entry price"),
        ({}, "differs", "rest on the exchange"),
        ({"slPct": "0.2"}, "differs", "does not say from which price"),
        ({"tpPct": "1.5"}, "differs", "more than 50 %"),
        ({"reserveFunds": "false"}, "differs", "is free"),
        ({"triggerType": "2", "triggerSign": {"indicator": "rsi"}}, "not_taken", "signal"),
        (
            {"triggerParams": [{"triggerStrategy": "price", "triggerPx": "1"}]},
            "not_taken",
            "signal",
        ),
        (
            {"triggerParams": [{"triggerAction": "stop", "triggerStrategy": "price"}]},
            "not_taken",
            "stops",
        ),
        ({"triggerParams": ["x"]}, "not_taken", "signal"),
        ({"allowReinvest": True}, "not_taken", "Reinvest"),
        ({"profitSharingRatio": "0.1"}, "not_taken", "Copy trading"),
        ({"tradeQuoteCcy": "USD"}, "not_taken", "pays in"),
        ({"someNewField": "7"}, "not_taken", "someNewField"),
    ],
)
def test_what_differs_or_is_left_out_is_said(changes, where, word):
    assert any(word in sentence for sentence in getattr(imported(**changes), where))


def test_an_immediate_start_is_nothing_to_say():
    assert imported(triggerParams=[{"triggerStrategy": "instant"}]).not_taken == ()


def test_a_stop_loss_is_taken_from_the_first_buy():
    found = imported(slPct="0.2").parameters
    assert (found.stop_loss, found.stop_loss_reference) == (
        D("0.2"),
        StopLossReference.BASE_ORDER_PRICE,
    )


def test_without_safety_orders_nothing_of_them_is_needed():
    found = imported(maxSafetyOrds="0", safetyOrdAmt="", pxSteps="", pxStepsMult="", volMult="")
    assert found.parameters.level_count == 0


@given(
    step=st.integers(1, 1000), scale=st.integers(10, 200), volume=st.integers(10, 200),
    count=st.integers(1, 20),
)  # fmt: skip
def test_the_ladder_is_theirs_for_any_numbers(step, scale, volume, count):
    """Below the first price: the sum of step x mult^j; amounts: amount x mult^(i - 1)."""
    first, mult, more = D(step) / 10_000, D(scale) / 100, D(volume) / 100
    deviations = [sum(first * mult**j for j in range(i)) for i in range(1, count + 1)]
    assume(deviations[-1] < 1)
    found = imported(
        pxSteps=str(first), pxStepsMult=str(mult), volMult=str(more), maxSafetyOrds=str(count)
    ).parameters
    assert list(found.deviations()) == deviations
    assert list(found.sizes()) == [20 * more**i for i in range(count)]
