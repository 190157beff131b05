"""Prices, candles and trading rules for the screens. Made-up markets exist at once, as a pure function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import streamlit as st

from core import simulated_price
from core.candles import EPOCH, Candle
from core.market import Market
from core.simulated_symbols import SYMBOLS, market_of
from dashboard.candle_gaps import HOUR_MS, MINUTE_MS, Span, gaps
from dashboard.database import read, write
from db import candles as stored_candles
from db import market_data, price_requests
from db.accounts import SIMULATED
from db.candle_series import CandleSeries
from db.errors import NotFound

FRESH = timedelta(seconds=30)
ASKED = "_prices_asked"
USUAL_SYMBOL = "BTC/USDT"
BEST_KNOWN = ("BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "LTC")
REASONABLE = 24 * HOUR_MS
"""How much of a made-up market is made here (30 ms); more of it the worker is asked for, as of any other."""


@dataclass(frozen=True, slots=True)
class Tradable:
    symbol: str
    note: str
    is_practice: bool

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]


@st.cache_data(ttl=60, max_entries=50)
def tradable(venue: str) -> tuple[Tradable, ...]:
    """What the form offers on a venue."""
    if venue == SIMULATED:
        return tuple(Tradable(s.symbol, s.note, s.is_practice) for s in SYMBOLS)
    rows = read(lambda session: market_data.load_symbols(session, venue))
    return tuple(Tradable(row.symbol, row.note, row.is_practice) for row in rows)


def usual(offered: Sequence[Tradable]) -> int:
    """Which of them a new form begins with: where all are made up the first, else the best-known coin."""
    if not offered or any(each.is_practice for each in offered):
        return 0
    by_symbol = {each.symbol: number for number, each in enumerate(offered)}
    [(quote, _)] = Counter(each.quote for each in offered).most_common(1)
    known = (USUAL_SYMBOL, *(f"{coin}/{quote}" for coin in BEST_KNOWN))
    first = next(number for number, each in enumerate(offered) if each.quote == quote)
    return next((by_symbol[symbol] for symbol in known if symbol in by_symbol), first)


def market(venue: str, symbol: str) -> Market | None:
    """The trading rules; None while the worker has not fetched them."""
    if venue == SIMULATED:
        return market_of(symbol)
    stored = read(lambda session: market_data.load_markets(session, venue, [symbol])).get(symbol)
    return None if stored is None else stored.market


def last_price(venue: str, symbol: str, now: datetime) -> Decimal | None:
    """The worker's last price where it is fresh; None where nobody follows the symbol."""
    key = (venue, symbol)
    ticker = read(lambda session: market_data.load_tickers(session, [key])).get(key)
    if ticker is not None and now - ticker.at <= FRESH:
        return ticker.last
    if venue == SIMULATED:
        return simulated_price.price_at(symbol, now)
    return None if ticker is None else ticker.last


def look_at(user_id: int, venue: str, symbol: str, now: datetime) -> None:
    """Asks the workers for the price of a symbol that perhaps nobody follows; at most each 30 s per tab."""
    if venue == SIMULATED:
        return
    asked: dict[tuple[str, str], datetime] = st.session_state.setdefault(ASKED, {})
    last = asked.get((venue, symbol))
    if last is not None and now - last < FRESH:
        return
    asked[venue, symbol] = now
    try:
        write(lambda session: price_requests.ask(session, user_id, venue, symbol, now))
    except NotFound:  # not traded any more: a strategy on it can still be looked at and changed
        return


@dataclass(frozen=True, slots=True)
class History:
    """Candles, and the stretches of the time asked for of which there are none."""

    candles: tuple[Candle, ...]
    missing: tuple[Span, ...]


@st.cache_data(ttl=30, max_entries=200)
def history(
    venue: str, symbol: str, minutes: int, since: int, until: int, fetched: int = 0
) -> History:
    """Whole candles of `minutes` between two times in ms. `fetched`: another one is read anew at once."""
    if venue == SIMULATED:
        return History(tuple(simulated_price.candles(symbol, since, until, minutes)), ())
    series = read(lambda session: stored_candles.load(session, venue, symbol, since, until))
    missing = gaps(series.opened.tolist(), since, until)
    return History(tuple(_wider(series.candles(), minutes)), missing)


def minutes(
    venue: str, symbol: str, since: int, until: int
) -> tuple[CandleSeries, tuple[Span, ...]]:
    """One-minute candles as columns, and what is missing of them. Not cached: the caller keeps the result."""
    series = read(lambda session: stored_candles.load(session, venue, symbol, since, until))
    missing = gaps(series.opened.tolist(), since, until)
    lacking = sum(gap.until - gap.since for gap in missing)
    if venue != SIMULATED or not missing or lacking > REASONABLE:
        return series, missing
    made = (
        candle
        for gap in missing
        for candle in simulated_price.candles(symbol, gap.since, gap.until)
    )
    return series.merged(CandleSeries.of(made)), ()


def recent(hours: float, now: datetime) -> Span:
    """The last `hours` up to the last whole minute."""
    until = int((now - EPOCH).total_seconds() * 1000)
    until -= until % MINUTE_MS
    return Span(until - int(hours * 60) * MINUTE_MS, until)


def _wider(rows: list[Candle] | tuple[Candle, ...], minutes: int) -> list[Candle]:
    """One-minute candles joined to longer ones."""
    length = minutes * MINUTE_MS
    found: list[Candle] = []
    for row in rows:
        opened = row.opened - row.opened % length
        if found and found[-1].opened == opened:
            last = found[-1]
            found[-1] = Candle(
                opened, last.open, max(last.high, row.high), min(last.low, row.low), row.close,
                last.volume + row.volume,
            )  # fmt: skip
        else:
            found.append(Candle(opened, row.open, row.high, row.low, row.close, row.volume))
    return found
