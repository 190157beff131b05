"""People: who they are, what they may, and what ends their sessions.

`auth_version` is part of every session: raising it ends all of them at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.cycle import DesiredState
from core.errors import InvalidInput
from db import accounts, audit, removal
from db.errors import Conflict, NotFound
from db.matched import rows_matched
from db.names import USERNAME, clean_name, clean_time_zone, clean_username
from db.rights import Role, require_administrator
from db.tables import LoginSession, OneTimeCode, User


@dataclass(frozen=True, slots=True)
class Person:
    user_id: int
    username: str
    display_name: str
    role: Role
    is_active: bool
    created_at: datetime
    time_zone: str


def create_user(
    session: Session,
    *,
    username: str,
    display_name: str,
    password_hash: str,
    role: Role,
    at: datetime,
    actor_id: int | None = None,
) -> int:
    """A new person with a simulated account to begin with. For an administrator: `add_person`."""
    name = clean_username(username)
    if session.scalar(select(User.id).where(User.username == name)) is not None:
        raise InvalidInput("username", "is taken; choose another.")
    row = User(
        username=name,
        display_name=clean_name("display_name", display_name or name),
        password_hash=password_hash,
        role=role.value,
        is_active=True,
        auth_version=1,
        created_at=at,
        time_zone="UTC",
    )
    session.add(row)
    session.flush()
    actor = row.id if actor_id is None else actor_id
    audit.append(
        session,
        actor_id=actor,
        subject_id=row.id,
        action="person created",
        details={"username": name, "role": role.value},
        at=at,
    )
    accounts.add_first_account(session, row.id, at=at)
    return row.id


def add_person(
    session: Session,
    administrator_id: int,
    *,
    username: str,
    display_name: str,
    password_hash: str,
    role: Role,
    at: datetime,
) -> int:
    require_administrator(session, administrator_id)
    return create_user(
        session,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        role=role,
        at=at,
        actor_id=administrator_id,
    )


def get_user(session: Session, user_id: int) -> Person:
    return as_person(_row(session, user_id))


def find_user(session: Session, username: str) -> Person | None:
    """For the command line and the login, never for a screen of another person."""
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        return None
    row = session.scalar(select(User).where(User.username == name))
    return None if row is None else as_person(row)


def change_password(session: Session, user_id: int, *, password_hash: str, at: datetime) -> None:
    """Ends every session of the person, the one that asks included."""
    _change(session, user_id, password_hash=password_hash)
    end_sessions(session, user_id, at=at)
    _note(session, user_id, user_id, "password changed", {}, at)


def rename_user(session: Session, user_id: int, *, display_name: str, at: datetime) -> None:
    name = clean_name("display_name", display_name)
    _change(session, user_id, display_name=name)
    _note(session, user_id, user_id, "person renamed", {"display_name": name}, at)


def set_time_zone(session: Session, user_id: int, *, time_zone: str, at: datetime) -> None:
    zone = clean_time_zone(time_zone)
    _change(session, user_id, time_zone=zone)
    _note(session, user_id, user_id, "time zone changed", {"time_zone": zone}, at)


def set_role(
    session: Session, administrator_id: int, user_id: int, *, role: Role, at: datetime
) -> None:
    """Ends every session of the person whose role changes."""
    _lock_administrators(session, administrator_id)
    if role is not Role.ADMINISTRATOR:
        _keep_an_administrator(session, user_id)
    _change(session, user_id, role=role.value)
    end_sessions(session, user_id, at=at)
    _note(session, administrator_id, user_id, "role changed", {"role": role.value}, at)


def set_active(
    session: Session, administrator_id: int, user_id: int, *, active: bool, at: datetime
) -> None:
    """Lets a person in or keeps them out, at once. Their strategies go on either way."""
    _lock_administrators(session, administrator_id)
    if not active:
        _keep_an_administrator(session, user_id)
    _change(session, user_id, is_active=active)
    end_sessions(session, user_id, at=at)
    action = "person let in" if active else "person kept out"
    _note(session, administrator_id, user_id, action, {}, at)


def keep_out(
    session: Session,
    administrator_id: int,
    user_id: int,
    *,
    cycles: DesiredState,
    at: datetime,
) -> int:
    """Out at once, and in the same transaction every strategy of theirs finishes, pauses or stops.

    `cycles`: FINISHING, PAUSED or STOPPED; anything else is refused. Returns how many of them changed.
    """
    _lock_administrators(session, administrator_id)
    _keep_an_administrator(session, user_id)
    # First the row that whoever changes a strategy of theirs locks: what they do now waits, and is refused.
    _change(session, user_id, is_active=False)
    changed = removal.quiet_everything(session, user_id, cycles, at=at)
    end_sessions(session, user_id, at=at)
    details = {"cycles": cycles.value, "strategies": changed}
    _note(session, administrator_id, user_id, "person kept out", details, at)
    return changed


def remove_person(session: Session, administrator_id: int, user_id: int, *, at: datetime) -> None:
    """Archives everything of theirs and keeps them out; refused while a cycle is open. Rows stay."""
    _lock_administrators(session, administrator_id)
    _keep_an_administrator(session, user_id)
    _row(session, user_id)
    removal.archive_everything(session, user_id, at=at)
    _change(session, user_id, is_active=False)
    end_sessions(session, user_id, at=at)
    _note(session, administrator_id, user_id, "person removed", {}, at)


def end_sessions(session: Session, user_id: int, *, at: datetime) -> int:
    """Every cookie, every open tab and every login half done; returns how many sessions that were."""
    session.execute(
        update(User).where(User.id == user_id).values(auth_version=User.auth_version + 1)
    )
    session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.user_id == user_id,
            OneTimeCode.kind == "second factor",
            OneTimeCode.used_at.is_(None),
        )
        .values(used_at=at)
    )
    ended = session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return rows_matched(ended)


def as_person(row: User) -> Person:
    return Person(
        user_id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=Role(row.role),
        is_active=row.is_active,
        created_at=row.created_at,
        time_zone=row.time_zone,
    )


def _row(session: Session, user_id: int) -> User:
    row = session.get(User, user_id)
    if row is None:
        raise NotFound("There is no such person.")
    return row


def _change(session: Session, user_id: int, **values: str | bool) -> None:
    done = session.execute(update(User).where(User.id == user_id).values(**values))
    if rows_matched(done) != 1:
        raise NotFound("There is no such person.")


def _lock_administrators(session: Session, administrator_id: int) -> None:
    """Two administrators who demote each other at the same time must not both succeed."""
    session.execute(
        select(User.id).where(User.role == Role.ADMINISTRATOR.value).with_for_update()
    ).all()
    require_administrator(session, administrator_id)


def _keep_an_administrator(session: Session, leaving_id: int) -> None:
    others = session.scalar(
        select(func.count())
        .select_from(User)
        .where(
            User.role == Role.ADMINISTRATOR.value,
            User.is_active.is_(True),
            User.id != leaving_id,
        )
    )
    if not others:
        raise Conflict("This is the last administrator; make somebody else administrator first.")


def _note(
    session: Session,
    actor_id: int,
    subject_id: int,
    action: str,
    details: Mapping[str, object],
    at: datetime,
) -> None:
    audit.append(
        session, actor_id=actor_id, subject_id=subject_id, action=action, details=details, at=at
    )
