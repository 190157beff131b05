"""Prices in, fills and wakes out: one loop per market place, one request for all its symbols."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from datetime import datetime

from core.errors import InvalidInput
from db import market_data
from db.errors import CommitUnknown, DatabaseUnavailable
from db.market_data import Ticker
from worker.database import Database
from worker.desk import Desk
from worker.errors import OutcomeUnknown, VenueUnavailable
from worker.prices.source import PriceSource
from worker.venues.ledger_venue import LedgerVenue
from worker.venues.protocol import TimedQuote

log = logging.getLogger(__name__)
WALKED_EACH = 10


class Feed:
    """`wake(strategy_ids, received)`: called with those that a tick concerns and when it came."""

    def __init__(
        self,
        desk: Desk,
        venue: LedgerVenue,
        source: PriceSource,
        database: Database,
        wake: Callable[[set[int], float], None],
    ) -> None:
        self.desk, self.venue, self.source = desk, venue, source
        self.database = database
        self.wake = wake
        self._ticks = 0
        self._storing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            await self._sleep_until_next()
            try:
                await self.tick()
            except (InvalidInput, VenueUnavailable) as error:
                log.warning("no prices from %s: %s", self.desk.name, error)

    async def _sleep_until_next(self) -> None:
        """Quotes of the simulated market change at whole seconds: look just after."""
        now = self.source.now().timestamp()
        period = self.source.period
        due = (math.floor(now / period) + 1) * period
        await asyncio.sleep(max(due - now, 0.01) + 0.005)

    async def tick(self) -> None:
        symbols = self.desk.symbols
        if not symbols:
            return
        quotes = await self.source.quotes(symbols)
        self._ticks += 1
        await asyncio.gather(*(self.take(symbol, seen) for symbol, seen in quotes.items()))
        self._store(quotes)
        if self._ticks % WALKED_EACH == 0:
            await self._walked()

    async def take(self, symbol: str, seen: TimedQuote) -> None:
        """One new quote: resting orders fill first, then whoever it wakes is woken."""
        completed = self.desk.take(symbol, seen)
        try:
            await self.venue.see(symbol, seen.at, completed.quote)
        except OutcomeUnknown as error:
            log.warning("fills on %s are looked at again: %s", symbol, error)
        self.wake(self.desk.woken(symbol, self.venue.now()), seen.received)

    def _store(self, quotes: dict[str, TimedQuote]) -> None:
        """One statement for all symbols; when the one before is still running, this one is left out."""
        if not quotes or (self._storing is not None and not self._storing.done()):
            return
        rows = [
            Ticker(self.desk.name, symbol, seen.quote.bid, seen.quote.ask, seen.quote.bid, seen.at)
            for symbol, seen in quotes.items()
        ]
        self._storing = asyncio.create_task(self._write(rows))

    async def _write(self, rows: Sequence[Ticker]) -> None:
        try:
            await self.database.write(lambda session: market_data.save_tickers(session, rows))
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("prices could not be stored: %s", error)

    async def _walked(self) -> None:
        at: datetime = self.venue.now()
        try:
            await self.venue.walked(at)
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("the walked time could not be stored: %s", error)
