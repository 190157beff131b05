"""Virtual time: one clock, one event loop for each life of a worker, and a scheduler that runs them.

Nothing here ever waits. A killed process is a loop that is never run again, so no `finally` of it runs; a
paused one (SIGSTOP) is a loop that is left out for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
from asyncio import events
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

BEGINNING = datetime(2026, 3, 2, 12, tzinfo=UTC)
Work = Callable[[], object]


class Clock:
    """`seconds` only grow; they are what every loop's time is."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self.beginning = beginning
        self.seconds = 0.0

    def wall(self, offset: float = 0.0) -> datetime:
        return self.beginning + timedelta(seconds=self.seconds + offset)

    def ms(self) -> int:
        return int(self.wall().timestamp() * 1000)


class SimulatedLoop(asyncio.BaseEventLoop):
    """One process. `offset`: by how much its host's wall clock is wrong. `paused_until`: SIGSTOP."""

    def __init__(self, clock: Clock, name: str) -> None:
        super().__init__()
        self.clock, self.name = clock, name
        self.offset = 0.0
        self.paused_until = 0.0
        self.dead = False
        self.ran = 0
        self._thread_id: int | None = threading.get_ident()
        self.set_exception_handler(self._told)
        self.complaints: list[dict[str, Any]] = []

    def time(self) -> float:
        return self.clock.seconds

    def _told(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.complaints.append(context)

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody is to be woken."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """In line, as a step of its own."""
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:  # as a thread would hand it over
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_soon(work)
        return future

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        return self.call_soon(callback, *args, context=context)

    # --- for the scheduler

    @property
    def is_stopped(self) -> bool:
        return self.dead or self.paused_until > self.clock.seconds

    def collect(self) -> bool:
        """Move the timers that are due to the ready queue; True when there is something to run."""
        scheduled = self._scheduled  # type: ignore[attr-defined]
        ready = self._ready  # type: ignore[attr-defined]
        now = self.clock.seconds + 1e-9
        while scheduled and (scheduled[0]._when <= now or scheduled[0]._cancelled):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                ready.append(handle)
        return bool(ready)

    def due(self) -> float | None:
        """When its next timer fires."""
        scheduled = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            return None
        return max(float(scheduled[0]._when), self.paused_until)

    def step(self) -> None:
        """Run one callback: up to the next await of one task."""
        handle = self._ready.popleft()  # type: ignore[attr-defined]
        if handle._cancelled:
            return
        self.ran += 1
        events._set_running_loop(self)
        try:
            handle._run()
        finally:
            events._set_running_loop(None)

    def bury(self) -> None:
        """At the very end: let go of what a killed process held, without a word."""
        self.dead = True
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            for _ in range(20):
                try:
                    coroutine.close()
                    break
                except (RuntimeError, ValueError):  # it awaits something in its `finally`
                    continue
        self._closed = True


class Stuck(AssertionError):
    """So many steps without the clock moving that it never will."""


class Scheduler:
    """Runs what is due earliest, one step at a time; among loops that are ready the seed decides.

    `agenda`: what happens outside of the workers (the exchange, the market, people, faults).
    `before_step(loop)`: asked before each step of a loop; False: the loop has just been stopped.
    `after_step()`: after everything that may have changed something.
    """

    MOST_STEPS = 400_000

    def __init__(self, clock: Clock, luck: Random) -> None:
        self.clock, self.luck = clock, luck
        self.loops: list[SimulatedLoop] = []
        self.current: SimulatedLoop | None = None
        self.before_step: Callable[[SimulatedLoop], bool] = lambda loop: True
        self.after_step: Work = lambda: None
        self.steps = 0
        self._agenda: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()

    def at(self, when: float, work: Work) -> None:
        heapq.heappush(self._agenda, (max(when, self.clock.seconds), next(self._numbers), work))

    def after(self, seconds: float, work: Work) -> None:
        self.at(self.clock.seconds + seconds, work)

    def new_loop(self, name: str) -> SimulatedLoop:
        loop = SimulatedLoop(self.clock, name)
        self.loops.append(loop)
        return loop

    def kill(self, loop: SimulatedLoop) -> None:
        loop.dead = True

    def run_until(self, end: float, done: Callable[[], bool] = lambda: False) -> None:
        idle_since, still = self.clock.seconds, 0
        while not done():
            if self._run_ready():
                still += 1
                if still > self.MOST_STEPS:
                    raise Stuck(f"{still} steps at second {idle_since}")
                continue
            moment = self._next_moment()
            if moment is None or moment > end:
                self.clock.seconds = max(self.clock.seconds, end)
                return
            if moment > self.clock.seconds:
                self.clock.seconds, idle_since, still = moment, moment, 0
            self._run_agenda()

    def _run_ready(self) -> bool:
        ready = [loop for loop in self.loops if not loop.is_stopped and loop.collect()]
        if not ready:
            return False
        loop = ready[0] if len(ready) == 1 else self.luck.choice(ready)
        if self.before_step(loop):
            self.current = loop
            try:
                loop.step()
            finally:
                self.current = None
            self.steps += 1
            self.after_step()
        return True

    def _run_agenda(self) -> None:
        while self._agenda and self._agenda[0][0] <= self.clock.seconds:
            _, _, work = heapq.heappop(self._agenda)
            work()
            self.after_step()

    def _next_moment(self) -> float | None:
        moments = [self._agenda[0][0]] if self._agenda else []
        for loop in self.loops:
            if loop.dead:
                continue
            if loop.paused_until > self.clock.seconds and loop._ready:  # type: ignore[attr-defined]
                moments.append(loop.paused_until)
            due = loop.due()
            if due is not None:
                moments.append(due)
        return min(moments, default=None)

    def close(self) -> None:
        for loop in self.loops:
            loop.bury()
        with contextlib.suppress(ValueError):
            self.loops.clear()
