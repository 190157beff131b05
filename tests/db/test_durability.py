"""A database that may forget what it has committed is not trusted with live orders."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from db import durability
from db.transactions import run
from tests.faults import fault


def problem(engine):
    return run(engine, durability.problem, write=False)


@pytest.fixture
def changed(mariadb_server):
    """Sets a global variable of the shared server, and puts it back."""
    before: dict[str, object] = {}

    def change(name: str, value: int) -> None:
        ((known,),) = mariadb_server.execute(f"SELECT @@global.{name}")
        before.setdefault(name, known)
        mariadb_server.execute(f"SET GLOBAL {name} = {value}")

    yield change
    for name, value in before.items():
        mariadb_server.execute(f"SET GLOBAL {name} = {value}")


def test_a_server_that_writes_at_each_commit_is_trusted(mariadb_engine):
    assert problem(mariadb_engine) is None


@fault("D11")
@pytest.mark.parametrize("value", [0, 2])
def test_a_server_that_writes_later_is_not(mariadb_engine, changed, value):
    changed("innodb_flush_log_at_trx_commit", value)
    sentence = problem(mariadb_engine)
    assert sentence is not None
    assert f"innodb_flush_log_at_trx_commit is {value}" in sentence
    assert "Set it to 1" in sentence


@fault("D10")
def test_a_read_only_server_is_not(mariadb_engine, changed):
    changed("read_only", 1)
    assert "read-only" in str(problem(mariadb_engine))


def test_the_binary_log_counts_only_when_it_is_written(mariadb_engine, changed):
    changed("sync_binlog", 0)
    with mariadb_engine.connect() as connection:
        assert connection.execute(text("SELECT @@log_bin")).scalar_one() == 0
    assert problem(mariadb_engine) is None


def test_sqlite_is_not_and_the_sentence_says_what_is(sqlite_engine):
    assert problem(sqlite_engine) == durability.ON_SQLITE
    assert "MariaDB" in durability.ON_SQLITE
