"""Orders on the venue that no row of ours explains (DESIGN 5, "others' orders").

With our prefix: adopted into the slot whose id it is, else cancelled, with an alarm. Without: never
touched, counted and shown. The same for an order in the rows of another account here: two keys of one
exchange account, and each would cancel the other's orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.adoption import adopt
from core.cycle import Cycle
from core.order_ids import prefix
from core.orders import Kind, OrderStatus
from core.story_entry import Entry, EntryLevel
from db.cycles import CycleChange
from db.journal import JournalEntry
from db.known_orders import KnownOrder
from worker.account_rows import AccountRows
from worker.tracked import Tracked
from worker.venues.protocol import OpenOrder

STILL_LISTED = timedelta(minutes=1)
"""For so long an exchange may list an order among the open ones that it has just ended."""
THERE_ONCE = (OrderStatus.FILLED, OrderStatus.CANCELLED)
ADDED_TWICE = (
    "Orders of another account of this Stepladder rest here: the same account of the exchange has been added"
    " twice, with two keys. Both spend the same money and may sell the same coins, and each cap counts for"
    " itself, so together more may be in use than either allows. Nothing is bought on this account; the other"
    " one's orders are not touched. Keep one of the two: stop the strategies of the other and disconnect it,"
    " or give it the key of another sub-account. This ends an hour after the last such order is gone."
)

RowsOf = Callable[[Collection[str]], Awaitable[Mapping[str, KnownOrder]]]
"""The rows of these orders, of whatever account."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """`adopted`: cycles that now hold an order found on the venue, each with those adopted before it.
    `cancel`: ours, and nobody's. `others`: of another account here."""

    adopted: tuple[tuple[Tracked, Cycle, OpenOrder], ...]
    cancel: tuple[OpenOrder, ...]
    others: tuple[OpenOrder, ...]
    foreign: int


def unexplained(
    found: Sequence[OpenOrder],
    tracked: Mapping[int, Tracked],
    installation: str,
    spared: Collection[str],
) -> list[str]:
    """Ids with our prefix that are of no live order here: `sort_out` needs to know their rows.

    `spared`: ids that somebody else looks after.
    """
    live = _live(tracked)
    return [
        order.client_order_id
        for order in found
        if order.client_order_id.startswith(prefix(installation))
        and order.client_order_id not in live
        and order.client_order_id not in spared
    ]


def _live(tracked: Mapping[int, Tracked]) -> set[str]:
    return {order.client_order_id for each in tracked.values() for order in each.cycle.live()}


def sort_out(
    found: Sequence[OpenOrder],
    tracked: Mapping[int, Tracked],
    installation: str,
    rows: Mapping[str, KnownOrder],
    account_id: int,
    at: datetime,
    spared: Collection[str] = (),
) -> Orphans:
    """Nothing is sent here. `rows`: of the `unexplained`. `spared`: as there.

    An order that is there although its row says that it is over, or never was, is nobody's: its slot may
    be taken.
    """
    known = _live(tracked)
    adopted: list[tuple[Tracked, Cycle, OpenOrder]] = []
    cycles = {t.strategy_id: t.cycle for t in tracked.values()}
    cancel: list[OpenOrder] = []
    others: list[OpenOrder] = []
    foreign = 0
    for order in found:
        if order.client_order_id in known or order.client_order_id in spared:
            continue
        if not order.client_order_id.startswith(prefix(installation)):
            foreign += 1
            continue
        row = rows.get(order.client_order_id)
        if row is not None and row.account_id != account_id:
            others.append(order)
            continue
        if row is not None and _ended_just_now(row, at):
            continue
        # What has a row and is not live would take the place of its successor.
        owner = None if row is not None else _owner(order, tracked, cycles, at)
        if owner is None:
            cancel.append(order)
            continue
        # A second order of the same cycle is added to what the first has made of it.
        cycles[owner[0].strategy_id] = owner[1]
        adopted.append((*owner, order))
    return Orphans(tuple(adopted), tuple(cancel), tuple(others), foreign)


def _ended_just_now(row: KnownOrder, at: datetime) -> bool:
    """The list of open orders may be older than the answer that said so."""
    if row.status not in THERE_ONCE or row.finished_at is None:
        return False
    return at - row.finished_at < STILL_LISTED


def _owner(
    order: OpenOrder, tracked: Mapping[int, Tracked], cycles: Mapping[int, Cycle], at: datetime
) -> tuple[Tracked, Cycle] | None:
    for candidate in tracked.values():
        if candidate.symbol != order.symbol:
            continue
        cycle = adopt(
            cycles[candidate.strategy_id], order.client_order_id, order.side, Kind.LIMIT,
            order.price, order.quantity, at,
        )  # fmt: skip
        if cycle is not None:
            return candidate, cycle
    return None


def paperwork(
    found: Orphans, rows: AccountRows, new_foreign: bool, at: datetime, gone: Collection[str] = ()
) -> tuple[list[CycleChange], list[JournalEntry]]:
    """What is written before anything is cancelled: adopted orders, and what people are told.

    gone: ids of orders that ended on their person's word.
    """
    told = [
        gone_entry(order) if order.client_order_id in gone else cancelled_entry(order)
        for order in found.cancel
    ]
    entries = [rows.entry(None, None, entry, at) for entry in told]
    if new_foreign:
        entries.append(rows.entry(None, None, foreign_entry(found.foreign), at))
    changes: dict[int, CycleChange] = {}
    for tracked, cycle, order in found.adopted:
        before = tracked.cycle if tracked.is_stored else None
        changes[tracked.strategy_id] = CycleChange(before, cycle)
        adopted = adopted_entry(order)
        entries.append(rows.entry(tracked.strategy_id, cycle.number, adopted, at))
    return list(changes.values()), entries


def adopted_entry(order: OpenOrder) -> Entry:
    return Entry(
        EntryLevel.ALARM,
        "order_adopted",
        f"An order of ours was on the exchange that the records did not hold ({order.side} of"
        f" {order.quantity} {order.symbol} at {order.price}). It belongs to this strategy and was taken"
        " over. Records may have been lost; ask your administrator.",
        order.client_order_id,
    )


def cancelled_entry(order: OpenOrder) -> Entry:
    return Entry(
        EntryLevel.ALARM,
        "orphan_cancelled",
        f"An order of ours was on the exchange that should not be there ({order.side} of"
        f" {order.quantity} {order.symbol} at {order.price}). It is being cancelled. Records may have"
        " been lost; ask your administrator.",
        order.client_order_id,
    )


def gone_entry(order: OpenOrder) -> Entry:
    return Entry(
        EntryLevel.ALARM,
        "gone_order_cancelled",
        f"An order that was taken for gone on your word rests on the exchange after all ({order.side} of"
        f" {order.quantity} {order.symbol} at {order.price}). It is being cancelled; what it traded is"
        " booked.",
        order.client_order_id,
    )


def halted_entry(order: OpenOrder) -> Entry:
    return Entry(
        EntryLevel.ALARM,
        "unwatched_buy_cancelled",
        f"A buy of {order.quantity} {order.symbol} at {order.price} belongs to a strategy whose records"
        " cannot be read. An administrator halted all buying, so it is being cancelled.",
        order.client_order_id,
    )


def foreign_entry(count: int) -> Entry:
    return Entry(
        EntryLevel.WARNING,
        "foreign_orders",
        f"{count} open order{'s' * (count != 1)} on this account were not placed by Stepladder: another"
        " program, you by hand, or somebody who has your key. They are not touched. If you do not know"
        " them, revoke the key on the exchange.",
    )
