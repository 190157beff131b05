"""One-time secrets: the set-up code, links to reset a password, and between a password and its second factor
the token that says that the password was right."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from db import audit, users
from db.errors import Conflict, NotFound
from db.matched import rows_matched
from db.rights import Role, require_administrator
from db.secret_hash import code_hash, new_code, new_secret, secret_hash
from db.tables import OneTimeCode, User

SETUP, RESET, CODE = "setup", "reset", "second factor"
SETUP_LIFE = timedelta(days=7)
RESET_LIFE = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=5)
TOO_LATE = "This took too long; sign in again."
TOO_OLD = "This link is used or too old; ask for a new one."


def needs_setup(session: Session) -> bool:
    """Nobody is there yet."""
    return session.execute(select(User.id).limit(1)).first() is None


def make_setup_code(session: Session, *, at: datetime) -> str:
    """Replaces the one before: whoever lost it starts again."""
    if not needs_setup(session):
        raise Conflict("There are people already; an administrator adds more.")
    session.execute(delete(OneTimeCode).where(OneTimeCode.kind == SETUP))
    code = new_code()
    _add(session, code_hash(code), SETUP, None, at + SETUP_LIFE)
    return code


def create_administrator(
    session: Session,
    *,
    code: str,
    username: str,
    display_name: str,
    password_hash: str,
    at: datetime,
) -> int:
    """The first person, made by whoever can read the console."""
    _use(session, code_hash(code), SETUP, at, "This set-up code is wrong, used or too old.")
    if not needs_setup(session):
        raise Conflict("There are people already; an administrator adds more.")
    return users.create_user(
        session,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        role=Role.ADMINISTRATOR,
        at=at,
    )


def make_reset_link(session: Session, administrator_id: int, user_id: int, *, at: datetime) -> str:
    """The secret part of a link with which the person chooses a new password."""
    require_administrator(session, administrator_id)
    return reset_token(session, user_id, at=at, actor_id=administrator_id)


def reset_token(session: Session, user_id: int, *, at: datetime, actor_id: int | None) -> str:
    """For `make_reset_link` and the command line. Links made before for this person stop working."""
    if session.get(User, user_id) is None:
        raise NotFound("There is no such person.")
    session.execute(
        delete(OneTimeCode).where(OneTimeCode.kind == RESET, OneTimeCode.user_id == user_id)
    )
    token = new_secret()
    _add(session, secret_hash(token), RESET, user_id, at + RESET_LIFE)
    audit.append(
        session,
        actor_id=actor_id,
        subject_id=user_id,
        action="reset link made",
        details={},
        at=at,
    )
    return token


def reset_owner(session: Session, token: str, *, at: datetime) -> str | None:
    """Whose password this token sets; None when it does not work any more."""
    return session.scalar(
        select(User.username)
        .join(OneTimeCode, OneTimeCode.user_id == User.id)
        .where(*_works(secret_hash(token), RESET, at), User.is_active.is_(True))
    )


def reset_password(session: Session, token: str, *, password_hash: str, at: datetime) -> int:
    """Sets the password and ends every session of the person; returns who that is."""
    if reset_owner(session, token, at=at) is None:
        raise Conflict(TOO_OLD)
    user_id = _use(session, secret_hash(token), RESET, at, TOO_OLD)
    assert user_id is not None
    users.change_password(session, user_id, password_hash=password_hash, at=at)
    return user_id


def code_token(session: Session, user_id: int, *, at: datetime) -> str:
    """For `db.login`: the password was right, the second factor is still to come."""
    token = new_secret()
    _add(session, secret_hash(token), CODE, user_id, at + CODE_LIFE)
    return token


def code_owner(session: Session, token: str, *, at: datetime) -> int | None:
    return session.scalar(
        select(OneTimeCode.user_id)
        .join(User, OneTimeCode.user_id == User.id)
        .where(*_works(secret_hash(token), CODE, at), User.is_active.is_(True))
    )


def use_code_token(session: Session, token: str, *, at: datetime) -> None:
    _use(session, secret_hash(token), CODE, at, TOO_LATE)


def _works(hashed: str, kind: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeCode.hash == hashed,
        OneTimeCode.kind == kind,
        OneTimeCode.used_at.is_(None),
        OneTimeCode.expires_at > at,
    )


def _add(
    session: Session, hashed: str, kind: str, user_id: int | None, expires_at: datetime
) -> None:
    session.add(OneTimeCode(hash=hashed, kind=kind, user_id=user_id, expires_at=expires_at))
    session.flush()


def _use(session: Session, hashed: str, kind: str, at: datetime, refusal: str) -> int | None:
    """Exactly one caller gets past this."""
    done = session.execute(update(OneTimeCode).where(*_works(hashed, kind, at)).values(used_at=at))
    if rows_matched(done) != 1:
        raise Conflict(refusal)
    return session.scalar(select(OneTimeCode.user_id).where(OneTimeCode.hash == hashed))
