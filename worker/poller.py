"""Reads what people want: what changed in the last 30 s each second, and every revision each 30 s."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from db.clock import utc_now
from db.doubts import Answer, waiting
from db.errors import CommitUnknown, DatabaseUnavailable
from db.halt import Halt, acknowledge, read_halt
from db.handles import Session
from db.wanted import Revision, Wanted, all_revisions, changed_since, wanted
from worker.database import Database
from worker.runners import Runners

log = logging.getLogger(__name__)
PERIOD = 1.0
# A transaction stamped earlier can commit later.
OVERLAP = timedelta(seconds=30)
EVERYTHING_EACH = 30


class Poller:
    """`owner`: this worker's name, under which halts are acknowledged."""

    def __init__(self, database: Database, runners: Runners, owner: Callable[[], str]) -> None:
        self.database = database
        self.runners = runners
        self.owner = owner
        self.acknowledged = ("", -1)
        self._rounds = 0

    async def run(self) -> None:
        while True:
            try:
                await self.poll()
            except (DatabaseUnavailable, CommitUnknown) as error:
                log.warning("wishes could not be read: %s", error)
            await asyncio.sleep(PERIOD)

    async def poll(self) -> None:
        accounts = sorted(self.runners.running)
        self._rounds += 1
        everything = self._rounds % EVERYTHING_EACH == 0
        rows, halt, answers = await self.database.read(
            lambda session: self._read(session, accounts, everything)
        )
        await self.runners.learn(rows, halt)
        self.runners.hear(answers)
        await self._acknowledge(halt)

    def _read(
        self, session: Session, accounts: list[int], everything: bool
    ) -> tuple[list[Wanted], Halt, list[Answer]]:
        rows = changed_since(session, accounts, utc_now() - OVERLAP)
        if everything:
            rows += wanted(session, self._unknown(all_revisions(session, accounts)))
        return rows, read_halt(session), waiting(session, accounts)

    def _unknown(self, revisions: dict[int, Revision]) -> list[int]:
        """Strategies whose row is not what this worker knows, and those whose symbol was not traded when
        they were taken in: it may be now."""
        found = []
        for strategy_id, revision in revisions.items():
            runner = self.runners.home.get(strategy_id)
            tracked = None if runner is None else runner.tracked.get(strategy_id)
            if (
                runner is None
                or tracked is None
                or tracked.wish.revision != revision
                or strategy_id not in runner.desk.users(tracked.symbol)
            ):
                found.append(strategy_id)
        return found

    async def _acknowledge(self, halt: Halt) -> None:
        """Once per name and change, as soon as every account that is held obeys."""
        acknowledged = (self.owner(), halt.rev)
        if acknowledged == self.acknowledged or not self.runners.obey(halt):
            return
        owner, rev = acknowledged
        await self.database.write(lambda session: acknowledge(session, owner, rev, at=utc_now()))
        self.acknowledged = acknowledged
