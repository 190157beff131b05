"""The stages of the report: which commands they run, how often, and what must have come out in the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.run import GOALS, spread
from tests.faults import CATALOGUE, NOT_PRODUCIBLE
from tests.trust.book import Book, Figures, Run

SIMULATION = "python -m tests.simulation"
CHAOS = "python -m tests.chaos"
SEEDS_AT_ONCE, SEEDS, KILLS, FIRED = 40, 2_000, 300, 20
MOST = {"account_bytes": 300_000, "heaviest_minute": 6_000}
# Workers, database and market of each run of chaos, taken in turn.
CHAOS_RUNS = (
    ("--live", 40),
    ("--live --workers 5", 30),
    ("--live --galera --workers 3", 20),
    ("", 30),
    ("--galera --workers 3", 20),
)
NONE_OF = ("doubled", "lost", "unequal", "without_take_profit", "unknown", "secrets_found")


@dataclass(frozen=True, slots=True)
class Stage:
    """`commands(runs)`: what is still to be run after these, one after the other. `totals(runs)`: added up.
    `unmet(totals)`: what the goal lacks, in words. `short`: the same on a small scale."""

    name: str
    about: str
    commands: Callable[[Sequence[Run]], Iterator[str]]
    totals: Callable[[Sequence[Run]], Figures]
    unmet: Callable[[Figures], list[str]]


def once(*commands: str) -> Callable[[Sequence[Run]], Iterator[str]]:
    """Each command once, if it has not gone well yet."""

    def left(runs: Sequence[Run]) -> Iterator[str]:
        done = {run.command for run in runs if run.ok}
        return (command for command in commands if command not in done)

    return left


def seeds(goal: int, at_once: int, hours: float) -> Callable[[Sequence[Run]], Iterator[str]]:
    """The next seeds, in turn on the ledger of the simulated market and on the test exchange. No seed comes
    twice, also when a run has been taken out of the book."""

    def left(runs: Sequence[Run]) -> Iterator[str]:
        done, first = seeds_done(runs), 1 + max(map(_last_seed, runs), default=0)
        while done < goal:
            venue = ("exchange", "ledger")[(first // at_once) % 2]
            yield f"{SIMULATION} seeds --from {first} --count {at_once} --hours {hours} --venue {venue}"
            done, first = done + at_once, first + at_once

    return left


def _last_seed(run: Run) -> int:
    found = re.search(r"--from (\d+) --count (\d+)", run.command)
    return 0 if found is None else int(found[1]) + int(found[2]) - 1


def seeds_done(runs: Sequence[Run]) -> int:
    return sum(int(run.figures.get("seeds", 0)) for run in runs)


def kills(goal: int, plans: Sequence[tuple[str, int]]) -> Callable[[Sequence[Run]], Iterator[str]]:
    def left(runs: Sequence[Run]) -> Iterator[str]:
        number, done = len(runs), sum(int(run.figures.get("kills", 0)) for run in runs)
        while done < goal:
            options, count = plans[number % len(plans)]
            number += 1
            yield " ".join(
                f"{CHAOS} --kills {count} --seed {number} --minutes 15 {options}".split()
            )
            done += count

    return left


def crash_points(venue: str, pairs: str = "") -> str:
    """Broken off, it goes on where it was."""
    stage = "crash-pairs" if pairs else "crash-points"
    into = f"var/trust-{stage}-{venue}.jsonl"
    return f"{SIMULATION} crash-points{pairs} --venue {venue} --into {into}"


def summed(*names: str) -> Callable[[Sequence[Run]], Figures]:
    def add(runs: Sequence[Run]) -> Figures:
        found: Figures = {name: 0 for name in names}
        for run in runs:
            for name in names:
                found[name] += run.figures.get(name, 0)
        return found | {"runs": len(runs), "failed_runs": sum(not run.ok for run in runs)}

    return add


def chaos_totals(runs: Sequence[Run]) -> Figures:
    found = summed("kills", "orders_on_the_exchange", "trades_on_the_exchange", *NONE_OF)(runs)
    for name in GOALS:
        found[name] = spread(pooled(runs, name))
    return found


def pooled(runs: Sequence[Run], name: str) -> list[float | None]:
    """Every value that any run measured; None: it did not come in the time that was waited for."""
    return [value for run in runs for value in run.figures.get("measured", {}).get(name, [])]


def chaos_unmet(totals: Figures) -> list[str]:
    found = at_least("kills", KILLS, *NONE_OF)(totals)
    for name, goal in GOALS.items():
        if totals[name] is None:
            found.append(f"{name} was not measured")
        elif totals[name]["p99"] > goal:
            found.append(f"{name}: {totals[name]['p99']} s, the goal is {goal:.0f} s")
    return found


def at_least(name: str, goal: float, *zero: str) -> Callable[[Figures], list[str]]:
    def unmet(totals: Figures) -> list[str]:
        found = [] if totals[name] >= goal else [f"{totals[name]} {name} of {goal}"]
        found += [f"{totals[each]} {each}" for each in (*zero, "failed_runs") if totals[each]]
        return found

    return unmet


def accounts_totals(runs: Sequence[Run]) -> Figures:
    """The worst of every run."""
    found = summed("too_many")(runs)
    for name in ("account_bytes", "heaviest_minute"):
        found[name] = max((run.figures.get(name, 0) for run in runs), default=0)
    return found


def accounts_unmet(totals: Figures) -> list[str]:
    found = [f"{totals['too_many']} requests refused as too many"] if totals["too_many"] else []
    for name, most in MOST.items():
        if not 0 < totals[name] <= most:
            found.append(f"{totals[name]:.0f} {name}, the goal is {most}")
    return found + ([f"{totals['failed_runs']} failed_runs"] if totals["failed_runs"] else [])


def fired(book: Book) -> Counter[str]:
    """How often each fault has struck where it matters, over all runs of all stages."""
    found: Counter[str] = Counter()
    for run in book.runs:
        for name in ("faults", "exchange_faults_fired"):
            counted = run.figures.get(name)
            if isinstance(counted, dict):
                found.update({k: int(v) for k, v in counted.items() if k in CATALOGUE})
    return found


def seldom_fired(book: Book) -> dict[str, int]:
    counted = fired(book)
    producible = [name for name in CATALOGUE if name not in NOT_PRODUCIBLE]
    return {name: counted[name] for name in producible if counted[name] < FIRED}


def the_rest(book: Book) -> Stage:
    """Faults that nothing has drawn often enough: the tests that produce each, again and again."""
    seldom = seldom_fired(book)
    command = f"python -m tests.trust.fault_tests --times {FIRED} {' '.join(seldom)}"
    return Stage(
        "fault-tests", "faults that are seldom drawn, each by the tests that carry its id",
        once(*[command] if seldom else []),
        lambda runs: {
            "passes": sum(sum(run.figures.get("faults", {}).values()) for run in runs),
            "failed_runs": sum(not run.ok for run in runs),
        },
        at_least("passes", 1),
    )  # fmt: skip


def full(hours: float) -> tuple[Stage, ...]:
    simulation = ("broken_count",)
    return (
        Stage(
            "simulation", "the real worker on a virtual clock, faults drawn per seed",
            seeds(SEEDS, SEEDS_AT_ONCE, hours),
            summed("seeds", "simulated_hours", "orders", "broken_count"),
            at_least("seeds", SEEDS, *simulation),
        ),
        Stage(
            "crash-points", "a crash at every await, statement and call of the order path",
            once(*(crash_points(venue) for venue in ("ledger", "exchange"))),
            summed("crash_points", "recoveries", "broken_count"),
            at_least("crash_points", 1, *simulation),
        ),
        Stage(
            "crash-pairs", "and a second crash during the recovery from each distinct state",
            once(*(crash_points(venue, " --pairs") for venue in ("ledger", "exchange"))),
            summed("crash_points", "pairs", "recoveries", "broken_count"),
            at_least("pairs", 1, *simulation),
        ),
        Stage(
            "chaos", "real processes killed, paused and cut off; two books compared",
            kills(KILLS, CHAOS_RUNS), chaos_totals, chaos_unmet,
        ),
        *always(),
        Stage(
            "comparison", "the usual 'send, then record' flow beside ours in the same scenarios",
            once("python -m tests.trust.send_then_record --seeds 5"),
            summed("scenarios", "ours_wrong", "theirs_ghosts", "theirs_doubled"),
            at_least("scenarios", 12, "ours_wrong"),
        ),
        Stage(
            "accounts", "1,000 live accounts on one worker",
            once("python -m bench.live_worker --accounts 1000 --json"),
            accounts_totals, accounts_unmet,
        ),
    )  # fmt: skip


def always(sample: int | None = None) -> tuple[Stage, ...]:
    few = "" if sample is None else f" --sample {sample}"
    goal = 30 if sample is None else sample
    return (
        Stage(
            "galera", "leases and fences across the nodes of a real cluster",
            once("python -m tests.trust.some_tests tests/chaos/test_galera.py"),
            summed("tests"), at_least("tests", 6),
        ),
        Stage(
            "seeded-bugs", "bugs on purpose, caught by the tests named for them",
            once(f"python -m tests.trust.trial{few}"),
            summed("tried", "killed", "survived"), at_least("killed", goal, "survived"),
        ),
        Stage(
            "fault-marks", "every fault of the catalogue has a test that carries its id",
            once("python -m tests.trust.fault_coverage"),
            summed("faults", "with_a_test"), at_least("with_a_test", 1),
        ),
    )  # fmt: skip


def short() -> tuple[Stage, ...]:
    """At most five minutes."""
    return (
        Stage(
            "simulation", "the real worker on a virtual clock, faults drawn per seed",
            seeds(8, 4, 0.1), summed("seeds", "simulated_hours", "orders", "broken_count"),
            at_least("seeds", 8, "broken_count"),
        ),
        Stage(
            "chaos", "real processes killed, paused and cut off; two books compared",
            once(f"{CHAOS} --live --kills 6 --seed 1 --minutes 2 --accounts 2"),
            chaos_totals, at_least("kills", 6, *NONE_OF),
        ),
        *(stage for stage in always(4) if stage.name != "galera"),
        Stage(
            "comparison", "the usual 'send, then record' flow beside ours in the same scenarios",
            once("python -m tests.trust.send_then_record --seeds 2 --only E1 E3 E8"),
            summed("scenarios", "ours_wrong", "theirs_ghosts", "theirs_doubled"),
            at_least("scenarios", 3, "ours_wrong"),
        ),
    )  # fmt: skip
