"""The workers of a run, each with a proxy of its own: killed, paused, told to end and started again."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.proxy import FaultProxy
from tests.kill_proxy import Moment, Target, random_aim
from tests.worker_process import WorkerHouse, WorkerProcess

AIM_WITHIN = 6.0
NO_DATABASE = "The database does not answer."
EXIT_WITHIN = 20.0


class Breach(AssertionError):
    """Something that must never happen; the run goes on and reports it."""


@dataclass(slots=True)
class Place:
    """One worker's place in the crew. `url`: the database through this place's proxy."""

    house: WorkerHouse
    proxy: FaultProxy
    url: str
    settings: Mapping[str, str]
    worker: WorkerProcess | None = None
    failed_starts: int = 0

    def start(self) -> None:
        self.proxy.watch()
        self.worker = self.house.start(
            LOG_LEVEL="WARNING", **{"DATABASE_URL": self.url, **self.settings}
        )

    @property
    def running(self) -> WorkerProcess:
        assert self.worker is not None
        return self.worker

    def check(self) -> None:
        """As supervisord does: who ended gets a successor. Without a database a start may fail, with a
        sentence; anything else is a breach."""
        worker = self.running
        if worker.is_running():
            return
        status, said = worker.wait(1), worker.said()
        self.start()
        if NO_DATABASE in said and "Traceback" not in said:
            self.failed_starts += 1
        else:
            raise Breach(f"a worker ended with {status}: {said[-1500:]}")

    def kill(self) -> None:
        self.running.kill()

    def kill_at_commit(self, luck) -> str:
        """SIGKILL at the first fitting commit, or when none comes in time; says which."""
        worker = self.running
        before = self.proxy.strikes.copy()
        self.proxy.aim = random_aim(luck, lambda: worker.signal(signal.SIGKILL))
        until = time.monotonic() + AIM_WITHIN
        while self.proxy.strikes == before and time.monotonic() < until:
            time.sleep(0.005)
        self.proxy.aim = None
        worker.wait_or_kill(1.0)
        hit = self.proxy.strikes - before
        return next(iter(hit), "random")

    def end_during_a_send(self, luck) -> bool:
        """SIGTERM just after orders were written; an orderly end within 20 s is required."""
        worker = self.running
        aim = random_aim(luck, lambda: worker.signal(signal.SIGTERM))
        aim = type(aim)(Target.INTENT, Moment.AFTER, aim.delay, aim.strike)
        before = self.proxy.strikes.total()
        self.proxy.aim = aim
        until = time.monotonic() + AIM_WITHIN
        while self.proxy.strikes.total() == before and time.monotonic() < until:
            time.sleep(0.005)
        self.proxy.aim = None
        hit = self.proxy.strikes.total() > before
        if not hit:
            worker.signal(signal.SIGTERM)
        try:
            status = worker.wait(EXIT_WITHIN)
        except Exception:
            worker.kill()
            raise Breach(f"SIGTERM: still there after {EXIT_WITHIN:.0f} s") from None
        if status != 0:
            raise Breach(f"SIGTERM: status {status}: {worker.said()[-1500:]}")
        return hit

    def close(self) -> None:
        if self.worker is not None:
            self.worker.signal(signal.SIGCONT)
            self.worker.kill()
