"""Migrated databases for tests, made once per run: a file to copy on SQLite, rows deleted on MariaDB.

A folder of tests that wants them says in its conftest: `from tests.migrated import *  # noqa: F403`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import migrate
from db.engine import make_engine
from db.tables import Installation, Model
from tests.mariadb import PrivateMariaDB

__all__ = [
    "engine",
    "mariadb_engine",
    "migrated_mariadb_url",
    "migrated_sqlite_file",
    "sqlite_engine",
]


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "empty.db"
    engine = make_engine(f"sqlite:///{file}")
    migrate.upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def migrated_mariadb_url(mariadb_server: PrivateMariaDB) -> str:
    url = mariadb_server.new_database()
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def sqlite_engine(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite file of the test's own."""
    file = tmp_path / "stepladder.db"
    shutil.copyfile(migrated_sqlite_file, file)
    engine = make_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def mariadb_engine(migrated_mariadb_url: str) -> Iterator[Engine]:
    """A migrated MariaDB database, emptied after the test; ids go on counting."""
    engine = make_engine(migrated_mariadb_url)
    yield engine
    engine.dispose()
    _empty(migrated_mariadb_url)


@pytest.fixture(params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The same test on both databases."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


def _empty(url: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET foreign_key_checks = 0"))
        for table in Model.metadata.sorted_tables:
            # What the migration itself puts there stays.
            if table is not Installation.__table__:
                connection.execute(table.delete())
    engine.dispose()
