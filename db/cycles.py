"""Cycles with their orders and fills: loaded whole in three statements, written by their differences.

Written by the worker that holds the account's lease, after `leases.fence` in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, Text, and_, select, type_coerce
from sqlalchemy.orm import Session

from core.cycle import Cycle
from core.errors import InvalidInput
from core.orders import Fill, Order, OrderStatus
from core.succession import totals
from core.wanted import without_old_attempts
from db import installation
from db.cycle_rows import Shared, cycle_of, cycle_row, fill_of, fill_row, order_of, order_row
from db.statements import Row, insert_rows, table_of, upsert_rows
from db.tables import CycleRow, FillRow, OrderRow

REQUEST_WINDOW = timedelta(seconds=5)
CYCLES, ORDERS, FILLS = table_of(CycleRow), table_of(OrderRow), table_of(FillRow)
JSON_COLUMNS = ("parameters", "market", "skipped", "held")

NO_FACTS = ("identity", "number", "orders", "dropped")
FACTS = tuple(f.name for f in fields(Cycle) if f.name not in NO_FACTS)
CHANGING_IN_CYCLES = (
    *(name for name in FACTS if name != "carried"),
    "carried_quantity",
    "carried_cost",
    "started_at",
)
CHANGING_IN_ORDERS = (
    "venue_order_id",
    "reported_filled",
    "cancel_asked",
    "expired",
    "finished_at",
    "reason",
    "token",
    "status",
)
FINAL = ", ".join(f"'{status}'" for status in OrderStatus if not status.is_live)
# The second belt of compare-and-swap: what is final stays, except for a fill that crossed our cancel.
NEVER_BACK = (
    f"{{old}} IN ({FINAL}) AND {{old}} <> {{new}}"
    f" AND NOT ({{old}} = '{OrderStatus.CANCELLED}' AND {{new}} = '{OrderStatus.FILLED}')"
)
TOTALS = (
    "realized_pnl",
    "fees",
    "bought_cost",
    "sold_proceeds",
    "dust_quantity",
    "dust_cost",
    "levels_filled",
    "ended_by",
    "closed_at",
)


@dataclass(frozen=True, slots=True)
class StoredCycle:
    """`cycle` is None when its rows hold what no cycle could; `fault` then says so to the person."""

    strategy_id: int
    account_id: int
    number: int
    cycle: Cycle | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class CycleChange:
    """`before` is what the database holds, None for a new cycle; the same cycle as `after`.

    `deadline`: of the orders that are new in it; None: the time of writing plus the request window.
    """

    before: Cycle | None
    after: Cycle
    deadline: datetime | None = None


def load_open(
    session: Session, account_ids: Iterable[int], share: Shared | None = None
) -> list[StoredCycle]:
    """Every cycle of these accounts that is not closed; as many statements for one as for thousands.

    `share`: of a caller who reads more that holds the same values.
    """
    accounts = sorted(set(account_ids))
    if not accounts:
        return []
    code = installation.code(session)
    share = Shared() if share is None else share
    fills: dict[str, list[Fill]] = defaultdict(list)
    for row in session.execute(_of_open(FILLS, accounts)).mappings():
        fills[row["client_order_id"]].append(fill_of(row, share))
    orders: dict[tuple[int, int], list[RowMapping]] = defaultdict(list)
    for row in session.execute(_of_open(ORDERS, accounts)).mappings():
        orders[row["strategy_id"], row["cycle_number"]].append(row)
    found = []
    for row in session.execute(_open_cycles(accounts)).mappings():
        found.append(_stored(row, orders[row["strategy_id"], row["number"]], fills, code, share))
    return found


def save(
    session: Session, changes: Sequence[CycleChange], tokens: Mapping[int, int], at: datetime
) -> None:
    """Writes what differs, at most five statements however many changes; `tokens` are the leases'."""
    new_cycles: list[Row] = []
    changed_cycles: list[Row] = []
    new_orders: list[Row] = []
    changed_orders: list[Row] = []
    new_fills: list[Row] = []
    for change in changes:
        before, after = change.before, change.after
        _check_pair(before, after)
        if before is None:
            new_cycles.append(cycle_row(after))
        elif _facts_differ(before, after):
            changed_cycles.append(cycle_row(after))
        token = tokens[after.identity.account_id]
        deadline = change.deadline or at + REQUEST_WINDOW
        known = {order.client_order_id: order for order in before.orders} if before else {}
        for position, order in enumerate(after.orders, start=after.dropped):
            former = known.get(order.client_order_id)
            if former is order or former == order:
                continue
            row = order_row(after, order, position, deadline, token)
            (new_orders if former is None else changed_orders).append(row)
            new_fills += _fills_added(after, former, order)
    insert_rows(session, CycleRow, new_cycles)
    upsert_rows(session, CycleRow, changed_cycles, CHANGING_IN_CYCLES)
    # Orders that end leave their slot before the next ones take it: the unique key looks at each row.
    upsert_rows(session, OrderRow, changed_orders, CHANGING_IN_ORDERS, keep=NEVER_BACK)
    insert_rows(session, OrderRow, new_orders)
    upsert_rows(session, FillRow, new_fills, changing=())


