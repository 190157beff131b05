"""Pure: equity and drawdown of a strategy from its fills, its closed cycles and one-minute candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core import metrics
from core.candles import EPOCH, Candle
from core.market import Market, Side
from core.metrics import Drawdown, Release, Standing
from core.money import ZERO, exact
from core.orders import Fill
from dashboard.candle_gaps import MINUTE_MS
from db.candle_series import CandleSeries, Column
from db.reports import ClosedCycle, FillRow

MOST_FILLS = 4000
MOST_CYCLES = 2001
"""Older ones are not read: of them the sums are known exactly."""
MOST_POINTS = 1500
WIDTHS = (1, 5, 15, 60, 240)
"""Minutes of a candle where nothing was filled."""

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Earned:
    """Of all closed cycles of a strategy, those that are not read included."""

    realized: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """`peak`: the highest equity so far, exact. Arrays are for drawing: one value per candle."""

    opened: Times
    equity: npt.NDArray[np.float64]
    realized: npt.NDArray[np.float64]
    drawdown: npt.NDArray[np.float64]
    peak: Decimal
    deepest: Drawdown

    @exact
    def drawdown_at(self, equity: Decimal) -> Decimal:
        return max(self.peak - equity, ZERO)


@exact
def standings(
    closed: Sequence[ClosedCycle], fills: Sequence[FillRow], market: Market, earned: Earned
) -> list[Standing]:
    """After each of the latest fills, the first one being where it stood before them."""
    first = _first_whole_cycle(fills)
    start = _before(first, closed, earned)
    rows = [_row(fill) for fill in fills if fill.cycle_number >= first]
    releases = [
        Release(cycle.number, cycle.closed_at, cycle.released_at_price)
        for cycle in closed
        if cycle.released_at_price is not None and cycle.number >= first
    ]
    found = metrics.standings(rows, market, releases, start)
    return found if start is None else [start, *found]


@exact
def past(
    found: Sequence[Standing], candles: Sequence[Candle], sell_fee: Decimal, capital: Decimal
) -> Past:
    drawn = metrics.curves(found, candles, sell_fee, capital)
    last = found[-1].equity(candles[-1].close, sell_fee) if found and candles else ZERO
    return Past(
        opened=drawn.opened,
        equity=drawn.equity,
        realized=drawn.realized,
        drawdown=drawn.drawdown,
        peak=max(last + drawn.current.amount, ZERO),
        deepest=drawn.deepest,
    )


def thinned(series: CandleSeries, found: Sequence[Standing]) -> list[Candle]:
    """Minutes in which something was filled stand alone; the others are joined to at most MOST_POINTS.

    So nothing is bought or sold within a wide candle, and its high and low are of one holding.
    """
    if not len(series):
        return []
    minutes = series.opened // MINUTE_MS
    at = np.array([(each.at - EPOCH).total_seconds() for each in found], dtype=np.float64)
    busy = np.isin(minutes, (at // 60).astype(np.int64))
    bucket = minutes // _width(len(series))
    edge = (bucket[1:] != bucket[:-1]) | busy[1:] | busy[:-1]
    starts = np.flatnonzero(np.concatenate(([True], edge)))
    ends = np.append(starts[1:], len(series)) - 1
    column = {name: series.columns[name] for name in ("open", "high", "low", "close")}
    high = np.maximum.reduceat(column["high"].values, starts)
    low = np.minimum.reduceat(column["low"].values, starts)
    rows = zip(
        series.opened[starts].tolist(),
        column["open"].taken(starts).decimals(),
        Column(high, column["high"].places).decimals(),
        Column(low, column["low"].places).decimals(),
        column["close"].taken(ends).decimals(),
        busy[starts].tolist(),
        strict=True,
    )
    # A busy minute's high may have come before the buy: taken for a peak it would be one nobody had.
    return [
        Candle(opened, last, last, bottom, last)
        if is_busy
        else Candle(opened, first, top, bottom, last)
        for opened, first, top, bottom, last, is_busy in rows
    ]


def _width(count: int) -> int:
    return next((width for width in WIDTHS if count <= width * MOST_POINTS), WIDTHS[-1])


def _first_whole_cycle(fills: Sequence[FillRow]) -> int:
    """The first whose fills have all been read."""
    if len(fills) < MOST_FILLS:
        return 0
    return 1 + max(fill.cycle_number for fill in fills if fill.at == fills[0].at)


def _before(first: int, closed: Sequence[ClosedCycle], earned: Earned) -> Standing | None:
    """Where it stood when cycle `first` began, from the totals of the cycles: None at the very start."""
    newer = [cycle for cycle in closed if cycle.number >= first]
    older = [cycle for cycle in closed if cycle.number < first]
    if not older:
        return None
    last = max(older, key=lambda cycle: cycle.number)
    return Standing(
        at=last.closed_at,
        cycle=last.number,
        quantity=max(last.dust_quantity, ZERO),
        cost=last.dust_cost if last.dust_quantity > 0 else ZERO,
        realized=earned.realized - sum((cycle.realized_pnl for cycle in newer), ZERO),
        fees=earned.fees - sum((cycle.fees for cycle in newer), ZERO),
    )


def _row(row: FillRow) -> metrics.FillRow:
    fill = Fill(
        row.trade_id, row.at, row.price, row.quantity, row.fee, row.fee_asset, row.fee_value
    )
    return metrics.FillRow(row.cycle_number, Side(row.side), fill)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """At most so many points as a screen can show: last equity and realized, worst drawdown of each."""

    opened: list[int]
    equity: list[float]
    realized: list[float]
    drawdown: list[float]


def for_a_screen(whole: Past, most: int = MOST_POINTS) -> Drawn:
    count = len(whole.opened)
    if not count:
        return Drawn([], [], [], [])
    step = -(-count // most)
    starts = np.arange(0, count, step)
    ends = np.append(starts[1:], count) - 1
    return Drawn(
        whole.opened[ends].tolist(),
        whole.equity[ends].tolist(),
        whole.realized[ends].tolist(),
        np.maximum.reduceat(whole.drawdown, starts).tolist(),
    )
