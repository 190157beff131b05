"""Equity and drawdown from fills and minutes: the same whether everything is read or only the latest."""

from __future__ import annotations

from decimal import Decimal

import pytest
import streamlit as st

from core import simulated_price
from core.candles import EPOCH
from core.money import exact
from dashboard import equity, equity_reading, prices
from db import reports
from db.candle_series import CandleSeries
from db.candles import milliseconds
from db.transactions import run
from tests.dashboard import stand_in
from tests.dashboard.conftest import texts
from tests.db.people import a_strategy

SYMBOL = "PRACTICE1/USDT"
MINUTES = 120
FEE = Decimal("0.001")
CAPITAL = Decimal(1000)


@pytest.fixture(autouse=True)
def _nothing_cached():
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def traded(world) -> int:
    strategy_id = a_strategy(world.engine, world.ann, SYMBOL)
    stand_in.trade(world.engine, strategy_id, world.now, MINUTES)
    return strategy_id


def detail(world, strategy_id):
    return run(world.engine, lambda s: reports.strategy_detail(
        s, world.ann, strategy_id, at=world.now))  # fmt: skip


def history(world, strategy_id):
    return run(
        world.engine,
        lambda s: (
            reports.closed_cycles(s, world.ann, strategy_id, limit=5000),
            reports.strategy_fills(s, world.ann, strategy_id, limit=5000),
        ),
    )


def standings(world, strategy_id):
    card = detail(world, strategy_id).card
    earned = equity_reading.earned_in_closed_cycles(card)
    closed, fills = history(world, strategy_id)
    return equity.standings(closed, fills, card.cycle.market, earned)


def minutes_of(world) -> CandleSeries:
    until = milliseconds(world.now) // 60_000 * 60_000
    return CandleSeries.of(simulated_price.candles(SYMBOL, until - MINUTES * 60_000, until))


@exact
def test_equity_ends_where_the_card_stands(world, traded):
    card = detail(world, traded).card
    last = standings(world, traded)[-1]
    assert card.cycles_closed > 3
    assert abs(last.realized - card.realized_pnl) < Decimal("1e-15")
    assert last.equity(card.bid, card.cycle.market.taker_fee) == pytest.approx(
        equity_reading.equity_now(card), abs=Decimal("1e-15")
    )


@exact
def test_reading_only_the_latest_fills_ends_at_the_same_place(world, traded, monkeypatch):
    whole = standings(world, traded)
    closed, fills = history(world, traded)
    monkeypatch.setattr(equity, "MOST_FILLS", len(fills) // 2)
    card = detail(world, traded).card
    part = equity.standings(
        closed, fills[-equity.MOST_FILLS :], card.cycle.market,
        equity_reading.earned_in_closed_cycles(card),
    )  # fmt: skip
    assert len(part) < len(whole)
    for mine, all_of_it in zip(part[-3:], whole[-3:], strict=True):
        assert (mine.at, mine.quantity, mine.cost) == (
            all_of_it.at,
            all_of_it.quantity,
            all_of_it.cost,
        )
        assert abs(mine.realized - all_of_it.realized) < Decimal("1e-15")
        assert abs(mine.fees - all_of_it.fees) < Decimal("1e-15")


def test_minutes_without_fills_are_joined_and_nothing_is_lost(world, traded, monkeypatch):
    found, series = standings(world, traded), minutes_of(world)
    whole = equity.past(found, equity.thinned(series, found), FEE, CAPITAL)
    monkeypatch.setattr(equity, "MOST_POINTS", 10)
    joined = equity.thinned(series, found)
    assert len(joined) < len(series)
    busy = {int((each.at - EPOCH).total_seconds() // 60) * 60_000 for each in found}
    assert busy & set(series.opened.tolist()) <= {candle.opened for candle in joined}
    coarse = equity.past(found, joined, FEE, CAPITAL)
    assert coarse.peak == whole.peak
    assert coarse.deepest.amount == whole.deepest.amount
    assert coarse.equity[-1] == whole.equity[-1]


def test_a_high_before_a_buy_is_no_peak(world, traded):
    found, series = standings(world, traded), minutes_of(world)
    bought = found[0].at.replace(second=0, microsecond=0)
    (minute,) = [each for each in equity.thinned(series, found) if each.at == bought]
    assert minute.high == minute.close


@exact
def test_drawdown_is_measured_from_the_best_ever():
    past = equity.past((), (), FEE, CAPITAL)
    assert past.drawdown_at(Decimal("-3.5")) == Decimal("3.5")
    assert past.drawdown_at(Decimal(2)) == 0
    assert equity.for_a_screen(past).opened == []


def test_what_is_drawn_keeps_the_end_and_the_worst(world, traded):
    found, series = standings(world, traded), minutes_of(world)
    whole = equity.past(found, equity.thinned(series, found), FEE, CAPITAL)
    drawn = equity.for_a_screen(whole, most=7)
    assert len(drawn.opened) <= 7
    assert drawn.equity[-1] == whole.equity[-1]
    assert max(drawn.drawdown) == whole.drawdown.max()


def test_the_section_shows_equity_and_the_deepest_drawdown(world, open_page, traded):
    app = open_page(world.ann, "views/strategy.py", id=str(traded))
    app.session_state["section"] = "PnL"
    app.query_params["id"] = str(traded)
    app.run()
    shown = texts(app)
    assert "Deepest drawdown" in shown
    assert "Equity" in shown
    assert not app.get("progress")


def test_made_up_minutes_that_are_not_stored_are_made_here_unless_they_are_many(world):
    until = milliseconds(world.now) // 60_000 * 60_000
    series, missing = prices.minutes("simulated", SYMBOL, until - 600_000, until)
    assert (len(series), missing) == (10, ())
    series, missing = prices.minutes("simulated", SYMBOL, until - 3 * prices.REASONABLE, until)
    assert len(series) == 0
    assert missing[0].since == until - 3 * prices.REASONABLE
