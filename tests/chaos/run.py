"""One run: workers, people, a database and a market, and everything that can befall them, by a seed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.chaos.crew import Place
from tests.chaos.markets import Market
from tests.chaos.people import People
from tests.chaos.proxy import FaultProxy, random_trouble
from tests.chaos.recovery import Aftermath, Recovered
from tests.chaos.stores import Store
from tests.worker_process import WorkerHouse, wait_until

MEASURED_EACH = 3
WITHIN_LEASE, PAST_LEASE = (1.0, 6.0), (16.0, 20.0)
RESTART_AFTER = 1.2
GOALS = {
    "seconds_until_protected": 30.0,
    "seconds_until_none_unknown": 120.0,
    "seconds_until_stop_is_acknowledged": 5.0,
    "seconds_until_a_change_by_hand_is_noticed": 60.0,
}
"""At most so many seconds, as 99th percentile."""


@dataclass(slots=True)
class Tally:
    kills: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: list[Recovered] = field(default_factory=list)
    stops: list[tuple[int, float]] = field(default_factory=list)
    noticed: list[float] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def measured(self) -> dict[str, list[float | None]]:
        """By the names of `GOALS`: seconds; None: it did not come in the time that was waited for."""
        found: tuple[list[float | None], ...] = (
            [each.protected for each in self.recoveries],
            [each.none_unknown for each in self.recoveries],
            [took for _, took in self.stops],
            list(self.noticed),
        )
        return dict(zip(GOALS, found, strict=True))


class Run:
    def __init__(
        self, stack: ExitStack, house: WorkerHouse, store: Store, market: Market, seed: int,
        workers: int, seconds: float,
    ) -> None:  # fmt: skip
        self.house, self.store, self.market = house, store, market
        self.luck = random.Random(seed)
        self.deadline = time.monotonic() + seconds
        self.tally = Tally()
        self.people: People | None = None
        self.crew: list[Place] = []
        for number in range(workers):
            proxy = stack.enter_context(FaultProxy(store.port(number)))
            place = Place(house, proxy, store.worker_url(proxy.port), market.settings())
            stack.callback(place.close)
            self.crew.append(place)
        self.things: dict[str, tuple[Callable[[random.Random], None], tuple[str, ...]]] = (
            store.disasters() | market.disasters()
        )

    def go(self, kills: int) -> None:
        mine, parameters = self.market.populate(self.house)
        self.people = People(self.house, self.luck, mine, parameters)
        for place in self.crew:
            place.start()
        wait_until("the workers trade", lambda: self._fills() > 4 * len(self.crew), 90)
        while self.tally.kills < kills and time.monotonic() < self.deadline:
            try:
                self._event()
            except AssertionError as breach:
                self.tally.breaches.append(str(breach))
        self._after()

    # --- what happens

    def _event(self) -> None:
        luck, place = self.luck, self.luck.choice(self.crew)
        self._check_crew()
        time.sleep(luck.uniform(0.1, 1.8))
        if luck.random() < 0.5:
            self._arm(luck.choice(self.crew))
        if luck.random() < 0.5:
            self.market.trouble(luck)
        if luck.random() < 0.3:
            self._press()
        dice = luck.random()
        if dice < 0.75:
            self._kill(place)
        elif dice < 0.80:
            self._pause(place)
        elif dice < 0.86:
            self._end(place)
        elif dice < 0.91:
            self._disaster()
        elif dice < 0.97:
            self._measure_a_stop()
        else:
            self._measure_a_change_by_hand()

    def _kill(self, place: Place) -> None:
        luck, is_measured = self.luck, self.tally.kills % MEASURED_EACH == 0
        if is_measured:
            self._quiet()
            self.market.calm()
            place.check()
        pid = place.running.pid
        if luck.random() < 0.4:
            moment = place.kill_at_commit(luck)
        else:
            place.kill()
            moment = "random"
        self.tally.kills += 1
        self._count(f"killed, {moment}", "P1")
        if not is_measured:
            time.sleep(luck.uniform(0, RESTART_AFTER))
            place.start()
            return
        after = Aftermath(self.house.engine, pid)
        place.start()
        found = after.wait({each.running.pid for each in self.crew})
        if found.accounts:
            self.tally.recoveries.append(found)

    def _pause(self, place: Place) -> None:
        """Past the lease more often than not: another worker takes over, then this one wakes up."""
        is_long = self.luck.random() < 0.6
        place.running.signal(signal.SIGSTOP)
        time.sleep(self.luck.uniform(*(PAST_LEASE if is_long else WITHIN_LEASE)))
        place.running.signal(signal.SIGCONT)
        self._count("paused past the lease" if is_long else "paused", "P6" if is_long else "P7")

    def _end(self, place: Place) -> None:
        try:
            hit = place.end_during_a_send(self.luck)
            self._count("ended while sending" if hit else "ended", *(["P2"] if hit else []))
        finally:
            place.start()

    def _disaster(self) -> None:
        name = self.luck.choice(sorted(self.things))
        happens, faults = self.things[name]
        happens(self.luck)
        self.house.engine.dispose()
        self._count(name, *faults)

    def _arm(self, place: Place) -> None:
        place.proxy.trouble = random_trouble(self.luck)

    def _press(self) -> None:
        assert self.people is not None
        self.people.press()
        self._count("a button pressed", "P16")

    def _measure_a_stop(self) -> None:
        """In quiet: nobody is killed meanwhile, no trouble is armed."""
        assert self.people is not None
        self._quiet()
        self.market.calm()
        measured = self.people.stop_and_wait()
        if measured is not None:
            self.tally.stops.append(measured)
            self._count("a stop measured", "P16")

    def _measure_a_change_by_hand(self) -> None:
        """Nothing is bought after it until the person presses Try again; else the run would never settle."""
        assert self.people is not None
        self._quiet()
        changed = self.market.change_by_hand(self.house, self.luck)
        if changed is not None:
            strategy, seconds = changed
            self.tally.noticed.append(seconds)
            self._count("an order cancelled by hand", "E25")
            self.people.start(strategy)

    def _quiet(self) -> None:
        """No fault is armed, and every account is served."""
        self._disarm()
        pids = {place.running.pid for place in self.crew}
        served = text(
            "SELECT l.account_id, w.pid FROM leases l LEFT JOIN workers w ON w.name = l.owner"
        )

        def all_served() -> bool:
            with self.house.engine.connect() as connection:
                owners = {pid for _, pid in connection.execute(served)}
            return owners <= pids

        wait_until("all accounts are served", all_served, 60)
        time.sleep(1.5)

    def _disarm(self) -> None:
        self.market.quiet()
        for place in self.crew:
            place.proxy.trouble = None

    def _check_crew(self) -> None:
        for place in self.crew:
            place.check()

    # --- the end

    def _after(self) -> None:
        """Nobody is disturbed any more; what must come to rest does."""
        assert self.people is not None
        self._disarm()
        for place in self.crew:
            self.tally.events.update(place.proxy.troubles)
            self.tally.faults.update(place.proxy.faults)
            self.tally.events["starts without a database"] += place.failed_starts
        self.people.start_all()
        for place in self.crew:
            place.close()

    def _count(self, event: str, *faults: str) -> None:
        self.tally.events[event] += 1
        self.tally.faults.update(faults)

    def _fills(self) -> int:
        with self.house.engine.connect() as connection:
            return int(connection.execute(text("SELECT COUNT(*) FROM fills")).scalar_one())


def spread(values: Sequence[float | None]) -> dict[str, Any] | None:
    """Median, 99th percentile and the largest; a value that never came counts as infinite."""
    if not values:
        return None
    ordered = sorted(float("inf") if value is None else value for value in values)
    at = [ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]]
    names = ("median", "p99", "max")
    return {"count": len(ordered)} | {
        name: round(value, 2) for name, value in zip(names, [*at, ordered[-1]], strict=True)
    }


def folder_of(base: Path, name: str) -> Path:
    found = base / name
    found.mkdir(parents=True, exist_ok=True)
    return found
