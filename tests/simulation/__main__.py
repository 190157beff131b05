"""`python -m tests.simulation seeds --from 1 --count 100 [--hours 1] [--venue exchange] [--jobs 2]`
`python -m tests.simulation seed 7 [--hours 1] --trace`
`python -m tests.simulation crash-points [--pairs] [--every 1] [--fate lost] [--point 120] [--jobs 2]`
`python -m tests.simulation regressions`

Prints its figures as JSON; exits with 1 on a breach. `--into var/simulation.jsonl` keeps a line for each
piece of work and does only what is not in it yet. The same seed is the same story in every process: sets
of texts are walked in an order that hangs on PYTHONHASHSEED, so that is 0 here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import campaign
from tests.simulation.crash_points import FATES, explore
from tests.simulation.world import Plan


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    if options.command == "seed":
        return _one(options)
    if options.command == "regressions":
        return _regressions()
    if options.command == "seeds":
        plans = [
            Plan(seed, seconds=options.hours * 3600, venue=options.venue)
            for seed in range(options.first, options.first + options.count)
        ]
        done = list(campaign.run_seeds(plans, options.jobs, options.into))
        lines = campaign.read(options.into, "seed") if options.into else done
    else:
        done = _crash_points(options)
        lines = campaign.read(options.into, "crash points") if options.into else done
    found = campaign.summary(lines) | {"seconds": round(time.monotonic() - began, 1)}
    found["command"] = "python -m tests.simulation " + " ".join(arguments)
    print(json.dumps(found, indent=1))
    return 1 if found["broken_count"] else 0


def _crash_points(options: argparse.Namespace) -> list[campaign.Line]:
    if options.point is not None:
        fate = options.fate or FATES[0]
        tally = explore(
            fate,
            options.venue,
            pairs=options.pairs,
            numbers=range(options.point, options.point + 1),
        )
        return [campaign.crash_line([fate, options.venue, options.point], tally)]
    return list(
        campaign.run_crash_points(
            options.venue,
            pairs=options.pairs,
            every=options.every,
            jobs=options.jobs,
            into=options.into,
            fate=options.fate,
        )
    )


def _regressions() -> int:
    plans = campaign.regressions()
    broken = dict(campaign.spread(_breaches, plans, jobs=2))
    print(json.dumps(broken, indent=1))
    return 1 if any(broken.values()) else 0


def _breaches(plan: Plan) -> tuple[str, list[str]]:
    return str(plan), campaign.replay(plan).breaches


def _one(options: argparse.Namespace) -> int:
    result = campaign.replay(Plan(options.seed, seconds=options.hours * 3600, venue=options.venue))
    if options.trace:
        print("\n".join(result.trace))
    shown = {"seed": result.seed, "digest": result.digest, "faults": dict(result.faults)}
    print(json.dumps(shown | result.figures | {"broken": result.breaches}, indent=1))
    return 1 if result.breaches else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    seeds, seed = commands.add_parser("seeds"), commands.add_parser("seed")
    points = commands.add_parser("crash-points")
    seeds.add_argument("--from", dest="first", type=int, default=1)
    seeds.add_argument("--count", type=int, default=100)
    seed.add_argument("seed", type=int)
    seed.add_argument("--trace", action="store_true")
    points.add_argument("--pairs", action="store_true")
    points.add_argument("--every", type=int, default=1)
    points.add_argument("--fate", choices=FATES)
    points.add_argument("--point", type=int)
    commands.add_parser("regressions")
    for command in (seeds, seed, points):
        command.add_argument("--venue", choices=("ledger", "exchange"), default="exchange")
    for command in (seeds, seed):
        command.add_argument("--hours", type=float, default=1.0)
    for command in (seeds, points):
        command.add_argument("--jobs", type=int, default=2)
        command.add_argument("--into", type=Path)
    return parser


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main(sys.argv[1:]))
