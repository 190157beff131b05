"""Workers, their leases, and what holds for the whole installation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Float, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, Id, Instant, Model, Word, WorkerName
from db.types import AsciiId, Json


class Installation(Model):
    """One row, id 1. `code`: four base-36 characters in every client order id."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(AsciiId(4))
    created_at: Mapped[Instant]
    schema_epoch: Mapped[int] = mapped_column(Integer)


class Setting(Model):
    """`halt`: {"on": bool, "at": text, "by": user id or null, "rev": number}."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(AsciiId(64), primary_key=True)
    value: Mapped[Any] = mapped_column(Json())
    changed_at: Mapped[Instant]
    changed_by: Mapped[int | None] = mapped_column(BigInteger)


class HaltAcknowledgement(Model):
    __tablename__ = "halt_acknowledgements"

    worker: Mapped[WorkerName] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(Integer)
    at: Mapped[Instant]


class WorkerRow(Model):
    """A worker's life. `process_started`: with the pid it names a process for good, pids come again."""

    __tablename__ = "workers"

    name: Mapped[WorkerName] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(AsciiId(64))
    pid: Mapped[int] = mapped_column(Integer)
    process_started: Mapped[str] = mapped_column(AsciiId(64))
    started_at: Mapped[Instant]
    beat_at: Mapped[Instant]
    state: Mapped[Word]
    build: Mapped[str] = mapped_column(AsciiId(64))
    lag_ms: Mapped[float] = mapped_column(Float)
    accounts: Mapped[int] = mapped_column(Integer)
    strategies: Mapped[int] = mapped_column(Integer)


class LeaseRow(Model):
    """The right to trade an account. `token` grows by one whenever the account changes hands."""

    __tablename__ = "leases"
    __table_args__ = (Index(None, "owner"), MYSQL_OPTIONS)

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(AsciiId(96))
    token: Mapped[Id]
    beat: Mapped[Id]
    taken_at: Mapped[Instant | None]
