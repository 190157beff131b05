"""Erases the keys of accounts that were archived: what nobody needs nobody can steal."""

from __future__ import annotations

import asyncio
import logging

from db import account_keys, account_status
from db.account_status import ABOUT_THE_KEY, AccountStatus
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from worker.database import Database

log = logging.getLogger(__name__)
EACH = 30.0
ERASED = (
    "The account is archived, so its exchange key was erased here. Delete it on the exchange too."
)


class KeyEraser:
    """Every worker does it, since an archived account has no lease; done twice it changes nothing."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EACH)
            try:
                await self.erase()
            except (CommitUnknown, DatabaseUnavailable) as error:
                log.warning("keys of archived accounts wait to be erased: %s", error)

    async def erase(self) -> int:
        """How many keys are gone now."""
        if not await self.database.read(account_keys.archived_with_keys):
            return 0
        return await self.database.write(_erase)


def _erase(session: Session) -> int:
    at = utc_now()
    accounts = account_keys.archived_with_keys(session)
    known = account_status.load(session, accounts).values()
    gone = [
        AccountStatus(
            account_id=status.account_id, user_id=status.user_id, sentence=ERASED, updated_at=at
        )
        for status in known
    ]
    account_status.save(session, gone, only=ABOUT_THE_KEY)
    return account_keys.erase_keys(session, accounts)
