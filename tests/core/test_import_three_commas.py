"""DCA bots of 3Commas: the numbers of two deals that its API documents show, and every difference said."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT
from core.errors import InvalidInput
from core.imports.reading import read_import
from core.ladder import safety_levels
from core.orders import Role, Slot
from core.parameters import AfterStopLoss, BaseOrderType, Parameters, StopLossReference
from core.succession import first_cycle
from core.wanted import stop_price
from tests.builders import IDENTITY, Play, a_market, price

D = Decimal
BOT = {
    "id": 15564828, "is_enabled": False, "max_safety_orders": 3, "active_safety_orders_count": 3,
    "pairs": ["USDT_ETH"], "strategy_list": [{"strategy": "nonstop", "options": {}}],
    "close_strategy_list": [], "safety_strategy_list": [], "max_active_deals": 1, "deletable?": True,
    "created_at": "2024-10-24T19:57:43.635Z", "trailing_enabled": None, "tsl_enabled": False,
    "deal_start_delay_seconds": None, "stop_loss_timeout_enabled": False,
    "stop_loss_timeout_in_seconds": 0, "disable_after_deals_count": None, "take_profit_steps": [],
    "name": "test", "take_profit": "2.0", "base_order_volume": "100.0", "safety_order_volume": "15.0",
    "safety_order_step_percentage": "1.0", "take_profit_type": "total", "type": "Bot::SingleBot",
    "martingale_volume_coefficient": "1.7", "martingale_step_coefficient": "4.0",
    "stop_loss_percentage": "0.0", "cooldown": "0", "btc_price_limit": "0.0", "strategy": "long",
    "min_volume_btc_24h": "0.0", "profit_currency": "quote_currency", "min_price": None,
    "max_price": None, "stop_loss_type": "stop_loss", "safety_order_volume_type": "quote_currency",
    "base_order_volume_type": "quote_currency", "trailing_deviation": "0.2",
    "leverage_type": "not_specified", "leverage_custom_value": None, "start_order_type": "limit",
    "reinvesting_percentage": None, "risk_reduction_percentage": None,
}  # fmt: skip
ETH = a_market(
    symbol="ETH/USDT", lot_size=D("0.0001"), min_quantity=D("0.0001"), maker_fee=D("0.001"),
    taker_fee=D("0.001"),
)  # fmt: skip


def imported(**changes):
    return read_import(json.dumps(BOT | changes))


def refused(**changes) -> str:
    with pytest.raises(InvalidInput) as caught:
        imported(**changes)
    return str(caught.value)


def test_a_bot_as_the_api_shows_it_is_read_whole():
    found = imported()
    assert (found.source, found.symbol, found.not_taken) == ("3Commas", "ETH/USDT", ())
    assert found.parameters == Parameters(
        base_order_size=D(100), safety_order_size=D(15), max_safety_orders=3, active_safety_orders=3,
        price_deviation=D("0.01"), step_scale=D(4), volume_scale=D("1.7"), take_profit=D("0.02"),
        base_order_type=BaseOrderType.LIMIT,
    )  # fmt: skip
    assert len(found.differs) == 2


@pytest.mark.parametrize(
    ("base", "levels"),
    [
        ("3098.4954", ["3067.51", "2943.57", "2447.81"]),
        ("2941.72879", ["2912.31", "2794.64", "2323.96"]),
    ],
)
def test_the_levels_are_those_of_the_deals_that_3commas_shows(base, levels):
    """base_order_average_price and the prices of its safety trades, to the printed digit."""
    found = safety_levels(imported().parameters, D(base), ETH)
    assert [level.price for level in found] == [D(level) for level in levels]


def test_the_sizes_are_those_of_the_deal_but_rounded_down():
    """It shows 0.0049, 0.0087 and 0.0178 ETH for 15, 25.5 and 43.35 USDT: rounded up, which is said."""
    parameters = imported().parameters
    assert parameters.sizes() == (D(15), D("25.5"), D("43.35"))
    found = [level.quantity for level in safety_levels(parameters, D("3098.4954"), ETH)]
    assert [quantity + D("0.0001") for quantity in found] == [D("0.0049"), D("0.0087"), D("0.0178")]
    assert any("rounds a size up" in each for each in imported().differs)


@pytest.mark.parametrize(
    ("fill", "profit", "after_base"),
    [("3095.4", "2.0", "3163.63"), ("2938.79", "1.0", "2974.13")],
)
def test_the_take_profit_after_the_base_order_is_that_of_the_deal(fill, profit, after_base):
    """Its 3098.4954 is 3095.4 with a fee of 0.1 %: over the average with the buy fee, paying the sell fee."""
    play = _bought(fill, take_profit=profit)
    assert play.order(TAKE_PROFIT).price == D(after_base)


def test_the_take_profit_after_a_safety_order_is_that_of_the_deal():
    """0.0324 ETH at 3095.4 and 0.0049 at 3067.51, as bought there: 3159.89."""
    play = _bought("3095.4", base_order_volume="100.3", safety_order_volume="15.1")
    assert play.order(BASE).filled == D("0.0324")
    first = play.order(Slot(Role.SAFETY, 1))
    play.fill(first.slot, seconds=60, price="3067.51")
    play.open_all(61)
    play(price("3080", 90))
    play.cancel_all(91)
    play(price("3080", 120))
    assert play.order(Slot(Role.SAFETY, 1)).filled == D("0.0049")
    assert play.order(TAKE_PROFIT).price == D("3159.89")


def test_the_stop_loss_is_measured_from_the_base_order_as_in_the_deal():
    found = imported(stop_loss_percentage="4.0")
    parameters = found.parameters
    assert parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE
    assert parameters.after_stop_loss is AfterStopLoss.CONTINUE
    play = _bought("3098.4954", max_safety_orders=0, stop_loss_percentage="4.0")
    assert stop_price(play.cycle, position(play.cycle)) == D("2974.555584")
    assert any("goes on without a limit" in each for each in found.differs)


def _bought(fill: str, **changes) -> Play:
    changes = {"start_order_type": "market"} | changes
    play = Play(first_cycle(IDENTITY, imported(**changes).parameters, ETH))
    play(price(fill))
    play.fill(BASE, price=fill)
    play.open_all()
    return play


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"strategy": "short"}, "short"),
        ({"leverage_type": "cross", "leverage_custom_value": "5"}, "leverage"),
        ({"leverage_custom_value": "3"}, "leverage"),
        ({"pairs": ["BNFCR_1INCHUSDT"]}, "no spot pair"),
        ({"pairs": ["USDT_BTCUSDT"]}, "no spot pair"),
        ({"pairs": ["USD_BTC-PERP"]}, "no spot pair"),
        ({"market_type": "futures"}, "futures"),
        ({"base_order_volume_type": "percent"}, "quote coin"),
        ({"safety_order_volume_type": "base_currency"}, "quote coin"),
        ({"take_profit_steps": [{"amount_percentage": 50}, {"amount_percentage": 50}]}, "2 steps"),
        ({"take_profit_steps": [{"amount_percentage": 100, "profit_percentage": 3}]}, "another one"),
        ({"take_profit_steps": [{"amount_percentage": 40, "profit_percentage": 2}]}, "only a part"),
        ({"take_profit_steps": ["x"]}, "1 steps"),
        ({"take_profit": None}, "take_profit: is missing"),
        ({"take_profit": "0"}, "take_profit: is missing"),
        ({"take_profit_type": "moon"}, "take profit type"),
        ({"base_order_volume": None}, "base_order_volume: is missing"),
        ({"martingale_step_coefficient": None}, "martingale_step_coefficient: is missing"),
        ({"max_safety_orders": "2.5"}, "whole number"),
        ({"max_safety_orders": 101}, "from 0 to 100"),
        ({"trailing_enabled": True, "trailing_deviation": None}, "trailing_deviation: is missing"),
        ({"trailing_enabled": True, "trailing_deviation": "2.5"}, "smaller than take_profit"),
        ({"start_order_type": "twap"}, "market or limit"),
        ({"safety_order_volume": "1,5"}, "plain number"),
        ({"safety_order_volume": {"a": 1}}, "plain number"),
        ({"cooldown": True}, "plain number"),
        ({"safety_order_step_percentage": "60"}, "price_deviation"),
        ({"stop_loss_percentage": "4", "stop_loss_type": "run"}, "not known"),
    ],
)  # fmt: skip
def test_what_cannot_mean_the_same_here_is_refused_in_one_sentence(changes, word):
    sentence = refused(**changes)
    assert word in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("changes", "where", "word"),
    [
        ({"take_profit_type": "base"}, "differs", "sells later"),
        ({"take_profit_type": None}, "differs", "is not said"),
        ({"base_order_volume_type": None}, "differs", "unit of base_order_volume"),
        ({"active_safety_orders_count": None}, "differs", "How many extra buys rest"),
        ({"start_order_type": None}, "differs", "market order"),
        ({"strategy_list": [{"strategy": "manual"}]}, "differs", "by hand"),
        ({"strategy_list": [{"strategy": "rsi", "options": {}}]}, "not_taken", "signal"),
        ({"reinvesting_percentage": "50"}, "differs", "Reinvested"),
        ({"disable_after_deals_count": 7}, "differs", "7 cycles"),
        ({"pairs": ["USDT_BTC", "USDT_ETH"]}, "not_taken", "2 pairs"),
        ({"profit_currency": "base_currency"}, "not_taken", "keeps its profit"),
        ({"max_active_deals": 3}, "not_taken", "3 deals"),
        ({"stop_loss_percentage": "9", "tsl_enabled": True}, "not_taken", "follows the price"),
        ({"stop_loss_percentage": "9", "stop_loss_timeout_enabled": True,
          "stop_loss_timeout_in_seconds": 300}, "not_taken", "300 seconds"),
        ({"close_strategy_list": [{"strategy": "rsi"}]}, "not_taken", "close on a signal"),
        ({"safety_strategy_list": [{"strategy": "rsi"}]}, "not_taken", "wait for a signal"),
        ({"min_volume_btc_24h": "100"}, "not_taken", "volume"),
        ({"close_deals_timeout": "60"}, "not_taken", "time"),
        ({"risk_reduction_percentage": "20"}, "not_taken", "losses"),
        ({"some_new_field": "yes"}, "not_taken", "some_new_field"),
    ],
)  # fmt: skip
def test_what_differs_or_is_left_out_is_said(changes, where, word):
    found = imported(**changes)
    assert any(word in sentence for sentence in getattr(found, where))


@pytest.mark.parametrize("value", [0, "0.0", None, False, [], ""], ids=repr)
def test_an_unknown_field_that_is_switched_off_says_nothing(value):
    assert imported(some_new_field=value).not_taken == ()


def test_one_step_that_sells_everything_is_the_take_profit():
    steps = [{"id": 0, "amount_percentage": "100.0", "profit_percentage": "3.0"}]
    assert imported(take_profit=None, take_profit_steps=steps).parameters.take_profit == D("0.03")
    assert imported(take_profit="3", take_profit_steps=steps).parameters.take_profit == D("0.03")


@pytest.mark.parametrize("pairs", ["USDT_ETH", ["USDT_ETH"], '["USDT_ETH"]', " usdt_eth "])
def test_a_pair_is_read_however_it_stands_there(pairs):
    assert imported(pairs=pairs).symbol == "ETH/USDT"


def test_trailing_prices_and_pauses_are_taken_over():
    found = imported(
        trailing_enabled=True, trailing_deviation="0.5", min_price="2000", max_price=3500,
        cooldown="600", disable_after_deals_count=5, reinvesting_percentage="100",
        stop_loss_percentage="90", stop_loss_type="stop_loss_and_disable_bot",
    ).parameters  # fmt: skip
    assert found.trailing_deviation == D("0.005")
    assert (found.min_price, found.max_price, found.cooldown) == (D(2000), D(3500), 600)
    assert (found.max_cycles, found.reinvest, found.stop_loss) == (5, D(1), D("0.9"))
    assert found.after_stop_loss is AfterStopLoss.STOP


LABELS = """
Base order size: 10 USDT
Safety order size: 20 USDT
Max safety trades count: 3
Max active safety trades count: 1
Price deviation to open safety orders (% from initial order): 1 %
Safety order volume scale: 1.05
Safety order step scale: 1.2
Target profit (%): 1.5
"""


def test_the_labels_of_the_form_are_read_line_by_line():
    found = read_import(LABELS)
    parameters = found.parameters
    assert parameters.deviations() == (D("0.01"), D("0.022"), D("0.0364"))
    assert (parameters.take_profit, parameters.active_safety_orders) == (D("0.015"), 1)
    assert not any("unit" in sentence for sentence in found.differs)


def test_a_trailing_deviation_without_its_switch_is_said():
    found = read_import(LABELS + "Trailing deviation (%): 0.2")
    assert found.parameters.trailing_deviation is None
    assert "trailing" in found.not_taken[0]


def test_a_size_in_another_coin_than_the_pair_is_refused():
    with pytest.raises(InvalidInput, match="is in ETH"):
        read_import(LABELS.replace("10 USDT", "10 ETH") + "pair: USDT_ETH")


def hundredths(low: int, high: int):
    return st.integers(low, high).map(lambda number: D(number) / 100)


@given(
    base=hundredths(1, 10**8), safety=hundredths(1, 10**8), count=st.integers(1, 30),
    step=hundredths(1, 1000), volume=hundredths(10, 200), scale=hundredths(10, 150),
    profit=hundredths(1, 1000),
)  # fmt: skip
def test_the_ladder_is_theirs_for_any_numbers(base, safety, count, step, volume, scale, profit):
    """Percent below the base order: step x (1 + scale + scale² ...); sizes: size x volume^(i - 1)."""
    changes = {
        "base_order_volume": str(base), "safety_order_volume": str(safety), "max_safety_orders": count,
        "safety_order_step_percentage": str(step), "martingale_volume_coefficient": str(volume),
        "martingale_step_coefficient": str(scale), "take_profit": str(profit),
    }  # fmt: skip
    deviations = [sum(step * scale**j for j in range(i)) / 100 for i in range(1, count + 1)]
    assume(deviations[-1] < 1 and safety * volume**count < 10**10)
    found = imported(**changes).parameters
    assert list(found.deviations()) == deviations
    assert list(found.sizes()) == [safety * volume**i for i in range(count)]
    assert (found.base_order_size, found.take_profit) == (base, profit / 100)
