"""The market places of this process: each made when somebody first needs it, with its feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from db.accounts import SIMULATED, Account, AccountKind
from worker.database import Database
from worker.desk import Desk
from worker.errors import VenueUnavailable
from worker.feed import Feed
from worker.prices.replay import ReplayPrices
from worker.prices.simulated import SimulatedPrices
from worker.prices.source import PriceSource
from worker.symbols import publish_exchange
from worker.venues.ledger import Ledger
from worker.venues.ledger_venue import Hint, LedgerVenue


class Places:
    """`hint` and `wake` go to the runners. `replay` stands in for the simulated market."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        replay: ReplayPrices | None,
        public: Callable[[str], PriceSource],
        *,
        with_feeds: bool = True,
    ) -> None:
        self.database = database
        self.ledger = ledger
        self.replay = replay
        self.public = public
        self.with_feeds = with_feeds
        self.hint: Hint = lambda account_id, orders: None
        self.wake: Callable[[set[int], float], None] = lambda strategy_ids, received: None
        self.desks: dict[str, Desk] = {}
        self.venues: dict[str, LedgerVenue] = {}
        self._sources: dict[str, PriceSource] = {}
        self._publishing: dict[str, asyncio.Task[None]] = {}
        self._feeds: dict[str, asyncio.Task[None]] = {}

    def of_account(self, account: Account) -> Desk:
        if account.kind is AccountKind.LIVE:
            raise VenueUnavailable("live accounts are not served by this version")
        return self.named(account.venue)

    def named(self, name: str) -> Desk:
        """The place called `name`: "simulated" or the id of an exchange whose prices are public."""
        if name not in self.desks:
            source = self._source(name)
            venue = LedgerVenue(name, source, self.ledger)
            venue.hint = self.hint
            desk = Desk(name, venue)
            self.desks[name], self.venues[name], self._sources[name] = desk, venue, source
            if name != SIMULATED:
                self._publishing[name] = asyncio.create_task(
                    publish_exchange(self.database, name, source), name=f"markets-{name}"
                )
            if self.with_feeds:
                feed = Feed(desk, venue, source, self.database, self.wake)
                self._feeds[name] = asyncio.create_task(feed.run(), name=f"feed-{name}")
        return self.desks[name]

    def check(self) -> None:
        """Raises what ended a feed: a feed that is gone must be loud."""
        for task in self._feeds.values():
            if task.done():
                task.result()

    def _source(self, name: str) -> PriceSource:
        if name != SIMULATED:
            return self.public(name)
        return SimulatedPrices() if self.replay is None else self.replay

    async def close(self) -> None:
        tasks = [*self._feeds.values(), *self._publishing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for source in self._sources.values():
            await source.close()
