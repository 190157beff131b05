"""The test exchange in a process of its own, with many accounts, so that its work is not the worker's."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any

from tests.exchange.exchange import Exchange
from tests.exchange.server import ExchangeServer

TELLS_EACH = 0.5
Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Apart:
    """`routes`: for VENUE_ROUTES."""

    routes: dict[str, str]
    pipe: Connection

    def gap(self, fraction: Decimal) -> None:
        """The price of BTC/USDT jumps."""
        self.pipe.send(fraction)

    def stop(self) -> dict[str, Any]:
        """Ends it. What was asked of it."""
        self.pipe.send(None)
        found: dict[str, Any] = self.pipe.recv()
        return found


@contextmanager
def exchange_apart(accounts: int) -> Iterator[Apart]:
    """500 symbols; the keys and secrets of its accounts are `key_of` and `secret_of` their number."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(accounts, theirs))
    process.start()
    try:
        yield Apart(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def key_of(number: int) -> str:
    return f"key-{number}"


def secret_of(number: int) -> str:
    return f"secret-{number}"


def table(rows: Sequence[Row], found: dict[str, Any]) -> str:
    """Of (words, name of the figure, its format)."""
    return "\n".join(f"{words:<46}{shown.format(found[name])}" for words, name, shown in rows)


def _run(accounts: int, pipe: Connection) -> None:
    asyncio.run(_serve(accounts, pipe))


async def _serve(accounts: int, pipe: Connection) -> None:
    exchange = Exchange(lambda: time.time_ns() // 1_000_000)
    for number in range(500):
        exchange.list_symbol("BTC" if number == 0 else f"C{number}", "USDT", price="50000")
    for number in range(accounts):
        exchange.add_account(key_of(number), secret_of(number), {"USDT": Decimal(10_000)})
    async with ExchangeServer(exchange) as server:
        pipe.send(server.routes)
        while True:
            while not pipe.poll():
                exchange.gap("BTCUSDT", Decimal(0))  # a feed that says nothing would count as dead
                await asyncio.sleep(TELLS_EACH)
            fraction = pipe.recv()
            if fraction is None:
                break
            exchange.gap("BTCUSDT", fraction)
    weights = exchange.weights
    pipe.send(
        {
            "requests": sum(exchange.requests.values()),
            "by_path": {" ".join(name): count for name, count in exchange.requests.most_common()},
            "heaviest_minute": weights.heaviest(),
            "too_many": len(weights.ignored) + len(weights.bans),
        }
    )
