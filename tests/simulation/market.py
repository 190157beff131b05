"""Made-up markets: a seeded walk with jumps and crashes, and how a worker without an exchange sees it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random

from core.candles import EPOCH, Candle
from core.errors import InvalidInput
from core.events import Quote
from core.market import Market
from tests.simulation.loop import Clock
from worker.clock import monotonic, wall_clock
from worker.errors import VenueUnavailable
from worker.venues.protocol import TimedQuote

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Tick:
    """`at`: seconds on the simulation's clock."""

    at: float
    bid: Decimal
    ask: Decimal


class Walk:
    """The true price of one symbol. `shock(fraction)`: the next tick jumps by that much."""

    def __init__(self, market: Market, start: str, luck: Random, volatility: float) -> None:
        assert market.tick_size is not None
        self.market, self.tick = market, market.tick_size
        self._luck, self._volatility = luck, volatility
        self.start = start
        self._home = self._level = float(start)
        self._path: Iterator[float] | None = None
        self._shock = 0.0
        self.history: list[Tick] = []

    def shock(self, fraction: float) -> None:
        self._shock += fraction

    def follow(self, path: Iterator[float]) -> None:
        """From now on it goes this way."""
        self._path = path

    def advance(self, at: float, seconds: float) -> Tick:
        """Small steps that are drawn back a little to where it began, so that cycles end."""
        if self._path is not None:
            return self._stand(at, next(self._path))
        drift = 0.00002 * seconds * (self._home / self._level - 1)
        step = self._luck.gauss(drift, self._volatility * seconds**0.5)
        self._level *= max(0.05, 1 + step + self._shock)
        self._shock = 0.0
        return self._stand(at, self._level)

    def _stand(self, at: float, level: float) -> Tick:
        number = Decimal(repr(level)) / self.tick
        bid = max(Decimal(1), number.quantize(Decimal(1), ROUND_HALF_EVEN)) * self.tick
        tick = Tick(at, bid, bid + self.tick)
        self.history.append(tick)
        return tick

    @property
    def last(self) -> Tick:
        return self.history[-1]

    def since(self, at: float) -> list[Tick]:
        first = bisect.bisect_left(self.history, at, key=lambda tick: tick.at)
        return self.history[first:]


class WalkPrices:
    """A `PriceSource` over the walks. `away()`: nobody answers. `distort(tick)`: what is shown instead."""

    def __init__(
        self,
        clock: Clock,
        walks: dict[str, Walk],
        period: float,
        away: Callable[[], bool],
    ) -> None:
        self.clock, self.walks, self.period, self.away = clock, walks, period, away

    def now(self) -> datetime:
        return wall_clock()

    async def market(self, symbol: str) -> Market:
        if symbol not in self.walks:
            raise InvalidInput("symbol", f"{symbol} is not traded here.")
        return self.walks[symbol].market

    async def markets(self) -> Sequence[Market]:
        return [walk.market for walk in self.walks.values()]

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        if self.away():
            raise VenueUnavailable("away")
        at, received = self.now(), monotonic()
        found = {}
        for symbol in symbols:
            walk = self.walks.get(symbol)
            if walk is not None and walk.history:
                tick = walk.last
                quote = Quote(tick.bid, tick.ask, tick.bid, tick.ask)
                found[symbol] = TimedQuote(at, quote, received)
        return found

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        minutes: dict[int, list[Decimal]] = {}
        for tick in self.walks[symbol].since(self._seconds(since)):
            at = self._ms(tick.at)
            if at - at % MINUTE_MS + MINUTE_MS <= _ms(min(until, self.now())):
                minutes.setdefault(at - at % MINUTE_MS, []).append(tick.bid)
        return [
            Candle(opened, bids[0], max(bids), min(bids), bids[-1])
            for opened, bids in minutes.items()
            if opened >= _ms(since)
        ]

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        if self.away():
            raise VenueUnavailable("away")
        found = []
        for tick in self.walks[symbol].since(self._seconds(since)):
            ended = EPOCH + timedelta(milliseconds=self._ms(tick.at))
            if since < ended <= until:
                found.append((ended, Candle(_ms(ended), *([tick.bid] * 4))))
        return found

    async def close(self) -> None:
        """Nothing is open."""

    def _seconds(self, at: datetime) -> float:
        return (at - self.clock.beginning).total_seconds()

    def _ms(self, seconds: float) -> int:
        return _ms(self.clock.beginning) + int(seconds * 1000)


def _ms(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(milliseconds=1))
