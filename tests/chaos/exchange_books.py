"""The exchange's own ledger against our rows of live orders, order by order and trade by trade."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, text

Row = Mapping[str, Any]
Ledger = Mapping[str, Mapping[str, Any]]
STATUS = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "cancelled",
    "EXPIRED_IN_MATCH": "cancelled",
    "REJECTED": "cancelled",
}
LIVE = ("NEW", "PARTIALLY_FILLED")
NEVER_THERE = ("refused", "not_placed", "not_accepted")
UNKNOWN = ("sending", "cancelling", "quarantined")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sentences, one for each breach. doubled: two orders for one slot at a time, one id accepted twice, a
    slot bought twice. lost: on the exchange and not in our rows. unknown: not decided yet."""

    doubled: tuple[str, ...]
    lost: tuple[str, ...]
    unequal: tuple[str, ...]
    unknown: tuple[str, ...]
    orders: int
    trades: int

    @property
    def wrong(self) -> list[str]:
        return [*self.doubled, *self.lost, *self.unequal, *self.unknown]


def compare(engine: Engine, ledger: Ledger, accounts: Mapping[str, int], prefix: str) -> Comparison:
    """`accounts`: {key on the exchange: our account}. `prefix`: of our client order ids."""
    ours = {row["client_order_id"]: row for row in _rows(engine, "SELECT * FROM orders")}
    fills = _rows(engine, "SELECT * FROM fills")
    there = [
        {**row, "account_id": accounts[key]}
        for key, books in ledger.items()
        for row in books["orders"]
        if row["client_order_id"].startswith(prefix)
    ]
    trades = [
        {**row, "account_id": accounts[key]}
        for key, books in ledger.items()
        for row in books["trades"]
        if row["client_order_id"].startswith(prefix)
    ]
    return Comparison(
        doubled=tuple(_doubled(ours, there)),
        lost=tuple(_lost(ours, there, fills, trades)),
        unequal=(*_unequal(ours, there), *_unequal_trades(fills, trades)),
        unknown=tuple(f"{n}: {r['status']}" for n, r in ours.items() if r["status"] in UNKNOWN),
        orders=len(there),
        trades=len(trades),
    )


def _doubled(ours: Mapping[str, Row], there: Sequence[Row]) -> Iterator[str]:
    seen: set[str] = set()
    slots: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for order in there:
        name = order["client_order_id"]
        if name in seen:
            yield f"{name}: accepted twice"
        seen.add(name)
        row = ours.get(name)
        if row is not None:
            slot = row["strategy_id"], row["cycle_number"], row["role"], row["level"]
            slots[slot].append(order)
    for slot, orders in slots.items():
        orders.sort(key=lambda order: int(order["venue_order_id"]))
        for first, second in itertools.pairwise(orders):
            is_live = first["status"] in LIVE or first["updated"] > second["time"]
            bought = first["status"] == "FILLED" and first["side"] == "buy"
            if is_live or bought:
                yield f"{slot}: {second['client_order_id']} beside {first['client_order_id']}"


def _lost(
    ours: Mapping[str, Row], there: Sequence[Row], fills: Sequence[Row], trades: Sequence[Row]
) -> Iterator[str]:
    for order in there:
        if order["client_order_id"] not in ours:
            yield f"{order['client_order_id']}: on the exchange, no row"
    known = {(f["account_id"], f["symbol"], f["trade_id"]) for f in fills}
    for trade in trades:
        if (trade["account_id"], trade["symbol"], trade["trade_id"]) not in known:
            yield f"trade {trade['trade_id']} of {trade['client_order_id']} is not recorded"


def _unequal(ours: Mapping[str, Row], there: Sequence[Row]) -> Iterator[str]:
    for order in there:
        row = ours.get(order["client_order_id"])
        if row is None:
            continue
        if row["status"] != STATUS[order["status"]]:
            yield f"{order['client_order_id']}: {row['status']} here, {order['status']} there"
        for ours_name, theirs in (("reported_filled", "filled"), ("quantity", "quantity")):
            if Decimal(row[ours_name]) != Decimal(order[theirs]):
                yield f"{order['client_order_id']}: {ours_name} {row[ours_name]}, there {order[theirs]}"
    names = {order["client_order_id"] for order in there}
    for name, row in ours.items():
        if name not in names and row["status"] not in (*NEVER_THERE, *UNKNOWN):
            yield f"{name}: {row['status']} here, not on the exchange"


def _unequal_trades(fills: Sequence[Row], trades: Sequence[Row]) -> Iterator[str]:
    there_too = {(t["account_id"], t["symbol"], t["trade_id"]): t for t in trades}
    for fill in fills:
        trade = there_too.get((fill["account_id"], fill["symbol"], fill["trade_id"]))
        if trade is None:
            yield f"fill {fill['trade_id']} of {fill['client_order_id']}: not on the exchange"
        elif not _is_same(fill, trade):
            yield f"fill {fill['trade_id']}: {_said(fill)} here, {_said(trade)} there"


def _is_same(fill: Row, trade: Row) -> bool:
    numbers = all(Decimal(fill[n]) == Decimal(trade[n]) for n in ("price", "quantity", "fee"))
    words = all(fill[n] == trade[n] for n in ("side", "client_order_id"))
    return numbers and words and (fill["fee_asset"] == trade["fee_asset"] or not fill["fee"])


def _said(row: Row) -> str:
    names = ("client_order_id", "side", "price", "quantity", "fee", "fee_asset")
    return " ".join(str(row[name]) for name in names)


def _rows(engine: Engine, query: str) -> list[Row]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]
