"""Live accounts on the test exchange, through the unmodified ccxt client over real sockets."""

from __future__ import annotations

import json
import random
import secrets
import signal
import time
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from core.order_ids import prefix
from db import account_keys, accounts, exchange_proofs, installation, keys
from db.verify import verify
from tests.chaos.exchange_books import Comparison, compare
from tests.chaos.exchange_thread import ExchangeThread
from tests.chaos.markets import Disasters
from tests.chaos.secrets_search import search
from tests.crash_books import unrest, without_take_profit
from tests.exchange.exchange import Exchange
from tests.exchange.ledger import ledger
from tests.worker_process import WorkerHouse, now

SYMBOLS = (
    ("BTC", "60000", "0.01", "0.00001"),
    ("ETH", "3000", "0.01", "0.0001"),
    ("SOL", "150", "0.01", "0.001"),
)
BUSY: dict[str, Any] = {
    "base_order_size": "100",
    "safety_order_size": "60",
    "max_safety_orders": 6,
    "price_deviation": "0.001",
    "step_scale": "1.3",
    "volume_scale": "1.2",
    "take_profit": "0.0005",
}
STRATEGIES: dict[str, dict[str, Any]] = {
    "BTC/USDT": BUSY,
    "ETH/USDT": BUSY | {"active_safety_orders": 2, "max_safety_orders": 9},
    "SOL/USDT": BUSY | {"take_profit": "0.002", "cooldown": 1},
}
# Those after which the books can be equal without a person: no coins or rights are taken away.
FAULTS = (
    "E1", "E1", "E2", "E2", "E3", "E3", "E4", "E5", "E6", "E8", "E8", "E9", "E11", "E18", "E19", "E23", "E24",
    "E30", "E37",
)  # fmt: skip
# A fill every few seconds: at one a second two workers behind one address wait for the request budget.
SWING_SECONDS = 150.0
NOTICED = 90.0
CALM_WEIGHT, LONGEST_CALM = 2_500, 70.0
SETTLE_WITHIN = 90.0
SETTLE_TRIES = 4


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def arm(exchange: Exchange, luck: random.Random) -> None:
    """Who trades beside us (E30) only buys: these accounts hold no coins but ours, and selling those is E26,
    after which a person has to decide."""
    fault = luck.choice(FAULTS)
    if fault == "E30":
        exchange.faults.arm(fault, side="BUY")
    else:
        exchange.faults.draw(luck, (fault,))


def secret_of(key: str) -> str:
    return key[::-1]


def _used(exchange: Exchange) -> int:
    """Request weight of the minute that runs."""
    minute = exchange.now() // 60_000
    return sum(w.weight for (_, at), w in exchange.weights.windows.items() if at == minute)


