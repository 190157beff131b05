"""Logging in: the password, and for who has one the second factor.

Names that do not exist are treated alike and cost the same work; `db.login_attempts` slows guessing down.
The second factor is asked for in a step of its own, by whoever brings the token that the right password
gave: five minutes, one success. Codes are counted per person as well, because there are only a million of
them; recovery codes are not, so that nobody who knows a password can lock its owner out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core.errors import StepladderError
from db import audit, links, login_attempts, second_factors
from db.login_attempts import LoginRefused, clean_address
from db.names import USERNAME
from db.passwords import check_password
from db.sessions import NewSession, open_session
from db.tables import LoginSession, User
from db.transactions import run

__all__ = [
    "CodeNeeded",
    "LoginRefused",
    "confirm_code",
    "confirm_password",
    "finish_log_in",
    "log_in",
]

NO_NAME = "?"
"""Stored for what cannot be a username: nobody's typing slip (a password in the name field) is kept."""
MOST_CODES_PER_PERSON = 20
CODE_DIGITS = 6


class CodeNeeded(StepladderError):
    """The password was right; `finish_log_in` wants this token and a code."""

    def __init__(self, token: str) -> None:
        super().__init__("Type the code that your app shows, or one of your recovery codes.")
        self.token = token


@dataclass(frozen=True, slots=True)
class _Attempt:
    attempt_id: int
    user_id: int | None
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class _Device:
    address: str
    agent: str
    trusted: bool


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
    """A new session. Raises LoginRefused, and CodeNeeded for who has a second factor.

    Not inside a transaction: the password takes its time.
    """
    attempt = run(engine, lambda session: _begin(session, username, address, at))
    right = check_password(password, attempt.password_hash)
    user_id = attempt.user_id
    if not right or user_id is None:
        raise LoginRefused
    device = _Device(clean_address(address), agent, trusted)

    def finish(session: Session) -> NewSession | str:
        login_attempts.succeed(session, attempt.attempt_id)
        known = second_factors.second_factor(session, user_id)
        if known is not None and known.confirmed_at is not None:
            return links.code_token(session, user_id, at=at)
        return _open(session, user_id, device, "password", at)

    opened = run(engine, finish)
    if isinstance(opened, str):
        raise CodeNeeded(opened)
    return opened


def finish_log_in(
    engine: Engine,
    token: str,
    code: str,
    *,
    seed_key: bytes,
    address: str,
    agent: str,
    trusted: bool,
    at: datetime,
) -> NewSession:
    """The second step, with the token of CodeNeeded and a code of the app or a recovery code.

    Raises LoginRefused for a wrong code, too many of them, or a token that is used or too old.
    """
    user_id = run(engine, lambda session: links.code_owner(session, token, at=at), write=False)
    if user_id is None:
        raise LoginRefused
    attempt_id = _check_code(engine, user_id, code, seed_key, address, at)
    device = _Device(clean_address(address), agent, trusted)

    def finish(session: Session) -> NewSession:
        login_attempts.succeed(session, attempt_id)
        links.use_code_token(session, token, at=at)
        return _open(session, user_id, device, "second factor", at)

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
        login_attempts.succeed(session, attempt.attempt_id)
        _is_confirmed(session, user_id, session_id, at)

    run(engine, finish)
    return True


def confirm_code(
    engine: Engine,
    user_id: int,
    session_id: int,
    code: str,
    *,
    seed_key: bytes,
    address: str,
    at: datetime,
) -> None:
    """As `confirm_password`, by a code of the app or a recovery code. Raises LoginRefused."""
    attempt_id = _check_code(engine, user_id, code, seed_key, address, at)

    def finish(session: Session) -> None:
        login_attempts.succeed(session, attempt_id)
        _is_confirmed(session, user_id, session_id, at)

    run(engine, finish)


def _begin(session: Session, username: str, address: str, at: datetime) -> _Attempt:
    name = username.strip().lower()
    name = name if USERNAME.fullmatch(name) else NO_NAME
    attempt_id = login_attempts.begin(session, name, clean_address(address), at)
    user = session.execute(
        select(User.id, User.password_hash).where(User.username == name, User.is_active.is_(True))
    ).first()
    if user is None:
        return _Attempt(attempt_id, None, None)
    return _Attempt(attempt_id, user.id, user.password_hash)


def _check_code(
    engine: Engine, user_id: int, code: str, seed_key: bytes, address: str, at: datetime
) -> int:
    """The id of the try, still counted as failed. Raises LoginRefused. The code is used up."""
    # No username has a colon.
    name = f"code:{user_id}"
    by_app = sum(letter.isalnum() for letter in code) <= CODE_DIGITS

    def begin(session: Session) -> tuple[int, str | None]:
        if by_app and login_attempts.failures(session, name, at) >= MOST_CODES_PER_PERSON:
            raise LoginRefused
        attempt_id = login_attempts.begin(session, name, clean_address(address), at)
        return attempt_id, second_factors.recovery_salt(session, user_id)

    attempt_id, salt = run(engine, begin)
    if salt is None:
        raise LoginRefused
    hashed = "" if by_app else second_factors.recovery_hash(code, salt)

    def use(session: Session) -> bool:
        if by_app:
            return second_factors.verify(session, user_id, code, seed_key=seed_key, at=at)
        return second_factors.use_recovery_code(session, user_id, hashed, at=at)

    if not run(engine, use):
        raise LoginRefused
    return attempt_id


def _open(session: Session, user_id: int, device: _Device, by: str, at: datetime) -> NewSession:
    audit.append(
        session,
        actor_id=user_id,
        subject_id=user_id,
        action="logged in",
        details={"address": device.address, "trusted": device.trusted, "by": by},
        at=at,
    )
    return open_session(
        session,
        user_id,
        address=device.address,
        agent=device.agent,
        trusted=device.trusted,
        at=at,
    )


def _is_confirmed(session: Session, user_id: int, session_id: int, at: datetime) -> None:
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.user_id == user_id)
        .values(confirmed_at=at)
    )
