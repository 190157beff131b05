"""Run by Alembic: connects, and brings the database to the version asked for."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from db.engine import make_engine
from db.settings import DatabaseSettings
from db.tables import Model
from db.types import AsciiId, Bytes, Json, Money, UtcDateTime, Words

OURS = (Money, UtcDateTime, Json, Bytes)


def render_item(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """How our column types are written in a migration."""
    if kind == "type" and isinstance(item, OURS):
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, AsciiId | Words):
        return f"{type(item).__name__}({item.length})"
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render_item,
        # SQLite can undo the creation of a table; MySQL and MariaDB cannot.
        transactional_ddl=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with make_engine(DatabaseSettings().database_url, patient=True).connect() as opened:
        migrate(opened)