class LiveMarket:
    def __init__(self, stack: ExitStack, accounts: int, seed: int) -> None:
        exchange = Exchange(wall_ms, seed)
        for base, price, tick, lot in SYMBOLS:
            exchange.list_symbol(base, "USDT", price=price, tick=tick, lot=lot)
        exchange.list_symbol("BNB", "USDT", price="600", tick="0.1", lot="0.001")
        self.keys = [f"canary{secrets.token_hex(12)}" for _ in range(accounts)]
        for key in self.keys:
            exchange.add_account(key, secret_of(key), {"USDT": Decimal(1_000_000)})
        self.thread = stack.enter_context(
            ExchangeThread(exchange, seed, swing=0.006, period=SWING_SECONDS)
        )
        self.accounts: dict[str, int] = {}
        self.prefix = ""

    def settings(self) -> dict[str, str]:
        return {"VENUE_ROUTES": json.dumps(self.thread.routes), "ALLOW_LIVE": "1"}

    def populate(self, house: WorkerHouse) -> tuple[dict[int, int], dict[int, dict[str, object]]]:
        person = house.person("live")
        self.prefix = prefix(house.read(installation.code))
        mine: dict[int, int] = {}
        parameters: dict[int, dict[str, object]] = {}
        for key in self.keys:
            account = self.accounts[key] = self._account(house, person, key)
            for symbol, chosen in STRATEGIES.items():
                made = house.strategy(person, account, symbol, chosen)
                mine[made], parameters[made] = person, chosen
        return mine, parameters

    def _account(self, house: WorkerHouse, person: int, key: str) -> int:
        folder = house.folder / "config"
        made: int = house.run(
            lambda s: accounts.add_live_account(
                s, person, name=f"Live {len(self.accounts) + 1}", exchange="binance",
                caps={"USDT": Decimal(100_000)},
                accepts_no_address=True, accepts_unverified=True, at=now(),
            )
        )  # fmt: skip
        house.run(lambda s: exchange_proofs.save_proof(s, "binance", made, at=now()))
        sealed = account_keys.seal(
            keys.worker_public_key(folder), user_id=person, account_id=made, exchange="binance",
            api_key=key, secret=secret_of(key), password="", at=now(),
        )  # fmt: skip
        pair = keys.worker_pair_id(folder)
        # As if its self-test had passed: until then only small amounts are traded.
        house.run(lambda s: exchange_proofs.save_proof(s, "binance", made, at=now()))
        house.run(
            lambda s: account_keys.store_key(s, person, made, sealed=sealed, pair_id=pair, at=now())
        )
        return made

    # --- what can happen

    def trouble(self, luck: random.Random) -> None:
        """A fault is armed for the next request of ours that fits."""
        self.thread.call(lambda exchange: arm(exchange, luck))

    def quiet(self) -> None:
        self.thread.call(lambda exchange: exchange.faults.heal())

    def calm(self) -> None:
        """Every start asks a lot. A kill each few seconds uses the minute's budget up, and then only exits go
        out until it ends: that is meant, and not what is to be measured."""
        until = time.monotonic() + LONGEST_CALM
        while time.monotonic() < until and self.thread.call(_used) > CALM_WEIGHT:
            time.sleep(0.5)

    def disasters(self) -> Disasters:
        return {
            "exchange outage": (self._outage, ("E15",)),
            "too many requests": (self._limited, ("E14",)),
            "price falls": (self._falls, ("E21",)),
        }

    def _outage(self, luck: random.Random) -> None:
        """The market moves on meanwhile; resting orders fill and nobody hears of it."""
        seconds = luck.choice([5, 10, 20, 60, 120])
        self.thread.call(
            lambda exchange: setattr(exchange, "maintenance_until", exchange.now() + seconds * 1000)
        )
        time.sleep(seconds)

    def _limited(self, luck: random.Random) -> None:
        how = luck.choice(["429", "403"])
        self.thread.call(lambda e: e.faults.arm("E14", how=how, ms=luck.randint(2_000, 6_000)))
        time.sleep(luck.uniform(1, 6))

    def _falls(self, luck: random.Random) -> None:
        symbol = luck.choice(SYMBOLS)[0] + "USDT"
        self.thread.call(lambda exchange: exchange.gap(symbol, Decimal("-0.02")))

    def change_by_hand(self, house: WorkerHouse, luck: random.Random) -> tuple[int, float] | None:
        """A person cancels a resting order of ours on the exchange; until its row says so."""

        def cancel(exchange: Exchange) -> str | None:
            resting = [
                (account, order)
                for account in exchange.accounts.values()
                for order in account.open.values()
                if order.client_order_id.startswith(self.prefix) and order.is_buy
            ]
            if not resting:
                return None
            account, order = luck.choice(resting)
            account.cancel_by_hand(order)
            return order.client_order_id

        name = self.thread.call(cancel)
        if name is None:
            return None
        began = time.monotonic()
        query = text("SELECT strategy_id, status FROM orders WHERE client_order_id = :name")
        strategy = 0
        while time.monotonic() < began + NOTICED:
            with house.engine.connect() as connection:
                strategy, status = connection.execute(query, {"name": name}).one()
            if status == "cancelled":
                break
            time.sleep(0.1)
        return strategy, time.monotonic() - began

    # --- the end

    def verdict(self, house: WorkerHouse) -> tuple[dict[str, Any], list[str]]:
        self.quiet()
        self._settle(house)
        found = self._compare(house)
        unprotected = list(without_take_profit(house.engine))
        audit = verify(house.engine)
        fired = self.thread.call(lambda exchange: dict(exchange.faults.fired))
        figures = {
            "doubled": len(found.doubled),
            "lost": len(found.lost),
            "unequal": len(found.unequal),
            "without_take_profit": len(unprotected),
            "unknown": len(found.unknown),
            "verify_ok": audit["ok"],
            "orders_on_the_exchange": found.orders,
            "trades_on_the_exchange": found.trades,
            "exchange_faults_fired": dict(sorted(fired.items())),
        }
        searched, leaks = search(
            house.folder, house.engine, [*self.keys, *map(secret_of, self.keys)]
        )
        figures |= {"bytes_searched_for_secrets": searched, "secrets_found": len(leaks)}
        broken = [f"{b['check']}: {b['what']}: {b['sentence']}" for b in audit["broken"]]
        return figures, found.wrong + unprotected + broken + leaks

    def _settle(self, house: WorkerHouse) -> None:
        """Lives without faults, on a market that stands still at last, until the books agree."""
        for _ in range(SETTLE_TRIES):
            with house.start(LOG_LEVEL="WARNING", **self.settings()) as worker:
                worker.sleep_while_running(8)
                self.thread.moves = False
                until = time.monotonic() + SETTLE_WITHIN
                while time.monotonic() < until and not self._is_settled(house):
                    worker.sleep_while_running(0.5)
                worker.signal(signal.SIGTERM)
                status = worker.wait(20)
                assert status == 0, f"SIGTERM: status {status}\n{worker.said()[-2000:]}"
            if self._is_settled(house):
                return
            self.thread.moves = True

    def _is_settled(self, house: WorkerHouse) -> bool:
        return (
            not unrest(house.engine)
            and not self._compare(house).wrong
            and not list(without_take_profit(house.engine))
        )

    def _compare(self, house: WorkerHouse) -> Comparison:
        there = self.thread.call(ledger)
        return compare(house.engine, there, self.accounts, self.prefix)
