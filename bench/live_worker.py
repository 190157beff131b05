"""`python -m bench.live_worker --accounts 1000`: many live accounts served by one real worker process.

A worker with MariaDB, and the test exchange in a process of its own. Each account has a key, a cap and one
strategy, which buys, places its levels and its take profit. Then the price falls through everybody's next
level at once. Memory per account is (RSS with all - RSS with one) / (accounts - 1).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.exchange_apart import Apart, exchange_apart, key_of, secret_of, table
from db import account_keys, accounts, exchange_proofs, keys
from tests.mariadb import PrivateMariaDB
from tests.worker_process import WorkerHouse, now, wait_until

LADDER: dict[str, Any] = {
    "base_order_size": "100",
    "safety_order_size": "60",
    "max_safety_orders": 6,
    "price_deviation": "0.01",
    "step_scale": "1.3",
    "volume_scale": "1.2",
    "take_profit": "0.02",
}
FALL = Decimal("-0.015")  # through the first level, not the second
ROWS = (
    ("memory per account", "account_bytes", "{:,.0f} bytes"),
    ("all served after", "served_seconds", "{:,.0f} s"),
    ("all ladders placed after", "placed_seconds", "{:,.0f} s"),
    ("then each compared with the exchange after", "round_seconds", "{:,.0f} s"),
    ("CPU while nothing happens", "idle_cpu", "{:.1%} of a core"),
    ("a level of everybody fills: half known after", "herd_median_seconds", "{:,.0f} s"),
    ("a level of everybody fills: all known after", "herd_last_seconds", "{:,.0f} s"),
    ("and all take profits placed anew after", "herd_protected_seconds", "{:,.0f} s"),
    ("requests", "requests", "{:,.0f}"),
    ("heaviest minute (limit 6,000, ours 4,800)", "heaviest_minute", "{:,.0f}"),
    ("requests refused as too many", "too_many", "{:,.0f}"),
)


def main() -> int:
    chosen = _arguments()
    with exchange_apart(chosen.accounts) as exchange:
        with tempfile.TemporaryDirectory(prefix="stepladder-bench-") as folder:
            found = _measure(Path(folder), chosen.accounts, chosen.minutes * 60, exchange)
        found |= exchange.stop()
    print(json.dumps(found) if chosen.json else table(ROWS, found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.live_worker", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for each step")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser.parse_args()


# --- the worker's part


def _measure(folder: Path, count: int, limit: float, exchange: Apart) -> dict[str, Any]:
    with PrivateMariaDB(folder / "mariadb") as server:
        house = WorkerHouse(folder / "house", server.new_database())
        settings = {
            "VENUE_ROUTES": json.dumps(exchange.routes),
            "ALLOW_LIVE": "1",
            "LOG_LEVEL": "WARNING",
        }
        person = house.person()
        _account(house, person, 0)
        fills, protected = _counter(house, "fills"), _counter(house, "protected")
        with house.start(**settings) as worker:
            wait_until("one account trades", lambda: protected() == 1, 60)
            one = _rss(worker.pid)
        for number in range(1, count):
            _account(house, person, number)
        began = time.monotonic()
        with house.start(**settings) as worker:
            served = _counter(house, "served")
            served_after = _each(served, count, began, limit)[-1]
            placed_after = _each(protected, count, began, limit)[-1]
            since = now()
            compared = _counter(house, "compared", since=since)
            round_took = _each(compared, count, time.monotonic(), limit)[-1]
            memory, cpu, wall = _rss(worker.pid), _cpu(worker.pid), time.monotonic()
            worker.sleep_while_running(60)
            idle = (_cpu(worker.pid) - cpu) / (time.monotonic() - wall)
            before, began = fills(), time.monotonic()
            exchange.gap(FALL)
            known = _each(lambda: fills() - before, count, began, limit)
            anew = _each(_counter(house, "anew"), count, began, limit)[-1]
            said = worker.said()
        house.close()
    assert "Traceback" not in said, said[-4000:]
    return {
        "accounts": count,
        "account_bytes": (memory - one) / max(count - 1, 1),
        "served_seconds": served_after,
        "placed_seconds": placed_after,
        "round_seconds": round_took,
        "idle_cpu": idle,
        "herd_median_seconds": known[count // 2],
        "herd_last_seconds": known[-1],
        "herd_protected_seconds": anew,
    }


def _account(house: WorkerHouse, person: int, number: int) -> None:
    folder, at = house.folder / "config", now()
    made: int = house.run(
        lambda s: accounts.add_live_account(
            s, person, name=f"Live {number}", exchange="binance", caps={"USDT": Decimal(10_000)},
            accepts_no_address=True, accepts_unverified=True, at=at,
        )
    )  # fmt: skip
    house.run(lambda s: exchange_proofs.save_proof(s, "binance", made, at=at))
    sealed = account_keys.seal(
        keys.worker_public_key(folder), user_id=person, account_id=made, exchange="binance",
        api_key=key_of(number), secret=secret_of(number), password="", at=at,
    )  # fmt: skip
    pair = keys.worker_pair_id(folder)
    house.run(lambda s: account_keys.store_key(s, person, made, sealed=sealed, pair_id=pair, at=at))
    house.strategy(person, made, "BTC/USDT", LADDER)


COUNTED = {
    "fills": "SELECT COUNT(*) FROM fills",
    "compared": "SELECT COUNT(*) FROM account_status WHERE reconciled_at > :since",
    "served": "SELECT COUNT(*) FROM account_status WHERE reconciled_at IS NOT NULL",
    "protected": "SELECT COUNT(*) FROM orders WHERE role = 'take_profit' AND status = 'open'",
    "anew": "SELECT COUNT(DISTINCT p.client_order_id) FROM orders p JOIN orders o"
    " ON o.strategy_id = p.strategy_id AND o.role = 'take_profit' AND o.status = 'cancelled'"
    " WHERE p.role = 'take_profit' AND p.status = 'open'",
}


def _counter(house: WorkerHouse, name: str, **values: Any) -> Callable[[], int]:
    query = text(COUNTED[name]).bindparams(**values)

    def count() -> int:
        with house.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    return count


def _each(counted: Callable[[], int], goal: int, began: float, limit: float) -> list[float]:
    """Seconds since `began` at which the first, the second ... was seen, up to `goal`."""
    seen: list[float] = []
    while len(seen) < goal:
        seen += [time.monotonic() - began] * (min(counted(), goal) - len(seen))
        assert time.monotonic() < began + limit, f"{len(seen)} of {goal} after {limit:.0f} s"
        time.sleep(0.25)
    return seen


def _rss(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    raise SystemExit(main())
