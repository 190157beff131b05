"""The two clocks of `db`: this host's, and the database's own, by which leases are judged.

On SQLite both are the same: its one host's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from db.types import UtcDateTime


def _host_clock() -> datetime:
    return datetime.now(UTC)


_clock: Callable[[], datetime] = _host_clock


def utc_now() -> datetime:
    return _clock()


def use_clock(source: Callable[[], datetime] | None) -> None:
    """For simulations: what this process takes for the time. None: the host's clock again.

    SQLite's own time follows it, because SQLite asks this process (`db.engine`).
    """
    global _clock  # noqa: PLW0603  (one process, one clock)
    _clock = source or _host_clock


def stored_now(less_seconds: int) -> str:
    """The time less so many seconds, as SQLite stores it: its function `stepladder_now`."""
    return (utc_now() - timedelta(seconds=less_seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


class DatabaseNow(FunctionElement[datetime]):
    """The database's time when the statement began, less a number of seconds."""

    type = UtcDateTime()
    inherit_cache = False

    def __init__(self, less_seconds: int = 0) -> None:
        super().__init__()
        self.less_seconds = int(less_seconds)


@compiles(DatabaseNow)
def _on_mysql(element: DatabaseNow, _compiler: SQLCompiler, **_: Any) -> str:
    return f"(UTC_TIMESTAMP(6) - INTERVAL {element.less_seconds} SECOND)"


@compiles(DatabaseNow, "sqlite")
def _on_sqlite(element: DatabaseNow, _compiler: SQLCompiler, **_: Any) -> str:
    return f"stepladder_now({element.less_seconds})"
