"""Who is logged in. The cookie points to a row; every rerun and every fragment asks that row.

Only hashes of session ids and tickets are stored: who reads the database cannot log in with what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db import audit, users
from db.errors import NotFound
from db.matched import rows_matched
from db.preferences import Theme, as_theme
from db.rights import Role
from db.secret_hash import new_secret, secret_hash
from db.tables import LoginSession, LoginTicket, PreferencesRow, SecondFactorRow, User

LIFE = timedelta(hours=12)
TRUSTED_LIFE = timedelta(days=30)
CONFIRMED_FOR = timedelta(minutes=5)
TOUCH_EVERY = timedelta(minutes=1)
TICKET_LIFE = timedelta(seconds=30)
LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class NewSession:
    """`sid` goes into the cookie and nowhere else."""

    user_id: int
    username: str
    display_name: str
    role: Role
    sid: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """The person behind a request. `confirmed_at`: when they last gave their password or a code in this
    session. has_second_factor: one that works."""

    user_id: int
    username: str
    display_name: str
    role: Role
    time_zone: str
    session_id: int
    confirmed_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    trusted: bool
    has_second_factor: bool = False
    theme: Theme = Theme.SYSTEM

    @property
    def is_administrator(self) -> bool:
        return self.role is Role.ADMINISTRATOR

    def is_confirmed(self, at: datetime) -> bool:
        return at - self.confirmed_at < CONFIRMED_FOR

    def needs_touch(self, at: datetime) -> bool:
        return at - self.last_seen_at >= TOUCH_EVERY


@dataclass(frozen=True, slots=True)
class OpenSession:
    session_id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    trusted: bool


def open_session(
    session: Session, user_id: int, *, address: str, agent: str, trusted: bool, at: datetime
) -> NewSession:
    """For `db.login`, after the password was right. Always a new id: nobody can prepare one for another."""
    user = session.get(User, user_id)
    if user is None or not user.is_active:
        raise NotFound("There is no such person.")
    sid, expires_at = new_secret(), at + (TRUSTED_LIFE if trusted else LIFE)
    session.add(
        LoginSession(
            sid_hash=secret_hash(sid),
            user_id=user_id,
            auth_version=user.auth_version,
            created_at=at,
            expires_at=expires_at,
            last_seen_at=at,
            confirmed_at=at,
            ip=address,
            agent=printable(agent)[:LONGEST_AGENT],
            trusted=trusted,
        )
    )
    session.flush()
    return NewSession(user_id, user.username, user.display_name, Role(user.role), sid, expires_at)


def session_user(session: Session, sid: str, *, at: datetime) -> Principal | None:
    """One indexed join: not revoked, not expired, the person active, and nothing that ends sessions since."""
    row = session.execute(
        select(
            User.id,
            User.username,
            User.display_name,
            User.role,
            User.time_zone,
            LoginSession.id.label("session_id"),
            LoginSession.confirmed_at,
            LoginSession.expires_at,
            LoginSession.last_seen_at,
            LoginSession.trusted,
            SecondFactorRow.confirmed_at.label("second_factor_at"),
            PreferencesRow.theme,
        )
        .join(LoginSession, LoginSession.user_id == User.id)
        .outerjoin(SecondFactorRow, SecondFactorRow.user_id == User.id)
        .outerjoin(PreferencesRow, PreferencesRow.user_id == User.id)
        .where(
            LoginSession.sid_hash == secret_hash(sid),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > at,
            User.is_active.is_(True),
            LoginSession.auth_version == User.auth_version,
        )
    ).first()
    if row is None:
        return None
    return Principal(
        user_id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=Role(row.role),
        time_zone=row.time_zone,
        session_id=row.session_id,
        confirmed_at=row.confirmed_at,
        expires_at=row.expires_at,
        last_seen_at=row.last_seen_at,
        trusted=row.trusted,
        has_second_factor=row.second_factor_at is not None,
        theme=as_theme(row.theme),
    )


def touch(session: Session, session_id: int, *, at: datetime) -> None:
    """Notes that somebody is there, at most once a minute."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.last_seen_at <= at - TOUCH_EVERY)
        .values(last_seen_at=at)
    )


def end_session(session: Session, sid: str, *, at: datetime) -> None:
    """Logout: this session only."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.sid_hash == secret_hash(sid), LoginSession.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def open_sessions(session: Session, user_id: int, *, at: datetime) -> tuple[OpenSession, ...]:
    """Where this person is logged in, the last seen first."""
    rows = session.scalars(
        select(LoginSession)
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > at,
            LoginSession.auth_version == User.auth_version,
        )
        .order_by(LoginSession.last_seen_at.desc())
    )
    return tuple(
        OpenSession(
            session_id=row.id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            address=row.ip,
            agent=row.agent,
            trusted=row.trusted,
        )
        for row in rows
    )


def end_session_of(session: Session, user_id: int, session_id: int, *, at: datetime) -> None:
    done = session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.user_id == user_id)
        .values(revoked_at=at)
    )
    if rows_matched(done) != 1:
        raise NotFound("There is no such login.")


def end_all_sessions(session: Session, user_id: int, *, at: datetime) -> int:
    ended = users.end_sessions(session, user_id, at=at)
    audit.append(
        session,
        actor_id=user_id,
        subject_id=user_id,
        action="all sessions ended",
        details={"sessions": ended},
        at=at,
    )
    return ended


def make_ticket(session: Session, jwt: str, *, at: datetime) -> str:
    """Carries a fresh login to the route that sets the cookie: once, within 30 seconds."""
    session.execute(delete(LoginTicket).where(LoginTicket.expires_at <= at))
    ticket = new_secret()
    session.add(LoginTicket(hash=secret_hash(ticket), jwt=jwt, expires_at=at + TICKET_LIFE))
    session.flush()
    return ticket


def use_ticket(session: Session, ticket: str, *, at: datetime) -> str | None:
    """The cookie's value, the first time only."""
    hashed = secret_hash(ticket)
    found = session.execute(
        select(LoginTicket.jwt, LoginTicket.expires_at).where(LoginTicket.hash == hashed)
    ).first()
    if found is None:
        return None
    done = session.execute(delete(LoginTicket).where(LoginTicket.hash == hashed))
    if rows_matched(done) != 1 or found.expires_at <= at:
        return None
    return str(found.jwt)


def printable(text: str) -> str:
    """What browsers say about themselves is theirs to choose."""
    return "".join(character for character in text if " " <= character <= "~")
