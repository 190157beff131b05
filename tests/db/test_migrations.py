"""The migrations make, from nothing, what the models say."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from db import installation, migrate, transactions
from db.engine import make_engine
from db.errors import Conflict, DatabaseUnavailable
from db.tables import Model
from db.transactions import run
from tests.faults import fault


@pytest.fixture
def empty(database_url):
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        return list(compare_metadata(context, Model.metadata))


def test_from_empty_the_migrations_make_what_the_models_say(empty):
    migrate.upgrade(empty)
    assert differences(empty) == []


def test_upgrading_twice_changes_nothing_and_keeps_the_installation_code(empty):
    migrate.upgrade(empty)
    before = run(empty, installation.code)
    migrate.upgrade(empty)
    assert run(empty, installation.code) == before
    assert len(before) == 4


def test_an_empty_database_is_refused_with_the_way_out(empty):
    assert migrate.current_version(empty) is None
    with pytest.raises(Conflict, match="python -m db upgrade"):
        migrate.check_version(empty)


def test_a_database_that_does_not_answer_is_unavailable_not_an_error_of_ours(monkeypatch):
    """A worker that starts meanwhile ends with a sentence, and is started again."""
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0.001)
    with pytest.raises(DatabaseUnavailable):
        migrate.check_version(make_engine("mysql+pymysql://nobody:nothing@127.0.0.1:1/none"))


@fault("D21", "P12")
def test_a_database_of_another_release_is_refused(engine):
    migrate.check_version(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(Conflict, match="9999"):
            migrate.check_version(engine)
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :v"), {"v": migrate.newest_version()}
            )
