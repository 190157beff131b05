"""Symbols that somebody looks at in the dashboard and no strategy follows: their prices come as well."""

from __future__ import annotations

import asyncio
import logging

from db.accounts import SIMULATED
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.price_requests import wanted
from worker.database import Database
from worker.places import Places

log = logging.getLogger(__name__)
LOOK_EACH = 2.0


class Onlookers:
    """One small query each 2 s, whatever the number of accounts."""

    def __init__(self, database: Database, places: Places) -> None:
        self.database, self.places = database, places

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (DatabaseUnavailable, CommitUnknown) as error:
                log.warning("price requests could not be read: %s", error)
            await asyncio.sleep(LOOK_EACH)

    async def look(self) -> None:
        """Tell the feeds of this worker whose prices are wanted."""
        found = await self.database.read(lambda session: wanted(session, utc_now()))
        self.places.looked_at = {
            name: frozenset(symbols) for name, symbols in found.items() if name != SIMULATED
        }
