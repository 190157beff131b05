"""What is measured, each on a database and a worker of its own: nothing due, prices that meet, the herd."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bench.population import ACCOUNTS, HERD_SYMBOL, Spread
from bench.process import Worker, statements
from bench.seeding import empty, seed, wait_below
from core.simulated_price import prices
from core.simulated_symbols import find_symbol
from tests.mariadb import PrivateMariaDB
from worker.lags import Lags

SETTLE = 15.0
NEAREST, WIDEST, WIDTH_OF_ONE = 0.0012, 0.006, 6e-7
HERD_FROM, HERD_WITHIN = 12, 900


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is due. `cpu`: share of one core. `statements`: per second, by kind; "all" is the sum."""

    memory: int
    load_seconds: float
    cpu: float
    statements: dict[str, float]
    plans: int


@dataclass(frozen=True, slots=True)
class Met:
    """Prices meet orders and thresholds. Seconds from the price to the commit."""

    plans: int
    median: float
    p99: float
    slowest: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Herd:
    """One price wakes them all. Seconds until half and the last of their plans are committed."""

    plans: int
    median: float
    last: float


class Bench:
    """`folder`: where the workers live; `seconds`: how long each phase is watched."""

    def __init__(self, server: PrivateMariaDB, folder: Path, seconds: float) -> None:
        self.server, self.folder, self.seconds = server, folder, seconds
        self._workers = 0
        self.complaints: list[str] = []

    def quiet(self, strategies: int) -> Quiet:
        database = seed(self.server, strategies, Spread()) if strategies else empty(self.server)
        with self._worker(database.url) as worker:
            loaded = worker.wait_until_loaded(min(ACCOUNTS, strategies), strategies)
            time.sleep(SETTLE)
            worker.report()
            cpu, wall, before = worker.cpu_seconds(), time.monotonic(), statements(self.server)
            time.sleep(self.seconds)
            after, lasted = statements(self.server), time.monotonic() - wall
            found = Quiet(
                memory=worker.memory(),
                load_seconds=loaded,
                cpu=(worker.cpu_seconds() - cpu) / lasted,
                statements={name: (after[name] - before[name]) / lasted for name in after},
                plans=worker.report().lags.plans,
            )
            self.complaints += worker.complaints()
        self.server.drop_database(database.url)
        return found

    def met(self, strategies: int) -> Met:
        near = min(max(strategies * WIDTH_OF_ONE, NEAREST), WIDEST)
        database = seed(self.server, strategies, Spread(near=near))
        with self._worker(database.url) as worker:
            worker.wait_until_loaded(min(ACCOUNTS, strategies), strategies)
            time.sleep(SETTLE)
            worker.report()
            cpu, wall = worker.cpu_seconds(), time.monotonic()
            time.sleep(self.seconds)
            lags = worker.report().lags
            used = (worker.cpu_seconds() - cpu) / (time.monotonic() - wall)
            self.complaints += worker.complaints()
        self.server.drop_database(database.url)
        half, most = lags.quantile(0.5), lags.quantile(0.99)
        return Met(lags.plans, half, most, lags.largest, used)

    def herd(self, strategies: int) -> Herd:
        database = seed(self.server, strategies, Spread(herd=True))
        with self._worker(database.url) as worker:
            worker.wait_until_loaded(min(ACCOUNTS, strategies), strategies)
            time.sleep(SETTLE)
            price, moment = next_low(HERD_SYMBOL, datetime.now(UTC))
            wait_below(database.engine, database.herd, price)
            time.sleep(max(0.0, moment - time.time() - 1.5))
            worker.report()
            lags = _until_all_have_planned(worker, len(database.herd))
            self.complaints += worker.complaints()
        self.server.drop_database(database.url)
        return Herd(lags.plans, lags.quantile(0.5), lags.largest)

    def _worker(self, url: str) -> Worker:
        self._workers += 1
        return Worker(url, self.folder / f"worker-{self._workers}")


def _until_all_have_planned(worker: Worker, count: int, limit: float = 30.0) -> Lags:
    lags, deadline = Lags(), time.monotonic() + limit
    while lags.plans < count and time.monotonic() < deadline:
        time.sleep(0.2)
        lags.add(worker.report().lags)
    return lags


def next_low(symbol: str, now: datetime) -> tuple[Decimal, int]:
    """A price that the symbol's ask has not reached since `now` and will reach for two seconds in a row,
    as an entry asks for, and the first of them (seconds since 1970). Simulated prices are known ahead."""
    tick = find_symbol(symbol).tick_size
    first = int(now.timestamp())
    asks = [tick * (count + 1) for count in prices(symbol, first, HERD_WITHIN).tolist()]
    lowest = min(asks[:HERD_FROM])
    for second in range(HERD_FROM, HERD_WITHIN - 1):
        both = max(asks[second], asks[second + 1])
        if both < lowest:
            return both, first + second
        lowest = min(lowest, asks[second])
    raise RuntimeError(f"{symbol} finds no new low in {HERD_WITHIN} s; start the benchmark again")
