"""One life of a worker: a real `Supervisor` on a loop of its own, from its start to its end or its kill."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from tests.simulation.database import SimulatedDatabase, Store
from tests.simulation.loop import Scheduler, SimulatedLoop
from worker.supervisor import Supervisor

Make = Callable[[SimulatedDatabase], Supervisor]


class Life:
    """`supervisor` is the project's own; `host`: processes of one host see each other's end."""

    def __init__(
        self,
        lives: Lives,
        pid: int,
        host: str,
        make: Make,
        travel: Callable[[], tuple[float, float]],
    ) -> None:
        self.pid, self.host = pid, host
        self._scheduler = lives.scheduler
        self.loop: SimulatedLoop = self._scheduler.new_loop(f"worker-{pid}")
        lives.by_loop[self.loop] = self
        self.was_told_to_stop = False
        self.began = self._scheduler.clock.seconds
        before, self._scheduler.current = self._scheduler.current, self.loop
        try:
            self.supervisor = make(SimulatedDatabase(lives.store, travel, self.kill))
            self.supervisor.ownership.host = host
            self.task = self.loop.create_task(self.supervisor.run(), name="supervisor")
        finally:
            self._scheduler.current = before

    @property
    def is_running(self) -> bool:
        return not self.loop.dead and not self.task.done()

    def kill(self) -> None:
        """SIGKILL."""
        self._scheduler.kill(self.loop)

    def pause(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        self.loop.paused_until = self._scheduler.clock.seconds + seconds

    def terminate(self) -> None:
        """SIGTERM."""
        self.was_told_to_stop = True
        self.loop.call_soon(self.supervisor.stopping.set)

    def fault(self) -> BaseException | None:
        """What ended it, when nobody told it to end."""
        if self.loop.dead or not self.task.done() or self.task.cancelled():
            return None
        return self.task.exception()


class Lives:
    """All processes that ever were."""

    def __init__(self, scheduler: Scheduler, store: Store) -> None:
        self.scheduler, self.store = scheduler, store
        self.by_loop: dict[asyncio.AbstractEventLoop, Life] = {}
        self._pids = itertools.count(100)

    def begin(self, host: str, make: Make, travel: Callable[[], tuple[float, float]]) -> Life:
        return Life(self, next(self._pids), host, make, travel)

    @property
    def running(self) -> list[Life]:
        return [life for life in self.by_loop.values() if life.is_running]

    def current(self) -> Life | None:
        loop = self.scheduler.current
        return None if loop is None else self.by_loop.get(loop)

    def current_pid(self) -> int:
        loop = self.scheduler.current
        for known, life in self.by_loop.items():
            if known is loop:
                return life.pid
        return 0

    def process_started(self, pid: int) -> str:
        """What `/proc` would say."""
        alive = any(life.pid == pid and life.is_running for life in self.by_loop.values())
        return f"started-{pid}" if alive else ""

    def offset(self) -> float:
        loop = self.scheduler.current
        return 0.0 if loop is None else loop.offset
