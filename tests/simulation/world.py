"""One seed: people, accounts, strategies, a market, workers, and everything that goes wrong; then the rest.

result = simulate(Plan(seed=7))
result.breaches == []
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core import engine
from core.cycle import Cycle
from core.errors import StepladderError
from core.events import Event
from tests import faults
from tests.simulation import checks_rest
from tests.simulation.database import Store
from tests.simulation.facts import Examiner, Facts
from tests.simulation.invariants import examiner
from tests.simulation.life import Life, Lives
from tests.simulation.loop import Clock, Scheduler, Stuck
from tests.simulation.market import Walk
from tests.simulation.mishaps import MISHAPS, Mishap
from tests.simulation.patches import replaced, virtual
from tests.simulation.people import People
from tests.simulation.place import MARKETS, LedgerPlace
from tests.simulation.secrets_kept import everything_stored, kept_log, v15_no_secret_written

CALM, SETTLES = 300.0, 60.0
LOOK_EACH = 1.0
PATIENCE = 60.0
FAR = 1e12


@dataclass(frozen=True, slots=True)
class Plan:
    """`tick`: seconds between two prices. `each`: seconds between two mishaps, on average; 0: none."""

    seed: int
    seconds: float = 3600.0
    venue: str = "exchange"
    tick: float = 2.0
    each: float = 45.0
    persons: int = 2
    symbols: int = 2


@dataclass(slots=True)
class Result:
    """`digest`: over everything that happened, in order: the same seed gives the same."""

    seed: int
    simulated_seconds: float
    faults: Counter[str]
    breaches: list[str]
    digest: str
    figures: dict[str, Any] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)


class World:
    """Everything of one seed. `mishaps`: what may go wrong, with weights."""

    def __init__(self, plan: Plan, keep_trace: bool = False) -> None:
        self.plan = plan
        self.clock = Clock()
        self.schedule = Scheduler(self.clock, self.luck("schedule"))
        self.store = Store(self.clock)
        self.lives = Lives(self.schedule, self.store)
        self.walks = self._walks()
        self.facts = Facts(self.clock, self.store, self.walks)
        self.people = People(self.store, self.clock, self.luck("people"), self.say)
        self.place = self._place()
        self.examiner: Examiner = examiner(self.facts)
        self.mishaps: tuple[tuple[float, Mishap], ...] = MISHAPS + self.place.mishaps
        self.struck: Counter[str] = Counter()
        self.trace: list[str] | None = [] if keep_trace else None
        self.slowness = 0.0
        self.poisoned: set[int] = set()
        self.until = FAR
        self._look_next = 0.0
        self._travel = self.luck("travel")
        self._hash = hashlib.sha256()
        self._counts: Counter[str] = Counter()
        self.schedule.after_step = self._after_step

    def luck(self, name: str) -> Random:
        return Random(f"{self.plan.seed}/{name}")

    def _walks(self) -> dict[str, Walk]:
        chosen = list(MARKETS.items())[: self.plan.symbols]
        return {
            symbol: Walk(market, start, self.luck(symbol), volatility)
            for symbol, (market, start, volatility) in chosen
        }

    def _place(self) -> Any:
        if self.plan.venue == "ledger":
            return LedgerPlace(
                self.clock, self.store, self.walks, self.plan.tick, self.facts,
                self.people.simulated_account,
            )  # fmt: skip
        from tests.simulation.exchange_place import ExchangePlace

        return ExchangePlace(self)

    # --- what happens

    def step(self, cycle: Cycle, event: Event) -> tuple[Cycle, Any]:
        """The worker's engine, which falls over at poison."""
        if cycle.identity.strategy_id in self.poisoned:
            raise ZeroDivisionError
        return engine.step(cycle, event)

    def populate(self) -> None:
        """Each person has an account with a strategy on each symbol."""
        names = [f"person{number}" for number in range(1, self.plan.persons + 1)]
        for person in self.people.arrive(names):
            account_id = self.place.open_account(person, "Account", "20000")
            for symbol in self.walks:
                self.people.strategy(person, account_id, symbol)

    def begin(self, host: str = "first") -> Life:
        """Start a worker."""
        life = self.lives.begin(host, self.place.supervisor, self.travel)
        self.say(f"worker {life.pid} starts on {host}")
        return life

    def travel(self) -> tuple[float, float]:
        luck = self._travel
        return luck.uniform(0.0005, 0.003) + self.slowness * luck.random(), luck.uniform(
            0.0005, 0.003
        )

    def move(self) -> None:
        for symbol, walk in self.walks.items():
            self.place.moved(symbol, walk.advance(self.clock.seconds, self.plan.tick))
        self.schedule.after(self.plan.tick, self.move)

    def trouble(self) -> None:
        """One mishap, and the next one later."""
        luck = self._trouble
        if self.clock.seconds >= self.until:
            return
        mishap = luck.choices([m for _, m in self.mishaps], [weight for weight, _ in self.mishaps])[
            0
        ]
        matters = self.facts.has_orders_under_way
        for name in mishap(self, luck):
            if matters:
                self.count(name)
        self.schedule.after(luck.expovariate(1 / self.plan.each), self.trouble)

    def count(self, name: str) -> None:
        """This fault has happened where it matters."""
        self.struck[name] += 1
        faults.count(name)

    def is_sending(self) -> bool:
        orders = self.facts.mirror.orders
        return any(
            orders[cid]["status"] == "sending"
            for live in self.facts.live_rows.values()
            for cid in live
        )

    # --- watched

    def say(self, what: str) -> None:
        line = f"{self.clock.seconds:.6f} {what}"
        self._hash.update(line.encode())
        if self.trace is not None:
            self.trace.append(line)

    def _after_step(self) -> None:
        if self.store.wire.writes or self.place.has_changed():
            self.store.wire.writes.clear()
            before = len(self.facts.breaches)
            self.examiner.look()
            for breach in self.facts.breaches[before:]:
                self.say(f"BROKEN {breach.invariant}: {breach.sentence}")

    def notice_changes(self) -> None:
        """Every change of an order here or there is a line of the trace."""
        original_rows, original_book = self.facts.follow_rows, self.facts.follow_book

        def rows(changes: Any) -> None:
            original_rows(changes)
            for old, new in changes.of("orders"):
                row = new or old
                was = None if old is None else old["status"]
                self.say(
                    f"row {row['client_order_id']} {row['role']} {row['level']}.{row['attempt']}"
                    f" {row['price']}: {was} -> {None if new is None else new['status']}"
                    f" {row['reason'] or ''}"
                )
            for table in ("strategy_status", "account_status"):
                for _, new in changes.of(table):
                    self.say(f"{table} {_spoken(new)}")

        def book(news: Any) -> None:
            original_book(news)
            for before, taken in news.orders:
                what = "taken" if before is None else "changed"
                self.say(
                    f"there {taken.client_order_id} {what}: {taken.filled} of {taken.quantity},"
                    f" {'open' if taken.is_open else 'ended'}"
                )

        self.facts.follow_rows, self.facts.follow_book = rows, book  # type: ignore[method-assign]

    # --- run

    def run(self) -> None:
        self._trouble = self.luck("trouble")
        self.until = self.plan.seconds
        self.schedule.at(0.5, self.move)
        if self.plan.each:
            self.schedule.after(20.0 + self._trouble.uniform(0, self.plan.each), self.trouble)
        self.schedule.at(5.0, self.supervise)
        self.begin()
        self.schedule.run_until(self.plan.seconds)
        self.quiet()
        self.schedule.run_until(self.clock.seconds + SETTLES)
        self.schedule.run_until(self.clock.seconds + CALM - SETTLES, self.is_restful)
        self.schedule.run_until(self.clock.seconds + PATIENCE, self.is_calm)
        self.examiner.rest()

    def look_for_secrets(self, written: list[str]) -> None:
        stored = everything_stored(self.store.connection)
        texts = itertools.chain(written, self.trace or (), stored)
        for sentence in v15_no_secret_written(self.place.secrets, texts):
            self.examiner.say("V15", sentence)
        for sentence in self.place.over_budget():
            self.examiner.say("V20", sentence)

    def supervise(self) -> None:
        """supervisord: what has ended is started again. To end at a lost database is orderly; anything else
        is a breach."""
        for life in list(self.lives.by_loop.values()):
            fault = life.fault()
            if fault is not None and not life.was_told_to_stop:
                life.was_told_to_stop = True
                self.say(f"worker {life.pid} ended by itself: {fault!r}")
                self._counts["ended by themselves"] += 1
                if not isinstance(fault, StepladderError):
                    self.examiner.say("V18", f"a worker died of {fault!r}")
                self.begin(life.host)
        self.schedule.after(2.0, self.supervise)

    def quiet(self) -> None:
        """No fault from here on; one worker at least, and everybody's last wish stands."""
        wire = self.store.wire
        wire.down, wire.unknown, self.slowness = False, None, 0.0
        wire.refuse.clear()
        self.poisoned.clear()
        self.store.offset = 0.0
        for life in self.lives.running:
            life.loop.paused_until, life.loop.offset = 0.0, 0.0
        self.place.quiet()
        self.people.everybody_starts()
        if not self.lives.running:
            self.begin()
        self.say("quiet")

    def is_calm(self) -> bool:
        rows = self.facts.mirror.orders
        waiting = self.store.rows("SELECT 1 FROM audit WHERE position IS NULL LIMIT 1")
        return (
            not waiting
            and self.place.is_calm()
            and not any(
                rows[cid]["status"] in ("sending", "cancelling")
                for live in self.facts.live_rows.values()
                for cid in live
            )
        )

    def is_restful(self) -> bool:
        """Calm, everybody is answered and what is held rests for sale. Looked at once a second."""
        if self.clock.seconds < self._look_next:
            return False
        self._look_next = self.clock.seconds + LOOK_EACH
        return self.is_calm() and not any(checks_rest.v18_alive(self.facts))

    def figures(self) -> dict[str, Any]:
        rows = self.facts.mirror.orders
        return {
            "orders": len(rows),
            "fills": len(self.facts.mirror.tables["fills"]),
            "cycles": len(self.facts.mirror.tables["cycles"]),
            "lives": len(self.lives.by_loop),
            "steps": self.schedule.steps,
            "looked": self.examiner.looked,
            "statuses": dict(Counter(row["status"] for row in rows.values())),
            **self._counts,
        }

    def close(self) -> None:
        self.schedule.close()
        self.store.close()


SPOKEN = ("strategy_id", "account_id", "actual_state", "observed_rev", "reason", "key_state",
          "sentence", "hold", "mismatch")  # fmt: skip


def _spoken(row: Any) -> str:
    return ", ".join(str(row[name]) for name in SPOKEN if row and row.get(name) is not None)


def simulate(
    plan: Plan, *, keep_trace: bool = False, prepare: Callable[[World], None] = lambda world: None
) -> Result:
    """Run the seed to its end. Never raises for a breach: it is in the result."""
    world = World(plan, keep_trace)
    world.notice_changes()
    clocks = virtual(world.clock, world.lives, world.luck("names"))
    steps = replaced("worker.turn", "step", world.step)
    with clocks, steps, world.place.installed(), kept_log() as log:
        try:
            world.populate()
            prepare(world)
            world.run()
            world.look_for_secrets(log.lines)
        except (Stuck, AssertionError) as fault:
            world.examiner.say("V18", f"the simulation ended early: {fault!r}")
        result = Result(
            plan.seed,
            world.clock.seconds,
            world.struck,
            [f"{b.invariant}: {b.sentence}" for b in world.facts.breaches],
            world._hash.hexdigest(),
            world.figures(),
            world.trace or [],
        )
        world.close()
    return result
