"""Many seeds, and all crash points, over several processes; results are lines of JSON that add up."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.simulation.crash_points import FATES, Tally, count_points, explore
from tests.simulation.world import Plan, Result, simulate

REGRESSIONS = Path(__file__).with_name("regressions.txt")
SEEDS_PER_PROCESS = 25
Line = dict[str, Any]


def run_seed(plan: Plan) -> Line:
    """One seed's line: what it takes to run it again, and what came of it."""
    result = simulate(plan)
    return {
        "kind": "seed",
        "plan": asdict(plan),
        "hours": result.simulated_seconds / 3600,
        "faults": dict(result.faults),
        "figures": result.figures,
        "digest": result.digest,
        "broken": result.breaches,
    }


def run_seeds(plans: Iterable[Plan], jobs: int, into: Path | None) -> Iterator[Line]:
    """Those that are not in the file already; each line is written when it is there."""
    known = {json.dumps(line["plan"], sort_keys=True) for line in read(into, "seed")}
    missing = [p for p in plans if json.dumps(asdict(p), sort_keys=True) not in known]
    for line in spread(run_seed, missing, jobs):
        _append(into, line)
        if line["broken"]:
            remember(Plan(**line["plan"]), line["broken"][0])
        yield line


def run_crash_points(
    venue: str, *, pairs: bool, every: int, jobs: int, into: Path | None, fate: str | None = None
) -> Iterator[Line]:
    """One line per fate and share of the points. Nothing is ever on its way to the ledger."""
    fates = (fate,) if fate else FATES if venue != "ledger" else FATES[:1]
    # Neighbours leave the same states, so each share is a stretch of the points.
    most, parts = count_points(venue), 8 if pairs else jobs
    step = -(-most // parts)
    starts = range(1, most + 1, step)
    tasks = [
        (fate, venue, pairs, start, min(start + step, most + 1), every)
        for fate in fates
        for start in starts
    ]
    known = {json.dumps(line["task"]) for line in read(into, "crash points")}
    missing = [task for task in tasks if json.dumps(list(task)) not in known]
    for line in spread(_crash_share, missing, jobs):
        _append(into, line)
        yield line


def _crash_share(task: tuple[str, str, bool, int, int, int]) -> Line:
    fate, venue, pairs, first, end, every = task
    tally = explore(fate, venue, pairs=pairs, numbers=range(first, end, every))
    return crash_line(list(task), tally)


def crash_line(task: list[Any], tally: Tally) -> Line:
    return {
        "kind": "crash points",
        "task": task,
        "points": tally.points,
        "pairs": tally.pairs,
        "recoveries": tally.recoveries + tally.points,
        "states": tally.states,
        "labels": dict(Counter(tally.labels)),
        "broken": tally.broken,
    }


def summary(lines: Iterable[Line]) -> Line:
    """What the trust report reads."""
    found: Line = {"seeds": 0, "simulated_hours": 0.0, "crash_points": 0, "pairs": 0}
    found |= {"recoveries": 0, "orders": 0, "lives": 0}
    faults: Counter[str] = Counter()
    states: set[str] = set()
    broken: list[str] = []
    for line in lines:
        if line["kind"] == "seed":
            found["seeds"] += 1
            found["simulated_hours"] += line["hours"]
            found["orders"] += line["figures"]["orders"]
            found["lives"] += line["figures"]["lives"]
            faults.update(line["faults"])
            broken += [f"seed {line['plan']['seed']}: {sentence}" for sentence in line["broken"]]
        else:
            found["crash_points"] += line["points"]
            found["pairs"] += line["pairs"]
            found["recoveries"] += line["recoveries"]
            states.update(line["states"])
            broken += line["broken"]
    found["simulated_hours"] = round(found["simulated_hours"], 2)
    found["distinct_states"] = len(states)
    found["faults"] = dict(sorted(faults.items()))
    found["broken_count"], found["broken"] = len(broken), broken[:100]
    return found


def read(file: Path | None, kind: str) -> list[Line]:
    if file is None or not file.exists():
        return []
    lines = (json.loads(text) for text in file.read_text().splitlines() if text)
    return [line for line in lines if line["kind"] == kind]


def _append(file: Path | None, line: Line) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            lines.write(json.dumps(line) + "\n")


def spread(work: Any, tasks: list[Any], jobs: int) -> Iterator[Any]:
    if jobs == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, maxtasksperchild=SEEDS_PER_PROCESS) as pool:
        yield from pool.imap_unordered(work, tasks)


# --- failing seeds are kept


def remember(plan: Plan, sentence: str) -> None:
    """A line of `regressions.txt`, which the tests run again for ever."""
    numbers = {name: value for name, value in asdict(plan).items() if value != _usual(name)}
    with REGRESSIONS.open("a") as lines:
        lines.write(f"{json.dumps(numbers)}  # {sentence}\n")


def _usual(name: str) -> Any:
    return asdict(Plan(0)).get(name)


def regressions() -> list[Plan]:
    if not REGRESSIONS.exists():
        return []
    texts = (line.partition("#")[0].strip() for line in REGRESSIONS.read_text().splitlines())
    return [Plan(**json.loads(text)) for text in texts if text]


def replay(plan: Plan) -> Result:
    return simulate(plan, keep_trace=True)
