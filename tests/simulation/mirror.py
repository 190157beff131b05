"""What the database holds, followed change by change: triggers name the rows that a commit touched.

So every step can be checked at the cost of what it changed, however long the simulation has run.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.simulation.database import Store

Row = dict[str, Any]
Change = tuple[Row | None, Row | None]
"""Before and after; None: there was, or is, no such row."""

KEYS: dict[str, tuple[str, ...]] = {
    "orders": ("client_order_id",),
    "order_answers": ("client_order_id",),
    "fills": ("account_id", "symbol", "trade_id"),
    "cycles": ("strategy_id", "number"),
    "strategy_status": ("strategy_id",),
    "strategies": ("id",),
    "leases": ("account_id",),
    "account_status": ("account_id",),
    "exchange_accounts": ("id",),
    "exchange_bans": ("exchange",),
    "venue_orders": ("client_order_id",),
    "venue_trades": ("account_id", "symbol", "trade_id"),
}
MONEY = {
    "price", "planned_price", "quantity", "reported_filled", "fee", "fee_value", "filled", "locked",
    "size_factor", "carried_quantity", "carried_cost", "realized_pnl", "dust_quantity", "dust_cost",
}  # fmt: skip
TIMES = ("created_at", "deadline", "finished_at", "at", "closed_at", "updated_at", "started_at")


@dataclass(slots=True)
class Changes:
    """By table. Empty when nothing was touched."""

    by_table: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        return bool(self.by_table)

    def of(self, table: str) -> list[Change]:
        return self.by_table.get(table, [])


class Mirror:
    """`tables[name][key]`: every row as it was at the last `refresh`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tables: dict[str, dict[Any, Row]] = {name: {} for name in KEYS}
        self._by_rowid: dict[str, dict[int, Any]] = {name: {} for name in KEYS}
        self._columns: dict[str, list[str]] = {}
        self._execute("CREATE TEMP TABLE touched (name TEXT, number INTEGER)")
        for name in KEYS:
            self._follow(name)

    def _execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        return sqlite3.Connection.execute(self.store.connection, sql, tuple(values))

    def _follow(self, name: str) -> None:
        columns = [row[1] for row in self._execute(f"PRAGMA table_xinfo({name})")]
        if not columns:
            return  # a later migration brings it
        self._columns[name] = columns
        for event, side in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
            self._execute(
                f"CREATE TEMP TRIGGER watch_{name}_{event} AFTER {event} ON main.{name} BEGIN"
                f" INSERT INTO touched VALUES ('{name}', {side}.rowid); END"
            )
        for (number,) in self._execute(f"SELECT rowid FROM {name}").fetchall():
            self._execute("INSERT INTO touched VALUES (?, ?)", (name, number))

    def refresh(self) -> Changes:
        """What changed since the last time. Only between transactions."""
        found = Changes()
        touched = self._execute("SELECT DISTINCT name, number FROM touched").fetchall()
        if not touched:
            return found
        self._execute("DELETE FROM touched")
        for name, number in touched:
            change = self._change(name, number)
            if change[0] != change[1]:
                found.by_table[name].append(change)
        return found

    def _change(self, name: str, number: int) -> Change:
        columns = self._columns[name]
        values = self._execute(
            f"SELECT {', '.join(columns)} FROM {name} WHERE rowid = ?", (number,)
        ).fetchone()
        known = self._by_rowid[name]
        old = self.tables[name].get(known.get(number))
        if values is None:
            self.tables[name].pop(known.pop(number, None), None)
            return old, None
        row = _row(columns, values)
        key = tuple(row[column] for column in KEYS[name])
        key = key[0] if len(key) == 1 else key
        known[number] = key
        self.tables[name][key] = row
        return old, row

    @property
    def orders(self) -> dict[str, Row]:
        return self.tables["orders"]


def _row(columns: list[str], values: tuple[Any, ...]) -> Row:
    return {c: _read(c, value) for c, value in zip(columns, values, strict=True)}


def _read(column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in MONEY:
        return Decimal(str(value))
    return instant(value) if column in TIMES else value


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
