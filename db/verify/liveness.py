"""What time shows: orders that nobody proves, coins without their take profit, orders after a stop.

Asked of a snapshot at `at`. Some of it mends itself within moments and counts only when it lasts
(`Broken.lasts`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from core.accounting import position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState
from core.market import Side
from core.money import plain
from core.orders import Order, OrderStatus, Role
from core.slots import is_blocked
from core.wanted import cycle_levels, wanted_orders
from db.status import ActualState, StrategyStatus
from db.verify.books import Books
from db.verify.broken import Broken

AT_REST = frozenset({ActualState.STOPPED, ActualState.CLOSED})
PROMISED = frozenset({OrderStatus.SENDING, OrderStatus.OPEN})


def check_liveness(
    books: Books, statuses: Mapping[int, StrategyStatus], at: datetime, *, is_held: bool = False
) -> Iterator[Broken]:
    """`statuses`: what the worker shows of each strategy, from the same snapshot. `is_held`: the whole
    account waits, and its person has been told why."""
    for stored in books.cycles:
        cycle = stored.cycle
        if cycle is None or stored.row["closed_at"] is not None:
            continue
        status = statuses.get(cycle.identity.strategy_id)
        yield from _unproven(books, cycle)
        yield from _levels(books, cycle)
        if status is not None:
            yield from _after_a_stop(books, cycle, status)
        # Whoever has been told to look at a strategy need not be told again what it lacks.
        told = status is not None and status.actual_state is ActualState.NEEDS_ATTENTION
        if not told and not is_held:
            yield from _take_profit(books, cycle, at)


def is_at_rest(books: Books) -> bool:
    """Nothing in these rows can become broken by time alone: no look is needed until they change."""
    return all(
        stored.cycle is not None and _rests(stored.cycle)
        for stored in books.cycles
        if stored.row["closed_at"] is None
    )


def _rests(cycle: Cycle) -> bool:
    if any(order.status is not OrderStatus.OPEN for order in cycle.live()):
        return False
    watched = cycle.parameters.trailing_deviation is not None and cycle.exit is None
    return not cycle.has_fills() or cycle.is_selling() or watched


def _unproven(books: Books, cycle: Cycle) -> Iterator[Broken]:
    """V18: after 15 minutes what may exist is a person's to decide."""
    for order in cycle.live():
        if order.status is OrderStatus.SENDING:
            sentence = "Nobody knows whether it exists, and it is not handed to its person."
            yield _of_order(books, cycle, "unknown too long", order, sentence)
        elif order.status is OrderStatus.CANCELLING:
            sentence = "Its cancel has not been proven."
            yield _of_order(books, cycle, "cancelling too long", order, sentence)


def _levels(books: Books, cycle: Cycle) -> Iterator[Broken]:
    """V13: each resting extra buy stands where the cycle's own settings put it, and buys no more."""
    planned = {level.number: level for level in cycle_levels(cycle)}
    for order in cycle.live():
        if order.slot.role is not Role.SAFETY or order.status not in PROMISED:
            continue
        level = planned.get(order.slot.level or 0)
        if level is None:
            sentence = "The settings of its cycle have no such level."
        elif order.price != level.price:
            sentence = f"It stands at {order.price}, its level is at {plain(level.price)}."
        elif order.quantity > level.quantity:
            sentence = f"It buys {plain(order.quantity)}, its level {plain(level.quantity)}."
        else:
            continue
        yield _of_order(books, cycle, "levels follow from the settings", order, sentence)


def _after_a_stop(books: Books, cycle: Cycle, status: StrategyStatus) -> Iterator[Broken]:
    """V7: a stop is acknowledged only when nothing is live; a pause leaves no buys."""
    live = list(cycle.live())
    if status.actual_state in AT_REST and live and cycle.wanted is not DesiredState.RUNNING:
        sentence = f"It is shown as {status.actual_state}, and the order is live."
        yield _of_order(books, cycle, "stopped", live[0], sentence)
    if cycle.wanted is DesiredState.PAUSED:
        for order in live:
            if order.side is Side.BUY and order.status is OrderStatus.OPEN:
                sentence = "The strategy is paused, and the buy rests on the exchange."
                yield _of_order(books, cycle, "paused", order, sentence)


def _take_profit(books: Books, cycle: Cycle, at: datetime) -> Iterator[Broken]:
    """V18: coins above the minima have the take profit that the rules want for them."""
    if not cycle.has_fills() or cycle.is_selling():
        return
    attempts = cycle.attempts(TAKE_PROFIT)
    if is_blocked(cycle, attempts, at):
        return
    held = position(cycle)
    wanted = wanted_orders(cycle, held, at, None)
    if any(spec.slot == TAKE_PROFIT and spec.side is Side.SELL for spec in wanted):
        sentence = (
            f"It holds {plain(held.quantity)} {cycle.market.base}, and no take profit is placed."
        )
        yield Broken(
            "no take profit", books.account_id, f"cycle {cycle.number}", sentence,
            cycle.identity.strategy_id,
        )  # fmt: skip


def _of_order(books: Books, cycle: Cycle, check: str, order: Order, sentence: str) -> Broken:
    name = order.client_order_id
    return Broken(check, books.account_id, name, sentence, cycle.identity.strategy_id)
