"""The prices and times at which a cycle acts: who else is woken by a tick is nobody.

The live worker asks this to know whom a price wakes, the walker to know where along a path to stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.accounting import Position, position
from core.cycle import BASE, Cycle, DesiredState
from core.entry import has_ended_for_good, highest_start, ready_at
from core.money import ONE, exact
from core.orders import Kind
from core.parameters import StopLossReference
from core.slots import attention, is_blocked, not_before
from core.wanted import (
    GIVE_UP_AFTER,
    REPRICE_AFTER,
    base_is_complete,
    base_price,
    base_started_at,
    buys_are_arriving,
    open_levels,
    target_price,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """What wakes a cycle: a price at or below `below` or at or above `above`, or the time `alarm`.

    An idle cycle waits for all of its conditions at once (`entry`): a price from `above` to `below`
    and a time at or after `not_before`. `now`: it acts on any fresh price. `rises`: each new high
    must be shown to it (trailing).
    """

    below: Decimal | None = None
    above: Decimal | None = None
    alarm: datetime | None = None
    entry: bool = False
    not_before: datetime | None = None
    now: bool = False
    rises: bool = False

    def is_due(self, price: Decimal, at: datetime) -> bool:
        """Whether `price` at `at` wakes the cycle."""
        if self.now or (self.alarm is not None and at >= self.alarm):
            return True
        if self.entry:
            return (
                (self.not_before is None or at >= self.not_before)
                and (self.below is None or price <= self.below)
                and (self.above is None or price >= self.above)
            )
        return (self.below is not None and price <= self.below) or (
            self.above is not None and price >= self.above
        )


def stop_price(cycle: Cycle, held: Position) -> Decimal | None:
    """The unrounded stop-loss price of what is held."""
    distance = cycle.parameters.stop_loss
    if distance is None:
        return None
    if cycle.parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE:
        reference = base_price(cycle)
    else:
        reference = held.average_entry_price
    return None if reference is None else reference * (ONE - distance)


def activation_price(cycle: Cycle, held: Position) -> Decimal | None:
    """Where trailing begins; None when the take profit rests as an order instead."""
    if cycle.parameters.trailing_deviation is None:
        return None
    return target_price(cycle, held)


def trail_price(cycle: Cycle) -> Decimal | None:
    """Where an active trailing exit sells."""
    distance = cycle.parameters.trailing_deviation
    if distance is None or cycle.peak is None:
        return None
    return cycle.peak * (ONE - distance)


@exact
def watch(cycle: Cycle, at: datetime) -> Watch:
    """What `cycle` waits for besides its orders, once it has been stepped at `at`."""
    if cycle.released_at_price is not None or cycle.wanted is DesiredState.STOPPED:
        return Watch()
    alarm = _next_alarm(cycle, at)
    if not cycle.has_fills():
        return _watch_entry(cycle, alarm)
    if cycle.exit is not None:
        return Watch(alarm=alarm, now=not cycle.is_selling())
    held = position(cycle)
    lower = [price for price in (stop_price(cycle, held), trail_price(cycle)) if price is not None]
    return Watch(
        below=max(lower, default=None),
        above=min(_upper(cycle, held), default=None),
        alarm=alarm,
        now=_base_rest_is_due(cycle, at),
        rises=cycle.peak is not None,
    )


def _upper(cycle: Cycle, held: Position) -> list[Decimal]:
    start = activation_price(cycle, held)
    upper = [] if start is None or cycle.peak is not None else [start]
    if cycle.held:
        upper += [level.price for level, _ in open_levels(cycle) if level.number in cycle.held]
    return upper


def _base_rest_is_due(cycle: Cycle, at: datetime) -> bool:
    """A base order that filled in part is placed again for the rest as soon as there is a price."""
    return (
        cycle.wanted in (DesiredState.RUNNING, DesiredState.FINISHING)
        and cycle.live_in(BASE) is None
        and not base_is_complete(cycle, at)
        and not is_blocked(cycle, BASE, at)
        and attention(cycle) is None
    )


def _watch_entry(cycle: Cycle, alarm: datetime | None) -> Watch:
    if any(order.is_live for order in cycle.orders):
        return Watch(alarm=alarm)
    if cycle.wanted is not DesiredState.RUNNING or has_ended_for_good(cycle) is not None:
        return Watch()
    if attention(cycle) is not None:
        return Watch()
    times = [t for t in (ready_at(cycle), not_before(cycle, BASE)) if t is not None]
    return Watch(
        entry=True,
        below=highest_start(cycle),
        above=cycle.parameters.min_price,
        not_before=max(times, default=None),
    )


def _next_alarm(cycle: Cycle, at: datetime) -> datetime | None:
    """The next time after `at` at which something becomes due by the clock alone."""
    times = [buys_are_arriving(cycle, at)]
    live_base = cycle.live_in(BASE)
    if live_base is not None and live_base.kind is Kind.LIMIT:
        times.append(live_base.created_at + REPRICE_AFTER)
        times.append(base_started_at(cycle) + GIVE_UP_AFTER)
    times += [not_before(cycle, slot) for slot in {order.slot for order in cycle.orders}]
    return min((time for time in times if time is not None and time > at), default=None)
