"""Once an hour: rows that are older than their time go. What is money stays."""

from __future__ import annotations

import asyncio
import logging

from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.retention import prune
from worker.database import Database

log = logging.getLogger(__name__)
EACH = 3600.0
FIRST_AFTER = 60.0
JOURNAL_DAYS = 400


class Housekeeping:
    """`log_days`: how long log records stay (LOG_RETENTION_DAYS)."""

    def __init__(self, database: Database, log_days: int) -> None:
        self.database = database
        self.log_days = log_days

    async def run(self) -> None:
        await asyncio.sleep(FIRST_AFTER)
        while True:
            await self.tidy()
            await asyncio.sleep(EACH)

    async def tidy(self) -> None:
        try:
            gone = await self.database.write(
                lambda session: prune(
                    session, log_days=self.log_days, journal_days=JOURNAL_DAYS, at=utc_now()
                )
            )
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("old rows could not be removed: %s", error)
            return
        removed = {table: count for table, count in gone.items() if count}
        if removed:
            log.info("old rows removed: %s", removed)
