"""Published ladders, to the printed digit (half-up)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ladder import build_ladder, required_capital, safety_levels
from core.market import FeeCurrency, Market
from core.money import half_up
from core.parameter_reading import read_parameters
from tests.builders import a_market, some_parameters

NO_FEES = Market(maker_fee=Decimal(0), taker_fee=Decimal(0))
CALCULATOR = {
    "base_order_size": "100",
    "safety_order_size": "50",
    "max_safety_orders": 8,
    "price_deviation": "0.01",
    "step_scale": "1.5",
    "volume_scale": "1.5",
    "take_profit": "0.015",
    "take_profit_includes_fees": False,
}


def printed(values, places=2) -> str:
    return " ".join(str(half_up(value, places)) for value in values)


@pytest.fixture
def calculator():
    """thecryptocalculators.com, DCA bot calculator, without fees."""
    return build_ladder(read_parameters(CALCULATOR), Decimal(100), NO_FEES).rungs


def test_deviations_of_the_published_calculator(calculator):
    shown = printed([rung.level.deviation * 100 for rung in calculator[1:]])
    assert shown == "1.00 2.50 4.75 8.13 13.19 20.78 32.17 49.26"


def test_prices_of_the_published_calculator(calculator):
    shown = printed([rung.level.price for rung in calculator[1:]])
    assert shown == "99.00 97.50 95.25 91.88 86.81 79.22 67.83 50.74"


def test_sizes_of_the_published_calculator(calculator):
    sizes = [rung.level.size for rung in calculator[1:]]
    assert printed(sizes) == "50.00 75.00 112.50 168.75 253.13 379.69 569.53 854.30"


def test_averages_of_the_published_calculator(calculator):
    shown = printed([rung.average_entry_price for rung in calculator[1:]])
    assert shown == "99.66 98.93 97.67 95.66 92.52 87.61 79.85 67.03"


def test_required_changes_of_the_published_calculator(calculator):
    shown = printed([rung.required_change * 100 for rung in calculator[1:]])
    assert shown == "2.18 2.99 4.08 5.68 8.17 12.26 19.49 34.09"


def test_deviations_of_3commas_step_scale_two():
    parameters = some_parameters(max_safety_orders=5, price_deviation="0.01", step_scale="2")
    assert printed([d * 100 for d in parameters.deviations()], 0) == "1 3 7 15 31"


@pytest.mark.parametrize(
    ("volume_scale", "sizes"),
    [("2", "100 200 400 800 1600"), ("0.5", "100 50 25 12.5 6.25")],
)
def test_sizes_of_okx_spot_dca(volume_scale, sizes):
    parameters = some_parameters(max_safety_orders=5, volume_scale=volume_scale)
    assert list(parameters.sizes()) == [Decimal(size) for size in sizes.split()]


def test_level_zero_is_the_base_order_and_has_no_deviation():
    ladder = build_ladder(some_parameters(), Decimal(50), NO_FEES)
    assert ladder.rungs[0].level.deviation == 0
    assert ladder.rungs[0].level.quantity == 2
    assert ladder.required_capital == 400
    assert ladder.max_deviation == Decimal("0.03")


def test_custom_levels_replace_the_formula():
    levels = [{"deviation": "0.05", "size": "10"}, {"deviation": "0.2", "size": "30"}]
    parameters = some_parameters(custom_levels=levels)
    found = safety_levels(parameters, Decimal(100), NO_FEES)
    assert [(level.price, level.size) for level in found] == [
        (Decimal(95), Decimal(10)),
        (Decimal(80), Decimal(30)),
    ]


@pytest.mark.parametrize("currency", list(FeeCurrency))
def test_a_take_profit_that_includes_fees_leaves_exactly_that_much(currency):
    """Buy one level at its price, sell at the take profit: what is kept is t of what was paid."""
    fee = Decimal("0.001")
    market = Market(maker_fee=fee, taker_fee=fee, fee_currency=currency)
    rung = build_ladder(some_parameters(), Decimal(100), market).rungs[0]
    kept = rung.level.quantity * (1 - fee) if currency == "base" else rung.level.quantity
    paid = rung.level.cost if currency == "base" else rung.level.cost * (1 + fee)
    received = kept * rung.take_profit_price * (1 - fee)
    assert half_up(received / paid, 30) == Decimal("1.01")


@given(
    price=st.decimals("0.0001", "100000", places=4),
    scale=st.decimals("0.5", "1.6", places=2),
    count=st.integers(0, 10),
)
def test_levels_fall_and_are_rounded_once_in_the_owners_favour(price, scale, count):
    market = a_market(tick_size=Decimal("0.0001"), lot_size=Decimal("0.00001"))
    parameters = some_parameters(max_safety_orders=count, step_scale=scale)
    levels = safety_levels(parameters, price, market)
    assert len(levels) == count
    for level in levels:
        exact = price * (1 - level.deviation)
        assert level.price <= exact < level.price + Decimal("0.0001")
        assert level.price % Decimal("0.0001") == 0
        assert level.quantity % Decimal("0.00001") == 0
        assert level.quantity * level.price <= level.size
    prices = [level.price for level in levels]
    assert prices == sorted(prices, reverse=True)


@given(price=st.decimals("0.01", "100000", places=2))
def test_the_ladder_never_needs_more_than_its_nominal_capital(price):
    market = a_market(maker_fee=Decimal("0.001"), taker_fee=Decimal("0.002"))
    parameters = some_parameters()
    ladder = build_ladder(parameters, price, market)
    assert ladder.required_capital <= required_capital(parameters, market)
