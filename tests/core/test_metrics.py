"""Curves and results are computed from fills and candles, and agree with the engine to the last digit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounting import position
from core.backtest import Settings, backtest
from core.candles import Candle
from core.cycle import DesiredState
from core.market import FeeCurrency
from core.metrics import (
    NO_DRAWDOWN,
    Curves,
    FillRow,
    Release,
    curves,
    cycle_results,
    standings,
    time_in_trade,
)
from tests.core.stage import START, D, Stage, a_market, some_parameters

MINUTE = 60_000
CAPITAL = D(1000)
FIRST = int(START.timestamp()) * 1000


def rows_of(stage: Stage) -> list[FillRow]:
    return [
        FillRow(cycle.number, order.side, fill)
        for cycle in [*stage.closed, stage.cycle]
        for order in cycle.orders
        for fill in order.fills
    ]


def releases_of(stage: Stage) -> list[Release]:
    return [
        Release(cycle.number, cycle.last_ended_at or START, cycle.released_at_price)
        for cycle in stage.closed
        if cycle.released_at_price is not None
    ]


def flat(minute: int, price: Decimal | int) -> Candle:
    return Candle(FIRST + minute * MINUTE, *(D(price),) * 4)


def drawn(stage: Stage, candles: list[Candle], capital: Decimal = CAPITAL) -> Curves:
    found = standings(rows_of(stage), stage.market)
    return curves(found, candles, stage.market.taker_fee, capital)


MOVES = st.lists(st.integers(55, 130), min_size=1, max_size=25)


@given(MOVES, st.sampled_from([FeeCurrency.QUOTE, FeeCurrency.BASE, FeeCurrency.OTHER]))
def test_the_results_of_cycles_are_those_that_the_engine_books(moves, currency):
    stage = Stage(some_parameters(reinvest="1"), a_market(fee_currency=currency))
    for price in moves:
        stage.see(price)
    found = standings(rows_of(stage), stage.market)
    held = position(stage.cycle)
    results = cycle_results(found)
    for cycle, result in zip([*stage.closed, stage.cycle], results, strict=False):
        booked = position(cycle)
        assert (result.number, result.realized, result.fees) == (
            cycle.number,
            booked.realized,
            booked.fees,
        )
    assert (found[-1].quantity, found[-1].cost) == (held.quantity, held.cost)
    assert sum((result.realized for result in results), D(0)) == found[-1].realized


@given(MOVES, st.integers(0, 20))
def test_standings_go_on_from_where_the_earlier_fills_ended(moves, cut):
    stage = Stage()
    for price in moves:
        stage.see(price)
    rows = rows_of(stage)
    whole = standings(rows, stage.market)
    cut = min(cut, len(rows))
    start = whole[cut - 1] if cut else None
    assert standings(rows[cut:], stage.market, start=start) == whole[cut:]


def test_coins_that_were_let_go_are_booked_at_their_price():
    stage = Stage()
    stage.see(100)
    stage.want(DesiredState.STOPPED)
    stage.see(90)
    stage.want(DesiredState.RUNNING, release_at=D(90))
    stage.see(90)
    found = standings(rows_of(stage), stage.market, releases_of(stage))
    results = cycle_results(found)
    assert [result.number for result in results] == [1, 2]
    assert results[0].realized == position(stage.closed[0]).realized == D("-10.1")
    assert found[-1].quantity == position(stage.cycle).quantity


def test_equity_is_realized_and_unrealized_at_each_close():
    stage = Stage(some_parameters(max_safety_orders=0))
    stage.see(100, seconds=30)
    stage.see(102, seconds=120)
    candles = [flat(0, 100), flat(1, 90), flat(2, 102)]
    result = drawn(stage, candles)
    bought = position(stage.closed[0]).realized
    after = position(stage.cycle).unrealized(D(102), stage.market.taker_fee)
    assert result.equity.tolist() == pytest.approx([-0.2, -10.19, float(bought + after)])
    assert result.realized.tolist() == pytest.approx([0, 0, float(bought)])
    assert result.capital_used[:2].tolist() == pytest.approx([100.1, 100.1])
    assert result.opened.tolist() == [candle.opened for candle in candles]


def test_drawdown_is_the_fall_from_the_peak_in_quote_and_as_a_fraction_of_what_there_was():
    stage = Stage(some_parameters(max_safety_orders=0, take_profit="0.5"))
    stage.see(100, seconds=0)
    candles = [flat(0, 100), flat(1, 120), flat(2, 90), flat(3, 110)]
    result = drawn(stage, candles, D(200))
    assert result.drawdown.tolist() == pytest.approx([0.2, 0, 29.97, 9.99])
    assert result.drawdown_fraction.tolist() == pytest.approx([0.001, 0, 0.14985, 0.04995])
    assert result.deepest.amount == D("29.97")
    assert result.deepest.fraction == D("0.14985")
    assert result.deepest.peak_at == candles[1].at
    assert result.deepest.at == candles[2].at
    assert result.current.amount == D("9.99")


def test_realized_profit_at_the_peak_widens_what_a_drawdown_is_a_fraction_of():
    stage = Stage(some_parameters(max_safety_orders=0, max_cycles=2))
    stage.see(100)
    stage.see(200)
    earned = position(stage.closed[0]).realized
    result = drawn(stage, [flat(0, 200), flat(1, 100)], D(200))
    assert result.deepest.fraction == result.deepest.amount / (200 + earned)
    assert result.drawdown_fraction[1] == pytest.approx(float(result.deepest.fraction))


def test_a_candles_low_counts_and_its_high_is_a_peak():
    stage = Stage(some_parameters(max_safety_orders=0, take_profit="1"))
    stage.see(100, seconds=0)
    long = Candle(FIRST, D(100), D(150), D(60), D(100))
    result = drawn(stage, [long, replace(flat(1, 100), low=D(80))])
    sold = D("0.999")
    assert result.drawdown[0] == pytest.approx(float(50 * sold))
    assert result.deepest.amount == 70 * sold
    assert result.deepest.at == flat(1, 100).at
    assert result.current.amount == 50 * sold


def test_before_any_fill_everything_is_zero():
    result = drawn(Stage(), [flat(0, 100), flat(1, 50)])
    assert result.equity.tolist() == result.drawdown.tolist() == [0, 0]
    assert result.deepest == result.current == NO_DRAWDOWN
    assert time_in_trade([]) == timedelta()
    assert cycle_results([]) == []


def test_without_candles_there_are_no_curves():
    result = drawn(Stage(), [])
    assert len(result.equity) == len(result.drawdown) == 0
    assert result.deepest == NO_DRAWDOWN


def test_with_nothing_to_lose_it_from_a_drawdown_is_whole():
    stage = Stage(some_parameters(max_safety_orders=0))
    stage.see(100, seconds=0)
    result = drawn(stage, [flat(0, 90)], D(0))
    assert result.deepest.fraction == 1
    assert result.drawdown_fraction.tolist() == [1]


def test_time_in_trade_leaves_out_the_pauses():
    stage = Stage(some_parameters(cooldown=3600))
    stage.see(100)
    stage.see(102, seconds=600)
    stage.see(100, seconds=7200)
    found = standings(rows_of(stage), stage.market)
    assert time_in_trade(found) == timedelta(seconds=600)
    assert time_in_trade(found, stage.at + timedelta(seconds=60)) == timedelta(seconds=660)
    assert time_in_trade(found, START) == timedelta(seconds=600)


@given(MOVES)
def test_curves_agree_with_the_exact_backtest(moves):
    parameters, market = some_parameters(), a_market()
    candles = [flat(minute, price) for minute, price in enumerate([100, *moves])]
    exact = backtest(parameters, market, candles, Settings())
    rows = [FillRow(fill.cycle, fill.order.side, fill.fill) for fill in exact.fills]
    found = standings(rows, market)
    result = curves(found, candles, market.taker_fee, D(1000))
    last = found[-1]
    price = candles[-1].close
    assert last.realized == exact.realized_pnl
    assert last.equity(price, market.taker_fee) == exact.equity_change
    assert last.fees == exact.fees
    assert result.equity[-1] == pytest.approx(float(exact.equity_change), abs=1e-9)
    assert max(standing.cost for standing in found) == exact.most_capital_used
    assert result.deepest.amount <= exact.max_drawdown


@given(st.lists(st.tuples(st.integers(60, 140), st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_the_number_shown_is_the_deepest_point_of_the_curve(moves):
    stage = Stage(some_parameters(max_safety_orders=0, take_profit="9"))
    stage.see(100, seconds=0)
    candles = [
        Candle(FIRST + n * MINUTE, D(close), D(close + up), D(close - down), D(close))
        for n, (close, up, down) in enumerate(moves)
    ]
    result = drawn(stage, candles)
    assert np.all(result.drawdown >= 0)
    assert float(result.deepest.amount) == pytest.approx(result.drawdown.max(), abs=1e-9)
    assert float(result.deepest.fraction) == pytest.approx(
        result.drawdown_fraction[result.drawdown.argmax()], abs=1e-12
    )
    assert result.current.amount <= result.deepest.amount
