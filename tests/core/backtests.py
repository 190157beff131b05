"""A backtest in one line, and its fills in words."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

from core.backtest import BacktestResult, Settings, backtest
from core.candles import Candle
from core.market import Market
from tests.builders import candles, some_parameters

Rules = dict[str, Any]
FREE = Market(maker_fee=D(0), taker_fee=D(0))
FLAT = (100, 100, 100, 100)


def run(
    rows, market: Market = FREE, settings: Settings | None = None, **parameters
) -> BacktestResult:
    series = rows if rows and isinstance(rows[0], Candle) else candles(*rows)
    return backtest(some_parameters(**parameters), market, series, settings or Settings())


def story(result: BacktestResult) -> list[str]:
    """ "base@100", "safety1@99", "take_profit@101": every fill in order."""
    return [
        f"{record.order.slot.role}{record.order.slot.level or ''}@{record.fill.price.normalize():f}"
        for record in result.fills
    ]
