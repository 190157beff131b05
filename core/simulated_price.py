"""The simulated market's price: a pure function of symbol, seed and second.

History, charts and backtests exist at once, and so does the future: nothing is stored. The price of a
second holds from its beginning to its end, and candles are made of these same prices. The curve moves
around a fixed middle, so it stays above zero for ever.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from core.candles import EPOCH, Candle
from core.noise import (
    GOLDEN,
    Floats,
    Hashes,
    Ints,
    Track,
    ease,
    exp,
    make_track,
    mix,
    noise_along,
    noise_now,
    uniform,
)
from core.simulated_symbols import Falls, find_symbol

FALL_SALTS = 4
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Ticker:
    """What one can sell at, buy at, and the last price."""

    bid: Decimal
    ask: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class _Curves:
    """Several symbols side by side; every array has one column per symbol."""

    track: Track
    fall_seeds: Hashes
    cell: Ints
    ranges: Floats
    middle: Floats
    ticks: tuple[Decimal, ...]


def price_at(symbol: str, at: datetime, seed: int = 0) -> Decimal:
    """The last price at `at` (aware), on the tick."""
    return last_prices((symbol,), at, seed)[0]


def last_prices(symbols: Sequence[str], at: datetime, seed: int = 0) -> tuple[Decimal, ...]:
    """The price of each symbol at `at`, all in one go."""
    curves = _curves(tuple(symbols), seed)
    second = _second(at)
    counts = _counts(curves, noise_now(curves.track, second), second)
    pairs = zip(counts.tolist(), curves.ticks, strict=True)
    return tuple(tick * count for count, tick in pairs)


def tickers_at(symbols: Sequence[str], at: datetime, seed: int = 0) -> tuple[Ticker, ...]:
    """The books at `at`: one sells at the last price and buys one tick above it."""
    pairs = zip(last_prices(symbols, at, seed), symbols, strict=True)
    return tuple(_ticker(price, symbol) for price, symbol in pairs)


def prices(symbol: str, start: int, count: int, step: int = 1, seed: int = 0) -> Ints:
    """`count` prices in ticks, at the seconds start, start + step ... since 1970."""
    curves = _curves((symbol,), seed)
    seconds = start + step * np.arange(count, dtype=np.int64)
    return _counts(curves, noise_along(curves.track, seconds), seconds)


def candles(symbol: str, start: int, end: int, minutes: int = 1, seed: int = 0) -> list[Candle]:
    """Every whole candle that opens at or after `start` and closes by `end` (ms since 1970)."""
    length = minutes * 60_000
    tick = _curves((symbol,), seed).ticks[0]
    first = -(-start // length) * length
    last = end // length * length
    a_chunk = max(DAY_MS // length, 1) * length
    found: list[Candle] = []
    for opened in range(first, last, a_chunk):
        rows = _candle_counts(symbol, opened, min(opened + a_chunk, last), minutes * 60, seed)
        for number, row in enumerate(rows.tolist()):
            found.append(Candle(opened + number * length, *(tick * count for count in row)))
    return found


def _candle_counts(symbol: str, opened: int, until: int, length: int, seed: int) -> Ints:
    """Rows of open, high, low, close in ticks."""
    seen = prices(symbol, opened // 1000, (until - opened) // 1000, 1, seed).reshape(-1, length)
    return np.stack((seen[:, 0], seen.max(axis=1), seen.min(axis=1), seen[:, -1]), axis=1)


def _second(at: datetime) -> Ints:
    since = at - EPOCH
    return np.array([since.days * 86_400 + since.seconds], dtype=np.int64)


def _ticker(last: Decimal, symbol: str) -> Ticker:
    return Ticker(bid=last, ask=last + find_symbol(symbol).tick_size, last=last)


def _counts(curves: _Curves, noise: Floats, seconds: Ints) -> Ints:
    """The price in whole ticks, at least one."""
    moved = curves.middle * exp(noise - _fallen(curves, seconds))
    return np.maximum(np.rint(moved), 1.0).astype(np.int64)


def _fallen(curves: _Curves, seconds: Ints) -> Floats:
    """How far the fall of this cell has taken the price down, in its logarithm."""
    cell = seconds // curves.cell
    inside = (seconds - cell * curves.cell).astype(np.float64)
    drawn = uniform(curves.fall_seeds, cell[None, :])
    low, wide = curves.ranges[0], curves.ranges[1]
    start, down, up, depth = (low[n] + wide[n] * drawn[n] for n in range(FALL_SALTS))
    start = np.rint(start)
    going = np.clip((inside - start) / down, 0.0, 1.0)
    coming = np.clip((inside - start - down) / up, 0.0, 1.0)
    fallen: Floats = depth * (ease(going) - ease(coming))
    return fallen


@functools.lru_cache(maxsize=256)
def _curves(symbols: tuple[str, ...], seed: int) -> _Curves:
    found = [find_symbol(symbol) for symbol in symbols]
    seeds = [_own_seed(symbol, seed) for symbol in symbols]
    salts = np.arange(1, FALL_SALTS + 1, dtype=np.uint64)[:, None]
    return _Curves(
        track=make_track(seeds, [each.amplitudes for each in found]),
        fall_seeds=mix(~np.array(seeds, dtype=np.uint64)[None, :] + salts * GOLDEN),
        cell=np.array([each.falls.cell for each in found], dtype=np.int64),
        ranges=np.stack([_ranges(each.falls) for each in found], axis=-1),
        middle=np.array([each.middle for each in found], dtype=np.float64),
        ticks=tuple(each.tick_size for each in found),
    )


def _own_seed(symbol: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{symbol}/{seed}".encode()).digest()[:8], "big")


def _ranges(falls: Falls) -> Floats:
    """[lowest, width] of start, down, up and depth."""
    ranges = ((0, falls.jitter), falls.down, falls.up, falls.depth)
    pairs = [[low for low, _ in ranges], [high - low for low, high in ranges]]
    return np.array(pairs, dtype=np.float64)
