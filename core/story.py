"""The journal in plain words: what happened, why, and what it means for the money.

`tell` compares a cycle before and after one step. It keeps no state: the same step tells the same story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.accounting import Position, position
from core.actual_state import ActualState, state_of
from core.cycle import Cycle, DesiredState, ExitReason
from core.engine import is_over
from core.entry import Waiting, has_ended_for_good
from core.events import Event
from core.market import Side
from core.money import ONE, exact
from core.orders import OrderStatus, fill_order
from core.slots import attention
from core.story_entry import Entry, EntryLevel
from core.story_orders import tell_orders
from core.succession import ended_by
from core.wanted import stop_price
from core.words import (
    count_words,
    duration_words,
    money_words,
    percent_words,
    price_words,
    quantity_words,
    result_words,
)

__all__ = ["ActualState", "Entry", "EntryLevel", "state_of", "tell", "tell_halt"]


@exact
def tell(before: Cycle | None, after: Cycle, event: Event) -> tuple[Entry, ...]:
    """What one step of a cycle brought. The start of the next cycle is told by its first fill."""
    if before is None or before == after or before.number != after.number:
        return ()
    was, held = position(before), position(after)
    return (
        *_tell_wanted(before, after, held, event),
        *_tell_account(before, after),
        *_tell_exit(before, after, held, event),
        *tell_orders(before, after, was, held, event),
        *_tell_release(before, after, was, held),
        *_tell_end(before, after, held, event),
    )


def tell_halt(on: bool) -> Entry:
    """An administrator halted everybody's buying, or lifted that."""
    if on:
        return Entry(
            EntryLevel.ALARM,
            "halted",
            "An administrator halted all trading: resting buys are cancelled and nothing is bought."
            " Take profits, trailing and stop losses stay on, and your coins stay yours.",
        )
    return Entry(
        EntryLevel.WARNING,
        "halt_lifted",
        "The halt is lifted. Nothing is bought until you resume the strategy yourself.",
    )


def _tell_wanted(before: Cycle, after: Cycle, held: Position, event: Event) -> Iterator[Entry]:
    if before.wanted is after.wanted:
        if before.forgiven_at != after.forgiven_at:
            sentence = "Trying again, as you asked: orders that were refused are placed anew."
            yield Entry(EntryLevel.INFO, "tried_again", sentence)
        return
    code, sentence = _WANTED[after.wanted]
    cancelled = [
        order
        for order in after.orders
        if order.status is OrderStatus.CANCELLING
        and order.side is Side.BUY
        and (known := before.find(order.client_order_id)) is not None
        and known.status is not OrderStatus.CANCELLING
    ]
    if cancelled:
        count = count_words(len(cancelled), "resting buy is", "resting buys are")
        sentence += f" {count} being cancelled."
    if after.wanted is DesiredState.RUNNING and after.released_at_price is None:
        sentence += _passed_levels(before, after)
    if held.quantity > 0:
        sentence += f" Held: {_holding(after, held)}."
    yield Entry(EntryLevel.INFO, code, sentence)


def _tell_account(before: Cycle, after: Cycle) -> Iterator[Entry]:
    """What reconciliation found about the coins, and other trading rules."""
    market = after.market
    if after.lacks_coins and after.missing != before.missing:
        needs = attention(after)
        yield Entry(EntryLevel.ALARM, "coins_missing", "" if needs is None else needs.sentence)
    elif before.lacks_coins and not after.lacks_coins:
        yield Entry(
            EntryLevel.INFO,
            "coins_found",
            "All coins that this strategy holds are on the account again. It goes on; levels that the"
            " price has passed meanwhile wait until it is above them again.",
        )
    if before.market != market:
        yield Entry(
            EntryLevel.WARNING,
            "rules_changed",
            "The exchange changed the trading rules of this market (steps or least amounts). Orders are"
            " placed by the new rules from now on; those that do not fit any more are replaced.",
        )


_WANTED = {
    DesiredState.RUNNING: ("resumed", "Running: it buys and sells, and starts new cycles."),
    DesiredState.FINISHING: (
        "finishing",
        "Finishing: this cycle goes on as planned, extra buys included; no new one starts after it.",
    ),
    DesiredState.PAUSED: (
        "paused",
        "Paused: nothing is bought and no new cycle starts. Take profit, trailing and stop loss"
        " stay on.",
    ),
    DesiredState.STOPPED: (
        "stopped",
        "Stopped: every order is cancelled and the coins are kept. No take profit and no stop loss"
        " watches them now.",
    ),
    DesiredState.CLOSED: (
        "closed",
        "Closing: every order is cancelled and what is held is sold at the market price.",
    ),
}


def _passed_levels(before: Cycle, after: Cycle) -> str:
    if after.held:
        return (
            f" {_levels(after.held)} until the price is above again: it has passed there already."
        )
    skipped = after.skipped - before.skipped
    if skipped:
        return f" {_levels(skipped)} for the rest of this cycle, because you chose to skip."
    return ""


