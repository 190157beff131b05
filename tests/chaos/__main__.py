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
from tests.chaos.run import Run, Tally, spread
from tests.chaos.stores import Cluster, OneServer, Store
from tests.worker_process import WorkerHouse

PROTECTED_WITHIN, KNOWN_WITHIN, STOPPED_WITHIN, NOTICED_WITHIN = 30.0, 120.0, 5.0, 60.0


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
        **measured(run.tally),
        "events": dict(sorted(run.tally.events.items())),
        "faults": dict(sorted(run.tally.faults.items())),
        "breaches": breaches[:50],
        # Fewer kills than asked for is no proof of what was asked.
        "ok": not breaches and run.tally.kills >= kills,
    }  # fmt: skip


def measured(tally: Tally) -> dict[str, Any]:
    return {
        "seconds_until_protected": spread([found.protected for found in tally.recoveries]),
        "seconds_until_none_unknown": spread([found.none_unknown for found in tally.recoveries]),
        "left_in_doubt_by_kills": sum(found.in_doubt for found in tally.recoveries),
        "seconds_until_stop_is_acknowledged": spread([took for _, took in tally.stops]),
        "seconds_until_a_change_by_hand_is_noticed": spread(tally.noticed),
    }


def _late(tally: Tally) -> list[str]:
    figures = measured(tally)
    goals = {
        "seconds_until_protected": PROTECTED_WITHIN,
        "seconds_until_none_unknown": KNOWN_WITHIN,
        "seconds_until_stop_is_acknowledged": STOPPED_WITHIN,
        "seconds_until_a_change_by_hand_is_noticed": NOTICED_WITHIN,
    }
    return [
        f"{name}: {figures[name]['p99']} s, the goal is {goal:.0f} s"
        for name, goal in goals.items()
        if figures[name] is not None and figures[name]["p99"] > goal
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
