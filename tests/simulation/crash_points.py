"""Crash points: every await, statement, COMMIT and request of a short scenario, found by counting them.

A process is killed at each; the next one recovers; the invariants are asked at the end. For each distinct
state that a first crash leaves (rows, exchange, what is in the network) a second crash comes at each point
of the recovery. The state of the whole simulation is copied by `fork`, so that nothing is run twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import json
import os
import sys
import traceback
from asyncio import events
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from core.cycle import DesiredState
from tests import faults
from tests.simulation.life import Life
from tests.simulation.loop import SimulatedLoop
from tests.simulation.patches import virtual
from tests.simulation.secrets_kept import kept_log
from tests.simulation.world import Plan, World

FATES = ("delivered", "lost", "filled")
SENDS = "Task-"
"""Creates are tasks of their own, without a name."""
ASKS_OFTEN = ("feed-", "hub-", "markets-", "candles", "bans")
ORDER_PATH = ("account-", "writer", "ledger", "stream", "supervisor", "claim")
RECOVERY = 240.0
AGAIN_WITHIN = 15.0
WATCHED = (
    "SELECT * FROM orders", "SELECT * FROM fills", "SELECT * FROM cycles",
    "SELECT strategy_id, actual_state, observed_rev FROM strategy_status",
    "SELECT * FROM venue_orders", "SELECT * FROM venue_trades",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """`points`: crash points tried. `pairs`: those of them followed by a second crash, at a point of the
    recovery; `recoveries`: pairs that left a state which no other point of that recovery had left, so that
    what follows had to be run. `states`: after the first crashes."""

    points: int = 0
    pairs: int = 0
    recoveries: int = 0
    states: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.points += other.points
        self.pairs += other.pairs
        self.recoveries += other.recoveries
        self.states += other.states
        self.broken += other.broken
        self.labels += other.labels


def _go_on(label: str) -> None:
    """Nobody wants to crash here."""


class Points:
    """Calls `reached(label)` at each crash point of the process `life`; whoever wants a crash there copies
    the simulation and goes on with the copy, in which the process is dead."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.life: Life | None = None
        self.reached: Callable[[str], None] = _go_on
        world.schedule.before_step = self._before_step
        world.store.wire.point = self._in_call
        world.place.point = self._at_request

    def _before_step(self, loop: SimulatedLoop) -> bool:
        if self.life is not None and loop is self.life.loop and self._is_on_the_path(loop):
            self.reached(f"await {_name(loop).partition('-')[0]}")
        return True

    def _is_on_the_path(self, loop: SimulatedLoop) -> bool:
        return _name(loop).startswith((*ORDER_PATH, SENDS))

    def _in_call(self, label: str) -> None:
        world, life = self.world, self.life
        if life is None or world.schedule.current is not life.loop:
            return
        if world.store.wire.caller.startswith(ORDER_PATH):
            self.reached(label)

    def _at_request(self, label: str) -> None:
        """Right before a request leaves; right after is the next await of whoever sent it."""
        life, task = self.life, asyncio.current_task()
        if life is None or self.world.schedule.current is not life.loop or task is None:
            return
        if not task.get_name().startswith(ASKS_OFTEN):
            self.reached(label)


def _name(loop: SimulatedLoop) -> str:
    """Of the task whose next step would run."""
    handle = loop._ready[0]  # type: ignore[attr-defined]
    task = getattr(handle._callback, "__self__", None)
    get_name = getattr(task, "get_name", None)
    return get_name() if callable(get_name) else "a callback"


class Scenario:
    """A short life with all that happens: a base order, levels, a take profit that is replaced, a stop."""

    BEGINS, ENDS = 3.0, 26.0

    def __init__(self, fate: str, venue: str) -> None:
        plan = Plan(seed=1, seconds=60.0, venue=venue, tick=1.0, each=0, persons=1, symbols=1)
        self.fate, self._state = fate, ""
        self.world = World(plan)
        self.points = Points(self.world)

    def begin(self) -> None:
        world = self.world
        world.populate()
        for walk in world.walks.values():
            walk.follow(_path(float(walk.start)))
        world.schedule.at(0.5, world.move)
        world.schedule.at(5.0, world.supervise)
        world.schedule.at(19.2, self._stop)
        world.schedule.at(21.5, self._start)
        self.points.life = world.begin()
        world.schedule.run_until(self.BEGINS)

    def _stop(self) -> None:
        self._want(DesiredState.STOPPED)

    def _start(self) -> None:
        self._want(DesiredState.RUNNING)

    def _want(self, state: DesiredState) -> None:
        for wisher in self.world.people.wishers:
            self.world.people.want(wisher, state)

    def first_life(self) -> None:
        self.world.schedule.run_until(self.ENDS)

    def recover(self) -> None:
        """What follows a kill: what is in the network arrives, is lost, or arrives and fills; the next
        process takes over."""
        self.world.place.decide(self.fate)
        self.points.life = self.world.begin()

    def finish(self) -> list[str]:
        world = self.world
        world.schedule.run_until(world.clock.seconds + 30.0)
        world.schedule.run_until(world.clock.seconds + RECOVERY, self._is_over)
        world.examiner.rest()
        return [f"{b.invariant}: {b.sentence}" for b in world.facts.breaches]

    def _is_over(self) -> bool:
        return self.world.clock.seconds > self.ENDS + 20 and self.world.is_restful()

    def state(self) -> str:
        """Rows, the exchange's book, and what is on its way, as one number. In the middle of a transaction
        it is what was before: the rest dies with the process."""
        world = self.world
        if world.store.connection.in_transaction:
            return self._state
        self._state = self._number()
        return self._state

    def _number(self) -> str:
        world = self.world
        seen = hashlib.sha256()
        for query in WATCHED:
            for row in sorted(world.store.rows(query), key=repr):
                seen.update(repr(row).encode())
        for key in sorted(world.facts.book.orders):
            seen.update(repr(world.facts.book.orders[key]).encode())
        seen.update(repr(world.place.in_flight()).encode())
        return seen.hexdigest()[:24]


