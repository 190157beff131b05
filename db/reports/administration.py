"""Reports for administrators, about everybody. Each checks the role first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.exposure import Loss, outlook_of_cycle, total_outlook
from core.money import ZERO, exact
from core.reserve import still_to_spend
from db import audit
from db.accounts import AccountKind
from db.audit import AuditRow
from db.reports.cards import StrategyCard
from db.reports.histories import JournalRow, read_journal
from db.reports.personal import cards
from db.reports.reading import worker_is_alive
from db.rights import Role, require_administrator
from db.tables import (
    AuditEntry,
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


@dataclass(frozen=True, slots=True)
class QuoteExposure:
    """In one quote coin and one kind of account; kinds are never added up.

    in_position: what the coins held have cost. losses: without those of `unknown` strategies, whose price or
    stored cycle cannot be read; they are in the other sums as far as they are known.
    """

    kind: AccountKind
    quote: str
    people: int
    strategies: int
    in_position: Decimal
    still_to_spend: Decimal
    losses: tuple[Loss, ...]
    realized_pnl: Decimal
    unknown: int


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
    session: Session,
    administrator_id: int,
    *,
    level: str | None = None,
    person: int | None = None,
    strategy: int | None = None,
    text: str | None = None,
    before_id: int | None = None,
    limit: int = 300,
) -> tuple[LogRow, ...]:
    """Newest first. `level`: exactly that one; `text`: somewhere in the sentence, in any case of letters.

    before_id: the last `log_id` of the page before.
    """
    require_administrator(session, administrator_id)
    names = LogRow.__slots__[1:]
    statement = select(LogRecord.id, *(getattr(LogRecord, name) for name in names))
    asked = (
        (LogRecord.level, level), (LogRecord.user_id, person), (LogRecord.strategy_id, strategy)
    )  # fmt: skip
    for column, value in asked:
        if value is not None:
            statement = statement.where(column == value)
    if text:
        statement = statement.where(LogRecord.sentence.icontains(text, autoescape=True))
    if before_id is not None:
        statement = statement.where(LogRecord.id < before_id)
    rows = session.execute(statement.order_by(LogRecord.id.desc()).limit(limit))
    return tuple(LogRow(*row) for row in rows)


def audit_log(
    session: Session,
    administrator_id: int,
    *,
    person: int | None = None,
    action: str | None = None,
    before_id: int | None = None,
    limit: int = 200,
) -> tuple[AuditRow, ...]:
    """Newest first. `person`: who did it or whom it concerned; `before_id`: as in `log_records`."""
    require_administrator(session, administrator_id)
    conditions = [] if person is None else [audit.concerns(person)]
    if action is not None:
        conditions.append(AuditEntry.action == action)
    return audit.read(session, limit, *conditions, before_id=before_id)


def audit_actions(session: Session, administrator_id: int) -> tuple[str, ...]:
    """What there is to filter by."""
    require_administrator(session, administrator_id)
    return tuple(session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))


@exact
def exposure(session: Session, administrator_id: int, *, at: datetime) -> tuple[QuoteExposure, ...]:
    """Over everybody's strategies, by kind and quote coin; real money first."""
    require_administrator(session, administrator_id)
    found: dict[tuple[AccountKind, str], list[StrategyCard]] = {}
    for card in cards(session, at, Strategy.archived_at.is_(None)):
        found.setdefault((card.account_kind, card.quote), []).append(card)
    rows = [_exposure(kind, quote, mine) for (kind, quote), mine in found.items()]
    return tuple(
        sorted(rows, key=lambda row: (row.kind is not AccountKind.LIVE, row.kind, row.quote))
    )


def _exposure(kind: AccountKind, quote: str, mine: Sequence[StrategyCard]) -> QuoteExposure:
    outlooks, unpriced, in_position = [], 0, ZERO
    left = ZERO
    for card in mine:
        if card.fault is not None or card.cycle is None or card.position is None:
            unpriced += card.fault is not None
            continue
        in_position += card.position.cost
        if card.last_price is None:
            unpriced += 1
            left += still_to_spend(card.cycle)
        else:
            outlooks.append(outlook_of_cycle(card.cycle, card.last_price))
    total = total_outlook(outlooks)
    return QuoteExposure(
        kind=kind,
        quote=quote,
        people=len({card.user_id for card in mine}),
        strategies=len(mine),
        in_position=in_position,
        still_to_spend=total.still_to_spend + left,
        losses=total.losses,
        realized_pnl=sum((card.realized_pnl for card in mine), ZERO),
        unknown=unpriced,
    )


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
