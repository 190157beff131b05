"""The simulated market: a pure function in core, so nothing here ever fails or waits."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.candles import EPOCH, Candle
from core.events import Quote
from core.market import Market
from core.simulated_price import candles, prices, tickers_at
from core.simulated_symbols import SYMBOLS, find_symbol, market_of
from worker.clock import monotonic, wall_clock
from worker.venues.protocol import TimedQuote

MINUTE = timedelta(minutes=1)


class SimulatedPrices:
    """Quotes hold from the beginning of a second to its end."""

    period = 1.0

    def __init__(
        self,
        clock: Callable[[], datetime] = wall_clock,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self.clock, self.monotonic = clock, monotonic

    def now(self) -> datetime:
        return self.clock()

    async def market(self, symbol: str) -> Market:
        return market_of(symbol)

    async def markets(self) -> Sequence[Market]:
        return [found.market for found in SYMBOLS]

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        if not symbols:
            return {}
        at, received = self.now().replace(microsecond=0), self.monotonic()
        tickers = tickers_at(symbols, at)
        return {
            symbol: TimedQuote(at, Quote(t.bid, t.ask, t.bid, t.ask), received)
            for symbol, t in zip(symbols, tickers, strict=True)
        }

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        return await asyncio.to_thread(candles, symbol, _ms(since), _ms(until))

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        """Seconds up to the next whole minute, whole minutes, and seconds again."""
        first = since.replace(second=0, microsecond=0) + MINUTE
        last = until.replace(second=0, microsecond=0)
        if last <= first:
            return _seconds(symbol, since, until)
        minutes = await self.candles(symbol, first, last)
        whole = [(EPOCH + timedelta(milliseconds=c.opened) + MINUTE, c) for c in minutes]
        return _seconds(symbol, since, first) + whole + _seconds(symbol, last, until)

    async def close(self) -> None:
        """Nothing is open."""


def _seconds(symbol: str, since: datetime, until: datetime) -> list[tuple[datetime, Candle]]:
    second = timedelta(seconds=1)
    first, last = (since - EPOCH) // second + 1, (until - EPOCH) // second
    return list(_each_second(symbol, first, last))


@functools.lru_cache(maxsize=256)  # all accounts that are opened together walk the same seconds
def _each_second(symbol: str, first: int, last: int) -> tuple[tuple[datetime, Candle], ...]:
    if last < first:
        return ()
    tick, found = find_symbol(symbol).tick_size, []
    for number, count in enumerate(prices(symbol, first, last - first + 1).tolist()):
        price = tick * count
        at = EPOCH + timedelta(seconds=first + number)
        found.append((at, Candle(_ms(at), price, price, price, price)))
    return tuple(found)


def _ms(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(milliseconds=1))