def _path(start: float) -> Iterator[float]:
    """Down through two levels, up through the take profit, and again a little down."""
    moves = [0, 0, 0, 0, 0, -0.002, -0.0045, -0.0045, -0.004, -0.002, 0.001, 0.004, 0.004, 0.003]
    moves += [0.002, 0.0005, 0.0005, -0.002, -0.002, -0.002, -0.001, 0, 0, 0, -0.001, -0.003]
    for move in moves:
        yield start * (1 + move)
    luck, level = Random(5), start * 0.998
    while True:
        yield level * (1 + luck.choice((-0.0002, 0, 0, 0.0002)))


def count_points(venue: str) -> int:
    """How many crash points the first life of the scenario has."""
    count = 0

    def reached(label: str) -> None:
        nonlocal count
        count += 1

    _first_life(Scenario(FATES[0], venue), reached)
    return count


def explore(fate: str, venue: str, *, pairs: bool, numbers: range) -> Tally:
    """The crash points of the scenario with these numbers (from 1 on), with that fate."""
    scenario = Scenario(fate, venue)
    tally = Tally()
    known: set[str] = set()
    number = 0

    def reached(label: str) -> None:
        nonlocal number
        number += 1
        if number in numbers:
            tally.add(
                _forked(lambda: _crash_here(scenario, label, number, known if pairs else None))
            )
            known.update(tally.states)

    _first_life(scenario, reached)
    return tally


def _first_life(scenario: Scenario, reached: Callable[[str], None]) -> None:
    world = scenario.world
    with virtual(world.clock, world.lives, Random(3)), world.place.installed(), kept_log():
        scenario.begin()
        scenario.points.reached = reached
        scenario.first_life()


def _crash_here(scenario: Scenario, label: str, number: int, known: set[str] | None) -> Tally:
    """In a process of its own: killed at this point, recovered, examined."""
    faults.count("P1")
    life = scenario.points.life
    assert life is not None
    life.kill()
    state = scenario.state()
    tally = Tally(points=1, labels=[label])
    tally.states.append(state)
    scenario.points.reached = _go_on

    def go() -> None:
        scenario.recover()
        if known is not None and state not in known:
            scenario.points.reached = second
        where = f"{scenario.fate}, point {number} ({label})"
        tally.broken += [f"{where}: {sentence}" for sentence in scenario.finish()]

    left = {state}

    def second(label: str) -> None:
        if scenario.world.clock.seconds > ended + AGAIN_WITHIN:
            return
        tally.pairs += 1
        now = scenario.state()
        if now not in left:
            left.add(now)
            tally.recoveries += 1
            at = f"{number} then {tally.pairs} ({label})"
            tally.broken += _forked(lambda: _crash_again(scenario, at)).broken

    ended = scenario.world.clock.seconds
    return _resumed(scenario, go, tally)


def _crash_again(scenario: Scenario, where: str) -> Tally:
    life = scenario.points.life
    assert life is not None
    life.kill()
    scenario.points.reached = _go_on
    tally = Tally()

    def go() -> None:
        scenario.recover()
        found = scenario.finish()
        tally.broken += [f"{scenario.fate}, points {where}: {sentence}" for sentence in found]

    return _resumed(scenario, go, tally)


def _resumed(scenario: Scenario, go: Callable[[], None], tally: Tally) -> Tally:
    """A forked simulation stands in the middle of a step: let it forget that step, and what the dead
    process was about (a request's urgency and time are context variables)."""
    schedule = scenario.world.schedule
    schedule.current = None
    scenario.world.store.wire.in_worker = False
    connection = scenario.world.store.connection
    if connection.in_transaction:
        connection.close()  # the server ends what the dead process had begun
    events._set_running_loop(None)
    contextvars.Context().run(go)  # whoever lives next is asked nothing by the dead process
    return tally


def _forked(work: Callable[[], Tally]) -> Tally:
    """`work` in a copy of this process; its answer comes back through a pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as answer:
                json.dump(asdict(work()), answer)
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        return Tally(broken=["a copy of the simulation fell over"])
    found: dict[str, Any] = json.loads(text)
    return Tally(**found)
