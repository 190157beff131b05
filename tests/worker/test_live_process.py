"""A live account end to end: a real worker process, MariaDB, the unmodified ccxt client, the test exchange
over real sockets."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.cycle import DesiredState
from core.order_ids import prefix
from db import (
    account_keys,
    account_status,
    accounts,
    exchange_proofs,
    installation,
    keys,
    strategies,
)
from db.account_status import AccountStatus, KeyState
from tests.chaos.exchange_thread import ExchangeThread
from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.faults import fault
from tests.worker.live import now_ms
from tests.worker_process import WorkerHouse, now, wait_until

D = Decimal
LADDER = {
    "base_order_size": "100",
    "safety_order_size": "100",
    "max_safety_orders": 2,
    "price_deviation": "0.01",
    "step_scale": "1",
    "volume_scale": "1",
    "take_profit": "0.01",
    "max_cycles": 1,
}


class Live:
    """A person with a live account on an exchange whose prices stand until the test moves them."""

    def __init__(self, house: WorkerHouse, exchange: ExchangeThread) -> None:
        self.house, self.exchange = house, exchange
        self.person = house.person()
        self.account = house.run(
            lambda s: accounts.add_live_account(
                s, self.person, name="Live", exchange="binance", caps={"USDT": D(1000)},
                accepts_no_address=False, accepts_unverified=False, at=now(),
            )
        )  # fmt: skip
        house.run(lambda s: exchange_proofs.save_proof(s, "binance", self.account, at=now()))

    def store_key(self) -> None:
        public = keys.worker_public_key(self.house.folder / "config")
        pair = keys.worker_pair_id(self.house.folder / "config")
        sealed = account_keys.seal(
            public, user_id=self.person, account_id=self.account, exchange="binance",
            api_key=KEY, secret=SECRET, password="", at=now(),
        )  # fmt: skip
        self.house.run(
            lambda s: account_keys.store_key(
                s, self.person, self.account, sealed=sealed, pair_id=pair, at=now()
            )
        )

    def strategy(self) -> int:
        return self.house.strategy(self.person, self.account, "BTC/USDT", LADDER)

    def settings(self, **more: str) -> dict[str, str]:
        return {"VENUE_ROUTES": json.dumps(self.exchange.routes), "ALLOW_LIVE": "1"} | more

    def status(self) -> AccountStatus | None:
        found = self.house.read(lambda s: account_status.load(s, [self.account]))
        return found.get(self.account)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.house.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def resting(self) -> list[tuple[str, Decimal]]:
        """(side, price) of what rests on the exchange, cheapest first."""
        return self.exchange.call(
            lambda e: sorted(
                ((o.side, o.price) for o in e.accounts[KEY].open.values()), key=lambda o: o[1]
            )
        )

    def move(self, price: str) -> None:
        self.exchange.call(lambda e: e.move("BTCUSDT", price))


@pytest.fixture
def live(tmp_path: Path, mariadb_url: str) -> Iterator[Live]:
    exchange = Exchange(now_ms, seed=3)
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.add_account(balances={"USDT": D(10_000)})
    thread = ExchangeThread(exchange, 3, swing=0.0, period=1.0)
    thread.moves = False
    house = WorkerHouse(tmp_path / "house", mariadb_url)
    with thread:
        yield Live(house, thread)
    house.close()


@fault("E6", "E14", "E18")
def test_a_live_strategy_buys_down_takes_its_profit_and_leaves_a_true_record(live: Live):
    live.store_key()
    live.strategy()
    with live.house.start(**live.settings()) as worker:
        wait_until("two levels rest and the take profit", lambda: len(live.resting()) == 3)
        assert [side for side, _ in live.resting()] == ["BUY", "BUY", "SELL"]
        live.move("49400")
        wait_until(
            "a level filled, the profit is taken lower", lambda: live.resting()[-1][1] < 50400
        )
        live.move("51000")
        wait_until(
            "the cycle is closed",
            lambda: live.rows("SELECT 1 FROM cycles WHERE closed_at IS NOT NULL"),
        )
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        said = worker.said()
    there = live.exchange.call(
        lambda e: {str(t.trade_id): (t.price, t.quantity) for t in e.accounts[KEY].trades}
    )
    here = {i: (D(p), D(q)) for i, p, q in live.rows("SELECT trade_id, price, quantity FROM fills")}
    assert here == there
    assert len(there) == 3
    ours = prefix(live.house.read(installation.code))
    taken = live.exchange.call(lambda e: [o.client_order_id for o in e.accounts[KEY].orders])
    assert all(each.startswith(ours) for each in taken)
    assert len(set(taken)) == len(taken)
    status = live.status()
    assert status is not None
    assert (status.key_state, status.hold) == (KeyState.ACTIVE, None)
    weights = live.exchange.call(lambda e: e.weights)
    assert (weights.heaviest() <= 4800, weights.ignored) == (True, [])
    assert not any(secret in said for secret in (KEY, SECRET, "signature="))


@fault("E31")
def test_a_revoked_key_stops_its_account_alone_and_a_new_one_goes_on(live: Live):
    strategy = live.strategy()
    with live.house.start(**live.settings()):
        wait_until("it says that there is no key", lambda: live.status() is not None)
        live.store_key()
        wait_until("orders rest", lambda: len(live.resting()) == 3)
        live.exchange.call(lambda e: e.accounts[KEY].revoke_key())
        live.house.run(
            lambda s: strategies.set_desired(
                s, live.person, strategy, DesiredState.STOPPED, at=now(), rev=None
            )
        )

        def is_refused() -> bool:
            status = live.status()
            return status is not None and status.key_state is KeyState.REFUSED

        wait_until("the key is refused", is_refused)
        assert len(live.resting()) == 3
        live.exchange.call(lambda e: setattr(e.accounts[KEY].rights, "revoked", False))
        live.store_key()
        wait_until("what waited is obeyed with the new key", lambda: live.resting() == [])


def test_without_the_switch_nothing_is_sent_and_the_owner_reads_why(live: Live):
    live.store_key()
    live.strategy()
    with live.house.start(**live.settings(ALLOW_LIVE="0")):
        found = wait_until("it says why", live.status)
        assert found is not None
        assert found.hold is not None
        assert "ALLOW_LIVE=1" in found.hold
    assert live.exchange.call(lambda e: e.accounts[KEY].orders) == []
