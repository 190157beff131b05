"""Presets cover the fall in their name, fit the money there is, and make practice lively."""

import contextlib
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backtest import Settings, backtest
from core.candles import Candle
from core.errors import InvalidInput
from core.feasibility import problems
from core.ladder import required_capital
from core.orders import Role
from core.parameter_reading import read_parameters, write_parameters
from core.presets import (
    PRACTICE_PRESETS,
    PRESETS,
    preset,
    presets_for,
    size_preset,
    smallest_budget,
)
from core.simulated_price import prices
from core.simulated_symbols import SYMBOLS, find_symbol, market_of
from tests.core.stage import D, a_market, some_parameters

ALL = (*PRESETS, *PRACTICE_PRESETS)
MARCH = 1_740_787_200


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_preset_covers_the_fall_in_its_name(each):
    assert abs(each.shape.deviations()[-1] - each.fall) < D("0.005")
    assert each.name == f"Down to −{(each.fall * 100).normalize():f} %"


def test_the_defaults_are_one_of_them():
    defaults = some_parameters(max_safety_orders=6, price_deviation="0.02")
    shape = next(each.shape for each in PRESETS if each.fall == D("0.42"))
    for name in (
        "max_safety_orders",
        "price_deviation",
        "step_scale",
        "volume_scale",
        "take_profit",
    ):
        assert getattr(shape, name) == getattr(defaults, name)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
@pytest.mark.parametrize("symbol", [symbol.symbol for symbol in SYMBOLS])
def test_every_preset_works_on_every_simulated_symbol_with_a_thousand(each, symbol):
    found = find_symbol(symbol)
    price = found.middle * found.tick_size
    parameters = size_preset(each, D(1000), found.market, price)
    assert problems(parameters, found.market, price) == []
    assert read_parameters(write_parameters(parameters)) == parameters


@given(
    st.sampled_from(ALL),
    st.decimals(1, 1_000_000, places=2),
    st.decimals(1, 100_000, places=2),
    st.decimals("0.05", 1, places=2),
)
def test_a_preset_never_needs_more_than_its_share_and_uses_most_of_it(each, budget, price, share):
    market = a_market(lot_size=D("0.00001"), min_quantity=D("0.00001"), tick_size=D("0.0001"))
    smallest = smallest_budget(each, market, price, share)
    if budget < smallest:
        # Sizes have two digits, so a little less than the smallest budget may do as well.
        with contextlib.suppress(InvalidInput):
            assert preset(each.fall, budget, market, price, share).base_order_size > 0
        budget = smallest
    parameters = preset(each.fall, budget, market, price, share)
    needed = required_capital(parameters, market)
    assert budget * share * D("0.9") <= needed <= budget * share
    assert len(parameters.base_order_size.normalize().as_tuple().digits) <= 2
    assert problems(parameters, market, price) == []


def test_too_little_money_is_refused_with_the_smallest_balance_that_works():
    with pytest.raises(
        InvalidInput, match=r"too small for Down to −60 %: .* at least \d+ USDT"
    ) as refused:
        preset(D("0.6"), D(100), a_market(), D(100))
    assert refused.value.field == "budget"
    with pytest.raises(InvalidInput, match="too small"):
        preset(D("0.6"), D(0), a_market(), D(100))


def test_an_unknown_fall_names_the_known_ones():
    with pytest.raises(InvalidInput, match="15 %, 35 %, 42 %, 60 %, 75 %"):
        preset(D("0.2"), D(1000), a_market(), D(100))


def test_the_form_offers_practice_presets_for_practice_symbols_only():
    assert presets_for(True) == PRACTICE_PRESETS
    assert presets_for(False) == PRESETS


@pytest.mark.parametrize("symbol", [symbol.symbol for symbol in SYMBOLS if symbol.is_practice])
@pytest.mark.parametrize("start", [MARCH, MARCH + 200 * 86_400])
def test_practice_completes_a_cycle_every_minute_or_two_and_uses_its_levels(symbol, start):
    market, hours = market_of(symbol), 4
    tick = find_symbol(symbol).tick_size
    series = [tick * count for count in prices(symbol, start, hours * 3600).tolist()]
    parameters = size_preset(PRACTICE_PRESETS[0], D(10_000), market, series[0])
    seconds = (
        Candle((start + second) * 1000, *(price,) * 4) for second, price in enumerate(series)
    )
    result = backtest(parameters, market, seconds, Settings())
    ended = [fill.at for fill in result.fills if fill.order.slot.role is Role.TAKE_PROFIT]
    assert 22 <= result.cycles / hours <= 60
    assert middle_gap(ended) <= timedelta(minutes=2)
    assert max(later - before for before, later in pairwise(ended)) <= timedelta(minutes=30)
    assert all(count >= 1 for count in result.safety_orders_per_level)
    assert result.safety_orders_per_level[0] / result.cycles > 0.3
    last_level = result.safety_orders_per_level[-1]
    assert 0.5 <= last_level / hours <= 3
    assert result.realized_pnl > 0


def middle_gap(ended: list[datetime]) -> timedelta:
    gaps = sorted(later - before for before, later in pairwise(ended))
    return gaps[len(gaps) // 2]


def test_sizes_are_decimals_people_can_read():
    parameters = preset(D("0.42"), D(10_000), a_market(), D(100))
    assert parameters.base_order_size == parameters.safety_order_size == Decimal(280)
