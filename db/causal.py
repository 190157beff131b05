"""A read that sees whatever was committed anywhere before it, on a cluster too.

The nodes of a Galera cluster apply each other's transactions a moment after their COMMIT. Fences do not mind:
they are updates, which the cluster certifies. A read that decides something must wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.types import is_mysql

KNOWN = "stepladder_is_cluster_node"


@contextmanager
def causal(session: Session) -> Iterator[None]:
    """For the first reads of a transaction: a server does not wait once it is under way.

    Costs nothing but one question per connection where there is no cluster.
    """
    if not _is_cluster_node(session):
        yield
        return
    session.execute(text("SET SESSION wsrep_sync_wait = 1"))
    # After an error of the database the connection is thrown away.
    yield
    session.execute(text("SET SESSION wsrep_sync_wait = DEFAULT"))


def _is_cluster_node(session: Session) -> bool:
    """MySQL has no such variable; a MariaDB by itself has it, and it is off."""
    connection = session.connection()
    if not is_mysql(connection.dialect):
        return False
    if KNOWN not in connection.info:
        row = session.execute(text("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")).first()
        connection.info[KNOWN] = row is not None and row[1] == "ON"
    known: bool = connection.info[KNOWN]
    return known
