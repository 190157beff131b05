"""`python -m bench.worker`: thousands of running strategies on one real worker and a private MariaDB.

Memory per strategy is (RSS at n - RSS at 0) / n. A plan is what a price makes a strategy write: its lag runs
from the price's arrival to the COMMIT, as the worker itself measures it (`worker.lags`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.phases import Bench, Herd, Met, Quiet
from tests.mariadb import MariaDBError, PrivateMariaDB

ROWS = (
    ("memory per strategy", "memory_per_strategy_bytes", "{:,.0f} bytes"),
    ("loaded after", "load_seconds", "{:.1f} s"),
    ("CPU, nothing due", "cpu_quiet", "{:.1%} of a core"),
    ("statements per second, nothing due", "statements_per_second", "{:.1f}"),
    ("CPU, prices meet orders", "cpu_met", "{:.1%} of a core"),
    ("plans measured", "plans", "{:,.0f}"),
    ("price to commit, median", "lag_median_ms", "{:.0f} ms"),
    ("price to commit, 99th percentile", "lag_p99_ms", "{:.0f} ms"),
    ("price to commit, slowest", "lag_slowest_ms", "{:.0f} ms"),
    ("strategies woken by one price", "herd_plans", "{:,.0f}"),
    ("until half of them committed", "herd_median_ms", "{:.0f} ms"),
    ("until the last one committed", "herd_last_ms", "{:.0f} ms"),
)


def main() -> int:
    chosen = _arguments()
    try:
        found = measure(chosen.sizes, chosen.seconds)
    except MariaDBError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(json.dumps(found) if chosen.json else table(found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.worker", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--sizes", type=_sizes, default=[1_000, 10_000], metavar="1000,10000")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long each phase is watched"
    )
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def measure(sizes: list[int], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="stepladder-bench-") as name:
        folder = Path(name)
        with PrivateMariaDB(folder / "mariadb", "--innodb-buffer-pool-size=512M") as server:
            bench = Bench(server, folder, seconds)
            _say("a worker without strategies")
            nothing = bench.quiet(0)
            results = [_size(bench, size, nothing) for size in sizes]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_at_0_bytes": nothing.memory,
        "statements_per_second_at_0": round(nothing.statements["all"], 2),
        "cpu_at_0": round(nothing.cpu, 4),
        "sizes": results,
        "complaints": len(bench.complaints),
        "first_complaints": bench.complaints[:5],
    }


def _size(bench: Bench, size: int, nothing: Quiet) -> dict[str, Any]:
    _say(f"{size} strategies, nothing due")
    quiet = bench.quiet(size)
    _say(f"{size} strategies, prices meet orders")
    met = bench.met(size)
    _say(f"{size} strategies, one price wakes many")
    return _result(size, nothing, quiet, met, bench.herd(size))


def _result(size: int, nothing: Quiet, quiet: Quiet, met: Met, herd: Herd) -> dict[str, Any]:
    return {
        "strategies": size,
        "memory_bytes": quiet.memory,
        "memory_per_strategy_bytes": round((quiet.memory - nothing.memory) / size),
        "load_seconds": round(quiet.load_seconds, 1),
        "cpu_quiet": round(quiet.cpu, 4),
        "statements_per_second": round(quiet.statements["all"], 2),
        "statements_by_kind": {k: round(v, 2) for k, v in quiet.statements.items() if k != "all"},
        "plans_when_nothing_due": quiet.plans,
        "cpu_met": round(met.cpu, 4),
        "plans": met.plans,
        "lag_median_ms": round(met.median * 1000, 1),
        "lag_p99_ms": round(met.p99 * 1000, 1),
        "lag_slowest_ms": round(met.slowest * 1000, 1),
        "herd_plans": herd.plans,
        "herd_median_ms": round(herd.median * 1000, 1),
        "herd_last_ms": round(herd.last * 1000, 1),
    }


def table(found: dict[str, Any]) -> str:
    sizes = found["sizes"]
    lines = [f"{'strategies':<38}" + "".join(f"{size['strategies']:>18,}" for size in sizes)]
    for title, key, shape in ROWS:
        lines.append(f"{title:<38}" + "".join(f"{shape.format(size[key]):>18}" for size in sizes))
    lines.append(
        f"Without strategies: {found['memory_at_0_bytes'] / 1e6:.0f} MB,"
        f" {found['statements_per_second_at_0']:.1f} statements per second."
        f" {found['cores']} cores, Python {found['python']}, {found['at']}."
    )
    lines += [f"The worker complained: {line}" for line in found["first_complaints"]]
    return "\n".join(lines)


def _say(what: str) -> None:
    print(f"measuring {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
