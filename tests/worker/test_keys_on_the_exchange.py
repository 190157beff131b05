"""Keys and self-tests against the test exchange, through the unmodified ccxt client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from core.order_ids import self_test_id
from db import account_status, accounts, exchange_proofs, installation
from db.account_status import AccountStatus, KeyState, SelfTest
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, later
from tests.exchange.exchange import KEY, SECRET
from tests.faults import fault
from tests.worker.live import SYMBOL, LiveRig
from tests.worker.live_keys import OURS, key_folder, known, store
from worker.database import Database
from worker.exchanges.adapters.binance import BINANCE
from worker.exchanges.clients import client_for, retire
from worker.keys import activation, self_test, self_tests
from worker.keys.keyring import KeyRing
from worker.keys.opening import ExchangeKey
from worker.keys.self_tests import SelfTests


class Desk:
    """A live account with a sealed key, its self-tests, and the exchange's own book of it."""

    def __init__(self, rig: LiveRig, engine: Any, folder: Any) -> None:
        self.rig, self.engine = rig, engine
        self.user_id = a_user(engine)
        self.account_id = a_live_account(engine, self.user_id)
        store(engine, folder, self.account, api_key=KEY, secret=SECRET, password="")
        self.database = Database(engine)
        self.ring = KeyRing(self.database, OURS, folder)
        self.code = run(engine, installation.code)

    @property
    def account(self):
        return known(self.engine, self.account_id)

    async def refresh(self, seconds: float = 0) -> AccountStatus:
        async def connect(_: object, key: ExchangeKey) -> Any:
            return client_for(self.rig.hub, BINANCE, key)

        return await self.ring.refresh(
            self.account, BINANCE, connect, retire, token=None, at=later(seconds), force=True
        )

    def said(self) -> AccountStatus:
        return run(self.engine, lambda s: account_status.load(s, [self.account_id]))[
            self.account_id
        ]

    def ask(self) -> str:
        """The person asks for a self-test; its order's id."""
        run(
            self.engine,
            lambda s: accounts.ask_self_test(s, self.user_id, self.account_id, at=AT),
        )
        return self_test_id(self.code, self.account_id, self.account.self_test_rev)

    async def test(self) -> SelfTest:
        """What the worker does about it, from its first look to the end of it."""
        runners: Any = SimpleNamespace(
            running={self.account_id: None}, accounts={self.account_id: self.account}, tokens={}
        )
        tests = SelfTests(self.database, lambda: runners, lambda exchange: self.rig.venue)
        await tests.look()
        for task in tests._tasks.values():
            await task
        return self.said().self_test

    def ever(self, order_id: str) -> list[Any]:
        return self.rig.books.of(order_id)


@pytest_asyncio.fixture
async def desk(monkeypatch, sqlite_engine, tmp_path):
    monkeypatch.setattr(activation, "CONFIRM_EACH", 0)
    monkeypatch.setattr(self_test, "LOOK_EACH", 0.02)
    monkeypatch.setattr(self_test, "CANCEL_EACH", 0.1)
    async with LiveRig(monkeypatch) as rig:
        made = Desk(rig, sqlite_engine, key_folder(tmp_path))
        await rig.venue.attach(made.account_id, {})
        yield made
        made.database.close()


# --- the key


async def test_a_key_that_may_only_trade_is_used(desk):
    status = await desk.refresh()
    assert (status.key_state, status.expires_at) == (KeyState.ACTIVE, None)
    assert (await desk.ring.key_of(desk.account)).api_key == KEY


async def test_the_address_to_bind_a_key_to_is_told(desk):
    assert (await desk.refresh()).address is None
    desk.ring.address = "203.0.113.7"
    await desk.refresh()
    assert desk.said().address == "203.0.113.7"


