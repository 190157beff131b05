"""The keys of the live accounts that this worker serves: looked at before they are used, each day, and when
their person changes something; an account whose key is another now is opened again with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime

from db import account_keys, account_status
from db.account_keys import SealedKey
from db.account_status import AccountStatus, KeyState
from db.accounts import Account, AccountKind
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable, LeaseLost
from worker.database import Database
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import Client
from worker.exchanges.clients import client_for, retire
from worker.exchanges.hub import Hub
from worker.keys.activation import due
from worker.keys.keyring import KeyRing
from worker.keys.opening import ExchangeKey
from worker.runners import Runners

log = logging.getLogger(__name__)
LOOK_EACH = 5.0


class LiveKeys:
    """`hub_of(exchange)`: where a key is tried. `used`: the version that each account was opened with."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        runners: Callable[[], Runners],
        hub_of: Callable[[str], Hub],
    ) -> None:
        self.database, self.ring = database, ring
        self.runners, self.hub_of = runners, hub_of
        self.used: dict[int, int | None] = {}

    async def key_of(self, account_id: int) -> ExchangeKey:
        """For who opens the account. Raises `KeyRefused` with a sentence for its owner."""
        account = self.runners().accounts.get(account_id)
        if account is None:
            raise VenueUnavailable(f"account {account_id} is not known")
        status = await self._refresh(account)
        key = await self.ring.key_of(account)
        self.used[account_id] = status.key_version
        return key

    async def seen_until(self, account_id: int) -> datetime | None:
        """Up to when the account was watched: its last reconciliation."""
        found = await self.database.read(lambda s: account_status.load(s, [account_id]))
        return found[account_id].reconciled_at if account_id in found else None

    async def refused(self, account: Account, sentence: str) -> None:
        """The account stands aside. Where the exchange refused a key that was in use that is written down."""
        found = await self.database.read(lambda s: account_status.load(s, [account.account_id]))
        status = found.get(account.account_id)
        if status is not None and status.key_state is KeyState.ACTIVE:
            token = self.runners().tokens.get(account.account_id)
            await self.ring.refused(account, sentence, token=token, at=utc_now())

    async def keep(self) -> None:
        """For ever: whatever changed about the keys of the accounts held here is acted on."""
        while True:
            await asyncio.sleep(LOOK_EACH)
            try:
                await self.look()
            except (CommitUnknown, DatabaseUnavailable, LeaseLost, VenueUnavailable) as error:
                log.warning("keys: %s", error)

    async def look(self) -> None:
        runners, at = self.runners(), utc_now()
        held = [
            account
            for account_id in runners.held
            if (account := runners.accounts.get(account_id)) is not None
            and account.kind is AccountKind.LIVE
        ]
        if not held:
            return
        statuses, newest = await self._read([account.account_id for account in held])
        for account in held:
            account_id = account.account_id
            status = statuses.get(account_id)
            if due(status, account, newest.get(account_id), at):
                status = await self._refresh(account)
            if status is not None:
                self._act(account_id, status)

    def _act(self, account_id: int, status: AccountStatus) -> None:
        runners = self.runners()
        is_usable = status.key_state is KeyState.ACTIVE
        if is_usable:
            runners.aside.try_again(account_id)
        runner = runners.running.get(account_id)
        if runner is not None and (
            not is_usable or status.key_version != self.used.get(account_id)
        ):
            log.warning("account %s is opened again: its key has changed", account_id)
            runner.read_again()

    async def _read(
        self, account_ids: Collection[int]
    ) -> tuple[dict[int, AccountStatus], dict[int, SealedKey]]:
        ids = list(account_ids)
        return await self.database.read(
            lambda s: (account_status.load(s, ids), account_keys.newest_keys(s, ids))
        )

    async def _refresh(self, account: Account) -> AccountStatus:
        hub = self.hub_of(account.exchange)
        assert hub.adapter is not None
        adapter = hub.adapter

        async def connect(_: Account, key: ExchangeKey) -> Client:
            await hub.ready()
            return client_for(hub, adapter, key)

        token = self.runners().tokens.get(account.account_id)
        return await self.ring.refresh(account, adapter, connect, retire, token=token, at=utc_now())
