"""What nobody needs nobody can steal: keys of archived accounts are erased, and old private keys removed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from db import account_keys, account_status, keys
from db.account_status import ABOUT_THE_KEY, AccountStatus
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from db.keys import KeyFileMissing
from worker.database import Database
from worker.keys.rotation import forget_old_pairs, other_hosts, reseal_all

log = logging.getLogger(__name__)
EACH = 30.0
ERASED = (
    "The account is archived, so its exchange key was erased here. Delete it on the exchange too."
)


class KeyEraser:
    """Every worker does it, since an archived account has no lease; done twice it changes nothing.

    `folder`: of the key files (None: config/)."""

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        self.database = database
        self.folder = folder

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EACH)
            try:
                await self.erase()
                await self.database.call(self.finish_rotation)
            except (CommitUnknown, DatabaseUnavailable) as error:
                log.warning("keys of archived accounts wait to be erased: %s", error)

    def finish_rotation(self) -> None:
        """What was sealed for the old pair by a page that was open during a rotation is sealed anew, and
        the old private key goes. With workers on other hosts that is left to the operator."""
        try:
            if not keys.old_pairs(self.folder):
                return
        except KeyFileMissing:
            return  # a worker without key files has nothing to rotate
        engine = self.database.engine
        if not other_hosts(engine):
            reseal_all(engine, self.folder)
            forget_old_pairs(engine, self.folder)

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
