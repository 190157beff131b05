"""Connections, set up once so that no caller can get them wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from core.errors import InvalidInput
from db.clock import stored_now
from db.types import MYSQL

__all__ = ["WRITES", "Engine", "is_sqlite", "make_engine"]

WRITES = "stepladder_writes"
"""Execution option of a connection: False lets SQLite begin a transaction that only reads."""
SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"
BUSY_SECONDS = 5
POOL_SIZE = 8


def make_engine(url: str, *, patient: bool = False) -> Engine:
    """An engine for `url`. `patient`: without the short limits (migrations, maintenance)."""
    parsed = _parse(url)
    if parsed.get_backend_name() in MYSQL:
        return _mysql(parsed, patient)
    return _sqlite(parsed)


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in (*MYSQL, "sqlite"):
        raise InvalidInput(
            "DATABASE_URL",
            "must be like mysql+pymysql://user:password@host:3306/name or sqlite:///var/stepladder.db.",
        )
    if parsed.get_backend_name() in MYSQL:
        return parsed.set(drivername=f"{parsed.get_backend_name()}+pymysql")
    return parsed.set(drivername="sqlite")


def _mysql(url: URL, patient: bool) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        # Errors of statements would otherwise show what people typed and what is sealed.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=5,
        pool_recycle=300,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": 3,
            "read_timeout": 3600 if patient else 5,
            "write_timeout": 3600 if patient else 5,
        },
    )

    @event.listens_for(engine, "connect")
    def _set_session(connection: Any, _record: object) -> None:
        settings = {
            "time_zone": "'+00:00'",
            "sql_mode": f"'{SQL_MODE}'",
            "innodb_lock_wait_timeout": "60" if patient else "3",
        }
        if not patient:
            if "mariadb" in connection.get_server_info().lower():
                # A statement ends a little before the client would stop waiting for it, so that
                # its end is known; a paused host must not keep rows locked.
                settings |= {"max_statement_time": "4.5", "idle_transaction_timeout": "10"}
            else:
                settings |= {"max_execution_time": "4500"}
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION " + ", ".join(f"{k} = {v}" for k, v in settings.items()))

    return engine


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not begin transactions by itself: `_begin` does.
        connection.isolation_level = None
        connection.create_function("stepladder_now", 1, stored_now)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that begins by reading and writes later fails without waiting when another
        # one wrote meanwhile; so whoever may write takes the lock at once.
        writes = connection.get_execution_options().get(WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
