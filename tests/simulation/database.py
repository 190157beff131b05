"""The project's own SQLAlchemy code over SQLite in memory, called in line, with faults and crash points.

Faults are raised where the driver would raise them, with the codes of MariaDB, so that what is tested is
`db.transactions`: its retries, its classes of error, its rule never to repeat a COMMIT.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.pool import StaticPool

from db import migrate
from db.cycle_rows import Shared
from db.engine import make_engine
from tests.simulation.loop import Clock
from worker.database import Database

P = ParamSpec("P")
R = TypeVar("R")
INSTALLATION = "sim0"
LOST, DEADLOCK, LOCK_WAIT, READ_ONLY, UNREACHABLE, FULL = 2013, 1213, 1205, 1290, 2003, 1114


class Killed(BaseException):
    """The process ends here, in the middle of a call."""


@dataclass(slots=True)
class Wire:
    """What is between the workers and their database.

    in_worker: a worker's call runs, of its task `caller`. point(label): told of each of its statements and
    COMMITs; may raise `Killed`. unknown: its next COMMIT has no answer; True: it happened. refuse: codes
    for its next statements. down: nobody answers. writes: tables written since somebody last looked.
    """

    in_worker: bool = False
    caller: str = ""
    down: bool = False
    unknown: bool | None = None
    refuse: list[int] = field(default_factory=list)
    point: Callable[[str], None] = lambda label: None
    writes: set[str] = field(default_factory=set)
    last_write: str = ""

    def statement(self, sql: str) -> None:
        word = sql[:12].upper()
        if word.startswith(("INSERT", "UPDATE", "DELETE")):
            self.last_write = _table(sql)
            self.writes.add(self.last_write)
        if not self.in_worker:
            return
        if self.down:
            raise sqlite3.OperationalError(UNREACHABLE, "nobody answers")
        if self.refuse and not word.startswith("BEGIN"):
            raise sqlite3.OperationalError(self.refuse.pop(0), "injected")
        self.point(f"statement {word.strip().split(' ')[0]} {self.last_write}")

    def commit(self, really: Callable[[], None]) -> None:
        if not self.in_worker:
            really()
            return
        self.point(f"before COMMIT {self.last_write}")
        if self.down:
            raise sqlite3.OperationalError(LOST, "lost before COMMIT")
        unknown, self.unknown = self.unknown, None
        if unknown is not False:
            really()
            self.point(f"after COMMIT {self.last_write}")
        if unknown is not None:
            raise sqlite3.OperationalError(LOST, "the answer to COMMIT is lost")


@functools.lru_cache(maxsize=512)
def _table(sql: str) -> str:
    words = sql.split(None, 4)
    return words[2 if words[0].upper() in ("INSERT", "DELETE") else 1].strip("(")


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *rest: Any) -> Any:
        self.connection.wire.statement(sql)  # type: ignore[attr-defined]
        return super().execute(sql, *rest)

    def executemany(self, sql: str, rows: Any) -> Any:
        self.connection.wire.statement(sql)  # type: ignore[attr-defined]
        return super().executemany(sql, rows)


class _Connection(sqlite3.Connection):
    """Outlives its "connections": closing one only ends its transaction, as a server would."""

    wire: Wire
    now: Callable[[int], str]

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(_Cursor if factory is None else factory)

    def create_function(self, name: str, narg: int, func: Any, **more: Any) -> None:
        if name == "stepladder_now":
            func = self.now  # the database's clock is nobody's host's
        super().create_function(name, narg, func, **more)

    def commit(self) -> None:
        if self.in_transaction:
            self.wire.commit(super().commit)

    def close(self) -> None:
        if self.in_transaction:
            super().rollback()

    def really_close(self) -> None:
        super().close()


@functools.cache
def _empty() -> sqlite3.Connection:
    """A migrated database, made once per process."""
    connection: Any = sqlite3.connect(":memory:", factory=_Connection, check_same_thread=False)
    engine = make_engine("sqlite://")
    engine.pool = StaticPool(lambda: connection, _dispatch=engine.pool.dispatch)
    connection.wire, connection.now = Wire(), lambda less: "2026-01-01 00:00:00.000000"
    migrate.upgrade(engine)
    connection.execute("UPDATE installation SET code = ?", (INSTALLATION,))
    found: sqlite3.Connection = connection
    return found


class Store:
    """One database. `offset`: by how much its clock differs from true time."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.offset = clock, 0.0
        self.wire = Wire()
        self.connection: Any = sqlite3.connect(
            ":memory:", factory=_Connection, check_same_thread=False, isolation_level=None
        )
        self.connection.wire, self.connection.now = self.wire, self._now
        _empty().backup(self.connection)
        self.engine: Engine = make_engine("sqlite://")
        self.engine.pool = StaticPool(self._connect, _dispatch=self.engine.pool.dispatch)

    def _connect(self) -> Any:
        return self.connection

    def _now(self, less_seconds: int) -> str:
        at = self.clock.wall(self.offset) - timedelta(seconds=less_seconds)
        return at.strftime("%Y-%m-%d %H:%M:%S.%f")

    @contextmanager
    def of_worker(self, caller: str) -> Iterator[None]:
        self.wire.in_worker, self.wire.caller = True, caller
        try:
            yield
        finally:
            self.wire.in_worker = False
            assert not self.connection.in_transaction, "a unit left its transaction open"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As stored, past SQLAlchemy: for those who watch."""
        return sqlite3.Connection.execute(self.connection, query, values).fetchall()

    def close(self) -> None:
        self.engine.pool.dispose()
        self.connection.really_close()


class SimulatedDatabase(Database):
    """`travel()`: how long the next call and its answer are on their way. `killed`: the process is over."""

    def __init__(
        self, store: Store, travel: Callable[[], tuple[float, float]], killed: Callable[[], None]
    ) -> None:
        self.engine = store.engine
        self.shared = Shared()
        self.store, self._travel, self._killed = store, travel, killed

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        there, back = self._travel()
        task = asyncio.current_task()
        caller = "" if task is None else task.get_name()

        def arrive() -> None:
            try:
                with self.store.of_worker(caller):
                    result = function(*args, **kwargs)
            except Killed:
                self._killed()
            except Exception as error:  # as a thread would hand it over
                loop.call_later(back, future.set_exception, error)
            else:
                loop.call_later(back, future.set_result, result)

        loop.call_later(there, arrive)
        return await asyncio.shield(future)

    def close(self) -> None:
        """The store belongs to the simulation."""
