"""Prices that stand where the test puts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.candles import EPOCH, Candle
from core.errors import InvalidInput
from core.market import Market
from tests.worker.fakes import FakeClock
from worker.errors import VenueUnavailable
from worker.venues.protocol import TimedQuote


class FakePrices:
    """`history`: candles, oldest first; `pieces`: the path that `path` gives. `away`: nothing answers."""

    period = 1.0

    def __init__(self, clock: FakeClock, *markets: Market) -> None:
        self.clock = clock
        self.traded = {market.symbol: market for market in markets}
        self.current: dict[str, TimedQuote] = {}
        self.history: list[Candle] = []
        self.pieces: dict[str, list[tuple[datetime, Candle]]] = {}
        self.asked: list[tuple[datetime, datetime]] = []
        self.away = False

    def now(self) -> datetime:
        return self.clock.now()

    async def market(self, symbol: str) -> Market:
        if symbol not in self.traded:
            raise InvalidInput("symbol", f"{symbol} is not traded here.")
        return self.traded[symbol]

    async def markets(self) -> Sequence[Market]:
        return list(self.traded.values())

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        if self.away:
            raise VenueUnavailable("away")
        return {symbol: self.current[symbol] for symbol in symbols if symbol in self.current}

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        if self.away:
            raise VenueUnavailable("away")
        self.asked.append((since, until))
        return [candle for candle in self.history if since <= candle.at < until]

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        if self.away:
            raise VenueUnavailable("away")
        return [piece for piece in self.pieces.get(symbol, ()) if since < piece[0] <= until]

    async def close(self) -> None:
        """Nothing is open."""


def piece(ended: datetime, *prices: object) -> tuple[datetime, Candle]:
    """Open, high, low, close of a piece of a path; one price: it stood still."""
    numbers = [Decimal(str(price)) for price in prices]
    if len(numbers) == 1:
        numbers *= 4
    opened = int((ended - EPOCH).total_seconds() * 1000) - (60_000 if len(prices) > 1 else 0)
    return ended, Candle(opened, *numbers)
