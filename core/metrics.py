"""What charts and screens show of the past: equity, drawdown, capital used, results per cycle.

Everything is computed from fills and candles, nothing is sampled. Series are floats for drawing;
every figure that is printed as a number is an exact Decimal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core.accounting import Book
from core.candles import EPOCH, Candle
from core.cycle import Holding
from core.market import Market, Side
from core.money import ONE, ZERO, exact
from core.orders import Fill, fill_order

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class FillRow:
    """A fill with the cycle that it belongs to."""

    cycle: int
    side: Side
    fill: Fill


@dataclass(frozen=True, slots=True)
class Release:
    """The person let a cycle's coins go, booked at `price`."""

    cycle: int
    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """Exactly where a strategy stands after a fill: coins, their cost, realized PnL and fees so far."""

    at: datetime
    cycle: int
    quantity: Decimal
    cost: Decimal
    realized: Decimal
    fees: Decimal

    def equity(self, price: Decimal, sell_fee: Decimal) -> Decimal:
        """Realized + unrealized PnL at `price`, the fee of selling included."""
        return self.realized + self.unrealized(price, sell_fee)

    def unrealized(self, price: Decimal, sell_fee: Decimal) -> Decimal:
        return self.quantity * price * (ONE - sell_fee) - self.cost


@dataclass(frozen=True, slots=True)
class CycleResult:
    """In quote, net of fees. `ended_at`: its last fill so far; an open cycle has sold nothing or a part."""

    number: int
    started_at: datetime
    ended_at: datetime
    realized: Decimal
    fees: Decimal
    most_capital: Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The fall of equity from its highest point so far. `fraction`: of capital + realized PnL there."""

    amount: Decimal
    fraction: Decimal
    peak_at: datetime | None
    at: datetime | None


NO_DRAWDOWN = Drawdown(ZERO, ZERO, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """One value per candle, at its close; `drawdown` reckons with its low. `opened`: ms since 1970."""

    opened: Ints
    equity: Floats
    realized: Floats
    drawdown: Floats
    drawdown_fraction: Floats
    capital_used: Floats
    deepest: Drawdown
    current: Drawdown


@exact
def standings(
    rows: Iterable[FillRow],
    market: Market,
    releases: Iterable[Release] = (),
    start: Standing | None = None,
) -> list[Standing]:
    """The standing after each fill and release, oldest first.

    start: where it stood before the first of `rows`, when earlier fills are left out; not among the result.
    """
    held = Holding() if start is None else Holding(start.quantity, start.cost)
    book = Book(held, market.base, market.fee_currency)
    if start is not None:
        book.realized, book.fees = start.realized, start.fees
    found = []
    for happened in _in_order(rows, releases):
        if isinstance(happened, Release):
            at = happened.at
            book.release(happened.price)
        else:
            at = happened.fill.at
            book.buy(happened.fill) if happened.side is Side.BUY else book.sell(happened.fill)
        found.append(
            Standing(at, happened.cycle, book.quantity, book.cost, book.realized, book.fees)
        )
    return found


@exact
def cycle_results(found: Sequence[Standing]) -> list[CycleResult]:
    """One row per cycle, in order; their realized PnL adds up to that of the last standing."""
    results: list[CycleResult] = []
    earned = fees = ZERO
    for start, end in _cycles(found):
        last = found[end - 1]
        results.append(
            CycleResult(
                number=last.cycle,
                started_at=found[start].at,
                ended_at=last.at,
                realized=last.realized - earned,
                fees=last.fees - fees,
                most_capital=max(standing.cost for standing in found[start:end]),
            )
        )
        earned, fees = last.realized, last.fees
    return results


def time_in_trade(found: Sequence[Standing], until: datetime | None = None) -> timedelta:
    """How long cycles were open, from the first fill of each to its last. `until`: one still is."""
    spans = [(found[start].at, found[end - 1].at) for start, end in _cycles(found)]
    total = sum((end - start for start, end in spans), timedelta())
    if until is not None and spans:
        total += max(until - spans[-1][1], timedelta())
    return total


@exact
def curves(
    found: Sequence[Standing], candles: Sequence[Candle], sell_fee: Decimal, capital: Decimal
) -> Curves:
    """Equity and drawdown over `candles` (ascending), from fills made up to each candle's close.

    capital: the balance, or the required capital where there is none. Fills older than the candles
    count; the peak of equity starts at 0 and is looked for within the candles.
    """
    opened = np.array([candle.opened for candle in candles], dtype=np.int64)
    which = _standing_at(found, opened)
    held = _Held(found, which, sell_fee)
    closes = held.equity(np.array([float(candle.close) for candle in candles]))
    highs = held.equity(np.array([float(candle.high) for candle in candles]))
    lows = held.equity(np.array([float(candle.low) for candle in candles]))
    peaks, peak_index = _running_peak(np.maximum(highs, closes))
    # A candle's low may have come before its high: it is measured against the peak before the candle.
    to_low, to_close = np.concatenate(([0.0], peaks))[:-1] - lows, peaks - closes
    by_low = to_low >= to_close
    drawdown = np.maximum(np.where(by_low, to_low, to_close), 0.0)
    earlier = np.concatenate((np.array([-1]), peak_index))[:-1]
    from_candle = np.where(by_low, earlier, peak_index)
    at_peak = np.concatenate(([0.0], held.realized))[from_candle + 1]
    deepest = current = NO_DRAWDOWN
    if candles:
        exactly = _Exact(found, candles, which, sell_fee, capital)
        worst = int(drawdown.argmax())
        lowest = candles[worst].low if by_low[worst] else candles[worst].close
        deepest = exactly.drawdown(int(from_candle[worst]), worst, lowest)
        current = exactly.drawdown(int(peak_index[-1]), len(candles) - 1, candles[-1].close)
    return Curves(
        opened=opened,
        equity=closes,
        realized=held.realized,
        drawdown=drawdown,
        drawdown_fraction=_fraction(drawdown, float(capital) + at_peak),
        capital_used=held.cost,
        deepest=deepest,
        current=current,
    )


class _Held:
    """The standing at each candle as arrays."""

    def __init__(self, found: Sequence[Standing], which: Ints, sell_fee: Decimal) -> None:
        self.keep = float(ONE - sell_fee)
        self.quantity = self._column([standing.quantity for standing in found], which)
        self.cost = self._column([standing.cost for standing in found], which)
        self.realized = self._column([standing.realized for standing in found], which)

    @staticmethod
    def _column(values: list[Decimal], which: Ints) -> Floats:
        return np.array([0.0, *map(float, values)], dtype=np.float64)[which + 1]

    def equity(self, prices: Floats) -> Floats:
        return self.realized + self.quantity * prices * self.keep - self.cost


@dataclass(frozen=True, slots=True)
class _Exact:
    """The same figures in Decimal, for the few candles of which a number is shown."""

    found: Sequence[Standing]
    candles: Sequence[Candle]
    which: Ints
    sell_fee: Decimal
    capital: Decimal

    def drawdown(self, peak_index: int, index: int, price: Decimal) -> Drawdown:
        """From the peak in candle `peak_index` (-1: the start) to `price` in candle `index`."""
        peak, earned, peak_at = ZERO, ZERO, None
        if peak_index >= 0:
            top = self.candles[peak_index]
            peak = max(self._equity(peak_index, top.high), self._equity(peak_index, top.close))
            earned, peak_at = self._realized(peak_index), top.at
        amount = peak - self._equity(index, price)
        if amount <= 0:
            return NO_DRAWDOWN
        base = self.capital + earned
        fraction = amount / base if base > 0 else ONE
        return Drawdown(amount, fraction, peak_at, self.candles[index].at)

    def _equity(self, index: int, price: Decimal) -> Decimal:
        which = int(self.which[index])
        return ZERO if which < 0 else self.found[which].equity(price, self.sell_fee)

    def _realized(self, index: int) -> Decimal:
        which = int(self.which[index])
        return ZERO if which < 0 else self.found[which].realized


def _standing_at(found: Sequence[Standing], opened: Ints) -> Ints:
    """For each candle the last standing before the next one opens, or -1."""
    if not len(opened):
        return np.array([], dtype=np.int64)
    length = int(np.diff(opened).min()) if len(opened) > 1 else 60_000
    at = np.array([(standing.at - EPOCH) // MILLISECOND for standing in found], dtype=np.int64)
    return np.searchsorted(at, opened + length, side="left").astype(np.int64) - 1


def _running_peak(equity: Floats) -> tuple[Floats, Ints]:
    """(highest so far, from 0 on; the candle of it, -1 while it is the start)."""
    peaks = np.maximum(np.maximum.accumulate(equity), 0.0) if len(equity) else equity
    index = np.arange(len(equity), dtype=np.int64)
    is_new = (equity > 0.0) & (equity > np.concatenate(([0.0], peaks[:-1]))[: len(equity)])
    last: Ints = np.maximum.accumulate(np.where(is_new, index, -1)) if len(equity) else index
    return peaks, last


def _fraction(amount: Floats, base: Floats) -> Floats:
    """1 where there is nothing to lose it from."""
    all_of_it = np.where(amount > 0.0, 1.0, 0.0)
    found: Floats = np.divide(amount, base, out=all_of_it, where=base > 0.0)
    return found


def _cycles(found: Sequence[Standing]) -> list[tuple[int, int]]:
    """Where each cycle's standings begin and end."""
    starts = [
        index
        for index, standing in enumerate(found)
        if index == 0 or found[index - 1].cycle != standing.cycle
    ]
    return list(itertools.pairwise([*starts, len(found)]))


def _in_order(rows: Iterable[FillRow], releases: Iterable[Release]) -> list[FillRow | Release]:
    """By cycle, then by time; a release is the last thing that happens in its cycle."""
    fills: list[FillRow] = sorted(rows, key=lambda row: (row.cycle, fill_order(row.fill)))
    happened: list[FillRow | Release] = [*fills]
    for release in sorted(releases, key=lambda release: release.cycle):
        later = (index for index, each in enumerate(happened) if each.cycle > release.cycle)
        happened.insert(next(later, len(happened)), release)
    return happened
