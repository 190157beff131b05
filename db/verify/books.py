"""Everything of one account, from both sides: our rows, and the ledger of its simulated or paper venue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, select, type_coerce
from sqlalchemy.orm import Session

from core.cycle import Cycle
from core.errors import InvalidInput
from core.orders import Fill
from db import installation
from db.cycle_rows import Shared, cycle_of, fill_of, order_of
from db.statements import table_of
from db.tables import (
    CycleRow,
    ExchangeAccount,
    FillRow,
    LeaseRow,
    OrderRow,
    VenueBalanceRow,
    VenueOrderRow,
    VenueTradeRow,
)

Row = RowMapping
JSON_COLUMNS = ("parameters", "market", "skipped", "held")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A cycle as rebuilt, and its row with the totals. `fault`: why it could not be rebuilt."""

    row: Row
    cycle: Cycle | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Books:
    """`token`: of the account's lease now. `start`: the stated balance; None: the account has no ledger.

    only_recent: without cycles that ended earlier, and without the ledger (`db.verify.recent`).
    """

    account_id: int
    prefix: str
    token: int
    start: dict[str, Decimal] | None
    cycles: Sequence[StoredRow]
    orders: Mapping[str, Row]
    fills: Sequence[Row]
    ledger_orders: Mapping[str, Row]
    ledger_trades: Sequence[Row]
    ledger_balances: Sequence[Row]
    only_recent: bool = False


def account_ids(session: Session) -> list[int]:
    """All that anything is known of."""
    found: set[int] = set()
    for column in (
        ExchangeAccount.id,
        CycleRow.account_id,
        OrderRow.account_id,
        FillRow.account_id,
        VenueOrderRow.account_id,
        VenueTradeRow.account_id,
    ):
        found.update(session.scalars(select(column).distinct()))
    return sorted(found)


def load_books(session: Session, account_id: int) -> Books:
    code = installation.code(session)
    orders = _rows(session, OrderRow, account_id)
    fills = _rows(session, FillRow, account_id)
    balances = _rows(session, VenueBalanceRow, account_id)
    trades = _rows(session, VenueTradeRow, account_id)
    return Books(
        account_id=account_id,
        prefix=f"s{code}",
        token=session.scalar(select(LeaseRow.token).where(LeaseRow.account_id == account_id)) or 0,
        start=_stated(session, account_id) if balances else None,
        cycles=read_cycles(session, CycleRow.account_id == account_id, orders, fills, code),
        orders={order["client_order_id"]: order for order in orders},
        fills=fills,
        ledger_orders={
            order["client_order_id"]: order for order in _rows(session, VenueOrderRow, account_id)
        },
        ledger_trades=sorted(trades, key=lambda trade: trade["seq"]),
        ledger_balances=balances,
    )


def _rows(session: Session, model: Any, account_id: int) -> list[Row]:
    table = table_of(model)
    found = session.execute(select(table).where(table.c.account_id == account_id)).mappings()
    return list(found)


def _stated(session: Session, account_id: int) -> dict[str, Decimal]:
    stated = session.scalar(
        select(ExchangeAccount.quote_start).where(ExchangeAccount.id == account_id)
    )
    return {asset: Decimal(amount) for asset, amount in (stated or {}).items()}


def read_cycles(
    session: Session,
    condition: ColumnElement[bool],
    orders: Sequence[Row],
    fills: Sequence[Row],
    code: str,
) -> list[StoredRow]:
    """The cycles that meet it, by strategy and number, rebuilt with their orders and fills."""
    table, share = table_of(CycleRow), Shared()
    columns = [
        type_coerce(column, Text).label(column.name) if column.name in JSON_COLUMNS else column
        for column in table.columns
    ]
    by_order: dict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        by_order[fill["client_order_id"]].append(fill_of(fill, share))
    by_cycle: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for order in sorted(orders, key=lambda row: row["position"]):
        by_cycle[order["strategy_id"], order["cycle_number"]].append(order)
    statement = select(*columns).where(condition).order_by(table.c.strategy_id, table.c.number)
    found = []
    for row in session.execute(statement).mappings():
        own = by_cycle[row["strategy_id"], row["number"]]
        try:
            rebuilt = [order_of(o, by_order[o["client_order_id"]], share) for o in own]
            found.append(StoredRow(row, cycle_of(row, rebuilt, code, share), None))
        except (InvalidInput, ValueError) as error:
            found.append(StoredRow(row, None, str(error)))
    return found
