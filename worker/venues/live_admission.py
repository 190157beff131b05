"""May a live account be served at all? If not its owner reads why, once for each reason."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from core.errors import InvalidInput
from db import account_status, durability
from db.account_status import AccountStatus
from db.accounts import Account, AccountKind
from db.clock import utc_now
from worker.clock import monotonic
from worker.database import Database
from worker.exchanges.adapters import adapter_of

log = logging.getLogger(__name__)
DATABASE_EACH = 60.0
SWITCHED_OFF = (
    "Live trading is switched off here, so nothing is sent. The operator allows it with ALLOW_LIVE=1 in the"
    " environment or in .env."
)
NO_CAP = (
    "This account has no cap, so nothing is sent. State on the accounts page the most that may be in use at"
    " once, such as 500 USDT."
)


class Admission:
    """`live_on_any_database`: for simulations, which have SQLite in memory. `set_back`: why the database
    is taken for older than it was (`worker.restored`)."""

    def __init__(
        self,
        database: Database,
        *,
        allow_live: bool,
        live_on_any_database: bool = False,
        set_back: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.database = database
        self.allow_live = allow_live
        self.live_on_any_database = live_on_any_database
        self.set_back = set_back
        self._said: dict[int, str] = {}
        self._database_problem: str | None = None
        self._asked_at: float | None = None

    async def refuses(self, account: Account) -> str | None:
        """Why not, in a sentence. Raises what the database raises."""
        if account.kind is not AccountKind.LIVE:
            return None
        if not self.allow_live:
            return SWITCHED_OFF
        try:
            adapter_of(account.exchange)
        except InvalidInput as problem:
            return f"{account.exchange}: {problem.sentence}"
        if not account.caps:
            return NO_CAP
        return await self._of_database()

    async def _of_database(self) -> str | None:
        if self.live_on_any_database:
            return None
        now = monotonic()
        if self._asked_at is None or now - self._asked_at > DATABASE_EACH:
            self._database_problem = await self.database.read(durability.problem)
            self._asked_at = now
        return self._database_problem or self.set_back()

    async def say(self, account: Account, why: str) -> None:
        """Once: the same sentence is not written every second."""
        if self._said.get(account.account_id) == why:
            return
        log.warning("account %s is not served: %s", account.account_id, why)
        await self._write(account, lambda status: dataclasses.replace(status, hold=why))
        self._said[account.account_id] = why

    async def served(self, account: Account) -> None:
        """What kept it back is over."""
        self._said.pop(account.account_id, None)
        await self._write(account, lambda status: dataclasses.replace(status, hold=None))

    async def _write(
        self, account: Account, change: Callable[[AccountStatus], AccountStatus]
    ) -> None:
        at = utc_now()
        fresh = AccountStatus(account_id=account.account_id, user_id=account.user_id, updated_at=at)
        status = change(fresh)
        await self.database.write(
            lambda s: account_status.save(s, [status], only=("hold", "updated_at"))
        )
