"""People who press buttons while everything breaks: stop, pause, finish, run again, other settings."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from sqlalchemy import text

from core.cycle import DesiredState
from db import strategies
from db.errors import CommitUnknown, Conflict, DatabaseUnavailable, Stale
from tests.worker_process import WorkerHouse, now

PRESSED = (DesiredState.PAUSED, DesiredState.STOPPED, DesiredState.FINISHING)
RESTING = (
    "SELECT COUNT(*) FROM orders WHERE strategy_id = :id"
    " AND status IN ('sending', 'open', 'cancelling', 'quarantined')"
)
ANSWERED = (
    "SELECT COUNT(*) FROM strategy_status WHERE strategy_id = :id AND observed_rev >= :rev"
    " AND actual_state = 'stopped'"
)
LONGEST_STOP = 60.0
MOST_RESTING = 10


@dataclass(slots=True)
class People:
    """`mine`: {strategy: its person}. `idle`: those that somebody stopped or paused."""

    house: WorkerHouse
    luck: random.Random
    mine: dict[int, int]
    parameters: dict[int, dict[str, object]]
    idle: set[int] = field(default_factory=set)
    presses: int = 0

    def press(self) -> None:
        """One button of one strategy; most of the time something that was stopped is started again."""
        if self.idle and self.luck.random() < 0.7:
            self.start(self.luck.choice(sorted(self.idle)))
        elif self.luck.random() < 0.3:
            self._edit(self.luck.choice(sorted(self.mine)))
        else:
            strategy = self.luck.choice(sorted(self.mine))
            self._want(strategy, self.luck.choice(PRESSED))
            self.idle.add(strategy)
        self.presses += 1

    def start_all(self) -> None:
        for strategy in sorted(self.idle):
            self.start(strategy)

    def stop_and_wait(self) -> tuple[int, float] | None:
        """Presses stop where something rests; (orders resting then, seconds until it is acknowledged)."""
        candidates = sorted(self.mine.keys() - self.idle)
        self.luck.shuffle(candidates)
        for strategy in candidates:
            resting = self._number(RESTING, id=strategy)
            if not 0 < resting <= MOST_RESTING:
                continue
            rev = self._want(strategy, DesiredState.STOPPED)
            began = time.monotonic()
            while not self._number(ANSWERED, id=strategy, rev=rev):
                if time.monotonic() > began + LONGEST_STOP:
                    break
                time.sleep(0.02)
            took = time.monotonic() - began
            left = self._number(RESTING, id=strategy)
            assert took > LONGEST_STOP or not left, f"strategy {strategy}: stopped with {left} live"
            self.start(strategy)
            return resting, took
        return None

    def start(self, strategy: int) -> None:
        """Run, or Try again."""
        self._want(strategy, DesiredState.RUNNING)
        self.idle.discard(strategy)

    def _want(self, strategy: int, state: DesiredState) -> int:
        return self._try(
            lambda session: strategies.set_desired(
                session, self.mine[strategy], strategy, state, at=now(), rev=None
            )
        )

    def _edit(self, strategy: int) -> None:
        """Another size, used from the next cycle on."""
        before = self.parameters[strategy]["base_order_size"]
        changed = self.parameters[strategy] | {
            "base_order_size": str(int(str(before)) + self.luck.randrange(20))
        }

        def edit(session) -> int:
            newest = strategies.strategy_versions(session, self.mine[strategy], strategy)[0]
            return strategies.edit_parameters(
                session, self.mine[strategy], strategy,
                parameters=changed, at=now(), version=newest.version,
            )  # fmt: skip

        self._try(edit)

    def _try(self, unit) -> int:
        """People press again when the screen says that it did not work."""
        for _ in range(60):
            try:
                return self.house.run(unit)
            except (CommitUnknown, Conflict, DatabaseUnavailable, Stale):
                time.sleep(0.5)
        raise AssertionError("a button did not work for half a minute")

    def _number(self, query: str, **values: int) -> int:
        with self.house.engine.connect() as connection:
            return int(connection.execute(text(query), values).scalar_one())
