"""The life of an account's key: stored, looked at, used, replaced, refused, erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select

from db import account_keys, account_status, accounts, keys
from db.account_status import KeyState
from db.errors import LeaseLost
from db.tables import AuditEntry, JournalRow, LeaseRow
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, later
from tests.faults import fault
from tests.worker.live_keys import (
    API_KEY,
    GOOD,
    PASSWORD,
    SECRET,
    Clients,
    NoAnswer,
    SaysSo,
    a_ring,
    key_folder,
    known,
    store,
)
from worker.errors import KeyRefused
from worker.keys import activation, keyring
from worker.keys.erasing import KeyEraser

DAY = timedelta(days=1)
BAD = replace(GOOD, can_withdraw=True)


class Desk:
    """One live account, its key files, its ring and the clients that are handed out."""

    def __init__(self, engine, tmp_path) -> None:
        self.engine, self.folder = engine, key_folder(tmp_path)
        self.user_id = a_user(engine)
        self.account_id = a_live_account(engine, self.user_id)
        self.ring = a_ring(engine, self.folder)
        self.clients = Clients()

    @property
    def account(self):
        return known(self.engine, self.account_id)

    def store(self, at=AT, **given) -> int:
        return store(self.engine, self.folder, self.account, at=at, **given)

    async def refresh(self, exchange, at=AT, token=None, account=None, **more):
        found = await self.ring.refresh(
            account or self.account, exchange.adapter, self.clients.connect,
            self.clients.disconnect, token=token, at=at, **more,
        )  # fmt: skip
        assert self.clients.open == []
        return found

    async def key(self):
        return await self.ring.key_of(self.account)

    def said(self):
        return run(self.engine, lambda s: account_status.load(s, [self.account_id])).get(
            self.account_id
        )

    def versions(self) -> list[int]:
        found = run(self.engine, lambda s: account_keys.key_versions(s, self.account_id))
        return [key.version for key in found]

    def journal(self) -> list[str]:
        rows = run(
            self.engine, lambda s: s.scalars(select(JournalRow).order_by(JournalRow.id)).all()
        )
        return [row.code for row in rows if row.account_id == self.account_id]

    def audit(self) -> list[str]:
        rows = run(
            self.engine, lambda s: s.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        )
        return [row.action for row in rows if row.action.startswith("exchange key")]


@pytest_asyncio.fixture
async def desk(sqlite_engine, tmp_path, monkeypatch):
    monkeypatch.setattr(activation, "CONFIRM_EACH", 0)
    made = Desk(sqlite_engine, tmp_path)
    yield made
    made.ring.database.close()


async def test_without_a_key_the_account_says_so(desk):
    with pytest.raises(KeyRefused, match="No exchange key is stored"):
        await desk.key()
    status = await desk.refresh(SaysSo(GOOD))
    assert (status.key_state, status.key_version) == (KeyState.NONE, None)
    assert "Enter one" in status.sentence


async def test_a_key_is_used_only_after_the_exchange_was_asked(desk):
    desk.store()
    with pytest.raises(KeyRefused, match="not been checked yet"):
        await desk.key()
    status = await desk.refresh(SaysSo(GOOD))
    assert status == desk.said()
    assert (status.key_state, status.key_version) == (KeyState.ACTIVE, 1)
    assert status.permissions == {
        "trade": True, "withdraw": False, "transfer": False, "addresses": ["192.0.2.1"],
        "readable": True,
    }  # fmt: skip
    key = await desk.key()
    assert (key.api_key, key.secret, key.password) == (API_KEY, SECRET, PASSWORD)
    assert status.fingerprint == key.fingerprint
    assert desk.journal() == ["key_active"]
    assert desk.audit() == ["exchange key stored", "exchange key active"]


async def test_nothing_is_asked_again_before_it_is_due(desk):
    desk.store()
    exchange = SaysSo(GOOD)
    for seconds in (0, 60, 3600):
        await desk.refresh(exchange, later(seconds))
    assert len(exchange.asked) == 1
    await desk.refresh(exchange, AT + DAY)
    await desk.refresh(exchange, AT + DAY, force=True)
    assert len(exchange.asked) == 3
    assert desk.journal() == ["key_active"]


@fault("E32", "S15")
async def test_a_key_that_gains_the_right_to_withdraw_is_refused_within_a_day(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    status = await desk.refresh(SaysSo(BAD), AT + DAY)
    assert status.key_state is KeyState.REFUSED
    with pytest.raises(KeyRefused, match="can withdraw coins"):
        await desk.key()
    assert desk.journal() == ["key_active", "key_refused"]
    # Mended on the exchange, it is used again without being entered again.
    mended = await desk.refresh(SaysSo(GOOD), AT + DAY + timedelta(minutes=15))
    assert mended.key_state is KeyState.ACTIVE


@fault("E32", "S15")
async def test_a_key_that_loses_its_address_needs_to_be_confirmed_and_then_goes_on(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    unbound = SaysSo(replace(GOOD, addresses=()))
    assert (await desk.refresh(unbound, AT + DAY)).key_state is KeyState.NEEDS_CONFIRMATION
    run(
        desk.engine,
        lambda s: accounts.confirm(
            s,
            desk.user_id,
            desk.account_id,
            accepts_no_address=True,
            accepts_unverified=False,
            at=AT,
        ),
    )
    status = await desk.refresh(unbound, AT + DAY + timedelta(seconds=5))
    assert status.key_state is KeyState.ACTIVE


async def test_a_new_key_replaces_the_old_one_which_is_removed(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    desk.store(at=later(60), api_key="new-key")
    assert (await desk.key()).api_key == API_KEY
    status = await desk.refresh(SaysSo(GOOD), later(61))
    assert status.key_version == 2
    assert (await desk.key()).api_key == "new-key"
    assert desk.versions() == [2]


async def test_a_new_key_that_is_refused_leaves_the_old_one_in_use(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    desk.store(at=later(60), api_key="new-key")
    status = await desk.refresh(SaysSo(BAD, GOOD), later(61))
    assert (status.key_state, status.key_version) == (KeyState.ACTIVE, 1)
    assert "The new key is not used" in status.sentence
    assert "can withdraw" in status.sentence
    assert (await desk.key()).api_key == API_KEY
    assert desk.versions() == [1, 2]


@fault("E31")
async def test_when_both_are_refused_none_is_used(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    desk.store(at=later(60), api_key="new-key")
    status = await desk.refresh(SaysSo(BAD), later(61))
    assert (status.key_state, status.key_version) == (KeyState.REFUSED, 2)
    with pytest.raises(KeyRefused):
        await desk.key()


async def test_while_the_exchange_is_silent_a_key_in_use_stays_in_use(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    status = await desk.refresh(SaysSo(NoAnswer()), AT + DAY)
    assert status.key_state is KeyState.ACTIVE
    assert (await desk.key()).api_key == API_KEY


async def test_while_the_exchange_is_silent_a_new_key_is_not_used(desk):
    desk.store()
    status = await desk.refresh(SaysSo(NoAnswer()))
    assert status.key_state is KeyState.CHECKING
    with pytest.raises(KeyRefused, match="does not answer"):
        await desk.key()
    assert (await desk.refresh(SaysSo(GOOD), later(1))).key_state is KeyState.ACTIVE


@fault("E31")
async def test_a_key_that_is_refused_while_trading_is_not_used_until_it_is_looked_at_again(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    await desk.ring.refused(desk.account, "Binance does not accept it.", token=None, at=later(60))
    with pytest.raises(KeyRefused, match="does not accept it"):
        await desk.key()
    exchange = SaysSo(GOOD)
    await desk.refresh(exchange, later(120))
    assert exchange.asked == []
    desk.store(at=later(180), api_key="new-key")
    assert (await desk.refresh(exchange, later(181))).key_version == 2


async def test_one_key_on_two_accounts_is_refused(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    other = a_live_account(desk.engine, desk.user_id, name="Another")
    account = known(desk.engine, other)
    store(desk.engine, desk.folder, account)
    status = await desk.refresh(SaysSo(GOOD), account=account)
    assert status.key_state is KeyState.REFUSED
    assert status.sentence == keyring.SHARED


@fault("S13")
async def test_a_key_that_was_sealed_for_another_account_is_refused_in_words(desk):
    other = a_live_account(desk.engine, desk.user_id, name="Another")
    store(desk.engine, desk.folder, known(desk.engine, other))
    (stolen,) = run(desk.engine, lambda s: account_keys.key_versions(s, other))
    run(
        desk.engine,
        lambda s: account_keys.store_key(
            s, desk.user_id, desk.account_id, sealed=stolen.sealed, pair_id=stolen.pair_id, at=AT
        ),
    )
    exchange = SaysSo(GOOD)
    status = await desk.refresh(exchange)
    assert status.key_state is KeyState.REFUSED
    assert "made for another account" in status.sentence
    assert exchange.asked == []


async def test_a_lost_key_file_is_said_and_nothing_is_used(desk):
    desk.store()
    (desk.folder / keys.PRIVATE).unlink()
    (desk.folder / keys.PUBLIC).unlink()
    keys.prepare_keys(desk.folder)
    status = await desk.refresh(SaysSo(GOOD))
    assert status.key_state is KeyState.REFUSED
    assert "does not have" in status.sentence


async def test_without_any_key_file_nothing_is_used_and_the_worker_goes_on(desk):
    desk.store()
    (desk.folder / keys.PRIVATE).unlink()
    status = await desk.refresh(SaysSo(GOOD))
    assert "put back the folder config/" in status.sentence


@fault("P5")
async def test_who_lost_the_lease_writes_nothing_about_the_key(desk):
    desk.store()
    row = {"account_id": desk.account_id, "owner": "w", "token": 3, "beat": 0, "taken_at": None}
    run(desk.engine, lambda s: s.add(LeaseRow(**row)))
    with pytest.raises(LeaseLost):
        await desk.refresh(SaysSo(GOOD), token=2)
    assert desk.said() is None
    assert (await desk.refresh(SaysSo(GOOD), token=3)).key_state is KeyState.ACTIVE


async def test_the_end_of_a_key_is_in_the_journal_three_times(desk):
    desk.store()
    exchange = SaysSo(replace(GOOD, expires_at=AT + 20 * DAY))
    for day in range(20):
        await desk.refresh(exchange, AT + day * DAY)
    assert desk.journal() == ["key_active"] * 4
    assert "expires in 1 day," in str(desk.said().sentence)


async def test_the_client_is_given_back_also_when_the_exchange_is_silent(desk):
    desk.store()
    await desk.refresh(SaysSo(NoAnswer()))
    assert desk.clients.open == []


async def test_the_keys_of_an_archived_account_are_erased_and_its_status_forgets_them(desk):
    desk.store()
    await desk.refresh(SaysSo(GOOD))
    eraser = KeyEraser(desk.ring.database)
    assert await eraser.erase() == 0
    account = desk.account
    run(desk.engine, lambda s: accounts.archive_account(s, desk.user_id, desk.account_id, at=AT))
    assert await eraser.erase() == 1
    assert await eraser.erase() == 0
    assert desk.versions() == []
    assert (desk.said().key_state, desk.said().fingerprint) == (KeyState.NONE, None)
    with pytest.raises(KeyRefused, match="No exchange key"):
        await desk.ring.key_of(account)