@fault("E32")
@pytest.mark.parametrize("right", ["can_withdraw", "can_transfer"])
async def test_one_that_gains_a_right_to_move_coins_is_refused(desk, right):
    await desk.refresh()
    setattr(desk.rig.books.rights, right, True)
    assert (await desk.refresh(60)).key_state is KeyState.REFUSED


@fault("E32")
async def test_one_that_loses_its_address_has_to_be_confirmed(desk):
    desk.rig.books.rights.address_bound = False
    assert (await desk.refresh()).key_state is KeyState.NEEDS_CONFIRMATION


@fault("E31")
async def test_one_that_is_revoked_is_refused_and_one_that_is_not_answered_is_kept(desk):
    await desk.refresh()
    desk.rig.books.rights.revoked = True
    refused = await desk.refresh(60)
    assert refused.key_state is KeyState.REFUSED
    assert "does not accept this key" in refused.sentence
    assert KEY not in refused.sentence
    desk.rig.books.rights.revoked = False
    assert (await desk.refresh(120)).key_state is KeyState.ACTIVE


# --- the self-test


async def test_the_whole_self_test_passes_and_proves_the_exchange(desk):
    await desk.refresh()
    assert await desk.test() is SelfTest.NONE
    order_id = desk.ask()
    assert await desk.test() is SelfTest.PASSED
    (order,) = desk.ever(order_id)
    assert (order.side, order.type, order.status) == ("BUY", "LIMIT", "CANCELED")
    assert order.filled == 0
    assert order.price <= 50_000 * 0.7
    assert order.price * order.quantity < 6
    assert "binance" in run(desk.engine, exchange_proofs.proven)
    # Asked for once, it is done once.
    await desk.test()
    assert len(desk.ever(order_id)) == 1


async def test_without_a_key_in_use_nothing_is_tried(desk):
    order_id = desk.ask()
    desk.rig.books.rights.can_withdraw = True
    await desk.refresh()
    assert await desk.test() is SelfTest.NONE
    assert desk.ever(order_id) == []


@fault("E1")
async def test_a_lost_answer_is_looked_for(desk):
    await desk.refresh()
    order_id = desk.ask()
    desk.rig.exchange.faults.arm("E1")
    assert await desk.test() is SelfTest.PASSED
    assert len(desk.ever(order_id)) == 1


@fault("E33")
async def test_too_little_money_is_said_with_the_way_out(desk):
    await desk.refresh()
    desk.rig.books.balances["USDT"].free *= 0
    order_id = desk.ask()
    assert await desk.test() is SelfTest.FAILED
    assert "put some on the account" in desk.said().self_test_sentence
    assert desk.ever(order_id) == []


@fault("P1")
async def test_after_a_crash_the_order_is_found_cancelled_and_not_placed_again(desk, monkeypatch):
    class PowerCut(Exception):
        pass

    async def cut(*_: object, since: float) -> None:
        raise PowerCut

    await desk.refresh()
    order_id = desk.ask()
    with monkeypatch.context() as patched:
        patched.setattr(self_test, "_find", cut)
        with pytest.raises(PowerCut):
            await desk.test()
    (order,) = desk.ever(order_id)
    assert order.is_open
    # Another process: it knows nothing but the rows.
    await desk.rig.venue.attach(desk.account_id, {})
    assert desk.said().self_test is SelfTest.RUNNING
    assert await desk.test() is SelfTest.FAILED
    assert "press self-test again" in desk.said().self_test_sentence
    assert [o.status for o in desk.ever(order_id)] == ["CANCELED"]
    again = desk.ask()
    assert again != order_id
    assert await desk.test() is SelfTest.PASSED


async def test_no_market_that_fits_is_said(desk, monkeypatch):
    monkeypatch.setattr(self_tests, "candidates", lambda markets, caps: [])
    await desk.refresh()
    desk.ask()
    assert await desk.test() is SelfTest.FAILED
    assert "no market on binance fits" in desk.said().self_test_sentence
    assert SYMBOL not in desk.said().self_test_sentence
