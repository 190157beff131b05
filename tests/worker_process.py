"""Real workers for tests: the program in a folder of its own, so that its keys and logs are its own too.

house = WorkerHouse(folder, url)
with house.start() as worker: ...
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Engine

from db import accounts, keys, migrate, strategies, users
from db.engine import make_engine
from db.rights import Role
from db.settings import ROOT
from db.transactions import Session, run
from tests.mariadb import dying_with_its_parent

T = TypeVar("T")
PROGRAM = ("core", "db", "worker")
PATIENCE = 30.0


def wait_until(what: str, happened: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first answer of `happened` that is true; fails saying `what` did not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = happened()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.1)


class WorkerProcess:
    """`lines()`: what it has said so far on its console."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self.process, self.console = process, console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        return self.process.wait(seconds)

    def sleep_while_running(self, seconds: float) -> None:
        """Fails when the worker ends by itself meanwhile."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(seconds)
            raise AssertionError(f"the worker ended with {status}\n{self.said()[-4000:]}")

    def wait_or_kill(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.console.read_text(errors="replace")


class WorkerHouse:
    """A copy of the program with a migrated database; people and strategies are made with `db`.

    `worker_url`: under which the workers reach the database, if that is another way than ours.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.worker_url = folder, url, url
        self._started = 0
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROGRAM:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        keys.prepare_keys(folder / "config")
        self.engine: Engine = make_engine(url)
        migrate.upgrade(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    # --- processes

    def start(self, **settings: str) -> WorkerProcess:
        """`python -m worker` with these settings in its environment."""
        self._started += 1
        console = self.folder / f"console-{self._started}.log"
        with console.open("wb") as output:
            process = subprocess.Popen(
                [*dying_with_its_parent(), sys.executable, "-m", "worker"],
                cwd=self.folder,
                env=self.environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return WorkerProcess(process, console)

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {"DATABASE_URL": self.worker_url, "PYTHONUNBUFFERED": "1"} | dict(settings)

    # --- rows

    def run(self, unit: Callable[[Session], T]) -> T:
        return run(self.engine, unit)

    def read(self, unit: Callable[[Session], T]) -> T:
        return run(self.engine, unit, write=False)

    def person(self, name: str = "ann", role: Role = Role.PERSON) -> int:
        return self.run(
            lambda session: users.create_user(
                session,
                username=name,
                display_name=name.title(),
                password_hash="$2b$04$" + "a" * 53,
                role=role,
                at=now(),
            )
        )

    def account(self, user_id: int, name: str, balance: str = "1000000") -> int:
        return self.run(
            lambda session: accounts.add_simulated_account(
                session, user_id, name=name, balance={"USDT": Decimal(balance)}, at=now()
            )
        )

    def strategy(
        self, user_id: int, account_id: int, symbol: str, parameters: Mapping[str, Any]
    ) -> int:
        return self.run(
            lambda session: strategies.create_strategy(
                session,
                user_id,
                account_id=account_id,
                name=f"{symbol} {account_id}",
                symbol=symbol,
                parameters=parameters,
                at=now(),
            )
        )


def now() -> datetime:
    return datetime.now(UTC)
