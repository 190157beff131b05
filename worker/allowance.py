"""Which of the orders that a step planned are written. What is left out is found again by the next step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from core.cycle import Cycle, DesiredState
from core.events import Command, PlaceOrder
from core.market import Side
from core.orders import Kind, Order, OrderStatus
from core.reserve import at_stake, cost_of
from core.slots import FUNDS
from core.words import money_words
from worker.gate import no_cap

Planned = tuple[Cycle, tuple[Command, ...]]


def planned_buys(commands: Iterable[Command]) -> list[Order]:
    return [c.order for c in commands if isinstance(c, PlaceOrder) and c.order.side is Side.BUY]


def without(after: Cycle, commands: tuple[Command, ...], left_out: Collection[str]) -> Planned:
    """As if these new orders had never been planned."""
    kept = tuple(o for o in after.orders if o.client_order_id not in left_out)
    return replace(after, orders=kept), tuple(
        c for c in commands if c.order.client_order_id not in left_out
    )


def without_price(before: Cycle, after: Cycle, commands: tuple[Command, ...]) -> Planned:
    """Without a fresh price nothing is placed, so a take profit that could not be replaced stays too, unless
    the person or an exit wants it gone."""
    placed = [c.order.client_order_id for c in commands if isinstance(c, PlaceOrder)]
    after, cancels = without(after, commands, placed)
    if _must_go(after):
        return after, cancels
    kept: list[Command] = []
    for command in cancels:
        known = before.find(command.order.client_order_id)
        if command.order.side is Side.BUY or known is None:
            kept.append(command)
        else:
            stays = replace(command.order, status=OrderStatus.OPEN, cancel_asked=known.cancel_asked)
            after = after.with_order(stays)
    return after, tuple(kept)


def lacks_free_coins(cycle: Cycle) -> bool:
    """An urgent exit was not taken because coins are locked elsewhere: the next try sells what is free."""
    last = cycle.orders[-1] if cycle.orders else None
    return (
        last is not None
        and last.side is Side.SELL
        and last.kind is Kind.MARKET
        and last.status is OrderStatus.NOT_PLACED
        and last.reason == FUNDS
    )


def what_is_free(after: Cycle, commands: tuple[Command, ...], free: Decimal) -> Planned:
    """The urgent exit that is planned, at most as large as the coins that are free on the account."""
    for command in commands:
        order = command.order
        is_exit = order.side is Side.SELL and order.kind is Kind.MARKET
        if not isinstance(command, PlaceOrder) or not is_exit or order.quantity <= free:
            continue
        quantity = after.market.round_quantity(free)
        if not after.market.is_tradable(quantity, order.planned_price):
            return without(after, commands, [order.client_order_id])
        smaller = replace(order, quantity=quantity)
        placed = tuple(PlaceOrder(smaller) if c is command else c for c in commands)
        return after.with_order(smaller), placed
    return after, commands


def _must_go(cycle: Cycle) -> bool:
    gone = (DesiredState.STOPPED, DesiredState.CLOSED)
    return (
        cycle.exit is not None
        or cycle.released_at_price is not None
        or cycle.wanted in gone
        or cycle.lacks_coins
    )


def within_cap(
    after: Cycle,
    commands: tuple[Command, ...],
    caps: Mapping[str, Decimal],
    others: Iterable[Cycle],
) -> tuple[Planned, str | None]:
    """The plan without the buys that the account's cap has no room for, and the sentence that says so.

    others: every other cycle of the account in the same quote coin; `after` holds the planned orders.
    """
    buys = planned_buys(commands)
    cap = caps.get(after.market.quote)
    if cap is None:
        ids = [order.client_order_id for order in buys]
        return without(after, commands, ids), no_cap(after.market.quote)
    rest = without(after, commands, [order.client_order_id for order in buys])[0]
    used = sum(map(at_stake, others), at_stake(rest))
    left_out = []
    for order in buys:
        cost = cost_of(after, order)
        if used + cost > cap:
            left_out.append(order.client_order_id)
        else:
            used += cost
    if not left_out:
        return (after, commands), None
    return without(after, commands, left_out), (
        f"The account's cap of {money_words(after.market, cap)} has no room for"
        f" {len(left_out)} more order{'s' * (len(left_out) != 1)}:"
        f" {money_words(after.market, used)} are in use. They are placed when there is room, or when"
        " you raise the cap."
    )
