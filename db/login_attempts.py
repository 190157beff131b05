"""Tries to log in, counted: what slows guessing down.

A try is written as failed before anything is looked at and turned into a success afterwards, so that a
hundred guesses at once count as a hundred. Failures are counted

- per name and address: 5 in 15 minutes (a person's own typing errors; a success ends the count),
- per address: 40 in 15 minutes (one visitor trying many names),
- altogether: above 1,000 in 15 minutes every address has its first try only (many visitors).

None of these counts what strangers do elsewhere against a person, so nobody can lock another out from
their own address.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.errors import StepladderError
from db import locks
from db.sessions import printable
from db.tables import LoginAttempt

WINDOW = timedelta(minutes=15)
MOST_PER_NAME_AND_ADDRESS = 5
MOST_PER_ADDRESS = 40
MOST_ALTOGETHER = 1000
LONGEST_ADDRESS = 64


class LoginRefused(StepladderError):
    """Always the same sentence, so that it tells nothing about which names exist."""

    def __init__(self) -> None:
        super().__init__(
            "Wrong username or password, or too many tries. Wait a little and try again."
        )


def begin(session: Session, name: str, address: str, at: datetime) -> int:
    """The try's id. Counts and adds under one lock. Raises LoginRefused; a refused try is not counted
    again, so that waiting helps even somebody who keeps trying. `address`: by `clean_address`."""
    locks.hold(session, "login")
    if _is_too_much(session, name, address, at):
        raise LoginRefused
    attempt = LoginAttempt(username=name, ip=address, ok=False, at=at)
    session.add(attempt)
    session.flush()
    return attempt.id


def succeed(session: Session, attempt_id: int) -> None:
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(ok=True))


def failures(session: Session, name: str, at: datetime) -> int:
    """Of this name in the last 15 minutes, wherever they came from."""
    found = session.scalar(
        select(func.count())
        .select_from(LoginAttempt)
        .where(
            LoginAttempt.username == name,
            LoginAttempt.ok.is_(False),
            LoginAttempt.at > at - WINDOW,
        )
    )
    return found or 0


def clean_address(address: str) -> str:
    return printable(address).strip()[:LONGEST_ADDRESS] or "unknown"


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
