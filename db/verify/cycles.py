"""Cycles: numbered without gaps, never sold more than held, totals and what is carried derived again."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.accounting import fee_of_own, position
from core.cycle import Cycle
from core.market import Side
from core.orders import fill_order
from core.succession import totals
from db.verify.books import Books, StoredRow
from db.verify.broken import Broken

SAME_NAMES = (
    "realized_pnl",
    "fees",
    "bought_cost",
    "sold_proceeds",
    "levels_filled",
    "ended_by",
)


def check_cycles(books: Books) -> Iterator[Broken]:
    by_strategy: dict[int, list[StoredRow]] = defaultdict(list)
    for stored in books.cycles:
        by_strategy[stored.row["strategy_id"]].append(stored)
    for stored_cycles in by_strategy.values():
        yield from _sequence(books, stored_cycles)
    known = {(s.row["strategy_id"], s.row["number"]) for s in books.cycles}
    for name, order in books.orders.items():
        if (order["strategy_id"], order["cycle_number"]) not in known:
            sentence = "Its cycle has no row that is open."
            yield Broken(
                "orders have cycles", books.account_id, name, sentence, order["strategy_id"]
            )
    for stored in books.cycles:
        yield from _cycle(books, stored)


def _sequence(books: Books, cycles: Sequence[StoredRow]) -> Iterator[Broken]:
    """V10: cycles count 1, 2, 3 ..., only the last is open, dust goes from each to the next."""
    first = cycles[0].row["number"] if books.only_recent else 1
    for number, stored in enumerate(cycles, start=first):
        if stored.row["number"] != number:
            yield _broken(books, "cycles count up", stored, f"Cycle {number} is missing.")
            return
    for stored in cycles[:-1]:
        if stored.row["closed_at"] is None:
            yield _broken(
                books, "one open cycle", stored, "It is open although a later one exists."
            )
    for before, after in itertools.pairwise(cycles):
        left = (before.row["dust_quantity"], before.row["dust_cost"])
        carried = (after.row["carried_quantity"], after.row["carried_cost"])
        if left[0] is not None and left[0] > 0 and left != carried:
            sentence = f"It begins with {carried}, the one before left {left}."
            yield _broken(books, "dust is carried", after, sentence)


def _cycle(books: Books, stored: StoredRow) -> Iterator[Broken]:
    cycle = stored.cycle
    if cycle is None:
        yield _broken(books, "readable", stored, stored.fault or "It cannot be read.")
        return
    yield from _never_oversold(books, stored, cycle)
    if stored.row["closed_at"] is None:
        return
    if any(order.is_live for order in cycle.orders):
        yield _broken(books, "closed cycles", stored, "It is closed with a live order.")
    derived = totals(cycle)
    for name in SAME_NAMES:
        if stored.row[name] != getattr(derived, name):
            sentence = f"{name} is stored as {stored.row[name]}, derived {getattr(derived, name)}."
            yield _broken(books, "totals", stored, sentence)
    left = (stored.row["dust_quantity"], stored.row["dust_cost"])
    if left != (derived.dust.quantity, derived.dust.cost):
        sentence = f"Dust is stored as {left}, derived {derived.dust}."
        yield _broken(books, "totals", stored, sentence)


def _never_oversold(books: Books, stored: StoredRow, cycle: Cycle) -> Iterator[Broken]:
    """V5: at no moment was more sold than the cycle held."""
    held = cycle.carried.quantity
    fills = [(fill, order.side) for order in cycle.orders for fill in order.fills]
    for fill, side in sorted(fills, key=lambda pair: fill_order(pair[0])):
        if side is Side.BUY:
            held += fill.quantity - (fill.fee if fill.fee_asset == cycle.market.base else 0)
        else:
            held -= fill.quantity + fee_of_own(fill, held, cycle.market.base)
        if held < 0:
            sentence = f"After the trade {fill.trade_id} it had sold {-held} more than it held."
            yield _broken(books, "never sells more than held", stored, sentence)
            return
    if position(cycle).quantity < 0:
        yield _broken(books, "position", stored, "Its position is below zero.")


def _broken(books: Books, check: str, stored: StoredRow, sentence: str) -> Broken:
    what = f"cycle {stored.row['number']}"
    return Broken(check, books.account_id, what, sentence, stored.row["strategy_id"])
