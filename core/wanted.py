"""The orders that should exist, derived from the facts of a cycle alone. Nothing is remembered as "to do"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.accounting import Position
from core.cycle import BASE, TAKE_PROFIT, Cycle, DesiredState, ExitReason
from core.entry import waits_for
from core.events import Quote
from core.ladder import Level, safety_levels, take_profit_price
from core.market import Side
from core.money import ONE, ZERO
from core.orders import Kind, Order, Role, Slot
from core.parameters import BaseOrderType, StopLossReference
from core.slots import attention

REPRICE_AFTER = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(minutes=5)
SETTLE_AFTER = timedelta(seconds=10)
COLLAR = Decimal("0.01")
WIDE_COLLAR = Decimal("0.05")
WIDEN_AFTER = timedelta(seconds=30)
ATTEMPTS_KEPT = 12

EXIT_SLOTS = {
    ExitReason.STOP_LOSS: Slot(Role.STOP_LOSS),
    ExitReason.TRAILING: TAKE_PROFIT,
    ExitReason.CLOSED: Slot(Role.CLOSE),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """An order that should be live: `quantity` is what is still open of it."""

    slot: Slot
    side: Side
    kind: Kind
    price: Decimal | None
    planned_price: Decimal
    quantity: Decimal


def wanted_orders(cycle: Cycle, held: Position, at: datetime, quote: Quote | None) -> list[Spec]:
    """Exits first, then buys from the top of the ladder down."""
    if cycle.released_at_price is not None or cycle.wanted is DesiredState.STOPPED:
        return []
    if cycle.exit is not None:
        return _market_exit(cycle, cycle.exit, held, at, quote)
    if cycle.wanted is DesiredState.CLOSED:
        return []
    selling = _take_profit(cycle, held, at)
    if attention(cycle) is not None or cycle.wanted is DesiredState.PAUSED:
        return selling
    if not base_is_complete(cycle):
        return selling + _base_order(cycle, at, quote)
    if not selling and not is_sellable(cycle, held):
        return []
    return selling + _safety_orders(cycle)


def target_price(cycle: Cycle, held: Position) -> Decimal | None:
    """The take-profit price, rounded to no tick; None while nothing was bought.

    This and the other thresholds are kept at places that can be stored: a price at which something
    happened is a fact (a peak, a fill), and must be read back equal.
    """
    average = held.average_entry_price
    breakeven = held.breakeven_price(cycle.market.taker_fee)
    if average is None or breakeven is None:
        return None
    return cycle.market.keep_price(take_profit_price(cycle.parameters, average, breakeven))


def to_sell(cycle: Cycle, held: Position) -> Decimal:
    """What there is to sell, dust included, in whole lots: never coins that are missing on the account."""
    left = max(held.quantity - cycle.missing, ZERO) if cycle.missing else held.quantity
    return cycle.market.round_quantity(left)


def is_sellable(cycle: Cycle, held: Position) -> bool:
    """What there is to sell meets the minima at the price at which it would be sold."""
    if held.bought == 0:
        return False
    price = target_price(cycle, held) if cycle.exit is None else _exit_price(cycle, held)
    return price is not None and cycle.market.is_tradable(to_sell(cycle, held), price)


def _exit_price(cycle: Cycle, held: Position) -> Decimal | None:
    """What a market exit reckons with: the price of its last try, or where it was decided."""
    for order in reversed(cycle.orders):
        if order.side is Side.SELL and order.kind is Kind.MARKET:
            return order.planned_price
    if cycle.exit is ExitReason.STOP_LOSS:
        return stop_price(cycle, held)
    if cycle.exit is ExitReason.TRAILING:
        return trail_price(cycle)
    return target_price(cycle, held)


def stop_price(cycle: Cycle, held: Position) -> Decimal | None:
    """The stop-loss price of what is held, rounded to no tick."""
    distance = cycle.parameters.stop_loss
    if distance is None:
        return None
    if cycle.parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE:
        reference = base_price(cycle)
    else:
        reference = held.average_entry_price
    return None if reference is None else cycle.market.keep_price(reference * (ONE - distance))


def trail_price(cycle: Cycle) -> Decimal | None:
    """Where an active trailing exit sells."""
    distance = cycle.parameters.trailing_deviation
    if distance is None or cycle.peak is None:
        return None
    return cycle.market.keep_price(cycle.peak * (ONE - distance))


def base_is_complete(cycle: Cycle) -> bool:
    """The base order bought all it should, or what is missing is too small, or was given up."""
    attempts = cycle.attempts(BASE)
    if not attempts or attempts[-1].is_live:
        return False
    last, rest = attempts[-1], _base_rest(attempts)
    if rest is None:
        return False
    if last.cancelled_by_hand:
        return True
    if last.kind is Kind.LIMIT and last.finished_at is not None:
        return last.finished_at - base_started_at(cycle) >= GIVE_UP_AFTER or not _fits(cycle, *rest)
    return not _fits(cycle, *rest)


def _fits(cycle: Cycle, quantity: Decimal, price: Decimal) -> bool:
    return cycle.market.is_tradable(quantity, price)


def _base_rest(attempts: list[Order]) -> tuple[Decimal, Decimal] | None:
    """(quantity, price of its last try) that the base order still has to buy; None while it has nothing."""
    first = next((order for order in attempts if order.fills), None)
    if first is None:
        return None
    rest = first.quantity - sum((order.filled for order in attempts), ZERO)
    return rest, attempts[-1].planned_price


def base_started_at(cycle: Cycle) -> datetime:
    """Since when the base order is being tried: a try later than 5 min after the first starts anew."""
    attempts = cycle.attempts(BASE)
    started = attempts[0].created_at
    for order in attempts:
        if order.created_at - started >= GIVE_UP_AFTER:
            started = order.created_at
    return started


def without_old_attempts(cycle: Cycle) -> Cycle:
    """An idle cycle keeps its latest attempts only: enough for its back-off and the time of its base order.

    Cut where a new time of trying begins, so that what is derived from the rest stays the same. Ids go on
    from the highest attempt, which stays.
    """
    if len(cycle.orders) <= 2 * ATTEMPTS_KEPT or not cycle.is_idle():
        return cycle
    cut, started = 0, cycle.orders[0].created_at
    for place, order in enumerate(cycle.orders[: len(cycle.orders) - ATTEMPTS_KEPT + 1]):
        if order.created_at - started >= GIVE_UP_AFTER:
            cut, started = place, order.created_at
    return replace(cycle, orders=cycle.orders[cut:], dropped=cycle.dropped + cut)


def base_price(cycle: Cycle) -> Decimal | None:
    """P0: the average fill price of the base order."""
    fills = [fill for order in cycle.attempts(BASE) for fill in order.fills]
    if not fills:
        return None
    if len(fills) == 1:
        return fills[0].price
    return sum((f.cost for f in fills), ZERO) / sum((f.quantity for f in fills), ZERO)


def cycle_levels(cycle: Cycle) -> tuple[Level, ...]:
    """The planned safety orders of this cycle; empty before the base order has filled."""
    price = base_price(cycle)
    if price is None:
        return ()
    return safety_levels(cycle.parameters, price, cycle.market, cycle.size_factor)


def open_levels(cycle: Cycle) -> list[tuple[Level, Decimal]]:
    """Levels not yet complete, top first, with the quantity that each still has to buy.

    A rest below the minima is not ordered again, but what rests already may fill to its end.
    """
    remaining, by_slot = [], cycle.by_slot()
    for level in cycle_levels(cycle):
        attempts = by_slot.get(Slot(Role.SAFETY, level.number), ())
        rest = level.quantity - sum((order.filled for order in attempts), ZERO)
        may_fill = rest > 0 and any(order.is_live for order in attempts)
        if may_fill or cycle.market.is_tradable(rest, level.price):
            remaining.append((level, rest))
    return remaining


def _safety_orders(cycle: Cycle) -> list[Spec]:
    allowed = [
        (level, rest)
        for level, rest in open_levels(cycle)
        if level.number not in cycle.skipped and level.number not in cycle.held
    ]
    return [
        Spec(Slot(Role.SAFETY, level.number), Side.BUY, Kind.LIMIT, level.price, level.price, rest)
        for level, rest in allowed[: cycle.parameters.active_safety_orders]
    ]


def _base_order(cycle: Cycle, at: datetime, quote: Quote | None) -> list[Spec]:
    live = cycle.live_in(BASE)
    if live is not None:
        return _resting_base(cycle, live, at, quote)
    if quote is None:
        return []
    missing = _base_rest(cycle.attempts(BASE))
    if missing is not None:
        rest = missing[0]
    elif waits_for(cycle, at, quote) is not None:
        return []
    else:
        rest = _base_quantity(cycle, quote)
    if cycle.parameters.base_order_type is BaseOrderType.LIMIT:
        price = cycle.market.round_price(Side.BUY, quote.bid)
        return [Spec(BASE, Side.BUY, Kind.LIMIT, price, price, cycle.market.round_quantity(rest))]
    rest = cycle.market.round_quantity(rest)
    return [Spec(BASE, Side.BUY, Kind.MARKET, None, quote.market_buy_price, rest)]


def _base_quantity(cycle: Cycle, quote: Quote) -> Decimal:
    """What `base_order_size` buys at the price of the order, so that what it spends is its size."""
    size = cycle.parameters.base_order_size * cycle.size_factor
    if cycle.parameters.base_order_type is BaseOrderType.LIMIT:
        return size / cycle.market.round_price(Side.BUY, quote.bid)
    return size / quote.market_buy_price


def _resting_base(cycle: Cycle, live: Order, at: datetime, quote: Quote | None) -> list[Spec]:
    """A limit base order follows the bid every 30 s and is given up after 5 min."""
    if cycle.wanted is DesiredState.FINISHING and not cycle.has_fills():
        return []
    if live.kind is Kind.LIMIT:
        if at - base_started_at(cycle) >= GIVE_UP_AFTER:
            return []
        if quote is not None and at - live.created_at >= REPRICE_AFTER:
            price = cycle.market.round_price(Side.BUY, quote.bid)
            if price != live.price:
                return []
    return [_as_is(live)]


def _take_profit(cycle: Cycle, held: Position, at: datetime) -> list[Spec]:
    """The resting take profit; none while trailing watches the price instead."""
    if cycle.parameters.trailing_deviation is not None:
        return []
    live = cycle.live_in(TAKE_PROFIT)
    if not cycle.is_settled() or buys_are_arriving(cycle, at) is not None:
        return [] if live is None else [_as_is(live)]
    target = target_price(cycle, held)
    if target is None:
        return []
    price = cycle.market.round_price(Side.SELL, target)
    quantity = to_sell(cycle, held)
    if not cycle.market.is_tradable(quantity, price) and not _is_resting(live, price, quantity):
        return []
    return [Spec(TAKE_PROFIT, Side.SELL, Kind.LIMIT, price, price, quantity)]


def _is_resting(live: Order | None, price: Decimal, quantity: Decimal) -> bool:
    """The last crumbs of an order may fill although they would be too small for an order of their own."""
    return (
        live is not None
        and live.price == price
        and quantity > 0
        and live.quantity - live.filled == quantity
    )


def buys_are_arriving(cycle: Cycle, at: datetime) -> datetime | None:
    """Until when the take profit is left alone: a buy is partly filled and filled less than 10 s ago."""
    latest: datetime | None = None
    for order in cycle.orders:
        if order.side is Side.BUY and order.is_live and order.fills:
            until = order.fills[-1].at + SETTLE_AFTER
            if at < until and (latest is None or until > latest):
                latest = until
    return latest


def _market_exit(
    cycle: Cycle, reason: ExitReason, held: Position, at: datetime, quote: Quote | None
) -> list[Spec]:
    slot = EXIT_SLOTS[reason]
    live = cycle.live_in(slot)
    if live is not None and live.kind is Kind.MARKET:
        return [_as_is(live)]
    quantity = to_sell(cycle, held)
    if quote is None or not is_sellable(cycle, held):
        return []
    late = cycle.exit_at is not None and at - cycle.exit_at >= WIDEN_AFTER
    collar = quote.bid * (ONE - quote.slippage) * (ONE - (WIDE_COLLAR if late else COLLAR))
    price = cycle.market.round_price(Side.SELL, collar)
    return [Spec(slot, Side.SELL, Kind.MARKET, price, quote.bid, quantity)]


def _as_is(order: Order) -> Spec:
    """Leave it alone: a spec that the live order matches."""
    rest = order.quantity - order.filled
    return Spec(order.slot, order.side, order.kind, order.price, order.planned_price, rest)
