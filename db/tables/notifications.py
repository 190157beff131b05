"""Whom the worker tells what, outside of the screens. Targets: written by the dashboard. Outbox: by both."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.keys import SEALED_LENGTH
from db.tables.model import MYSQL_OPTIONS, Id, Instant, KeyId, Model, Sentence, Word, WorkerName
from db.types import AsciiId, Json, Words


class NotificationTargetRow(Model):
    """`sealed`: the address (with whatever secret it holds), base64, for the worker's key pair `pair_id`.

    events: a list of words of `db.notification_targets.Event`. state, sentence: what became of the last try.
    """

    __tablename__ = "notification_targets"

    id: Mapped[KeyId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[Word]
    name: Mapped[str] = mapped_column(Words(100))
    pair_id: Mapped[str] = mapped_column(AsciiId(16), index=True)
    sealed: Mapped[str] = mapped_column(AsciiId(SEALED_LENGTH))
    events: Mapped[Any] = mapped_column(Json())
    state: Mapped[Word]
    sentence: Mapped[Sentence]
    created_at: Mapped[Instant]
    changed_at: Mapped[Instant]


class OutboxRow(Model):
    """One notification to one target. `taken_by`, `taken_until`: a worker is sending it just now.

    No foreign keys: it is written in the transactions of orders, which nothing may block or abort.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "state", "next_at"),
        Index(None, "target_id"),
        Index(None, "user_id"),
        MYSQL_OPTIONS,
    )

    id: Mapped[KeyId]
    user_id: Mapped[Id]
    target_id: Mapped[Id]
    event: Mapped[Word]
    sentence: Mapped[Sentence]
    state: Mapped[Word]
    attempts: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Instant] = mapped_column(index=True)
    next_at: Mapped[Instant]
    taken_by: Mapped[WorkerName | None]
    taken_until: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]
