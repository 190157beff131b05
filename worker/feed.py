"""Prices in, fills and wakes out: one loop per market place, one request for all its symbols."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence

from core.errors import InvalidInput
from db import market_data
from db.errors import CommitUnknown, DatabaseUnavailable
from db.market_data import Ticker
from worker.database import Database
from worker.desk import Desk
from worker.errors import OutcomeUnknown, VenueUnavailable
from worker.peg import Peg
from worker.prices.source import PriceSource
from worker.venues.protocol import TimedQuote

log = logging.getLogger(__name__)
WALKED_EACH = 10


class Feed:
    """`name`: under which prices are stored. `desks`: whom they are for; it may grow.
    `wake(strategy_ids, received)`: called with those that a tick concerns and when it came. `peg()`: who
    watches the dollar coins; their prices come with the same request. `looked_at()`: symbols that nobody
    trades and somebody looks at."""

    def __init__(
        self,
        name: str,
        desks: Sequence[Desk],
        source: PriceSource,
        database: Database,
        wake: Callable[[set[int], float], None],
    ) -> None:
        self.name, self.desks, self.source = name, desks, source
        self.database = database
        self.wake = wake
        self.peg: Callable[[], Peg | None] = lambda: None
        self.looked_at: Callable[[], frozenset[str]] = frozenset
        self._ticks = 0
        self._storing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            await self._sleep_until_next()
            try:
                await self.tick()
            except (InvalidInput, VenueUnavailable) as error:
                log.warning("no prices from %s: %s", self.name, error)

    async def _sleep_until_next(self) -> None:
        """Quotes of the simulated market change at whole seconds: look just after."""
        now = self.source.now().timestamp()
        period = self.source.period
        due = (math.floor(now / period) + 1) * period
        await asyncio.sleep(max(due - now, 0.01) + 0.005)

    async def tick(self) -> None:
        used = {symbol for desk in self.desks for symbol in desk.symbols}
        followed = sorted(used | self.looked_at())
        if not followed:
            return
        peg = self.peg()
        watched = [] if peg is None else peg.symbols()
        quotes = await self.source.quotes(sorted({*followed, *watched}))
        self._ticks += 1
        if peg is not None:
            peg.take(quotes)
        quotes = {symbol: quotes[symbol] for symbol in followed if symbol in quotes}
        await asyncio.gather(
            *(
                self.take(desk, symbol, quotes[symbol])
                for desk in self.desks
                for symbol in desk.symbols
                if symbol in quotes
            )
        )
        self._store(quotes)
        if self._ticks % WALKED_EACH == 0:
            await self._walked()

    async def take(self, desk: Desk, symbol: str, seen: TimedQuote) -> None:
        """One new quote: resting orders fill first, then whoever it wakes is woken."""
        completed = desk.take(symbol, seen)
        try:
            await desk.venue.see(symbol, seen.at, completed.quote)
        except OutcomeUnknown as error:
            log.warning("fills on %s are looked at again: %s", symbol, error)
        self.wake(desk.woken(symbol, desk.venue.now()), seen.received)

    def _store(self, quotes: dict[str, TimedQuote]) -> None:
        """One statement for all symbols; when the one before is still running, this one is left out."""
        if not quotes or (self._storing is not None and not self._storing.done()):
            return
        rows = [
            Ticker(self.name, symbol, seen.quote.bid, seen.quote.ask, seen.quote.bid, seen.at)
            for symbol, seen in quotes.items()
        ]
        self._storing = asyncio.create_task(self._write(rows))

    async def _write(self, rows: Sequence[Ticker]) -> None:
        try:
            await self.database.write(lambda session: market_data.save_tickers(session, rows))
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("prices could not be stored: %s", error)

    async def _walked(self) -> None:
        try:
            for desk in self.desks:
                await desk.venue.walked(desk.venue.now())
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("the walked time could not be stored: %s", error)
