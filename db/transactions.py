"""One unit of work, one short transaction: all of it happens once, or none of it.

After any error of the database the transaction is rolled back, its connection thrown away and the whole
unit run again: a lock wait that timed out has undone one statement only, a deadlock all of them, and
only beginning anew is right after both.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from db.engine import WRITES
from db.errors import CommitUnknown, Conflict, DatabaseUnavailable

__all__ = ["Session", "is_retryable", "run"]

T = TypeVar("T")

ATTEMPTS = 5
FIRST_PAUSE = 0.02
# Deadlock, lock wait, snapshot conflict, too many connections, shutdown, interrupted, statement time,
# connection lost (several), killed, read-only (failover), cluster node not ready, server unreachable.
RETRYABLE = frozenset(
    {1205, 1213, 1020, 1040, 1053, 1317, 1969, 2006, 2013, 2055, 1290, 1836, 1792, 1927, 1047}
    | {2002, 2003, 4031, 3024}
)
# Answers to COMMIT that say for certain that it did not happen: a cluster's conflict, read-only.
NOT_COMMITTED = frozenset({1213, 1020, 1290, 1836, 1792, 1047})
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def run(engine: Engine, unit: Callable[[Session], T], *, write: bool = True) -> T:
    """What `unit` returns, once its transaction is committed. It may be called several times.

    Raises `CommitUnknown` when the answer to COMMIT was lost (never repeated), `DatabaseUnavailable` after
    five failures, `Conflict` when a unique key refuses a row; what the unit raises passes through.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(engine, unit, write)
        except (DBAPIError, PoolTimeout) as error:
            if not is_retryable(error):
                _raise_as_ours(error)
            if attempt == ATTEMPTS:
                raise DatabaseUnavailable("The database does not answer.") from error
        # Whoever collided must not meet again at the same moment.
        pause = FIRST_PAUSE * 2**attempt
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311
    raise AssertionError("unreachable")


def is_retryable(error: Exception) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _is_busy(error) or _code(error) in RETRYABLE


def _once(engine: Engine, unit: Callable[[Session], T], write: bool) -> T:
    with Session(engine, expire_on_commit=False) as session:
        try:
            session.connection(execution_options={WRITES: write})
            result = unit(session)
            session.flush()
        except (DBAPIError, PoolTimeout):
            session.invalidate()
            raise
        _commit(session, write)
        return result


def _commit(session: Session, write: bool) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        session.invalidate()
        if not write or _is_busy(error) or _code(error) in NOT_COMMITTED:
            raise
        raise CommitUnknown("The connection was lost while saving; it is read again.") from error


def _raise_as_ours(error: DBAPIError | PoolTimeout) -> None:
    if isinstance(error, IntegrityError):
        raise Conflict("This contradicts what is stored already; nothing was changed.") from error
    if isinstance(error, DBAPIError) and _is_about_the_server(error):
        raise DatabaseUnavailable("The database cannot do this now.") from error
    raise error


def _is_about_the_server(error: DBAPIError) -> bool:
    """A full disk, a missing right, a server in trouble; not a mistake in the statement."""
    return (
        error.__class__.__name__ in ("OperationalError", "InternalError") and _code(error) != 1146
    )


def _code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _is_busy(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The lower byte is the kind, what is above says more about it.
    return isinstance(code, int) and code & 0xFF in BUSY
