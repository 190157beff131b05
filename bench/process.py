"""A real worker process, and what it, the kernel and the database server say about it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from tests.mariadb import PrivateMariaDB
from tests.worker_process import WorkerHouse, WorkerProcess
from worker.lags import Lags

TICKS = os.sysconf("SC_CLK_TCK")
COMMANDS = ("select", "insert", "update", "delete", "commit", "rollback", "set_option")


class WorkerFailed(Exception):
    """The worker ended, or did not come so far in time; the message holds the end of its log."""


@dataclass(slots=True)
class Report:
    """What the worker itself has written since it was last read."""

    lags: Lags = field(default_factory=Lags)
    accounts: int = 0
    strategies: int = 0
    working: int = 0


class Worker:
    """`python -m worker` on that database, in a folder of its own; ended with SIGTERM."""

    def __init__(self, url: str, folder: Path) -> None:
        self.lines = folder / "lags.jsonl"
        self._house = WorkerHouse(folder, url)
        self._process: WorkerProcess = self._house.start(LAG_FILE=str(self.lines))
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._house.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def report(self) -> Report:
        """Everything since the last report; the counts are the newest."""
        if not self._process.is_running():
            raise WorkerFailed(f"The worker has ended:\n{self._process.said()[-4000:]}")
        found = Report()
        if not self.lines.exists():
            return found
        with self.lines.open("rb") as lines:
            lines.seek(self._read)
            whole, newline, _ = lines.read().rpartition(b"\n")
        self._read += len(whole + newline)
        for line in whole.splitlines():
            said = orjson.loads(line)
            counts = {int(bucket): plans for bucket, plans in said["counts"].items()}
            found.lags.add(Lags(counts, said["largest"]))
            found.accounts, found.strategies = said["accounts"], said["strategies"]
            found.working = said["working"]
        return found

    def wait_until_loaded(self, accounts: int, strategies: int, limit: float = 300.0) -> float:
        """Until it holds all of them and has nothing left to do; returns the seconds it took."""
        started = time.monotonic()
        while time.monotonic() - started < limit:
            time.sleep(0.2)
            now = self.report()
            if now.accounts >= accounts and now.strategies >= strategies and not now.working:
                return time.monotonic() - started
        said = self._process.said()[-4000:]
        raise WorkerFailed(f"The worker has not loaded in {limit} s:\n{said}")

    def memory(self) -> int:
        """Resident bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise WorkerFailed("The worker has ended.")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads since its start."""
        text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def complaints(self) -> list[str]:
        """Warnings and errors that it logged."""
        lines = self._process.said().splitlines()
        return [line for line in lines if " WARNING " in line or " ERROR " in line]


def statements(server: PrivateMariaDB) -> dict[str, int]:
    """How many statements the server has executed so far, this question and our log-in left out."""
    rows: Any = server.execute("SHOW GLOBAL STATUS")
    status = {name.lower(): value for name, value in rows}
    counted = {command: int(status[f"com_{command}"]) for command in COMMANDS}
    return {"all": int(status["questions"])} | counted
