"""The exchange keys of this worker's accounts: which version is in use, opened when it is needed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nacl.public import PrivateKey

from db import account_keys, account_status, audit, journal, leases
from db.account_keys import SealedKey
from db.account_status import ABOUT_THE_KEY, AccountStatus, KeyState
from db.accounts import Account
from db.handles import Session
from db.journal import JournalEntry, JournalLevel
from db.keys import KeyFileMissing, worker_private_keys
from worker.database import Database
from worker.errors import KeyAwaited, KeyRefused, VenueUnavailable
from worker.exchanges.adapter import Adapter, Client
from worker.keys.activation import KeyCheck, check_key, due, expiry_warning, warning_is_new
from worker.keys.opening import NO_PAIR, ExchangeKey, open_key
from worker.patience import Complaints

log = logging.getLogger(__name__)
Connect = Callable[[Account, ExchangeKey], Awaitable[Client]]
Disconnect = Callable[[Client], None]
NO_KEY = "No exchange key is stored for this account. Enter one; nothing is traded until then."
NOT_CHECKED = (
    "The exchange key of this account has not been checked yet; that happens within a minute."
)
NO_ANSWER = "{} does not answer; the key is checked as soon as it does."
SHARED = (
    "This key is in use on another account here. Two accounts with one key would cancel each other's orders:"
    " make a key of its own for each, or archive the other account."
)
KEPT = "The new key is not used: {} The key before it stays in use."


class KeyRing:
    """`secret_of_ours`: what fingerprints are made with (the audit key). `folder`: of the key files; they
    are read each time, so a rotation needs no restart. `address`: of this worker, as exchanges see it."""

    def __init__(
        self,
        database: Database,
        secret_of_ours: bytes,
        folder: Path | None = None,
        address: str | None = None,
    ) -> None:
        self.database = database
        self.secret_of_ours = secret_of_ours
        self.folder = folder
        self.address = address
        self._complaints: defaultdict[int, Complaints] = defaultdict(Complaints)

    async def key_of(self, account: Account) -> ExchangeKey:
        """The key in use. Raises `KeyRefused` with a sentence when there is none that may be used."""
        status, keys = await self._look(account.account_id)
        if not keys:
            raise KeyAwaited(NO_KEY)
        if status is None:
            raise KeyAwaited(NOT_CHECKED)
        if status.key_state is not KeyState.ACTIVE:
            refused = KeyRefused if status.key_state is KeyState.REFUSED else KeyAwaited
            raise refused(status.sentence)
        for key in keys:
            if key.version == status.key_version:
                return await self._open(key, account)
        raise KeyRefused(NO_KEY)

    async def refresh(
        self,
        account: Account,
        adapter: Adapter,
        connect: Connect,
        disconnect: Disconnect,
        *,
        token: int | None,
        at: datetime,
        force: bool = False,
    ) -> AccountStatus:
        """Looks whether the key may be used, if that is due (or `force`d), and writes down what was found.

        `token`: of the account's lease, under which it is written. A newer key that is not accepted leaves
        the one before it in use; one that is accepted replaces it, and older ones are removed.
        """
        before, keys = await self._look(account.account_id)
        newest = keys[-1] if keys else None
        moved = before is not None and before.address != self.address
        if before is not None and not (force or moved or due(before, account, newest, at)):
            return before
        known = before or AccountStatus(
            account_id=account.account_id, user_id=account.user_id, updated_at=at
        )
        try:
            now = await self._judged(account, adapter, connect, disconnect, known, keys, at)
        except VenueUnavailable as error:
            level = self._complaints[account.account_id].level(str(error))
            log.log(
                level, "account %s: its key could not be checked: %s", account.account_id, error
            )
            if before is not None and before.key_version is not None:
                return before
            now = replace(
                known,
                key_version=None if newest is None else newest.version,
                key_state=KeyState.CHECKING,
                sentence=NO_ANSWER.format(adapter.name),
                updated_at=at,
            )
        now = replace(now, address=self.address)
        await self.database.write(
            lambda session: self._write(session, account, known, now, token, at)
        )
        return now

    async def refused(
        self, account: Account, sentence: str, *, token: int | None, at: datetime
    ) -> None:
        """The exchange does not take the key in use any more: nothing is sent with it until it was
        looked at again."""
        before, _ = await self._look(account.account_id)
        known = before or AccountStatus(
            account_id=account.account_id, user_id=account.user_id, updated_at=at
        )
        now = replace(
            known, key_state=KeyState.REFUSED, sentence=sentence, checked_at=at, updated_at=at
        )
        await self.database.write(
            lambda session: self._write(session, account, known, now, token, at)
        )

    # --- one look

    async def _judged(
        self,
        account: Account,
        adapter: Adapter,
        connect: Connect,
        disconnect: Disconnect,
        known: AccountStatus,
        keys: list[SealedKey],
        at: datetime,
    ) -> AccountStatus:
        if not keys:
            return replace(
                known, key_version=None, key_state=KeyState.NONE, sentence=NO_KEY,
                permissions=None, fingerprint=None, expires_at=None, checked_at=at, updated_at=at,
            )  # fmt: skip

        async def look(sealed: SealedKey) -> AccountStatus:
            check, mark = await self._check(account, adapter, connect, disconnect, sealed, at)
            return replace(
                known, key_version=sealed.version, key_state=check.state, sentence=check.sentence,
                permissions=check.permissions, fingerprint=mark, expires_at=check.expires_at,
                checked_at=at, updated_at=at,
            )  # fmt: skip

        newest = await look(keys[-1])
        if newest.key_state is KeyState.ACTIVE or known.key_state is not KeyState.ACTIVE:
            return newest
        for sealed in keys[:-1]:
            if sealed.version == known.key_version:
                older = await look(sealed)
                if older.key_state is KeyState.ACTIVE:
                    return replace(older, sentence=KEPT.format(newest.sentence))
        return newest

    async def _check(
        self,
        account: Account,
        adapter: Adapter,
        connect: Connect,
        disconnect: Disconnect,
        sealed: SealedKey,
        at: datetime,
    ) -> tuple[KeyCheck, str | None]:
        try:
            key = await self._open(sealed, account)
        except KeyRefused as refused:
            return KeyCheck(KeyState.REFUSED, str(refused)), None
        others = await self.database.read(
            lambda s: account_status.accounts_with_key(s, key.fingerprint, account.account_id)
        )
        if others:
            return KeyCheck(KeyState.REFUSED, SHARED), key.fingerprint
        client = await connect(account, key)
        try:
            return await check_key(adapter, client, account, at=at), key.fingerprint
        finally:
            disconnect(client)

    async def _open(self, sealed: SealedKey, account: Account) -> ExchangeKey:
        private = await self._private_keys()
        if sealed.pair_id not in private:
            # Sealed anew between the question and now: a rotation is under way.
            again = await self.database.read(
                lambda s: account_keys.key_versions(s, account.account_id)
            )
            sealed = next((key for key in again if key.version == sealed.version), sealed)
            private = await self._private_keys()
        if sealed.pair_id not in private:
            raise KeyRefused(NO_PAIR)
        return open_key(sealed, private, account, self.secret_of_ours)

    async def _private_keys(self) -> Mapping[str, PrivateKey]:
        try:
            return await self.database.call(worker_private_keys, self.folder)
        except KeyFileMissing:
            return {}

    async def _look(self, account_id: int) -> tuple[AccountStatus | None, list[SealedKey]]:
        return await self.database.read(
            lambda session: (
                account_status.load(session, [account_id]).get(account_id),
                account_keys.key_versions(session, account_id),
            )
        )

    # --- writing it down

    def _write(
        self,
        session: Session,
        account: Account,
        before: AccountStatus,
        now: AccountStatus,
        token: int | None,
        at: datetime,
    ) -> None:
        if token is not None:
            leases.fence(session, {account.account_id: token})
        account_status.save(session, [now], only=ABOUT_THE_KEY)
        is_new = (before.key_version, before.key_state) != (now.key_version, now.key_state)
        if now.key_state is KeyState.ACTIVE and now.key_version is not None:
            account_keys.drop_older_keys(session, account.account_id, now.key_version)
        if is_new:
            audit.append(
                session,
                actor_id=None,
                subject_id=account.user_id,
                action=f"exchange key {now.key_state.value}",
                details={"account": account.account_id, "version": now.key_version},
                at=at,
            )
        warned = now.key_state is KeyState.ACTIVE and warning_is_new(
            now.expires_at, before.checked_at, at
        )
        # The days that are left are counted on the screen; the journal tells them three times.
        counts_days = now.sentence == expiry_warning(now.expires_at, at)
        if is_new or warned or (now.sentence != before.sentence and not counts_days):
            journal.append(session, [_entry(account, now, at, is_calm=not warned)])


def _entry(account: Account, now: AccountStatus, at: datetime, *, is_calm: bool) -> JournalEntry:
    level = JournalLevel.WARNING
    if now.key_state is KeyState.ACTIVE and is_calm:
        level = JournalLevel.INFO
    elif now.key_state is KeyState.REFUSED:
        level = JournalLevel.ALARM
    return JournalEntry(
        at=at,
        user_id=account.user_id,
        account_id=account.account_id,
        code=f"key_{now.key_state.value}",
        sentence=now.sentence,
        level=level,
    )
