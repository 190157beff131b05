"""People, how they come in, and what they asked for. Written by the dashboard."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, Id, Instant, KeyId, Model, Word
from db.types import AsciiId, BigId, Words

HASH_LENGTH = 64
"""SHA-256 in hexadecimal: what is secret is stored only as its hash."""


class User(Model):
    __tablename__ = "users"

    id: Mapped[KeyId]
    username: Mapped[str] = mapped_column(AsciiId(32), unique=True)
    display_name: Mapped[str] = mapped_column(Words(100))
    password_hash: Mapped[str] = mapped_column(AsciiId(255))
    role: Mapped[Word]
    is_active: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    auth_version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Instant]
    time_zone: Mapped[str] = mapped_column(AsciiId(64))


class LoginSession(Model):
    """Valid while its `auth_version` is the user's, it is not revoked and not expired.

    `confirmed_at`: when the password was last given in it; what raises risk asks again after 5 minutes.
    """

    __tablename__ = "sessions"

    id: Mapped[KeyId]
    sid_hash: Mapped[str] = mapped_column(AsciiId(HASH_LENGTH), unique=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"), index=True)
    auth_version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    last_seen_at: Mapped[Instant]
    confirmed_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    ip: Mapped[str] = mapped_column(AsciiId(64))
    agent: Mapped[str] = mapped_column(Words(300))
    trusted: Mapped[bool] = mapped_column(Boolean(create_constraint=False))


class LoginTicket(Model):
    """Carries a login from the form's WebSocket to the route that may set the cookie; seconds old at most."""

    __tablename__ = "login_tickets"

    hash: Mapped[str] = mapped_column(AsciiId(HASH_LENGTH), primary_key=True)
    jwt: Mapped[str] = mapped_column(AsciiId(2000))
    expires_at: Mapped[Instant] = mapped_column(index=True)


class LoginAttempt(Model):
    """`username` as it was typed, whether or not there is such a user."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "username", "at"), Index(None, "ip", "at"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    username: Mapped[str] = mapped_column(Words(64))
    ip: Mapped[str] = mapped_column(AsciiId(64))
    ok: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    at: Mapped[Instant] = mapped_column(index=True)


class OneTimeCode(Model):
    """`kind`: "setup" creates the administrator, "reset" lets `user_id` choose a password, "second factor"
    says that `user_id` has given the right password."""

    __tablename__ = "one_time_codes"

    hash: Mapped[str] = mapped_column(AsciiId(HASH_LENGTH), primary_key=True)
    kind: Mapped[Word]
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]


class RequestKey(Model):
    """One row per click that acts: the second of a double click finds the key taken, and its `result`."""

    __tablename__ = "request_keys"

    user_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(AsciiId(64), primary_key=True)
    action: Mapped[str] = mapped_column(AsciiId(64))
    result: Mapped[Id]
    created_at: Mapped[Instant] = mapped_column(index=True)
