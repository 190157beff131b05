"""What people read afterwards: the journal, the log, the audit. Rows are only ever added."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, Id, Instant, KeyId, Model, Sentence, Word
from db.types import AsciiId, Json, Words


class JournalRow(Model):
    """Every action with its reason, in plain words. `level`: info, warning, alarm."""

    __tablename__ = "journal"
    __table_args__ = (Index(None, "user_id", "id"), Index(None, "strategy_id", "id"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    at: Mapped[Instant] = mapped_column(index=True)
    user_id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    strategy_id: Mapped[int | None] = mapped_column(BigInteger)
    cycle_number: Mapped[int | None] = mapped_column(BigInteger)
    client_order_id: Mapped[str | None] = mapped_column(AsciiId(32))
    level: Mapped[Word]
    code: Mapped[str] = mapped_column(AsciiId(48))
    sentence: Mapped[Sentence]


class LogRecord(Model):
    __tablename__ = "log_records"

    id: Mapped[KeyId]
    at: Mapped[Instant] = mapped_column(index=True)
    level: Mapped[Word]
    logger: Mapped[str] = mapped_column(AsciiId(100))
    process: Mapped[str] = mapped_column(AsciiId(100))
    sentence: Mapped[str] = mapped_column(Words(4000))
    user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    strategy_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    client_order_id: Mapped[str | None] = mapped_column(AsciiId(32))


class AuditEntry(Model):
    """`position`, `prev_hash`, `hash`: written by the worker, which alone has the key that chains the rows.

    The chain has an order of its own: a row with a smaller id may be committed after one with a larger id.
    """

    __tablename__ = "audit"

    id: Mapped[KeyId]
    at: Mapped[Instant] = mapped_column(index=True)
    actor_user_id: Mapped[int | None] = mapped_column(BigInteger)
    subject_user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    action: Mapped[str] = mapped_column(AsciiId(64))
    details: Mapped[Any] = mapped_column(Json())
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    prev_hash: Mapped[str | None] = mapped_column(AsciiId(64))
    hash: Mapped[str | None] = mapped_column(AsciiId(64))
