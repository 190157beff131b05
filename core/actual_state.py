"""What a strategy is doing now and why, in words: derived from its cycle, never stored by it.

The sentence changes when the facts do, not with every price, so that a row is written only then.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from core.accounting import Position, position
from core.cycle import BASE, Cycle, DesiredState, ExitReason
from core.entry import Waiting, waits_for
from core.events import Quote
from core.market import Side
from core.money import exact
from core.orders import OrderStatus
from core.slots import Attention, attention, not_before
from core.story_orders import reason_words
from core.wanted import open_levels, target_price, trail_price
from core.words import (
    count_words,
    order_words,
    percent_words,
    price_words,
    quantity_words,
    time_words,
)

MAY_EXIST = ("quarantined", "vanished")
EXITS = {
    ExitReason.STOP_LOSS: "Stop loss: everything is being sold at the market price.",
    ExitReason.TRAILING: "Trailing: everything is being sold at the market price.",
    ExitReason.CLOSED: "Closing, as you asked: everything is being sold at the market price.",
}


class ActualState(StrEnum):
    """Written by the worker (DESIGN 2.2). `stopped` and `closed`: no order can be live any more."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    FINISHING = "finishing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    CLOSED = "closed"
    NEEDS_ATTENTION = "needs_attention"


@exact
def state_of(cycle: Cycle, at: datetime, quote: Quote | None) -> tuple[ActualState, str]:
    """The state of a strategy whose open cycle is `cycle`, and the sentence why."""
    needs = attention(cycle)
    if needs is not None and _matters(cycle, needs):
        return ActualState.NEEDS_ATTENTION, needs.sentence
    match cycle.wanted:
        case DesiredState.STOPPED:
            return _stopped(cycle)
        case DesiredState.CLOSED:
            return _closed(cycle)
        case DesiredState.PAUSED:
            return _paused(cycle)
        case DesiredState.FINISHING if cycle.is_idle():
            return (
                ActualState.STOPPED,
                "The last cycle is done, as you asked. Start it again any time.",
            )
    if not cycle.has_fills():
        return _before_first_buy(cycle, at, quote)
    state = ActualState.RUNNING
    if cycle.wanted is DesiredState.FINISHING:
        state = ActualState.FINISHING
    last = " No new cycle starts after this one." if state is ActualState.FINISHING else ""
    return state, _in_trade(cycle) + last


def _matters(cycle: Cycle, needs: Attention) -> bool:
    """Nothing but an order that may exist keeps a person from having stopped."""
    done = (DesiredState.STOPPED, DesiredState.CLOSED)
    return cycle.wanted not in done or needs.code in MAY_EXIST or cycle.exit is not None


def _live_words(cycle: Cycle) -> str:
    count = sum(1 for _ in cycle.live())
    return count_words(count, "order is", "orders are")


def _stopped(cycle: Cycle) -> tuple[ActualState, str]:
    if any(order.is_live for order in cycle.orders):
        return ActualState.STOPPING, f"Stopping: {_live_words(cycle)} still to be proven cancelled."
    held = position(cycle)
    if cycle.has_fills() and held.quantity > 0:
        return (
            ActualState.STOPPED,
            f"Stopped. No order is live. {_holding(cycle, held)}; nothing watches it: no take profit"
            " and no stop loss.",
        )
    return ActualState.STOPPED, "Stopped. No order is live and nothing is held."


def _closed(cycle: Cycle) -> tuple[ActualState, str]:
    if cycle.is_idle():
        return ActualState.CLOSED, "Closed: everything is sold and no order is live."
    if not cycle.has_fills():
        return ActualState.STOPPING, f"Closing: {_live_words(cycle)} still to be proven cancelled."
    return ActualState.STOPPING, EXITS[cycle.exit or ExitReason.CLOSED]


