"""Rounding for a market, and the numbers that people see."""

from __future__ import annotations

import threading
from decimal import Decimal, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounting import booked_cost
from core.ladder import build_ladder
from core.market import Market, Side
from core.money import EXACT, half_up, plain, stored
from tests.builders import a_market, some_parameters

STEPS = st.sampled_from(
    [Decimal(s) for s in ("0.00000001", "0.001", "0.05", "0.25", "1", "10", "3")]
)
VALUES = st.decimals("0", "1000000", places=9)


@given(value=VALUES, step=STEPS)
def test_a_buy_price_goes_down_and_a_sell_price_up_by_less_than_a_tick(value, step):
    market = a_market(tick_size=step)
    low, high = market.round_price(Side.BUY, value), market.round_price(Side.SELL, value)
    assert low % step == high % step == 0
    assert low <= value <= high
    assert value - low < step
    assert high - value < step
    assert market.round_price(Side.BUY, low) == low
    assert market.round_price(Side.SELL, high) == high


@given(value=VALUES, step=STEPS)
def test_a_quantity_never_grows(value, step):
    rounded = a_market(lot_size=step).round_quantity(value)
    assert rounded % step == 0
    assert 0 <= value - rounded < step


@given(value=VALUES)
def test_without_rules_nothing_is_rounded(value):
    assert Market().round_quantity(value) == value
    assert Market().round_price(Side.BUY, value) == Market().round_price(Side.SELL, value) == value


def test_minima_are_inclusive_and_count_after_rounding():
    market = a_market(
        lot_size=Decimal("0.1"), min_quantity=Decimal("0.2"), min_notional=Decimal(10)
    )
    assert market.is_tradable(Decimal("0.29"), Decimal(50))
    assert not market.is_tradable(Decimal("0.29"), Decimal(49))
    assert not market.is_tradable(Decimal("0.19"), Decimal(1000))
    assert not market.is_tradable(Decimal(0), Decimal(1000))


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [("8.125", 2, "8.13"), ("-8.125", 2, "-8.13"), ("2.5", 0, "3"), ("91.875", 2, "91.88")],
)
def test_people_see_numbers_half_up(value, places, shown):
    assert str(half_up(Decimal(value), places)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1E+3", "1000"),
        ("0E-18", "0"),
        ("-0", "0"),
        ("1.500", "1.5"),
        ("1E-18", "0." + "0" * 17 + "1"),
    ],
)
def test_plain_numbers_have_no_exponent_and_no_trailing_zeros(value, shown):
    assert plain(Decimal(value)) == shown


@given(
    cost=st.decimals("0", "10000", places=18), held=st.integers(1, 999), sold=st.integers(1, 999)
)
def test_a_partial_sale_books_its_share_and_nothing_is_lost(cost, held, sold):
    leaves, stays = booked_cost(cost, Decimal(held), Decimal(sold))
    with localcontext(EXACT):
        assert leaves + stays == cost
    assert stored(stays) == stays
    if sold >= held:
        assert stays == 0


def test_other_contexts_and_threads_calculate_just_as_exactly():
    found = []

    def calculate():
        found.append(build_ladder(some_parameters(max_safety_orders=7), Decimal(97), Market()))

    calculate()
    with localcontext() as context:
        context.prec = 5
        calculate()
    thread = threading.Thread(target=calculate)
    thread.start()
    thread.join()
    assert found[0] == found[1] == found[2]
    assert getcontext().prec == EXACT.prec