def _levels(numbers: frozenset[int]) -> str:
    listed = ", ".join(str(number) for number in sorted(numbers))
    many = len(numbers) > 1
    return f"{'Levels' if many else 'Level'} {listed} {'are' if many else 'is'} not bought"


def _holding(cycle: Cycle, held: Position) -> str:
    words = quantity_words(cycle.market, held.quantity)
    average = held.average_entry_price
    if average is None:
        return f"{words} left over from earlier cycles"
    return f"{words} bought at {price_words(cycle.market, average)} on average"


def _tell_exit(before: Cycle, after: Cycle, held: Position, event: Event) -> Iterator[Entry]:
    market, parameters = after.market, after.parameters
    if before.peak is None and after.peak is not None and parameters.trailing_deviation is not None:
        yield Entry(
            EntryLevel.INFO,
            "trailing_started",
            f"The take profit is reached at {price_words(market, after.peak)}. The price is now"
            f" followed up; everything is sold once it falls"
            f" {percent_words(parameters.trailing_deviation)} from its peak.",
        )
    if after.exit is before.exit:
        return
    if after.exit is ExitReason.STOP_LOSS:
        reference = str(parameters.stop_loss_reference).replace("_", " ")
        at = _seen(after, event)
        limit = stop_price(after, held)
        below = "" if limit is None else f" the stop loss at {price_words(market, limit)},"
        yield Entry(
            EntryLevel.WARNING,
            "stop_loss_reached",
            f"The price{at} fell to{below} {percent_words(parameters.stop_loss or ONE)} below the"
            f" {reference}. Everything is being sold at the market price: {_holding(after, held)}.",
        )
    elif after.exit is ExitReason.TRAILING and after.peak is not None:
        yield Entry(
            EntryLevel.INFO,
            "trailing_reached",
            f"The price{_seen(after, event)} fell from its peak of {price_words(market, after.peak)}"
            f" by the trailing distance. Everything is being sold at the market price:"
            f" {_holding(after, held)}.",
        )


def _seen(cycle: Cycle, event: Event) -> str:
    """The price that was seen, in brackets."""
    return "" if event.quote is None else f" ({price_words(cycle.market, event.quote.bid)})"


def _tell_release(before: Cycle, after: Cycle, was: Position, held: Position) -> Iterator[Entry]:
    if before.released_at_price is not None or after.released_at_price is None:
        return
    gone = quantity_words(after.market, was.quantity)
    price = price_words(after.market, after.released_at_price)
    kept = "They stay on your account and are"
    if after.lacks_coins:
        kept = f"{quantity_words(after.market, after.missing)} of them were missing on your account. All are"
    yield Entry(
        EntryLevel.WARNING,
        "released",
        f"You let {gone} go out of this strategy. {kept} booked at"
        f" {price}: {result_words(after.market, held.realized - was.realized)} by it.",
    )


_ENDINGS = {
    "take_profit": "take profit",
    "stop_loss": "stop loss",
    "trailing": "trailing",
    "closed": "closing",
    "released": "letting the coins go",
}


def _tell_end(before: Cycle, after: Cycle, held: Position, event: Event) -> Iterator[Entry]:
    if not is_over(after, held) or is_over(before):
        return
    market = after.market
    fills = [fill for order in after.orders for fill in order.fills]
    lasted = ""
    if fills:
        first = min(fills, key=fill_order)
        lasted = f" after {duration_words(max(int((event.at - first.at).total_seconds()), 0))}"
    sentence = (
        f"Cycle {after.number} ended by {_ENDINGS[ended_by(after)]}{lasted}:"
        f" {result_words(market, held.realized)} after {money_words(market, held.fees)} of fees."
    )
    stopped = after.exit is ExitReason.STOP_LOSS
    later = replace(
        after,
        cycles_done=after.cycles_done + 1,
        stop_losses_in_row=after.stop_losses_in_row + 1 if stopped else 0,
    )
    ended = has_ended_for_good(later)
    if ended is Waiting.STOPPED_BY_STOP_LOSS:
        sentence += " The strategy stops here; start it again when you are ready."
    elif ended is Waiting.ALL_CYCLES_DONE:
        count = count_words(later.cycles_done, "cycle is", "cycles are")
        sentence += f" All {count} done, so the strategy stops here."
    yield Entry(EntryLevel.WARNING if stopped else EntryLevel.INFO, "cycle_ended", sentence)
    if held.quantity > 0:
        yield Entry(
            EntryLevel.INFO,
            "dust_carried",
            f"{quantity_words(market, held.quantity)} left over is too little to sell. It stays yours"
            f" at its cost of {money_words(market, held.cost)} and is sold with a later cycle.",
        )
