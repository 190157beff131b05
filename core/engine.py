"""`step`: the strategy. Pure; live, paper and backtest run this same function.

apply (the event becomes facts) -> latch (exits decided, peak raised) -> plan (the difference between
the orders that should exist and those that do).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.accounting import Position, position
from core.cycle import Cycle, DesiredState, ExitReason, PassedLevels
from core.entry import has_ended_for_good
from core.events import (
    CancelOrder,
    CoinsMissing,
    Command,
    Event,
    OrderReported,
    PlaceOrder,
    Quote,
    RulesChanged,
    WantedChanged,
)
from core.market import Side
from core.money import exact
from core.order_ids import client_order_id
from core.orders import Order, OrderStatus, ask_cancel, fill_order, merge
from core.slots import attention, is_blocked
from core.triggers import activation_price
from core.wanted import (
    Spec,
    base_is_complete,
    is_sellable,
    open_levels,
    stop_price,
    trail_price,
    wanted_orders,
    without_old_attempts,
)

BUYING = (DesiredState.RUNNING, DesiredState.FINISHING)


@exact
def step(cycle: Cycle, event: Event) -> tuple[Cycle, tuple[Command, ...]]:
    """The cycle after `event`, with every new order in it as `sending`, and what to do about them.

    A cycle that `is_over` answers with no commands; `core.succession` makes the next one.
    """
    cycle = _close_if_wanted(_apply(cycle, event), event.at)
    held = position(cycle)
    # An order's report is not a price: along a path, orders passed before a stop must fill before it.
    if event.quote is not None and not isinstance(event, OrderReported):
        cycle = _latch(cycle, held, event.at, event.quote)
    if cycle.lacks_coins and cycle.wanted is DesiredState.CLOSED:
        cycle = _book_missing(cycle, held, event.quote)
        held = position(cycle)
    if is_over(cycle, held):
        return cycle, ()
    return _plan(cycle, held, event.at, event.quote)


def is_over(cycle: Cycle, held: Position | None = None) -> bool:
    """Every order is final and what is left cannot be sold (DESIGN 2.1).

    A running strategy that needs the person keeps even an empty cycle open: the next base order would
    be a buy. So do coins that are missing until the person has decided what becomes of them.
    """
    released = cycle.released_at_price is not None
    if not (cycle.has_fills() or released) or any(order.is_live for order in cycle.orders):
        return False
    if not cycle.is_settled():
        return False
    if released:
        return True
    if cycle.lacks_coins:
        return False
    held = held or position(cycle)
    if is_sellable(cycle, held) or not _has_begun_to_end(cycle, held):
        return False
    return cycle.wanted is not DesiredState.RUNNING or attention(cycle) is None


def _has_begun_to_end(cycle: Cycle, held: Position) -> bool:
    """Sold something, or bought all that its base order could: never in the middle of the base order."""
    return held.sold > 0 or cycle.exit is not None or base_is_complete(cycle)


def _apply(cycle: Cycle, event: Event) -> Cycle:
    match event:
        case OrderReported(at=at, update=update):
            known = cycle.find(update.client_order_id)
            return cycle if known is None else _take_report(cycle, event, merge(known, update, at))
        case WantedChanged():
            return _apply_wanted(cycle, event)
        case CoinsMissing(missing=missing):
            changed = replace(cycle, missing=missing)
            found = cycle.lacks_coins and not changed.lacks_coins
            goes_on = found and cycle.wanted in BUYING and cycle.exit is None
            return _hold_passed(changed, event.quote) if goes_on else changed
        case RulesChanged(at=at, market=market) if market != cycle.market:
            return replace(cycle, market=market, rules_changed_at=at)
    return cycle


def _take_report(cycle: Cycle, event: OrderReported, order: Order) -> Cycle:
    """An order that was in quarantine for hours held buys back: what the price has passed meanwhile waits."""
    changed = cycle.with_order(order)
    waited = order.was_said_gone and attention(cycle) is not None and attention(changed) is None
    goes_on = waited and cycle.wanted in BUYING and cycle.exit is None and cycle.has_fills()
    return _hold_passed(changed, event.quote) if goes_on else changed


def _apply_wanted(cycle: Cycle, event: WantedChanged) -> Cycle:
    resumes = event.wanted in BUYING and (
        cycle.wanted not in BUYING or attention(cycle) is not None
    )
    forgiven = event.at if event.wanted in BUYING else cycle.forgiven_at
    changed = replace(cycle, wanted=event.wanted, forgiven_at=forgiven)
    if event.wanted is DesiredState.RUNNING and has_ended_for_good(cycle) is not None:
        changed = replace(changed, stop_losses_in_row=0, cycles_done=0)
    if event.release_at is not None and (cycle.has_fills() or cycle.lacks_coins):
        return replace(changed, released_at_price=event.release_at)
    if resumes and cycle.has_fills():
        return _resume(changed, event)
    return changed


def _close_if_wanted(cycle: Cycle, at: datetime) -> Cycle:
    """Also when the first coins of the cycle arrive after the person closed it."""
    if cycle.wanted is not DesiredState.CLOSED or cycle.exit is not None or not cycle.has_fills():
        return cycle
    return replace(cycle, exit=ExitReason.CLOSED, exit_at=at)


def _book_missing(cycle: Cycle, held: Position, quote: Quote | None) -> Cycle:
    """The person closes: what exists is sold, and then what is missing is booked at the same price."""
    if cycle.released_at_price is not None or not cycle.is_settled():
        return cycle
    if is_sellable(cycle, held) or any(order.is_live for order in cycle.orders):
        return cycle
    sales = [fill for order in cycle.orders if order.side is Side.SELL for fill in order.fills]
    if sales:
        latest = max(sales, key=fill_order).price
    elif quote is not None:
        latest = quote.bid
    else:
        return cycle
    return replace(cycle, released_at_price=latest)


def _resume(cycle: Cycle, event: WantedChanged) -> Cycle:
    """Levels that the price has passed are bought only when the person chose so."""
    if event.passed_levels is PassedLevels.BUY:
        return replace(cycle, held=frozenset())
    if event.passed_levels is PassedLevels.SKIP and event.quote is not None:
        passed = _passed(cycle, event.quote)
        return replace(cycle, skipped=cycle.skipped | passed, held=frozenset())
    return _hold_passed(cycle, event.quote)


def _hold_passed(cycle: Cycle, quote: Quote | None) -> Cycle:
    """Levels that the price has passed wait until it is above them again."""
    return replace(cycle, held=_passed(cycle, quote))


def _passed(cycle: Cycle, quote: Quote | None) -> frozenset[int]:
    levels = open_levels(cycle)
    return frozenset(lv.number for lv, _ in levels if quote is None or lv.price >= quote.ask)


def _latch(cycle: Cycle, held: Position, at: datetime, quote: Quote) -> Cycle:
    """Decisions that stay decided: the trailing peak, the stop loss, the trailing exit."""
    if cycle.exit is not None or cycle.wanted is DesiredState.STOPPED:
        return cycle
    if cycle.held:
        waiting = {level.number: level.price for level, _ in open_levels(cycle)}
        still = frozenset(n for n in cycle.held if n in waiting and quote.ask <= waiting[n])
        cycle = replace(cycle, held=still) if still != cycle.held else cycle
    if cycle.released_at_price is not None or not is_sellable(cycle, held):
        return cycle
    cycle = _raise_peak(cycle, held, quote)
    trail, stop = trail_price(cycle), stop_price(cycle, held)
    if trail is not None and quote.higher_bid <= trail:
        return replace(cycle, exit=ExitReason.TRAILING, exit_at=at)
    if stop is not None and quote.higher_bid <= stop:
        return replace(cycle, exit=ExitReason.STOP_LOSS, exit_at=at)
    return cycle


def _raise_peak(cycle: Cycle, held: Position, quote: Quote) -> Cycle:
    start = activation_price(cycle, held)
    seen = quote.lower_bid
    if start is None or (cycle.peak is None and seen < start):
        return cycle
    if cycle.peak is not None and seen <= cycle.peak:
        return cycle
    return replace(cycle, peak=seen)


def _plan(
    cycle: Cycle, held: Position, at: datetime, quote: Quote | None
) -> tuple[Cycle, tuple[Command, ...]]:
    wanted = wanted_orders(cycle, held, at, quote)
    specs = {spec.slot: spec for spec in wanted}
    commands: list[Command] = []
    for order in cycle.orders:
        if order.status is OrderStatus.OPEN and not _matches(order, specs.get(order.slot)):
            cancelling = ask_cancel(order)
            cycle = cycle.with_order(cancelling)
            commands.append(CancelOrder(cancelling))
    by_slot = cycle.by_slot()
    for spec in wanted:
        attempts = by_slot.get(spec.slot, [])
        if not _may_place(cycle, spec, attempts, at):
            continue
        order = _new_order(cycle, spec, max((o.attempt for o in attempts), default=0) + 1, at)
        cycle = without_old_attempts(cycle)
        cycle = replace(cycle, orders=(*cycle.orders, order))
        commands.append(PlaceOrder(order))
    return cycle, tuple(commands)


def _matches(order: Order, spec: Spec | None) -> bool:
    return (
        spec is not None
        and spec.kind is order.kind
        and spec.price == order.price
        and spec.quantity == order.quantity - order.filled
    )


def _may_place(cycle: Cycle, spec: Spec, attempts: list[Order], at: datetime) -> bool:
    if spec.quantity <= 0 or any(order.is_live for order in attempts):
        return False
    if spec.side is Side.SELL and (cycle.is_selling() or not cycle.is_settled()):
        return False
    selling = spec.quantity if spec.side is Side.SELL else None
    return not is_blocked(cycle, attempts, at, selling)


def _new_order(cycle: Cycle, spec: Spec, attempt: int, at: datetime) -> Order:
    return Order(
        client_order_id=client_order_id(cycle.identity, cycle.number, spec.slot, attempt),
        slot=spec.slot,
        attempt=attempt,
        side=spec.side,
        kind=spec.kind,
        price=spec.price,
        planned_price=spec.planned_price,
        quantity=spec.quantity,
        status=OrderStatus.SENDING,
        created_at=at,
    )
