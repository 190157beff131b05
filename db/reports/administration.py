"""Reports for administrators, about everybody. Each checks the role first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.reports.cards import StrategyCard
from db.reports.histories import JournalRow, read_journal
from db.reports.personal import cards
from db.reports.reading import worker_is_alive
from db.rights import Role, require_administrator
from db.tables import (
    ExchangeAccount,
    HaltAcknowledgement,
    LoginSession,
    LogRecord,
    Strategy,
    User,
    WorkerRow,
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`strategies`, `accounts`: those not put away."""

    user_id: int
    username: str
    display_name: str
    role: Role
    is_active: bool
    created_at: datetime
    last_seen_at: datetime | None
    accounts: int
    strategies: int


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """`lag_ms`: how late its loop runs. `halt_rev`: the halt that it has acknowledged."""

    name: str
    host: str
    pid: int
    state: str
    is_alive: bool
    started_at: datetime
    beat_at: datetime
    quiet_for: timedelta
    build: str
    lag_ms: float
    accounts: int
    strategies: int
    halt_rev: int | None


@dataclass(frozen=True, slots=True)
class LogRow:
    log_id: int
    at: datetime
    level: str
    logger: str
    process: str
    sentence: str
    user_id: int | None
    strategy_id: int | None
    client_order_id: str | None


def people(session: Session, administrator_id: int) -> tuple[PersonRow, ...]:
    require_administrator(session, administrator_id)
    seen = _by_user(session, LoginSession.user_id, func.max(LoginSession.last_seen_at))
    accounts = _by_user(
        session, ExchangeAccount.user_id, func.count(), ExchangeAccount.archived_at.is_(None)
    )
    strategies = _by_user(session, Strategy.user_id, func.count(), Strategy.archived_at.is_(None))
    return tuple(
        PersonRow(
            user_id=row.id,
            username=row.username,
            display_name=row.display_name,
            role=Role(row.role),
            is_active=row.is_active,
            created_at=row.created_at,
            last_seen_at=seen.get(row.id),
            accounts=accounts.get(row.id, 0),
            strategies=strategies.get(row.id, 0),
        )
        for row in session.scalars(select(User).order_by(User.username))
    )


def all_strategies(
    session: Session, administrator_id: int, *, at: datetime
) -> tuple[StrategyCard, ...]:
    """Of everybody, except those put away."""
    require_administrator(session, administrator_id)
    return cards(session, at, Strategy.archived_at.is_(None))


def worker_health(
    session: Session, administrator_id: int, *, at: datetime
) -> tuple[WorkerHealth, ...]:
    """The living first, then the latest of the others."""
    require_administrator(session, administrator_id)
    rows = session.execute(
        select(WorkerRow, worker_is_alive().label("is_alive"), HaltAcknowledgement.rev)
        .outerjoin(HaltAcknowledgement, HaltAcknowledgement.worker == WorkerRow.name)
        .order_by(WorkerRow.beat_at.desc())
        .limit(50)
    )
    found = [
        WorkerHealth(
            name=row.name,
            host=row.host,
            pid=row.pid,
            state=row.state,
            is_alive=bool(is_alive),
            started_at=row.started_at,
            beat_at=row.beat_at,
            quiet_for=max(at - row.beat_at, timedelta()),
            build=row.build,
            lag_ms=row.lag_ms,
            accounts=row.accounts,
            strategies=row.strategies,
            halt_rev=rev,
        )
        for row, is_alive, rev in rows
    ]
    return tuple(sorted(found, key=lambda worker: not worker.is_alive))


def log_records(
    session: Session, administrator_id: int, *, level: str | None = None, limit: int = 300
) -> tuple[LogRow, ...]:
    """Newest first. `level`: only records of exactly that level."""
    require_administrator(session, administrator_id)
    names = LogRow.__slots__[1:]
    statement = (
        select(LogRecord.id, *(getattr(LogRecord, name) for name in names))
        .order_by(LogRecord.id.desc())
        .limit(limit)
    )
    if level is not None:
        statement = statement.where(LogRecord.level == level)
    return tuple(LogRow(*row) for row in session.execute(statement))


def all_journal(
    session: Session, administrator_id: int, *, limit: int = 300
) -> tuple[JournalRow, ...]:
    require_administrator(session, administrator_id)
    return read_journal(session, limit)


def _by_user(
    session: Session, owner: Any, counted: Any, *conditions: ColumnElement[bool]
) -> dict[int, Any]:
    rows = session.execute(select(owner, counted).where(*conditions).group_by(owner))
    return {row[0]: row[1] for row in rows}
