"""Chaos: `python -m tests.chaos --kills 300 --seed N --minutes M [--workers 2] [--galera] [--live]`.

Unmodified worker processes trade over the same accounts while they are killed, paused and told to end, while
their database is killed, frozen, made read-only, cut off and answers with errors, and while people press
buttons. Then everything comes to rest and two books are compared. Prints figures as JSON; exits with 1 on any
breach.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.chaos.live_market import LiveMarket
from tests.chaos.markets import Market, SimulatedMarket
from tests.chaos.run import GOALS, Run, Tally, spread
from tests.chaos.stores import Cluster, OneServer, Store
from tests.worker_process import WorkerHouse


def chaos(
    folder: Path, *, kills: int, seed: int, minutes: float, workers: int = 2, accounts: int = 3,
    galera: bool = False, live: bool = False,
) -> dict[str, Any]:  # fmt: skip
    began = time.monotonic()
    store: Store = Cluster() if galera else OneServer(folder / "mariadb")
    with ExitStack() as stack:
        stack.enter_context(store)
        market: Market = LiveMarket(stack, accounts, seed) if live else SimulatedMarket(accounts)
        house = WorkerHouse(folder / "house", store.url)
        stack.callback(house.close)
        run = Run(stack, house, store, market, seed, workers, minutes * 60)
        run.go(kills)
        figures, wrong = market.verdict(house)
    breaches = run.tally.breaches + wrong + _late(run.tally)
    return {
        "seed": seed, "kills": run.tally.kills, "workers": workers, "accounts": accounts,
        "database": "galera" if galera else "mariadb", "market": type(market).__name__,
        "seconds": round(time.monotonic() - began),
        **figures,
        **summary(run.tally),
        "events": dict(sorted(run.tally.events.items())),
        "faults": dict(sorted(run.tally.faults.items())),
        "breaches": breaches[:50],
        # Fewer kills than asked for is no proof of what was asked.
        "ok": not breaches and run.tally.kills >= kills,
    }  # fmt: skip


def summary(tally: Tally) -> dict[str, Any]:
    """`measured`: every value in seconds, so that several runs can be added up."""
    values = tally.measured()
    return {
        **{name: spread(found) for name, found in values.items()},
        "left_in_doubt_by_kills": sum(found.in_doubt for found in tally.recoveries),
        "measured": {
            name: [value and round(value, 2) for value in found] for name, found in values.items()
        },
    }


def _late(tally: Tally) -> list[str]:
    figures = {name: spread(found) for name, found in tally.measured().items()}
    return [
        f"{name}: {found['p99']} s, the goal is {GOALS[name]:.0f} s"
        for name, found in figures.items()
        if found is not None and found["p99"] > GOALS[name]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=45, help="no new event after this time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--galera", action="store_true", help="a cluster of three nodes")
    parser.add_argument("--live", action="store_true", help="on the test exchange, through ccxt")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stepladder-chaos-"))
    try:
        figures = chaos(
            folder, kills=given.kills, seed=given.seed, minutes=given.minutes,
            workers=given.workers, accounts=given.accounts, galera=given.galera, live=given.live,
        )  # fmt: skip
    finally:
        if given.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures, indent=2))
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
