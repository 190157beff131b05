"""Fixtures that every test may use: places for a database, on both kinds of it.

They give plain URLs of *empty* databases; `tests/db/conftest.py` adds fixtures that migrate.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mariadb import PrivateMariaDB


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[PrivateMariaDB]:
    """One private server for the whole run; it is started by the first test that needs it."""
    folder = Path(tempfile.mkdtemp(prefix="stepladder-mariadb-"))
    try:
        with PrivateMariaDB(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mariadb_url(mariadb_server: PrivateMariaDB) -> Iterator[str]:
    url = mariadb_server.new_database()
    yield url
    mariadb_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stepladder.db'}"


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on both databases."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must not depend on what the developer's shell has set."""
    names = (
        "DATABASE_URL DASHBOARD_PORT DASHBOARD_ADDRESS VENUE_ROUTES ALLOW_LIVE HEARTBEAT_URL "
        "LOG_LEVEL LOG_RETENTION_DAYS SECURE_COOKIES TRUST_PROXY"
    )
    for name in names.split():
        if name in os.environ:
            monkeypatch.delenv(name)