def close(session: Session, over: Sequence[Cycle], at: datetime) -> None:
    """Stores the totals of cycles that are over, once; `save` has written their facts."""
    rows = [cycle_row(cycle) | _end_row(cycle, at) for cycle in over]
    upsert_rows(session, CycleRow, rows, TOTALS, keep="{old} IS NOT NULL")


def _end_row(cycle: Cycle, at: datetime) -> dict[str, Any]:
    end = totals(cycle)
    return {
        "realized_pnl": end.realized_pnl,
        "fees": end.fees,
        "bought_cost": end.bought_cost,
        "sold_proceeds": end.sold_proceeds,
        "dust_quantity": end.dust.quantity,
        "dust_cost": end.dust.cost,
        "levels_filled": end.levels_filled,
        "ended_by": end.ended_by,
        "closed_at": at,
    }


def _check_pair(before: Cycle | None, after: Cycle) -> None:
    if before is not None and (before.identity, before.number) != (after.identity, after.number):
        raise ValueError("before and after are not the same cycle")


def _facts_differ(before: Cycle, after: Cycle) -> bool:
    return before.has_fills() != after.has_fills() or any(
        getattr(before, name) != getattr(after, name) for name in FACTS
    )


def _fills_added(cycle: Cycle, former: Order | None, order: Order) -> list[dict[str, Any]]:
    known = {fill.trade_id for fill in former.fills} if former else set()
    return [fill_row(cycle, order, fill) for fill in order.fills if fill.trade_id not in known]


def _open_cycles(accounts: Sequence[int]) -> Select[Any]:
    columns = [
        type_coerce(column, Text).label(column.name) if column.name in JSON_COLUMNS else column
        for column in CYCLES.columns
    ]
    return (
        select(*columns)
        .where(CYCLES.c.account_id.in_(accounts), CYCLES.c.closed_at.is_(None))
        .order_by(CYCLES.c.strategy_id, CYCLES.c.number)
    )


def _of_open(table: Any, accounts: Sequence[int]) -> Select[Any]:
    """The rows of `orders` or `fills` that belong to open cycles."""
    its_cycle = and_(
        table.c.strategy_id == CYCLES.c.strategy_id, table.c.cycle_number == CYCLES.c.number
    )
    return (
        select(table)
        .join(CYCLES, its_cycle)
        .where(CYCLES.c.account_id.in_(accounts), CYCLES.c.closed_at.is_(None))
    )


def _stored(
    row: RowMapping,
    orders: list[RowMapping],
    fills: Mapping[str, list[Fill]],
    code: str,
    share: Shared,
) -> StoredCycle:
    cycle, fault = None, None
    try:
        ordered = sorted(orders, key=lambda order: order["position"])
        rebuilt = [order_of(o, fills.get(o["client_order_id"], ()), share) for o in ordered]
        cycle = without_old_attempts(cycle_of(row, rebuilt, code, share))
    except (InvalidInput, ValueError) as error:
        sentence = str(error) if isinstance(error, InvalidInput) else "an order cannot be read."
        fault = f"What is stored of cycle {row['number']} cannot be used: {sentence}"
    return StoredCycle(row["strategy_id"], row["account_id"], row["number"], cycle, fault)
