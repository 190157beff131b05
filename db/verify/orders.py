"""Our own rows of orders and fills: slots, attempts, ids, sums, tokens, steps of price and quantity."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from core.cycle import Cycle
from core.market import Market, Side
from core.money import ZERO, plain
from core.order_ids import client_order_id
from core.orders import GONE, LIVE, Kind, Order, OrderStatus
from db.verify.books import Books, Row
from db.verify.broken import Broken

NEVER_THERE = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.NOT_ACCEPTED)
ENDED_BY_WORD = (OrderStatus.CANCELLED, OrderStatus.FILLED)  # filled: it turned up after all
SAME_AS_ORDER = ("strategy_id", "cycle_number", "symbol", "side", "role", "level")


def check_orders(books: Books) -> Iterator[Broken]:
    yield from _slots(books)
    yield from _attempts(books)
    yield from _accepted_once(books)
    yield from _tokens(books)
    yield from _fills(books)
    for stored in books.cycles:
        if stored.cycle is not None:
            for order in stored.cycle.orders:
                yield from _order(books, stored.cycle, order)


def _slots(books: Books) -> Iterator[Broken]:
    """V1: at most one live order per slot."""
    live = Counter(_slot(order) for order in books.orders.values() if order["status"] in LIVE)
    for slot, count in live.items():
        if count > 1:
            sentence = f"{count} orders of it are live."
            yield _of_slot(books, "one live order per slot", slot, sentence)


def _attempts(books: Books) -> Iterator[Broken]:
    """V11: attempts count 1, 2, 3 ..., and only the last may be live."""
    by_slot: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for order in books.orders.values():
        by_slot[_slot(order)].append(order)
    for slot, orders in by_slot.items():
        orders.sort(key=lambda order: order["attempt"])
        if [order["attempt"] for order in orders] != list(range(1, len(orders) + 1)):
            yield _of_slot(books, "attempts count up", slot, "An attempt is missing or doubled.")
        for order in orders[:-1]:
            if order["status"] in LIVE:
                sentence = "The next attempt was written while this one was live."
                yield _broken(books, "no unproven retry", order["client_order_id"], sentence)


def _accepted_once(books: Books) -> Iterator[Broken]:
    """V3: no two orders of ours are one and the same at the venue."""
    by_venue: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, order in books.orders.items():
        if order["venue_order_id"] is not None:
            by_venue[order["symbol"], order["venue_order_id"]].append(name)
    for (_, venue_order_id), names in by_venue.items():
        for name in sorted(names)[1:]:
            sentence = f"{min(names)} has the same number there, {venue_order_id}."
            yield _broken(books, "accepted once", name, sentence)


def _tokens(books: Books) -> Iterator[Broken]:
    """V8: no row carries a token that the lease has not reached."""
    for name, order in books.orders.items():
        if not 1 <= order["token"] <= books.token:
            sentence = f"Its token {order['token']} was never given; the lease is at {books.token}."
            yield _broken(books, "fencing token", name, sentence)


def _fills(books: Books) -> Iterator[Broken]:
    """Every fill belongs to an order of ours and says the same about it."""
    for fill in books.fills:
        order = books.orders.get(fill["client_order_id"])
        if order is None:
            yield _broken(books, "fills have orders", fill["trade_id"], "Its order has no row.")
        elif any(fill[name] != order[name] for name in SAME_AS_ORDER):
            sentence = f"It differs from its order {fill['client_order_id']}."
            yield _broken(books, "fills have orders", fill["trade_id"], sentence)


def _order(books: Books, cycle: Cycle, order: Order) -> Iterator[Broken]:
    name = order.client_order_id
    meant = client_order_id(cycle.identity, cycle.number, order.slot, order.attempt)
    if name != meant:
        yield _broken(books, "ids follow from slots", name, f"It should be called {meant}.")
    if order.filled > order.quantity:
        sentence = f"Filled {order.filled} of {order.quantity}."
        yield _broken(books, "never more than ordered", name, sentence)
    if order.reported_filled < order.filled:
        sentence = f"Its fills are {order.filled}, it says {order.reported_filled}."
        yield _broken(books, "filled sums", name, sentence)
    yield from _final(books, order)
    yield from _steps(books, cycle.market, order)


def _final(books: Books, order: Order) -> Iterator[Broken]:
    """V10, V4: what is final has all its trades."""
    if order.is_live:
        return
    name = order.client_order_id
    if order.finished_at is None:
        yield _broken(books, "final orders", name, "It is final without a time.")
    if order.reason == GONE and order.status not in ENDED_BY_WORD:
        sentence = f"It ended on its person's word and is {order.status}: a word proves no more."
        yield _broken(books, "final orders", name, sentence)
    if order.reported_filled != order.filled:
        sentence = f"It is final with {order.reported_filled} filled, its fills are {order.filled}."
        yield _broken(books, "filled sums", name, sentence)
    if order.status is OrderStatus.FILLED and order.filled < order.quantity:
        sentence = f"It counts as filled with {order.filled} of {order.quantity}."
        yield _broken(books, "filled sums", name, sentence)
    if order.status in NEVER_THERE and order.filled != ZERO:
        yield _broken(books, "filled sums", name, f"It is {order.status} and has fills.")


def _steps(books: Books, market: Market, order: Order) -> Iterator[Broken]:
    """V12: price and quantity are what the venue accepts."""
    name = order.client_order_id
    if order.price is not None and not _is_multiple(order.price, market.tick_size):
        sentence = f"Its price {order.price} is no multiple of {market.tick_size}."
        yield _broken(books, "price steps", name, sentence)
    if not _is_multiple(order.quantity, market.lot_size) or order.quantity <= 0:
        sentence = f"Its quantity {order.quantity} is no multiple of {market.lot_size}."
        yield _broken(books, "quantity steps", name, sentence)
    if order.quantity < market.min_quantity:
        sentence = f"Its quantity {order.quantity} is below {market.min_quantity}."
        yield _broken(books, "minimum quantity", name, sentence)
    # An exit that falls below it with the price is the venue's to refuse.
    worth = order.quantity * order.planned_price
    if worth < market.min_notional and not (order.side is Side.SELL and order.kind is Kind.MARKET):
        sentence = f"It is worth {plain(worth)}, below {market.min_notional}."
        yield _broken(books, "minimum notional", name, sentence)


def _is_multiple(value: Decimal, step: Decimal | None) -> bool:
    return step is None or value % step == 0


def _slot(order: Row) -> tuple[Any, ...]:
    return order["strategy_id"], order["cycle_number"], order["role"], order["level"]


def _of_slot(books: Books, check: str, slot: tuple[Any, ...], sentence: str) -> Broken:
    strategy_id, number, role, level = slot
    place = f"{role} {level}" if level >= 0 else str(role)
    return Broken(check, books.account_id, f"{place} of cycle {number}", sentence, strategy_id)


def _broken(books: Books, check: str, name: str, sentence: str) -> Broken:
    """`name`: the order, or the trade of no order."""
    order = books.orders.get(name)
    strategy_id = None if order is None else order["strategy_id"]
    return Broken(check, books.account_id, name, sentence, strategy_id)
