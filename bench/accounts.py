"""`python -m bench.accounts --accounts 1000`: many live accounts in one process, on one exchange.

Each account is attached as the worker does it (a client of its own, a private stream), then its balances and
its resting orders are read, as fast as the shared request budget lets them. The exchange runs in a process
of its own. Memory per account is (RSS after - RSS before) / accounts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from bench.exchange_apart import exchange_apart, key_of, secret_of, table
from worker.exchanges.adapters.binance import BINANCE
from worker.exchanges.budget import Budget
from worker.exchanges.hub import Hub
from worker.keys.opening import ExchangeKey
from worker.prices.public import PublicPrices
from worker.venues.live_venue import LiveVenue

SYMBOL = "BTC/USDT"
ROWS = (
    ("memory per account, clients only", "client_bytes", "{:,.0f} bytes"),
    ("memory per account, streams and answers too", "account_bytes", "{:,.0f} bytes"),
    ("attached per second", "attached_a_second", "{:,.0f}"),
    ("CPU while nothing happens", "idle_cpu", "{:.1%} of a core"),
    ("requests", "requests", "{:,.0f}"),
    ("heaviest minute (limit 6,000, ours 4,800)", "heaviest_minute", "{:,.0f}"),
    ("requests refused as too many", "too_many", "{:,.0f}"),
)


def main() -> int:
    chosen = _arguments()
    logging.basicConfig(level=logging.ERROR)
    with exchange_apart(chosen.accounts) as exchange:
        found = asyncio.run(_measure(chosen.accounts, chosen.seconds, exchange.routes))
        found |= exchange.stop()
    print(json.dumps(found) if chosen.json else table(ROWS, found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it reads")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser.parse_args()


# --- the worker's part


async def _measure(accounts: int, seconds: float, routes: dict[str, str]) -> dict[str, Any]:
    hub = Hub("binance", routes, BINANCE)
    hub.connects = Budget(0.001, 60.0)  # on a real exchange the streams come one by one

    async def key_for(account_id: int) -> ExchangeKey:
        return ExchangeKey(key_of(account_id), secret_of(account_id), "", f"{account_id:064}")

    venue = LiveVenue(hub, key_for, PublicPrices(hub))
    venue.symbols_of = lambda account_id: {SYMBOL}
    await venue.attach(0, {})
    await venue.balances(0)
    before, began = _rss(), time.monotonic()
    for account_id in range(1, accounts):
        await venue.attach(account_id, {})
    attached = _rss()
    took = time.monotonic() - began
    reading = [asyncio.create_task(_read(venue, account_id)) for account_id in range(accounts)]
    await asyncio.wait(reading, timeout=seconds)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    full = _rss()
    cpu = time.process_time()
    await asyncio.sleep(10)
    idle = (time.process_time() - cpu) / 10
    await venue.close()
    await hub.close()
    return {
        "accounts": accounts,
        "client_bytes": (attached - before) / (accounts - 1),
        "account_bytes": (full - before) / (accounts - 1),
        "attached_a_second": (accounts - 1) / took,
        "idle_cpu": idle,
    }


async def _read(venue: LiveVenue, account_id: int) -> None:
    await venue.balances(account_id)
    await venue.open_orders(account_id)


def _rss() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    raise SystemExit(main())
