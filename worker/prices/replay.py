"""Real candles replayed as if they happened now, at a chosen speed, or in lockstep with the worker."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.candles import EPOCH, Candle
from core.errors import InvalidInput
from core.events import last_price
from core.market import Market
from worker.clock import monotonic, wall_clock
from worker.venues.protocol import TimedQuote

MINUTE_MS = 60_000


class ReplayPrices:
    """One symbol, whose market time runs from the first candle's open at `speed` times real time.

    The wall clock time of `now` is the candles' own. In lockstep `moment` is set by the driver.
    """

    period = 1.0

    def __init__(
        self,
        market: Market,
        candles: Sequence[Candle],
        speed: float = 1.0,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        if not candles:
            raise InvalidInput("REPLAY_CANDLES", "holds no candle; name a file with some.")
        self.traded = market
        self.series = candles
        self.opened = [candle.opened for candle in candles]
        self.speed = speed
        self.clock = clock
        self.began: datetime | None = None
        self.moment: datetime | None = None

    def now(self) -> datetime:
        if self.moment is not None:
            return self.moment
        if self.began is None:
            self.began = self.clock()
        return self.series[0].at + (self.clock() - self.began) * self.speed

    async def market(self, symbol: str) -> Market:
        if symbol != self.traded.symbol:
            raise InvalidInput("symbol", f"is not replayed here; use {self.traded.symbol}.")
        return self.traded

    async def markets(self) -> Sequence[Market]:
        return [self.traded]

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        """The price at this moment: a quarter of a minute for each turning point of the candle."""
        at = self.now()
        position = bisect.bisect_right(self.opened, _ms(at)) - 1
        if self.traded.symbol not in symbols or position < 0:
            return {}
        candle = self.series[position]
        into = _ms(at) - candle.opened
        if into >= 2 * MINUTE_MS:
            return {}
        points = (candle.open, *candle.path())
        price = points[min(into * len(points) // MINUTE_MS, len(points) - 1)]
        return {self.traded.symbol: TimedQuote(at, last_price(price), monotonic())}

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        first = bisect.bisect_left(self.opened, _ms(since))
        closed = bisect.bisect_right(self.opened, _ms(self.now()) - MINUTE_MS)
        last = min(bisect.bisect_left(self.opened, _ms(until)), closed)
        return list(self.series[first:last])

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        minute = timedelta(minutes=1)
        return [(c.at + minute, c) for c in await self.candles(symbol, since, until)]

    async def close(self) -> None:
        """Nothing is open."""


def _ms(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(milliseconds=1))
