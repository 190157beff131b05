"""What belongs to one person and stays theirs: second factor, draft, preferences; and how people come.

Written by the dashboard.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, Id, Instant, KeyId, Model, Word
from db.tables.people import HASH_LENGTH
from db.types import AsciiId, BigId, Json


class SecondFactorRow(Model):
    """One per person. `seed`: base64, for who has second-factor.key only; of no use before `confirmed_at`.

    last_step: the time step of the last code that was taken; only later ones are taken after it.
    salt: of the person's recovery codes.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[Id] = mapped_column(
        ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    seed: Mapped[str] = mapped_column(AsciiId(400))
    salt: Mapped[str] = mapped_column(AsciiId(64))
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[Instant]
    confirmed_at: Mapped[Instant | None]


class RecoveryCodeRow(Model):
    """One of a person's ten; `used_at`: it lets nobody in any more."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "hash"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"))
    hash: Mapped[str] = mapped_column(AsciiId(HASH_LENGTH))
    created_at: Mapped[Instant]
    used_at: Mapped[Instant | None]


class InvitationRow(Model):
    """A link with which somebody becomes a person here, once. `used_by`: who that is."""

    __tablename__ = "invitations"

    id: Mapped[KeyId]
    token_hash: Mapped[str] = mapped_column(AsciiId(HASH_LENGTH), unique=True)
    role: Mapped[Word]
    created_by: Mapped[Id] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    used_at: Mapped[Instant | None]
    used_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))


class PreferencesRow(Model):
    """How somebody likes the screens; the time zone stands in `users`."""

    __tablename__ = "user_preferences"

    user_id: Mapped[Id] = mapped_column(
        ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    theme: Mapped[Word]
    changed_at: Mapped[Instant]


class DraftRow(Model):
    """What a person has begun to set up, one each. `content` NULL: put away; `rev` goes on counting."""

    __tablename__ = "drafts"

    user_id: Mapped[Id] = mapped_column(
        ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    rev: Mapped[int] = mapped_column(Integer)
    content: Mapped[Any | None] = mapped_column(Json())
    changed_at: Mapped[Instant]
