"""Bans outlive the process that was banned: written down, and read by every worker behind this address."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from db import exchange_bans
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from worker.database import Database
from worker.exchanges.hub import Hub

log = logging.getLogger(__name__)
READ_EACH = 10.0


class Bans:
    """`hubs()`: the exchanges in use. An address is named by its host: the outer one is known to nobody."""

    def __init__(self, database: Database, hubs: Callable[[], Sequence[Hub]]) -> None:
        self.database = database
        self.hubs = hubs
        self.address = socket.gethostname()[:40]
        self._known: dict[str, float] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._unwritten: dict[str, datetime] = {}

    def watch(self, hub: Hub) -> None:
        """A new hub: it is told of its ban, and tells of one."""
        hub.tell_ban = lambda seconds: self._tell(hub.exchange, seconds)
        self._apply(hub)

    async def read(self) -> None:
        """Before the first request, and each 10 s: another worker may have been banned."""
        address, now = self.address, utc_now()
        found = await self.database.read(lambda s: exchange_bans.bans_of(s, address))
        self._known = {name: (until - now).total_seconds() for name, until in found.items()}
        for hub in self.hubs():
            self._apply(hub)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(READ_EACH)
            await self.keep()

    async def keep(self) -> None:
        """What others were told, and what the database did not take when it was told here."""
        try:
            await self.read()
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("bans could not be read: %s", error)
            return
        for exchange, until in list(self._unwritten.items()):
            await self._write(exchange, until)

    def _apply(self, hub: Hub) -> None:
        seconds = self._known.get(hub.exchange, 0.0)
        if seconds > 0:
            hub.be_calm(seconds)

    def _tell(self, exchange: str, seconds: float) -> None:
        until = utc_now() + timedelta(seconds=seconds)
        task = asyncio.get_running_loop().create_task(self._write(exchange, until))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, exchange: str, until: datetime) -> None:
        address = self.address
        try:
            await self.database.write(lambda s: exchange_bans.save_ban(s, exchange, address, until))
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("the ban of %s could not be written: %s", exchange, error)
            self._unwritten[exchange] = max(until, self._unwritten.get(exchange, until))
        else:
            self._unwritten.pop(exchange, None)
