"""What has been: closed cycles, fills, the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from db import tables
from db.tables import NO_LEVEL, CycleRow, Strategy


@dataclass(frozen=True, slots=True)
class ClosedCycle:
    """Amounts in quote, dust also in base. `ended_by`: take_profit, stop_loss, trailing, closed, released.

    `released_at_price`: what coins that were let go were booked at.
    """

    number: int
    started_at: datetime | None
    closed_at: datetime
    realized_pnl: Decimal
    fees: Decimal
    bought_cost: Decimal
    sold_proceeds: Decimal
    dust_quantity: Decimal
    dust_cost: Decimal
    levels_filled: int
    ended_by: str
    released_at_price: Decimal | None


@dataclass(frozen=True, slots=True)
class FillRow:
    """`level`: None on exits. `fee_value`: the fee in quote."""

    at: datetime
    cycle_number: int
    side: str
    role: str
    level: int | None
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal
    trade_id: str


@dataclass(frozen=True, slots=True)
class JournalRow:
    journal_id: int
    at: datetime
    user_id: int
    level: str
    code: str
    sentence: str
    strategy_id: int | None
    cycle_number: int | None
    client_order_id: str | None


def closed_cycles(
    session: Session, user_id: int, strategy_id: int, *, limit: int = 200
) -> tuple[ClosedCycle, ...]:
    """Newest first."""
    names = ClosedCycle.__slots__
    rows = session.execute(
        select(*(getattr(CycleRow, name) for name in names))
        .join(Strategy, Strategy.id == CycleRow.strategy_id)
        .where(
            Strategy.user_id == user_id,
            CycleRow.strategy_id == strategy_id,
            CycleRow.closed_at.is_not(None),
        )
        .order_by(CycleRow.number.desc())
        .limit(limit)
    )
    return tuple(ClosedCycle(*row) for row in rows)


def strategy_fills(
    session: Session,
    user_id: int,
    strategy_id: int,
    *,
    since: datetime | None = None,
    limit: int = 2000,
) -> tuple[FillRow, ...]:
    """The latest `limit` of them, oldest first."""
    fill = tables.FillRow
    statement = (
        select(*(getattr(fill, name) for name in FillRow.__slots__))
        .join(Strategy, Strategy.id == fill.strategy_id)
        .where(Strategy.user_id == user_id, fill.strategy_id == strategy_id)
        .order_by(fill.at.desc(), fill.trade_id.desc())
        .limit(limit)
    )
    if since is not None:
        statement = statement.where(fill.at >= since)
    return tuple(reversed([_fill(row) for row in session.execute(statement).mappings()]))


def strategy_journal(
    session: Session, user_id: int, strategy_id: int, *, limit: int = 200
) -> tuple[JournalRow, ...]:
    """Newest first."""
    row = tables.JournalRow
    return read_journal(session, limit, row.user_id == user_id, row.strategy_id == strategy_id)


def person_journal(session: Session, user_id: int, *, limit: int = 200) -> tuple[JournalRow, ...]:
    """Newest first."""
    return read_journal(session, limit, tables.JournalRow.user_id == user_id)


def read_journal(
    session: Session, limit: int, *conditions: ColumnElement[bool]
) -> tuple[JournalRow, ...]:
    row = tables.JournalRow
    names = JournalRow.__slots__[1:]
    statement: Select[Any] = (
        select(row.id, *(getattr(row, name) for name in names))
        .where(*conditions)
        .order_by(row.id.desc())
        .limit(limit)
    )
    return tuple(JournalRow(*found) for found in session.execute(statement))


def _fill(row: Any) -> FillRow:
    values = dict(row)
    values["level"] = None if values["level"] == NO_LEVEL else values["level"]
    return FillRow(**values)
