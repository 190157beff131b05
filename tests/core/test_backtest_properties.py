"""The exact backtest on random candles: drawdown, quiet candles and conservation, each reckoned anew."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backtest import BacktestResult, Settings
from core.backtest_run import Run
from core.candles import Candle
from core.market import FeeCurrency, Market
from core.matching import FillRule
from tests.builders import MINUTE, a_market
from tests.core.backtests import FREE, Rules, run

PRICES = st.integers(9000, 11000).map(lambda cents: D(cents) / 100)


@st.composite
def series(draw, most: int = 20) -> list[Candle]:
    """Candles whose closes and opens may gap."""
    rows, close = [], draw(PRICES)
    for number in range(draw(st.integers(1, most))):
        start = close if draw(st.booleans()) else draw(PRICES)
        close = draw(PRICES)
        high = max(start, close) + D(draw(st.integers(0, 100))) / 100
        low = min(start, close) - D(draw(st.integers(0, 100))) / 100
        rows.append(Candle(1_700_000_000_000 + number * MINUTE, start, high, low, close))
    return rows


STRATEGIES: list[Rules] = [
    {},
    {"stop_loss": "0.05", "after_stop_loss": "continue", "stop_loss_cooldown": 120},
    {"trailing_deviation": "0.004", "active_safety_orders": 1},
    {"trigger_price": "98", "min_price": "91", "cooldown": 60},
    {"reinvest": "0.5", "base_order_type": "limit"},
]
VENUES = [
    FREE,
    a_market(maker_fee=D("0.001"), taker_fee=D("0.001"), fee_currency=FeeCurrency.BASE),
    a_market(lot_size=D("0.05"), maker_fee=D("0.001"), taker_fee=D("0.001")),
]


def brute_force_drawdown(result: BacktestResult, rows: list[Candle], market: Market) -> D:
    """Equity at every turning point and before and after every fill, from the fills alone."""
    by_time: dict[int, list] = {}
    for record in result.fills:
        by_time.setdefault(int(record.at.timestamp() * 1000), []).append(record)
    quote = base = peak = deepest = D(0)

    def look(price):
        nonlocal peak, deepest
        equity = quote + base * price * (1 - market.taker_fee)
        peak = max(peak, equity)
        deepest = max(deepest, peak - equity)

    previous = rows[0].open
    for candle in rows:
        waiting = by_time.get(candle.opened, [])
        for jump, end in [(True, candle.open), *((False, price) for price in candle.path())]:
            while waiting and (reached := _reached(waiting[0], previous, end, jump)) is not None:
                record = waiting.pop(0)
                look(reached)
                sign = 1 if record.order.side == "buy" else -1
                quote -= sign * record.fill.cost
                base += sign * record.fill.quantity
                if record.fill.fee_asset == market.base:
                    base -= record.fill.fee
                else:
                    quote -= record.fill.fee_value
                look(reached)
                previous = reached
            look(end)
            previous = end
        assert not waiting
    return deepest


def _reached(record, start, end, jump):
    price = record.fill.price
    if jump:
        return end if price == end else None
    if record.order.side == "sell" and record.order.kind == "market" and end > start:
        return None  # stops and trails act on the way down
    return price if min(start, end) <= price <= max(start, end) else None


@given(rows=series(), which=st.sampled_from(STRATEGIES), market=st.sampled_from(VENUES))
def test_the_drawdown_is_what_a_walk_over_every_point_finds(rows, which, market):
    result = run(rows, market, **which)
    assert result.max_drawdown == pytest.approx(
        brute_force_drawdown(result, rows, market), abs=D("1e-9")
    )


@given(
    rows=series(),
    which=st.sampled_from(STRATEGIES),
    market=st.sampled_from(VENUES),
    rule=st.sampled_from(FillRule),
)
def test_skipping_quiet_candles_changes_nothing(rows, which, market, rule):
    settings = Settings(rule, balance=D(350))
    quick = run(rows, market, settings, **which)
    slow = pytest.MonkeyPatch()
    with slow.context() as patch:
        patch.setattr(Run, "_is_quiet", lambda *_: False)
        assert run(rows, market, settings, **which) == quick


@given(rows=series(), which=st.sampled_from(STRATEGIES), market=st.sampled_from(VENUES))
def test_money_is_conserved(rows, which, market):
    result = run(rows, market, **which)
    quote = base = D(0)
    for record in result.fills:
        sign = 1 if record.order.side == "buy" else -1
        quote -= sign * record.fill.cost
        base += sign * record.fill.quantity
        if record.fill.fee_asset == market.base:
            base -= record.fill.fee
        else:
            quote -= record.fill.fee_value
    assert base == pytest.approx(result.open_quantity + result.dust, abs=D("1e-30"))
    value = base * rows[-1].close * (1 - market.taker_fee)
    assert result.equity_change == pytest.approx(quote + value, abs=D("1e-17"))
    assert base >= 0
