"""How people come: added by an administrator, invited by a link, or by themselves where that is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson
from sqlalchemy import Text, delete, select, type_coerce, update
from sqlalchemy.orm import Session

from db import audit, links, users
from db.errors import Conflict, NotAllowed, NotFound
from db.matched import rows_matched
from db.rights import Role, is_administrator, require_administrator
from db.secret_hash import new_secret, secret_hash
from db.statements import upsert_rows
from db.tables import InvitationRow, Setting, User

NAME = "sign_up"
INVITATION_LIFE = timedelta(days=7)
MOST_PER_HOUR = 20
"""People who sign themselves up, altogether: a program that does nothing else is slowed down."""


class SignUp(StrEnum):
    """CLOSED: an administrator adds people. BY_INVITATION: links work too. OPEN: everybody may come."""

    CLOSED = "closed"
    BY_INVITATION = "by_invitation"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that nobody has used yet. `by`: the display name of who made it."""

    invitation_id: int
    role: Role
    by: str
    created_at: datetime
    expires_at: datetime


def mode(session: Session) -> SignUp:
    """What was never set, or was written by hand, is closed."""
    text = session.scalar(select(type_coerce(Setting.value, Text)).where(Setting.name == NAME))
    try:
        return SignUp(orjson.loads(text or "{}").get("mode"))
    except (AttributeError, ValueError):
        return SignUp.CLOSED


def set_mode(session: Session, administrator_id: int, mode: SignUp, *, at: datetime) -> None:
    """Invitations that are out stop working while it is closed, and work again afterwards."""
    require_administrator(session, administrator_id)
    value = {"mode": mode.value}
    row = {"name": NAME, "value": value, "changed_at": at, "changed_by": administrator_id}
    upsert_rows(session, Setting, [row], ("value", "changed_at", "changed_by"))
    _note(session, administrator_id, "sign-up " + mode.value, {}, at)


def invite(
    session: Session, administrator_id: int, *, role: Role = Role.PERSON, at: datetime
) -> str:
    """The secret part of a link with which one person comes in, within a week."""
    require_administrator(session, administrator_id)
    if mode(session) is SignUp.CLOSED:
        raise Conflict("Nobody can come by invitation now; change the sign-up setting first.")
    token = new_secret()
    row = InvitationRow(
        token_hash=secret_hash(token),
        role=role.value,
        created_by=administrator_id,
        created_at=at,
        expires_at=at + INVITATION_LIFE,
        used_at=None,
        used_by=None,
    )
    session.add(row)
    session.flush()
    details = {"invitation": row.id, "role": role.value}
    _note(session, administrator_id, "invitation made", details, at)
    return token


def invitations(session: Session, administrator_id: int, *, at: datetime) -> tuple[Invitation, ...]:
    """Those that still work, newest first."""
    require_administrator(session, administrator_id)
    rows = session.execute(
        select(InvitationRow, User.display_name)
        .join(User, User.id == InvitationRow.created_by)
        .where(InvitationRow.used_at.is_(None), InvitationRow.expires_at > at)
        .order_by(InvitationRow.id.desc())
    )
    return tuple(
        Invitation(row.id, Role(row.role), by, row.created_at, row.expires_at) for row, by in rows
    )


def withdraw(session: Session, administrator_id: int, invitation_id: int, *, at: datetime) -> None:
    require_administrator(session, administrator_id)
    done = session.execute(
        delete(InvitationRow).where(
            InvitationRow.id == invitation_id, InvitationRow.used_at.is_(None)
        )
    )
    if rows_matched(done) != 1:
        raise NotFound("There is no such invitation, or it was used meanwhile.")
    _note(session, administrator_id, "invitation withdrawn", {"invitation": invitation_id}, at)


def is_invited(session: Session, token: str, *, at: datetime) -> bool:
    """For the page that the link leads to."""
    return mode(session) is not SignUp.CLOSED and _find(session, token, at) is not None


def accept(
    session: Session,
    token: str,
    *,
    username: str,
    display_name: str,
    password_hash: str,
    at: datetime,
) -> int:
    """The new person. An invitation of somebody who is no administrator any more is worth nothing."""
    if mode(session) is SignUp.CLOSED:
        raise NotAllowed("Nobody can sign up here now; ask an administrator.")
    found = _find(session, token, at)
    if found is None or not is_administrator(session, found.created_by):
        raise Conflict(links.TOO_OLD)
    done = session.execute(
        update(InvitationRow)
        .where(InvitationRow.id == found.id, InvitationRow.used_at.is_(None))
        .values(used_at=at)
    )
    if rows_matched(done) != 1:
        raise Conflict(links.TOO_OLD)
    user_id = users.create_user(
        session,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        role=Role(found.role),
        at=at,
        actor_id=found.created_by,
    )
    session.execute(
        update(InvitationRow).where(InvitationRow.id == found.id).values(used_by=user_id)
    )
    return user_id


def sign_up(
    session: Session, *, username: str, display_name: str, password_hash: str, at: datetime
) -> int:
    """By themselves, where it is open; always as a person."""
    if mode(session) is not SignUp.OPEN or links.needs_setup(session):
        raise NotAllowed("Nobody can sign up here by themselves; ask an administrator for a link.")
    hour = select(User.id).where(User.created_at > at - timedelta(hours=1)).limit(MOST_PER_HOUR)
    if len(session.execute(hour).all()) >= MOST_PER_HOUR:
        raise Conflict("Too many people have signed up just now. Try again in an hour.")
    return users.create_user(
        session,
        username=username,
        display_name=display_name,
        password_hash=password_hash,
        role=Role.PERSON,
        at=at,
    )


def _find(session: Session, token: str, at: datetime) -> InvitationRow | None:
    return session.scalar(
        select(InvitationRow).where(
            InvitationRow.token_hash == secret_hash(token),
            InvitationRow.used_at.is_(None),
            InvitationRow.expires_at > at,
        )
    )


def _note(
    session: Session,
    administrator_id: int,
    action: str,
    details: Mapping[str, object],
    at: datetime,
) -> None:
    audit.append(
        session, actor_id=administrator_id, subject_id=None, action=action, details=details, at=at
    )