def _paused(cycle: Cycle) -> tuple[ActualState, str]:
    buys = [order for order in cycle.live() if order.side is Side.BUY]
    if cycle.exit is not None and cycle.has_fills():
        return ActualState.PAUSED, f"Paused. {EXITS[cycle.exit]}"
    if buys:
        count = count_words(len(buys), "resting buy is", "resting buys are")
        return ActualState.PAUSED, f"Paused: {count} being cancelled. Exits stay on."
    if not cycle.has_fills():
        return ActualState.PAUSED, "Paused: no new cycle starts. Nothing is held."
    held = position(cycle)
    return (
        ActualState.PAUSED,
        f"Paused: nothing is bought. {_holding(cycle, held)}{_exits(cycle, held)}.",
    )


def _before_first_buy(cycle: Cycle, at: datetime, quote: Quote | None) -> tuple[ActualState, str]:
    live = cycle.live_in(BASE)
    if live is not None:
        if live.status is OrderStatus.SENDING:
            return ActualState.STARTING, "The first buy is on its way to the exchange."
        if live.status is OrderStatus.CANCELLING:
            return ActualState.STARTING, "The first buy is being cancelled, to follow the price."
        return ActualState.STARTING, "The first buy rests on the exchange and waits to be filled."
    wait = waits_for(cycle, at, quote)
    if wait is not None:
        ended = wait.reason in (Waiting.STOPPED_BY_STOP_LOSS, Waiting.ALL_CYCLES_DONE)
        return (ActualState.STOPPED if ended else ActualState.WAITING), wait.sentence
    again = not_before(cycle.attempts(BASE))
    if again is not None and at < again:
        why = reason_words(cycle.attempts(BASE)[-1].reason, cycle.market.quote)
        return (
            ActualState.WAITING,
            f"The exchange did not take the first buy: {why}. It is tried again from"
            f" {time_words(again)} on.",
        )
    if quote is None:
        return ActualState.STARTING, "Waiting for the first fresh price."
    return ActualState.STARTING, "The next cycle is about to start."


def _in_trade(cycle: Cycle) -> str:
    if cycle.exit is not None:
        return EXITS[cycle.exit]
    held = position(cycle)
    return f"{_holding(cycle, held)}{_exits(cycle, held)}. {_buys_left(cycle)}"


def _holding(cycle: Cycle, held: Position) -> str:
    average = held.average_entry_price
    assert average is not None  # only asked of a cycle that has bought
    words = f"Holding {quantity_words(cycle.market, held.quantity)}"
    return f"{words} bought at {price_words(cycle.market, average)} on average"


def _exits(cycle: Cycle, held: Position) -> str:
    target = target_price(cycle, held)
    assert target is not None  # only asked of a cycle that has bought
    trail = trail_price(cycle)
    if trail is not None:
        return f"; trailing sells at {price_words(cycle.market, trail)}"
    aim = price_words(cycle.market, cycle.market.round_price(Side.SELL, target))
    if cycle.parameters.trailing_deviation is not None:
        away = percent_words(cycle.parameters.trailing_deviation)
        return f"; trailing by {away} begins at {aim}"
    return f"; take profit at {aim}"


def _buys_left(cycle: Cycle) -> str:
    left = [level for level, _ in open_levels(cycle) if level.number not in cycle.skipped]
    if not left:
        return "No extra buys are left: it waits for the price to rise."
    ready = [level for level in left if level.number not in cycle.held]
    if not ready:
        count = count_words(len(left), "extra buy waits", "extra buys wait")
        return f"{count} until the price is above their levels again."
    words = count_words(len(left), "extra buy", "extra buys")
    note = f"{words} left, the next at {price_words(cycle.market, ready[0].price)}."
    late = [
        order
        for order in (attempts[-1] for attempts in cycle.by_slot().values())
        if order.status is OrderStatus.NOT_PLACED
    ]
    if not late:
        return note
    order = min(late, key=lambda each: each.slot.level or 0)
    why = reason_words(order.reason, cycle.market.quote)
    return f"{note} The {order_words(order.slot)} is not placed yet: {why}."
