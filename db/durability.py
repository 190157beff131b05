"""Does this database keep what it has committed, also through a power cut? Asked before real money is used.

An order is written before it is sent. A server that says "committed" and writes to its disk a second later
can forget such an order after it was sent.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.types import is_mysql

ON_SQLITE = (
    "Live trading needs MySQL or MariaDB; the built-in file is for trying out. Set DATABASE_URL."
)


def problem(session: Session) -> str | None:
    """Why this database must not be trusted with live orders, with the way out; None: it may be."""
    if not is_mysql(session.get_bind().dialect):
        return ON_SQLITE
    found = session.execute(
        text(
            "SELECT @@global.innodb_flush_log_at_trx_commit AS flush, @@global.log_bin AS log_bin,"
            " @@global.sync_binlog AS sync_binlog, @@global.read_only AS read_only"
        )
    ).one()
    if int(found.flush) != 1:
        return (
            f"The database may lose what it has committed (innodb_flush_log_at_trx_commit is {found.flush})."
            " Set it to 1 in the server's configuration; until then nothing is traded live."
        )
    if int(found.log_bin) and int(found.sync_binlog) != 1:
        return (
            f"The database may lose what it has committed (sync_binlog is {found.sync_binlog})."
            " Set it to 1 in the server's configuration; until then nothing is traded live."
        )
    if int(found.read_only):
        return (
            "The database server is read-only, as after a failover. Point DATABASE_URL to the one that"
            " takes writes; until then nothing is traded live."
        )
    return None
