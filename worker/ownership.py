"""This worker's life and the accounts that it holds: register, beat, share, take over, let go."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from db import leases
from db.accounts import Account, AccountKind, trading_accounts
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from db.leases import WorkerProcess
from worker.database import Database
from worker.runners import Runners

log = logging.getLogger(__name__)
BEAT_EACH = 5.0
CLAIM_EACH = 1.0
BUILD = "1"


def process_started(pid: int) -> str:
    """When that process started, in clock ticks since boot; empty when it no longer runs."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    # What is killed stays as a zombie until its parent looks, which may be never.
    return "" if fields[0] in "ZX" else fields[19]


def boot_id() -> str:
    """A pid means something only until the next boot of its host."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "unknown"


async def _no_live_accounts(account: Account) -> str | None:
    return "Live accounts are not served here." if account.kind is AccountKind.LIVE else None


async def _say_nothing(account: Account, why: str) -> None:
    """Until somebody listens."""


class Ownership:
    """`name` changes when somebody declared this worker dead. `lag()`: the slowest plan since the last beat,
    in seconds. `refuses(account)`: why this worker does not serve it, `say(account, why)` tells its owner."""

    def __init__(
        self,
        database: Database,
        runners: Callable[[], Runners],
        lag: Callable[[], float],
        refuses: Callable[[Account], Awaitable[str | None]] = _no_live_accounts,
        say: Callable[[Account, str], Awaitable[None]] = _say_nothing,
    ) -> None:
        self.database = database
        self._refuses, self._say = refuses, say
        self._lag = lag
        self.host = f"{socket.gethostname()[:40]}/{boot_id()}"
        self.name = ""
        self.stopping = False
        self._runners = runners

    async def register(self) -> None:
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        name, host, pid = self.name, self.host, os.getpid()
        started = process_started(pid)
        await self.database.write(
            lambda session: leases.register_worker(session, name, host, pid, started, BUILD)
        )
        log.info("worker %s is registered", name)

    async def beat(self) -> None:
        """Each 5 s. Who was declared dead drops everything and goes on under a new name."""
        while True:
            await asyncio.sleep(BEAT_EACH)
            try:
                if not await self._beat_once():
                    log.warning("worker %s was declared dead", self.name)
                    await self._drop_all()
                    await self.register()
            except (DatabaseUnavailable, CommitUnknown) as error:
                log.warning("no beat: %s", error)

    async def _beat_once(self) -> bool:
        runners, name = self._runners(), self.name
        return await self.database.write(
            lambda session: leases.beat(
                session,
                name,
                lag_ms=self._lag() * 1000,
                accounts=len(runners.held),
                strategies=len(runners.home),
            )
        )

    async def claim(self) -> None:
        """Each second: drop what is lost, give back what is too much, take what nobody holds."""
        while True:
            try:
                await self.share()
            except (DatabaseUnavailable, CommitUnknown) as error:
                log.warning("accounts could not be shared: %s", error)
            await asyncio.sleep(CLAIM_EACH)

    async def share(self) -> None:
        """One round. An account is served only after the lease's COMMIT has succeeded."""
        runners = self._runners()
        for account_id in list(runners.lost):
            runners.lost.discard(account_id)
            await runners.stop(account_id)
        if self.stopping:
            return
        name, held = self.name, runners.held
        accounts, free, alive, processes, mine = await self.database.read(self._look)
        runners.know(accounts)
        wanted = await self._wanted(accounts, free)
        # A lease whose COMMIT was of unknown outcome, or that could not be given back, is ours all the same.
        for account_id in mine.keys() & wanted.keys() - held:
            runners.start(wanted[account_id], mine[account_id])
        held = runners.held
        await self._give_back([i for i in held if i not in wanted])
        gone = _gone(processes)
        fair = math.ceil(len(wanted) / max(1, len(set(alive) - set(gone))))
        surplus = sorted(held & set(wanted))[fair:]
        await self._give_back(surplus)
        room = fair - len(held & set(wanted)) + len(surplus)
        if gone:
            free = await self.database.read(lambda s: leases.claimable(s, name, gone))
        takeable = [i for i in free if i in wanted and i not in held][: max(0, room)]
        if takeable:
            taken = await self.database.write(lambda s: leases.take_all(s, name, takeable, gone))
            for account_id, token in taken.items():
                runners.start(wanted[account_id], token)

    async def _wanted(
        self, accounts: Collection[Account], free: Collection[int]
    ) -> dict[int, Account]:
        """Those that this worker may serve. Why not is said of those that no other worker serves."""
        wanted = {}
        for account in accounts:
            why = await self._refuses(account)
            if why is None:
                wanted[account.account_id] = account
            elif account.account_id in free:
                await self._say(account, why)
        return wanted

    def _look(
        self, session: Session
    ) -> tuple[tuple[Account, ...], list[int], list[str], list[WorkerProcess], dict[int, int]]:
        return (
            trading_accounts(session),
            leases.claimable(session, self.name),
            leases.alive_workers(session),
            leases.processes_on(session, self.host),
            leases.owned(session, self.name),
        )

    async def _give_back(self, account_ids: Collection[int]) -> None:
        if not account_ids:
            return
        runners, name = self._runners(), self.name
        await asyncio.gather(*(runners.stop(account_id) for account_id in account_ids))
        await self.database.write(lambda session: leases.release(session, name, account_ids))

    async def _drop_all(self) -> None:
        runners = self._runners()
        await asyncio.gather(*(runners.stop(account_id) for account_id in runners.held))

    async def leave(self) -> None:
        """Finish the turns under way, release the leases, say goodbye."""
        self.stopping = True
        await self._drop_all()
        name = self.name
        await self.database.write(lambda session: leases.retire(session, name))
        log.info("worker %s has left; orders stay on the exchange", name)


def _gone(processes: Collection[WorkerProcess]) -> list[str]:
    """Workers of this host whose process is no more: taken over at once, without waiting 15 s."""
    return [p.name for p in processes if process_started(p.pid) != p.process_started]
