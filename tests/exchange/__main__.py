"""`make exchange` or `python -m tests.exchange`: the test exchange by hand, for drills."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from decimal import Decimal

from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.exchange.restless import Restless
from tests.exchange.server import ExchangeServer

STEP_SECONDS = 0.5
LISTED = (
    ("BTC", "USDT", "60000", "0.01", "0.00001"),
    ("ETH", "USDT", "3000", "0.01", "0.0001"),
    ("SOL", "USDT", "150", "0.01", "0.001"),
    ("BNB", "USDT", "600", "0.1", "0.001"),
)
WORDS = """\
The test exchange speaks Binance's language on {url}. Nothing here is real money.

  VENUE_ROUTES='{routes}'
  key     {key}
  secret  {secret}

Start Stepladder with VENUE_ROUTES and ALLOW_LIVE=1 set and add a Binance account with that key.
docs/drills.md says how to break things. Ctrl-C stops it.
"""


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def prepared(seed: int) -> Exchange:
    exchange = Exchange(wall_ms, seed)
    for base, quote, price, tick, lot in LISTED:
        exchange.list_symbol(base, quote, price=price, tick=tick, lot=lot)
    funds = {"USDT": Decimal(100_000), "BNB": Decimal(5), "BTC": Decimal(0), "ETH": Decimal(0)}
    exchange.add_account(KEY, SECRET, funds)
    return exchange


async def serve(port: int, seed: int, still: bool) -> None:
    exchange = prepared(seed)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    restless = None if still else Restless(exchange, seed)
    async with ExchangeServer(exchange, port=port) as server:
        routes = json.dumps(server.routes)
        print(WORDS.format(url=server.url, routes=routes, key=KEY, secret=SECRET), flush=True)
        while not stop.is_set():
            if restless is not None:
                restless.step(STEP_SECONDS)
            try:
                await asyncio.wait_for(stop.wait(), STEP_SECONDS)
            except TimeoutError:
                continue


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=8600, help="0: any free port")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed moves prices the same way"
    )
    parser.add_argument("--still", action="store_true", help="prices move only by /control/move")
    parser.add_argument(
        "--control", action="store_true", help="kept for scripts; it always answers"
    )
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.seed, given.still))


if __name__ == "__main__":
    main()
