"""A person's history over all their strategies: cycles, fills, results by month. Page by page, newest first.

Cycles and fills have no numbers of their own in the database, so a page ends at a `Place`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from core.money import ZERO, exact
from db import tables
from db.accounts import AccountKind
from db.tables import NO_LEVEL, CycleRow, ExchangeAccount, Strategy


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: `at` and what tells rows of the same moment apart."""

    at: datetime
    key: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Which:
    """Of whose account, strategy and time; `until` itself is not in it. An archived strategy counts too."""

    since: datetime | None = None
    until: datetime | None = None
    account_id: int | None = None
    strategy_id: int | None = None


EVERYTHING = Which()
WHOSE = 6
"""So many columns say whose row it is: those of `_whose`."""


@dataclass(frozen=True, slots=True)
class PastCycle:
    """One that is closed. Amounts in `quote`; dust_quantity in base. As `db.reports.ClosedCycle`."""

    strategy_id: int
    strategy: str
    account_id: int
    account: str
    kind: AccountKind
    symbol: str
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

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def place(self) -> Place:
        return Place(self.closed_at, (self.strategy_id, self.number))


@dataclass(frozen=True, slots=True)
class PastFill:
    """`level`: None on exits. fee: in fee_asset; fee_value: the same in `quote`."""

    strategy_id: int
    strategy: str
    account_id: int
    account: str
    kind: AccountKind
    symbol: str
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

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def place(self) -> Place:
        return Place(self.at, (self.account_id, self.symbol, self.trade_id))


@dataclass(frozen=True, slots=True)
class Month:
    """Closed cycles of one month of the person's calendar, in one quote coin and kind of account."""

    year: int
    month: int
    kind: AccountKind
    quote: str
    cycles: int
    won: int
    realized_pnl: Decimal
    fees: Decimal


def cycles(
    session: Session,
    user_id: int,
    *,
    which: Which = EVERYTHING,
    before: Place | None = None,
    limit: int = 200,
) -> tuple[PastCycle, ...]:
    columns = [*_whose(), *(getattr(CycleRow, name) for name in PastCycle.__slots__[WHOSE:])]
    order = (CycleRow.closed_at, CycleRow.strategy_id, CycleRow.number)
    statement = _page(columns, CycleRow, order, before, limit).where(*_closed(user_id, which))
    return tuple(PastCycle(**_with_kind(row)) for row in session.execute(statement).mappings())


def fills(
    session: Session,
    user_id: int,
    *,
    which: Which = EVERYTHING,
    before: Place | None = None,
    limit: int = 200,
) -> tuple[PastFill, ...]:
    fill = tables.FillRow
    columns = [*_whose(), *(getattr(fill, name) for name in PastFill.__slots__[WHOSE:])]
    order = (fill.at, fill.account_id, fill.symbol, fill.trade_id)
    statement = _page(columns, fill, order, before, limit).where(*_mine(user_id, which, fill.at))
    return tuple(_fill(row) for row in session.execute(statement).mappings())


@exact
def months(
    session: Session, user_id: int, *, time_zone: str, which: Which = EVERYTHING
) -> tuple[Month, ...]:
    """Newest first. Summed here: the database must not add amounts up. Months begin in `time_zone`."""
    zone = ZoneInfo(time_zone)
    columns = [
        CycleRow.closed_at, ExchangeAccount.kind, Strategy.symbol, CycleRow.realized_pnl, CycleRow.fees,
    ]  # fmt: skip
    rows = session.execute(_from(columns, CycleRow).where(*_closed(user_id, which)))
    found: dict[tuple[int, int, str, str], list[tuple[Decimal, Decimal]]] = {}
    for closed_at, kind, symbol, earned, paid in rows:
        if closed_at is None or earned is None or paid is None:
            continue  # changed by hand; the auditor says that it is broken
        local = closed_at.astimezone(zone)
        key = (local.year, local.month, kind, symbol.partition("/")[2])
        found.setdefault(key, []).append((earned, paid))
    return tuple(
        Month(
            year=year,
            month=month,
            kind=AccountKind(kind),
            quote=quote,
            cycles=len(each),
            won=sum(earned > 0 for earned, _ in each),
            realized_pnl=sum((earned for earned, _ in each), ZERO),
            fees=sum((paid for _, paid in each), ZERO),
        )
        for (year, month, kind, quote), each in sorted(found.items(), reverse=True)
    )


def _from(columns: Sequence[Any], row: Any) -> Select[Any]:
    """With the strategy and the account of each `row`."""
    return (
        select(*columns)
        .join(Strategy, Strategy.id == row.strategy_id)
        .join(ExchangeAccount, ExchangeAccount.id == Strategy.account_id)
    )


def _page(
    columns: Sequence[Any], row: Any, order: tuple[Any, ...], before: Place | None, limit: int
) -> Select[Any]:
    """Newest first by `order`: the time, then what tells rows of the same moment apart."""
    newest = (column.desc() for column in order)
    return _from(columns, row).where(*_after(order, before)).order_by(*newest).limit(limit)


def _whose() -> tuple[Any, ...]:
    return (
        Strategy.id.label("strategy_id"),
        Strategy.name.label("strategy"),
        Strategy.account_id.label("account_id"),
        ExchangeAccount.name.label("account"),
        ExchangeAccount.kind.label("kind"),
        Strategy.symbol.label("symbol"),
    )


def _closed(user_id: int, which: Which) -> list[ColumnElement[bool]]:
    return [*_mine(user_id, which, CycleRow.closed_at), CycleRow.closed_at.is_not(None)]


def _mine(user_id: int, which: Which, at: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Strategy.user_id == user_id]
    if which.account_id is not None:
        conditions.append(Strategy.account_id == which.account_id)
    if which.strategy_id is not None:
        conditions.append(Strategy.id == which.strategy_id)
    if which.since is not None:
        conditions.append(at >= which.since)
    if which.until is not None:
        conditions.append(at < which.until)
    return conditions


def _after(columns: tuple[Any, ...], before: Place | None) -> list[ColumnElement[bool]]:
    """Rows that come after this place when the newest is first."""
    if before is None:
        return []
    values = (before.at, *before.key)
    steps = [
        and_(
            *(column == value for column, value in zip(columns[:i], values, strict=False)),
            columns[i] < values[i],
        )
        for i in range(len(columns))
    ]
    return [or_(*steps)]


def _with_kind(row: Any) -> dict[str, Any]:
    return dict(row) | {"kind": AccountKind(row["kind"])}


def _fill(row: Any) -> PastFill:
    level = None if row["level"] == NO_LEVEL else row["level"]
    return PastFill(**_with_kind(row) | {"level": level})
