"""The crash test: `python -m tests.crash [--kills 200] [--seed N] [--accounts 4] [--minutes 20]`.

A real worker trades busily on PRACTICE symbols with a real MariaDB and is killed with SIGKILL again and
again: at random moments from its very start on, and, by what goes over the wire to the database, before,
during and just after chosen commits. Then it runs undisturbed until nothing is under way, and the venue's
ledger and the worker's rows are compared. Prints its figures as JSON; exits with 1 on any breach.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.crash_books import Findings, examine, settle
from tests.kill_proxy import KillProxy, random_aim
from tests.mariadb import PrivateMariaDB
from tests.worker_process import WorkerHouse, WorkerProcess

LONGEST_LIFE = 5.0
# A life longer than the proof that an order was never accepted (window + 1 s, then three answers).
LONG_LIFE = 12.0
LONG_LIFE_EACH = 12
AIMED_EACH = 4
AIM_WITHIN = 8.0

BUSY = {
    "base_order_size": "100",
    "safety_order_size": "60",
    "max_safety_orders": 6,
    "price_deviation": "0.0006",
    "step_scale": "1.3",
    "volume_scale": "1.2",
    "take_profit": "0.0001",
}
STRATEGIES: dict[str, dict[str, Any]] = {
    "PRACTICE1/USDT": BUSY,
    "PRACTICE2/USDT": BUSY | {"active_safety_orders": 2, "max_safety_orders": 9},
    "PRACTICE3/USDT": BUSY | {"take_profit": "0.0008", "trailing_deviation": "0.0004"},
    "PRACTICE4/USDT": BUSY
    | {
        "stop_loss": "0.006",
        "after_stop_loss": "continue",
        "stop_loss_cooldown": 0,
        "max_stop_losses": None,
    },
    "PRACTICE5/USDT": BUSY | {"base_order_type": "limit", "reinvest": "0.5"},
    "PRACTICE6/USDT": BUSY | {"cooldown": 3, "max_safety_orders": 12, "step_scale": "1.1"},
}


@dataclass(slots=True)
class Tally:
    """`in_doubt`: orders that a killed worker left as `sending`."""

    kills: int = 0
    by_moment: Counter[str] = field(default_factory=Counter)
    in_doubt: set[str] = field(default_factory=set)
    recoveries: list[float] = field(default_factory=list)


class CrashTest:
    def __init__(self, house: WorkerHouse, proxy: KillProxy, seed: int, seconds: float) -> None:
        self.house, self.proxy = house, proxy
        self.luck = random.Random(seed)
        self.deadline = time.monotonic() + seconds
        self.tally = Tally()

    def populate(self, accounts: int) -> None:
        person = self.house.person("crash")
        for number in range(1, accounts + 1):
            account = self.house.account(person, f"Account {number}", balance="100000")
            for symbol, parameters in STRATEGIES.items():
                self.house.strategy(person, account, symbol, parameters)

    def crash(self, kills: int) -> None:
        """Ends early, with fewer kills, when the time that was given is over."""
        for number in range(1, kills + 1):
            if time.monotonic() > self.deadline:
                return
            if number % AIMED_EACH == 0:
                self._aimed_life()
            else:
                is_long = number % LONG_LIFE_EACH == LONG_LIFE_EACH - 1
                self._random_life(
                    (LONG_LIFE if is_long else 0) + self.luck.uniform(0, LONGEST_LIFE)
                )
            self.tally.kills += 1
            self._look_at_the_dead()

    def _start(self) -> WorkerProcess:
        self.proxy.watch()
        return self.house.start(LOG_LEVEL="WARNING")

    def _random_life(self, seconds: float) -> None:
        with self._start() as worker:
            worker.sleep_while_running(seconds)
            worker.kill()
        self.tally.by_moment["random"] += 1

    def _aimed_life(self) -> None:
        """Killed at the first fitting commit after a while, or at a random moment when none comes."""
        with self._start() as worker:
            worker.sleep_while_running(self.luck.uniform(0, 3))
            struck = self.proxy.strikes.total()
            self.proxy.aim = random_aim(self.luck, lambda: worker.signal(signal.SIGKILL))
            until = time.monotonic() + AIM_WITHIN
            while self.proxy.strikes.total() == struck and time.monotonic() < until:
                time.sleep(0.005)
            self.proxy.aim = None
            worker.wait_or_kill(1.0)
        hit = self.proxy.strikes.total() > struck
        self.tally.by_moment["aimed" if hit else "random"] += 1

    def _look_at_the_dead(self) -> None:
        if self.proxy.first_commit is not None:
            self.tally.recoveries.append(self.proxy.first_commit)
        query = "SELECT client_order_id FROM orders WHERE status = 'sending'"
        with self.house.engine.connect() as connection:
            self.tally.in_doubt.update(connection.scalars(text(query)))

    def figures(self, seconds: float, left: Sequence[str], found: Findings) -> dict[str, Any]:
        tally = self.tally
        statuses = self._count("SELECT status, COUNT(*) FROM orders GROUP BY status")
        doubts = self._statuses_of(tally.in_doubt)
        not_accepted = doubts.pop("not_accepted", 0)
        return {
            "kills": tally.kills,
            "kills_by_moment": dict(tally.by_moment | self.proxy.strikes),
            "seconds": round(seconds),
            "orders": sum(statuses.values()),
            "orders_by_status": statuses,
            "fills": self._count("SELECT 'n', COUNT(*) FROM fills")["n"],
            "cycles": self._count("SELECT 'n', COUNT(*) FROM cycles WHERE closed_at IS NOT NULL")["n"],
            "left_in_doubt_by_kills": len(tally.in_doubt),
            "adopted_by_proof": sum(doubts.values()),
            "not_accepted_by_proof": not_accepted,
            "doubled": len(found.doubled),
            "lost": len(found.lost),
            "without_take_profit": len(found.without_take_profit),
            "unequal": len(found.unequal),
            "unsettled": len(left),
            "verify_ok": found.audit["ok"],
            "recovery_seconds": _spread(tally.recoveries),
            "breaches": [
                *found.doubled, *found.lost, *found.without_take_profit, *found.unequal, *left,
                *(f"{b['check']}: {b['what']}: {b['sentence']}" for b in found.audit["broken"]),
            ][:50],
        }  # fmt: skip

    def _count(self, query: str) -> dict[str, int]:
        with self.house.engine.connect() as connection:
            return {str(name): int(count) for name, count in connection.execute(text(query))}

    def _statuses_of(self, orders: set[str]) -> dict[str, int]:
        with self.house.engine.connect() as connection:
            rows = connection.execute(text("SELECT client_order_id, status FROM orders"))
            return dict(Counter(status for name, status in rows if name in orders))


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """From the start of a process to its first commit of trading, over the lives that came so far."""
    if not values:
        return None
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    middle = ordered[len(ordered) // 2]
    return {"lives": len(ordered), "median": round(middle, 2), "p99": round(p99, 2),
            "max": round(ordered[-1], 2)}  # fmt: skip


def crash_test(
    folder: Path, kills: int, seed: int, accounts: int, minutes: float
) -> dict[str, Any]:
    """The figures; `ok` says whether anything was breached."""
    began = time.monotonic()
    with PrivateMariaDB(folder / "mariadb") as server, KillProxy(server.port) as proxy:
        house = WorkerHouse(folder / "house", server.new_database())
        test = CrashTest(house, proxy, seed, minutes * 60)
        test.populate(accounts)
        house.worker_url = house.url.replace(f":{server.port}/", f":{proxy.port}/")
        test.crash(kills)
        left = settle(house)
        found = examine(house.engine)
        figures = test.figures(time.monotonic() - began, left, found)
        house.close()
    figures["seed"], figures["accounts"] = seed, accounts
    # Fewer kills than asked for is no proof of what was asked.
    figures["ok"] = found.ok and not left and figures["kills"] == kills
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--accounts", type=int, default=4)
    parser.add_argument(
        "--minutes", type=float, default=20, help="no new kill after this time less 2"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stepladder-crash-"))
    try:
        figures = crash_test(
            folder, arguments.kills, arguments.seed, arguments.accounts, arguments.minutes - 2
        )
    finally:
        if arguments.keep:
            print(f"logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures, indent=2))
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
