"""When may a cycle start, and what is it waiting for if not?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.cycle import Cycle, DesiredState
from core.events import Quote
from core.money import plain
from core.parameters import AfterStopLoss


class Waiting(StrEnum):
    """Why no cycle starts."""

    NOT_WANTED = "not_wanted"
    STOPPED_BY_STOP_LOSS = "stopped_by_stop_loss"
    ALL_CYCLES_DONE = "all_cycles_done"
    COOLDOWN = "cooldown"
    PRICE_TOO_HIGH = "price_too_high"
    PRICE_TOO_LOW = "price_too_low"


@dataclass(frozen=True, slots=True)
class Wait:
    reason: Waiting
    sentence: str


def has_ended_for_good(cycle: Cycle) -> Waiting | None:
    """Set when only the person can start the next cycle."""
    parameters = cycle.parameters
    if cycle.stop_losses_in_row > 0:
        limit = parameters.max_stop_losses
        if parameters.after_stop_loss is AfterStopLoss.STOP:
            return Waiting.STOPPED_BY_STOP_LOSS
        if limit is not None and cycle.stop_losses_in_row >= limit:
            return Waiting.STOPPED_BY_STOP_LOSS
    if parameters.max_cycles is not None and cycle.cycles_done >= parameters.max_cycles:
        return Waiting.ALL_CYCLES_DONE
    return None


def ready_at(cycle: Cycle) -> datetime | None:
    """End of the pause after the cycle before; None when there was none."""
    if cycle.last_ended_at is None:
        return None
    seconds = cycle.parameters.cooldown
    if cycle.stop_losses_in_row > 0:
        seconds = max(seconds, cycle.parameters.stop_loss_cooldown)
    return cycle.last_ended_at + timedelta(seconds=seconds)


def highest_start(cycle: Cycle) -> Decimal | None:
    """No cycle starts above this price."""
    limits = (cycle.parameters.trigger_price, cycle.parameters.max_price)
    return min((limit for limit in limits if limit is not None), default=None)


def waits_for(cycle: Cycle, at: datetime, quote: Quote | None) -> Wait | None:
    """None when the next cycle may start now; needs a quote to say so about prices."""
    if cycle.wanted is not DesiredState.RUNNING:
        return Wait(Waiting.NOT_WANTED, "No new cycle is wanted.")
    ended = has_ended_for_good(cycle)
    if ended is Waiting.STOPPED_BY_STOP_LOSS:
        count = cycle.stop_losses_in_row
        return Wait(ended, f"Stopped after {count} stop loss{'es' * (count > 1)}; start it again.")
    if ended is Waiting.ALL_CYCLES_DONE:
        return Wait(ended, f"All {cycle.parameters.max_cycles} cycles are done.")
    ready = ready_at(cycle)
    if ready is not None and at < ready:
        return Wait(
            Waiting.COOLDOWN, f"The pause between cycles lasts until {ready:%Y-%m-%d %H:%M:%S} UTC."
        )
    if quote is None:
        return None
    high, low = highest_start(cycle), cycle.parameters.min_price
    if high is not None and quote.higher_ask > high:
        return Wait(
            Waiting.PRICE_TOO_HIGH, f"Waiting until the price is at or below {plain(high)}."
        )
    if low is not None and quote.lower_ask < low:
        return Wait(Waiting.PRICE_TOO_LOW, f"Waiting until the price is at or above {plain(low)}.")
    return None
