"""Many rows, one statement.

PyMySQL sends an executemany of `INSERT ... VALUES (...)` as one statement with many rows, also when
`ON DUPLICATE KEY UPDATE` follows; SQLite prepares it once. SQLAlchemy's own form for MySQL 8 (`AS new`)
would be sent row by row, so the text is ours.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, TextClause, bindparam, insert, text
from sqlalchemy.orm import Session

from db.tables import Model
from db.types import is_mysql

Row = Mapping[str, Any]


def table_of(model: type[Model]) -> Table:
    found = model.__table__
    assert isinstance(found, Table)
    return found


def insert_rows(session: Session, model: type[Model], rows: Sequence[Row]) -> None:
    """Adds all rows; a key that is taken raises. Every row has the same columns."""
    if rows:
        session.execute(insert(table_of(model)), list(rows))


def upsert_rows(
    session: Session,
    model: type[Model],
    rows: Sequence[Row],
    changing: Sequence[str],
    keep: str | None = None,
) -> None:
    """Adds the rows that are new; of those that are there (same primary key) sets the columns `changing`.

    `keep`: an SQL condition over {old} and {new}, the value there and the value given of the *last*
    column of `changing`; where it holds, the row stays as it is. Without `changing` nothing is changed.
    """
    if not rows:
        return
    dialect = session.get_bind().dialect
    statement = _upsert(
        table_of(model), tuple(rows[0]), tuple(changing), keep, is_mysql(dialect), dialect.name
    )
    session.execute(statement, list(rows))


@functools.lru_cache(maxsize=256)
def _upsert(
    table: Table,
    columns: tuple[str, ...],
    changing: tuple[str, ...],
    keep: str | None,
    mysql: bool,
    _dialect: str,
) -> TextClause:
    quote = '"' if not mysql else "`"
    name = f"{quote}{table.name}{quote}"

    def quoted(column: str) -> str:
        return f"{quote}{column}{quote}"

    def old(column: str) -> str:
        return f"{name}.{quoted(column)}"

    def new(column: str) -> str:
        return f"VALUES({quoted(column)})" if mysql else f"excluded.{quoted(column)}"

    def value(column: str) -> str:
        if keep is None:
            return new(column)
        # MySQL sets from left to right and sees what it has set, so the column asked about is last.
        condition = keep.format(old=old(changing[-1]), new=new(changing[-1]))
        return f"CASE WHEN {condition} THEN {old(column)} ELSE {new(column)} END"

    settings = ", ".join(f"{quoted(column)} = {value(column)}" for column in changing)
    keys = [column.name for column in table.primary_key.columns]
    if mysql:
        unchanged = f"{quoted(keys[0])} = {old(keys[0])}"
        action = f"ON DUPLICATE KEY UPDATE {settings or unchanged}"
    else:
        target = ", ".join(quoted(key) for key in keys)
        action = f"ON CONFLICT ({target}) DO " + (
            f"UPDATE SET {settings}" if settings else "NOTHING"
        )
    given = ", ".join(f":{column}" for column in columns)
    listed = ", ".join(quoted(column) for column in columns)
    # Names of our own tables and columns only; every value is a parameter.
    written = f"INSERT INTO {name} ({listed}) VALUES ({given}) {action}"  # noqa: S608
    return text(written).bindparams(
        *(bindparam(column, type_=table.columns[column].type) for column in columns)
    )
