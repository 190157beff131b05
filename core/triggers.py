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
from core.money import exact
from core.orders import Kind, OrderStatus
from core.slots import attention, is_blocked, not_before
from core.wanted import (
    GIVE_UP_AFTER,
    REPRICE_AFTER,
    base_is_complete,
    base_started_at,
    buys_are_arriving,
    open_levels,
    stop_price,
    target_price,
    trail_price,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """What wakes a cycle: a price at or below `below` or at or above `above`, or the time `alarm`.

    An idle cycle waits for all of its conditions at once (`entry`): a price from `above` to `below`
    and a time at or after `not_before`. `now`: it acts on any fresh price. `peak`: each price above
    it must be shown (trailing).
    """

    below: Decimal | None = None
    above: Decimal | None = None
    alarm: datetime | None = None
    entry: bool = False
    not_before: datetime | None = None
    now: bool = False
    peak: Decimal | None = None

    def is_due_by_time(self, at: datetime) -> bool:
        """Whether any price at `at` wakes the cycle."""
        return self.now or (self.alarm is not None and at >= self.alarm)

    def is_due(self, price: Decimal, at: datetime) -> bool:
        """Whether `price` at `at` wakes the cycle."""
        if self.is_due_by_time(at):
            return True
        if self.entry:
            return (
                (self.not_before is None or at >= self.not_before)
                and (self.below is None or price <= self.below)
                and (self.above is None or price >= self.above)
            )
        return (
            (self.below is not None and price <= self.below)
            or (self.above is not None and price >= self.above)
            or (self.peak is not None and price > self.peak)
        )


def activation_price(cycle: Cycle, held: Position) -> Decimal | None:
    """Where trailing begins; None when the take profit rests as an order instead."""
    if cycle.parameters.trailing_deviation is None:
        return None
    return target_price(cycle, held)


@exact
def watch(cycle: Cycle, at: datetime) -> Watch:
    """What `cycle` waits for besides its orders, once it has been stepped at `at`."""
    if cycle.released_at_price is not None or cycle.wanted is DesiredState.STOPPED:
        return Watch()
    alarm = _next_alarm(cycle, at)
    if not cycle.has_fills():
        if cycle.lacks_coins and cycle.wanted is DesiredState.CLOSED:
            return Watch(alarm=alarm, now=True)  # dust that is gone is booked at the next price
        return _watch_entry(cycle, at, alarm)
    if cycle.exit is not None:
        return Watch(alarm=alarm, now=not cycle.is_selling())
    held = position(cycle)
    lower = [price for price in (stop_price(cycle, held), trail_price(cycle)) if price is not None]
    return Watch(
        below=max(lower, default=None),
        above=min(_upper(cycle, held), default=None),
        alarm=alarm,
        now=_base_rest_is_due(cycle, at) or _reprice_is_due(cycle, at),
        peak=cycle.peak,
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
        and not base_is_complete(cycle)
        and not is_blocked(cycle, cycle.attempts(BASE), at)
        and attention(cycle) is None
    )


def _reprice_is_due(cycle: Cycle, at: datetime) -> bool:
    """A limit base order that has stood for 30 s follows the next price that differs."""
    live = cycle.live_in(BASE)
    return (
        live is not None
        and live.kind is Kind.LIMIT
        and live.status is OrderStatus.OPEN
        and at >= live.created_at + REPRICE_AFTER
    )


def _watch_entry(cycle: Cycle, at: datetime, alarm: datetime | None) -> Watch:
    if any(order.is_live for order in cycle.orders):
        return Watch(alarm=alarm, now=_reprice_is_due(cycle, at))
    if cycle.wanted is not DesiredState.RUNNING or has_ended_for_good(cycle) is not None:
        return Watch()
    if attention(cycle) is not None:
        return Watch()
    times = [t for t in (ready_at(cycle), not_before(cycle.attempts(BASE))) if t is not None]
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
    times += [not_before(attempts) for attempts in cycle.by_slot().values()]
    return min((time for time in times if time is not None and time > at), default=None)
