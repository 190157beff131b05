"""Logging in: the password, and what slows guessing down.

An attempt is written as failed before the password is looked at and turned into a success afterwards, so
that a hundred guesses at once count as a hundred. Failures are counted

- per name and address: 5 in 15 minutes (a person's own typing errors; a success ends the count),
- per address: 40 in 15 minutes (one visitor trying many names),
- altogether: above 1,000 in 15 minutes every address has its first try only (many visitors).

None of these counts what strangers do elsewhere against a person, so nobody can lock another out from
their own address. Names that do not exist are treated alike and cost the same work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core.errors import StepladderError
from db import audit, locks
from db.names import USERNAME
from db.passwords import check_password
from db.sessions import NewSession, open_session, printable
from db.tables import LoginAttempt, LoginSession, User
from db.transactions import run

WINDOW = timedelta(minutes=15)
MOST_PER_NAME_AND_ADDRESS = 5
MOST_PER_ADDRESS = 40
MOST_ALTOGETHER = 1000
LONGEST_ADDRESS = 64
NO_NAME = "?"
"""Stored for what cannot be a username: nobody's typing slip (a password in the name field) is kept."""


class LoginRefused(StepladderError):
    """Always the same sentence, so that it tells nothing about which names exist."""

    def __init__(self) -> None:
        super().__init__(
            "Wrong username or password, or too many tries. Wait a little and try again."
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    attempt_id: int
    user_id: int | None
    password_hash: str | None


def log_in(
    engine: Engine,
    username: str,
    password: str,
    *,
    address: str,
    agent: str,
    trusted: bool,
    at: datetime,
) -> NewSession:
    """A new session. Raises LoginRefused. Not inside a transaction: the password takes its time."""
    attempt = run(engine, lambda session: _begin(session, username, address, at))
    right = check_password(password, attempt.password_hash)
    user_id = attempt.user_id
    if not right or user_id is None:
        raise LoginRefused

    def finish(session: Session) -> NewSession:
        _succeed(session, attempt.attempt_id)
        audit.append(
            session,
            actor_id=user_id,
            subject_id=user_id,
            action="logged in",
            details={"address": _clean_address(address), "trusted": trusted},
            at=at,
        )
        return open_session(
            session,
            user_id,
            address=_clean_address(address),
            agent=agent,
            trusted=trusted,
            at=at,
        )

    return run(engine, finish)


def confirm_password(
    engine: Engine, user_id: int, session_id: int, password: str, *, address: str, at: datetime
) -> bool:
    """Asked again before what raises risk. Counted like a login; raises LoginRefused after too many."""
    username = run(
        engine,
        lambda session: session.scalar(select(User.username).where(User.id == user_id)),
        write=False,
    )
    attempt = run(engine, lambda session: _begin(session, username or "", address, at))
    if not check_password(password, attempt.password_hash) or attempt.user_id != user_id:
        return False

    def finish(session: Session) -> None:
        _succeed(session, attempt.attempt_id)
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == session_id, LoginSession.user_id == user_id)
            .values(confirmed_at=at)
        )

    run(engine, finish)
    return True


def _begin(session: Session, username: str, address: str, at: datetime) -> _Attempt:
    """Counts and adds under one lock. Raises LoginRefused; a refused try is not counted again, so that
    waiting helps even somebody who keeps trying."""
    name = username.strip().lower()
    name = name if USERNAME.fullmatch(name) else NO_NAME
    where = _clean_address(address)
    locks.hold(session, "login")
    if _is_too_much(session, name, where, at):
        raise LoginRefused
    attempt = LoginAttempt(username=name, ip=where, ok=False, at=at)
    session.add(attempt)
    session.flush()
    user = session.execute(
        select(User.id, User.password_hash).where(User.username == name, User.is_active.is_(True))
    ).first()
    if user is None:
        return _Attempt(attempt.id, None, None)
    return _Attempt(attempt.id, user.id, user.password_hash)


def _is_too_much(session: Session, name: str, address: str, at: datetime) -> bool:
    failed = (
        select(func.count())
        .select_from(LoginAttempt)
        .where(LoginAttempt.ok.is_(False), LoginAttempt.at > at - WINDOW)
    )
    from_here = LoginAttempt.ip == address
    own = (LoginAttempt.username == name, from_here)
    success = session.scalar(
        select(func.max(LoginAttempt.at)).where(
            *own, LoginAttempt.ok.is_(True), LoginAttempt.at > at - WINDOW
        )
    )
    since_success = () if success is None else (LoginAttempt.at > success,)
    if (session.scalar(failed.where(*own, *since_success)) or 0) >= MOST_PER_NAME_AND_ADDRESS:
        return True
    of_address = session.scalar(failed.where(from_here)) or 0
    if of_address >= MOST_PER_ADDRESS:
        return True
    return of_address > 0 and (session.scalar(failed) or 0) >= MOST_ALTOGETHER


def _succeed(session: Session, attempt_id: int) -> None:
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(ok=True))


def _clean_address(address: str) -> str:
    return printable(address).strip()[:LONGEST_ADDRESS] or "unknown"
