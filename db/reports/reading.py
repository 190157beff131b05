"""The selects behind the cards: each reads one kind of fact for many strategies at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Text, and_, case, false, or_, select, true, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from core.cycle import DesiredState
from core.money import ZERO, exact
from db.accounts import AccountKind, venue_name
from db.clock import DatabaseNow
from db.leases import DEAD_AFTER, WorkerState
from db.tables import (
    CycleRow,
    ExchangeAccount,
    LeaseRow,
    Strategy,
    StrategyParameters,
    StrategyStatusRow,
    TickerRow,
    User,
    WorkerRow,
)

Place = tuple[str, str]
"""Venue and symbol."""


@dataclass(frozen=True, slots=True)
class StrategyFacts:
    """What the rows of one strategy say, its cycles aside."""

    strategy_id: int
    user_id: int
    owner: str
    name: str
    symbol: str
    account_id: int
    account_name: str
    account_kind: AccountKind
    exchange: str
    venue: str
    desired_state: DesiredState
    desired_rev: int
    desired_at: datetime
    actual_state: str | None
    observed_rev: int | None
    reason: str | None
    missing: Decimal | None
    silent: bool
    parameters_version: int
    parameters_text: str
    parameters_at: datetime | None
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClosedSum:
    """What the closed cycles of a strategy add up to."""

    cycles: int = 0
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Price:
    bid: Decimal
    last: Decimal
    at: datetime


def worker_is_alive() -> ColumnElement[bool]:
    """Judged by the database's clock, as among the workers themselves."""
    return and_(WorkerRow.state != WorkerState.DEAD, WorkerRow.beat_at > DatabaseNow(DEAD_AFTER))


def read_strategies(session: Session, *conditions: ColumnElement[bool]) -> list[StrategyFacts]:
    """In the order in which they were made. Parameters as text: somebody may have written them by hand."""
    text = type_coerce(StrategyParameters.parameters, Text).label("parameters_text")
    rows = session.execute(
        select(
            Strategy.id.label("strategy_id"),
            Strategy.user_id,
            User.display_name.label("owner"),
            Strategy.name,
            Strategy.symbol,
            Strategy.account_id,
            ExchangeAccount.name.label("account_name"),
            ExchangeAccount.kind,
            ExchangeAccount.exchange,
            Strategy.desired_state,
            Strategy.desired_rev,
            Strategy.desired_at,
            StrategyStatusRow.actual_state,
            StrategyStatusRow.observed_rev,
            StrategyStatusRow.reason,
            StrategyStatusRow.missing,
            case((worker_is_alive(), false()), else_=true()).label("silent"),
            Strategy.parameters_version,
            text,
            StrategyParameters.created_at.label("parameters_at"),
            Strategy.created_at,
            Strategy.archived_at,
        )
        .join(User, User.id == Strategy.user_id)
        .join(ExchangeAccount, ExchangeAccount.id == Strategy.account_id)
        .outerjoin(StrategyStatusRow, StrategyStatusRow.strategy_id == Strategy.id)
        .outerjoin(
            StrategyParameters,
            and_(
                StrategyParameters.strategy_id == Strategy.id,
                StrategyParameters.version == Strategy.parameters_version,
            ),
        )
        .outerjoin(LeaseRow, LeaseRow.account_id == Strategy.account_id)
        .outerjoin(WorkerRow, WorkerRow.name == LeaseRow.owner)
        .where(*conditions)
        .order_by(Strategy.id)
    ).mappings()
    return [_facts(row) for row in rows]


@exact
def read_closed(session: Session, *conditions: ColumnElement[bool]) -> dict[int, ClosedSum]:
    """By strategy. Summed here: the database must not add amounts up (SQLite keeps them as text)."""
    rows = session.execute(
        select(CycleRow.strategy_id, CycleRow.realized_pnl, CycleRow.fees)
        .join(Strategy, Strategy.id == CycleRow.strategy_id)
        .where(CycleRow.closed_at.is_not(None), *conditions)
    )
    cycles: dict[int, int] = {}
    realized: dict[int, Decimal] = {}
    fees: dict[int, Decimal] = {}
    for strategy_id, earned, paid in rows:
        cycles[strategy_id] = cycles.get(strategy_id, 0) + 1
        realized[strategy_id] = realized.get(strategy_id, ZERO) + (earned or ZERO)
        fees[strategy_id] = fees.get(strategy_id, ZERO) + (paid or ZERO)
    return {key: ClosedSum(cycles[key], realized[key], fees[key]) for key in cycles}


def read_prices(session: Session, places: Iterable[Place]) -> dict[Place, Price]:
    """The latest price of each, where there is one."""
    wanted = set(places)
    if not wanted:
        return {}
    rows = session.execute(
        select(
            TickerRow.venue, TickerRow.symbol, TickerRow.bid, TickerRow.last, TickerRow.at
        ).where(
            or_(
                *(
                    and_(
                        TickerRow.venue == venue,
                        TickerRow.symbol.in_({s for v, s in wanted if v == venue}),
                    )
                    for venue in {venue for venue, _ in wanted}
                )
            )
        )
    )
    return {(row.venue, row.symbol): Price(row.bid, row.last, row.at) for row in rows}


def _facts(row: Any) -> StrategyFacts:
    values = dict(row)
    kind = AccountKind(values.pop("kind"))
    values["account_kind"] = kind
    values["venue"] = venue_name(kind, values["exchange"])
    values["silent"] = bool(values["silent"])
    values["parameters_text"] = values["parameters_text"] or ""
    values["desired_state"] = _desired(values["desired_state"])
    return StrategyFacts(**values)


def _desired(text: str) -> DesiredState:
    """A row written by hand may say anything; the worker takes nonsense for paused as well."""
    return DesiredState(text) if text in set(DesiredState) else DesiredState.PAUSED
