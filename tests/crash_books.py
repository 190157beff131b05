"""After the crashes: what the venue's ledger and the worker's rows say, compared order by order and fill by
fill. `db.verify` is the auditor that production has; here is what can be asked of books at rest alone."""

from __future__ import annotations

import itertools
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from core.accounting import position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState
from core.orders import OrderStatus
from core.slots import attention
from core.wanted import is_sellable
from db.accounts import trading_accounts
from db.cycles import load_open
from db.transactions import run
from db.verify import verify
from tests.worker_process import WorkerHouse

SAME_STATUS = {
    "open": ("open",),
    "filled": ("filled",),
    "cancelled": ("cancelled",),
    "expired": ("cancelled",),
}
SETTLE_TRIES = 12
LONGEST_PROOF = 20.0
LOST = ("orders are there", "rows before orders", "final orders", "orders are equal")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """Sentences, one for each breach; `audit` is the answer of `db.verify`."""

    doubled: tuple[str, ...]
    lost: tuple[str, ...]
    without_take_profit: tuple[str, ...]
    unequal: tuple[str, ...]
    audit: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        mistakes = (*self.doubled, *self.lost, *self.without_take_profit, *self.unequal)
        return not mistakes and bool(self.audit["ok"])


def unrest(engine: Engine) -> list[str]:
    """What is still under way: orders in doubt, cancels not proven, trades not recorded."""
    in_doubt = _rows(
        engine, "SELECT client_order_id AS name, status FROM orders WHERE status IN"
        " ('sending', 'cancelling', 'quarantined')",
    )  # fmt: skip
    unseen = _rows(
        engine,
        "SELECT t.trade_id FROM venue_trades t LEFT JOIN fills f USING (account_id, symbol, trade_id)"
        " WHERE f.trade_id IS NULL",
    )
    found = [f"{row['name']} is {row['status']}" for row in in_doubt]
    return found + [f"trade {row['trade_id']} is not recorded" for row in unseen]


def _has_begun(engine: Engine, pid: int) -> bool:
    """That process holds every account that anybody holds."""
    held = _rows(engine, "SELECT w.pid FROM leases l LEFT JOIN workers w ON w.name = l.owner")
    return bool(held) and all(row["pid"] == pid for row in held)


def _under_way(engine: Engine) -> Iterator[str]:
    yield from unrest(engine)
    yield from without_take_profit(engine)


def settle(house: WorkerHouse) -> list[str]:
    """Lives that end in order, until nothing is under way; returns what still is, if that never comes.

    A life is long enough for the proof that an order was never accepted, where one is in doubt."""
    left: list[str] = []
    for _ in range(SETTLE_TRIES):
        with house.start(LOG_LEVEL="WARNING") as worker:
            until = time.monotonic() + LONGEST_PROOF
            while time.monotonic() < until:
                worker.sleep_while_running(0.2)
                # Nothing is placed before the second price after a start: the exits come then.
                if _has_begun(house.engine, worker.pid) and not list(_under_way(house.engine)):
                    break
            worker.signal(signal.SIGTERM)
            status = worker.wait(20)
            assert status == 0, f"SIGTERM: status {status}\n{worker.said()[-2000:]}"
        left = list(_under_way(house.engine))
        if not left:
            break
    return left


def examine(engine: Engine) -> Findings:
    """For books at rest. Reads everything, changes nothing."""
    audit = verify(engine)
    orders = {row["client_order_id"]: row for row in _rows(engine, "SELECT * FROM orders")}
    there = {row["client_order_id"]: row for row in _rows(engine, "SELECT * FROM venue_orders")}
    lost = [f"{b['what']}: {b['sentence']}" for b in audit["broken"] if b["check"] in LOST]
    return Findings(
        doubled=tuple(_doubled(orders, there)),
        lost=tuple(lost),
        without_take_profit=tuple(without_take_profit(engine)),
        unequal=tuple(_unequal(engine, orders, there)),
        audit=audit,
    )


def _doubled(orders: Mapping[str, Row], there: Mapping[str, Row]) -> Iterator[str]:
    """No slot had two orders on the venue's book at any time, by the ledger's own times; and none of its
    orders was sent under an id used before (the ledger's key sees to that)."""
    slots: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for name, accepted in there.items():
        row = orders.get(name)
        if row is not None:
            slot = row["strategy_id"], row["cycle_number"], row["role"], row["level"]
            slots[slot].append(accepted)
    for slot, accepted_orders in slots.items():
        accepted_orders.sort(key=lambda row: int(row["venue_order_id"]))
        for first, second in itertools.pairwise(accepted_orders):
            is_live = first["status"] == "open" or first["updated_at"] > second["created_at"]
            bought_already = first["status"] == "filled" and first["side"] == "buy"
            if is_live or bought_already:
                yield f"{slot}: {second['client_order_id']} beside {first['client_order_id']}"


def _unequal(engine: Engine, orders: Mapping[str, Row], there: Mapping[str, Row]) -> Iterator[str]:
    """Order by order, with the status of each, and trade by trade, both ways."""
    for name, accepted in there.items():
        row = orders.get(name)
        if row is None:
            yield f"{name}: on the ledger, no row"
        elif row["status"] not in SAME_STATUS[accepted["status"]]:
            yield f"{name}: {row['status']} here, {accepted['status']} on the ledger"
        elif row["reported_filled"] != accepted["filled"]:
            yield f"{name}: {row['reported_filled']} filled here, {accepted['filled']} there"
    never_there = ("refused", "not_placed", "not_accepted")
    for name, row in orders.items():
        if name not in there and row["status"] not in never_there:
            yield f"{name}: {row['status']} here, not on the ledger"
    both = [
        {tuple(row.values()) for row in _rows(engine, f"SELECT {TRADE} FROM {table}")}
        for table in ("fills", "venue_trades")
    ]
    for trade in both[0] ^ both[1]:
        yield f"trade {trade[:3]} differs or is missing on one side"


TRADE = (
    "account_id, symbol, trade_id, client_order_id, side, price, quantity, fee, fee_asset,"
    " fee_value, at"
)


def without_take_profit(engine: Engine) -> Iterator[str]:
    """Every sellable position has a resting take profit over all of it, unless it trails or is being sold."""
    for cycle in open_cycles(engine):
        held = position(cycle)
        watched = cycle.parameters.trailing_deviation is not None or cycle.exit is not None
        if watched or cycle.wanted is DesiredState.STOPPED or not is_sellable(cycle, held):
            continue
        live = cycle.live_in(TAKE_PROFIT)
        where = f"strategy {cycle.identity.strategy_id} cycle {cycle.number}"
        if live is None or live.status is not OrderStatus.OPEN:
            tries = [(o.status.value, o.reason, o.finished_at) for o in cycle.attempts(TAKE_PROFIT)]
            yield f"{where}: {held.quantity} held, no take profit: {tries[-2:]}"
        elif live.quantity - live.filled != cycle.market.round_quantity(held.quantity):
            yield f"{where}: {held.quantity} held, take profit over {live.quantity}"
        if attention(cycle) is not None:
            yield f"{where}: needs attention without a reason"


def open_cycles(engine: Engine) -> Sequence[Cycle]:
    def read(session: Any) -> list[Cycle]:
        accounts = [account.account_id for account in trading_accounts(session)]
        found = load_open(session, accounts)
        assert all(stored.cycle is not None for stored in found), "a cycle cannot be read"
        return [stored.cycle for stored in found if stored.cycle is not None]

    return run(engine, read, write=False)


def _rows(engine: Engine, query: str) -> list[Row]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]
