"""Brings the database to the newest version, and says which one it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from db import installation
from db.clock import utc_now
from db.engine import is_sqlite, make_engine
from db.errors import Conflict
from db.transactions import Session, run

FOLDER = Path(__file__).resolve().parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Runs every migration that is missing; harmless when there is none. One caller at a time."""
    patient = engine
    if not is_sqlite(engine):
        patient = make_engine(engine.url.render_as_string(hide_password=False), patient=True)
    config = _config()
    try:
        with patient.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        if patient is not engine:
            patient.dispose()
    run(engine, lambda session: installation.found(session, utc_now()))


def newest_version() -> str:
    """The version that this program was written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current_version(engine: Engine) -> str | None:
    """The version that the database has; None: it is empty. Raises DatabaseUnavailable."""

    def ask(session: Session) -> str | None:
        return MigrationContext.configure(session.connection()).get_current_revision()

    return run(engine, ask, write=False)


def check_version(engine: Engine) -> None:
    """Raises `Conflict` unless the database is of the version that this program knows."""
    version = current_version(engine)
    if version is None:
        raise Conflict("The database is empty. Run: python -m db upgrade")
    if version != newest_version():
        raise Conflict(
            f"The database is at version {version}, this program needs {newest_version()}."
            " Run the same release everywhere, then: python -m db upgrade"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
