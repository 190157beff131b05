"""The two clocks of `db`: this host's, and the database's own, by which leases are judged.

On SQLite both are the same: its one host's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from db.types import UtcDateTime


def utc_now() -> datetime:
    return datetime.now(UTC)


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
    # SQLite knows milliseconds; the zeros make the text as long as every other instant, so that
    # comparing texts compares times.
    moment = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{element.less_seconds} seconds')"
    return f"({moment} || '000')"
