"""Pure: why a level has not fired yet. The first reason that holds is the one that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.accounting import position
from core.actual_state import state_of
from core.cycle import BASE, Cycle, DesiredState
from core.ladder import Level
from core.orders import Order, OrderStatus
from core.slots import FUNDS, attention, not_before
from core.story_orders import reason_words
from core.wanted import base_is_complete, is_sellable, open_levels
from dashboard.formatting import count, money, percent, price, when
from db.reports import StrategyCard

S = OrderStatus
ENDED = ("stopped", "closed")
HELD_BACK = ("waiting", "needs_attention")


class WhyNot(StrEnum):
    """Why a level has not fired. Each has its words in `dashboard.badge_words`."""

    PRICE = "price"
    UNKNOWN = "unknown"
    BEING_CANCELLED = "being_cancelled"
    STOPPED = "stopped"
    CLOSING = "closing"
    PAUSED = "paused"
    HALTED = "halted"
    SETTLING = "settling"
    SILENT = "silent"
    NEEDS_YOU = "needs_you"
    HOLD = "hold"
    SKIPPED = "skipped"
    PASSED = "passed"
    FIRST_BUY = "first_buy"
    NO_FUNDS = "no_funds"
    NOT_PLACED = "not_placed"
    ACTIVE_LIMIT = "active_limit"
    CAP = "cap"
    MINIMUM = "minimum"
    NO_PRICE = "no_price"
    ABOUT_TO = "about_to"


@dataclass(frozen=True, slots=True)
class Why:
    code: WhyNot
    sentence: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the same for all levels of a cycle. `ready`: numbers of the levels that may rest, top first;
    `whole`: why the strategy buys nothing at all; `beyond_cap`: what the worker says about the cap."""

    card: StrategyCard
    cycle: Cycle
    now: datetime
    ready: tuple[int, ...]
    whole: Why | None
    sellable: bool
    beyond_cap: str


def situation(card: StrategyCard, cycle: Cycle, now: datetime) -> Situation:
    left_out = cycle.skipped | cycle.held
    ready = tuple(each.number for each, _ in open_levels(cycle) if each.number not in left_out)
    sellable = is_sellable(cycle, position(cycle))
    beyond_cap = _added_by_worker(card, cycle, now)
    return Situation(card, cycle, now, ready, _of_strategy(card, cycle), sellable, beyond_cap)


def why_level_waits(here: Situation, level: Level, attempts: Sequence[Order]) -> Why:
    """Of an extra buy that has not filled to its end."""
    live = next((order for order in attempts if order.is_live), None)
    if live is not None:
        return _of_live(here.card, here.cycle, live)
    if level.number in here.cycle.skipped:
        return Why(WhyNot.SKIPPED, "You chose to skip it when the strategy was started again.")
    return (
        here.whole
        or _of_level(here.card, here.cycle, level)
        or _of_attempts(here.cycle, attempts, here.now)
        or _of_worker(here, level)
    )


def why_base_waits(here: Situation) -> Why:
    """Of a first buy that has not filled. The worker's own sentence says most of it."""
    card, cycle = here.card, here.cycle
    live = cycle.live_in(BASE)
    if live is not None:
        return _of_live(card, cycle, live)
    found = here.whole or _of_attempts(cycle, cycle.attempts(BASE), here.now)
    if found is not None:
        return found
    if card.reason:
        return Why(WhyNot.HOLD if card.actual_state in HELD_BACK else WhyNot.ABOUT_TO, card.reason)
    return Why(WhyNot.SETTLING, "The worker has not looked at it yet.")


def _of_live(card: StrategyCard, cycle: Cycle, live: Order) -> Why:
    if live.status is S.SENDING:
        return Why(WhyNot.UNKNOWN, "It is on its way; the exchange has not answered yet.")
    if live.status is S.QUARANTINED:
        return Why(
            WhyNot.UNKNOWN,
            "Nobody can say whether it exists on the exchange. It is counted as if it did.",
        )
    if live.status is S.CANCELLING:
        return Why(
            WhyNot.BEING_CANCELLED, "It is being cancelled; it may still fill until that is proven."
        )
    return Why(WhyNot.PRICE, _way_down(card, cycle, live))


def _way_down(card: StrategyCard, cycle: Cycle, live: Order) -> str:
    if live.price is None:
        return "It is a market order: the exchange fills it now."
    at = f"{price(live.price, cycle.market.tick_size)} {cycle.market.quote}"
    if card.last_price is None:
        return f"It waits on the exchange until the price is at {at}."
    if card.last_price <= live.price:
        return f"The price is at its {at}; the exchange fills it in its turn."
    return f"The price must fall {percent(1 - live.price / card.last_price)} to {at}."


def _of_strategy(card: StrategyCard, cycle: Cycle) -> Why | None:
    """Why the whole strategy buys nothing."""
    if cycle.exit is not None or card.effective_state is DesiredState.CLOSED:
        return Why(WhyNot.CLOSING, "Everything is being sold, so nothing more is bought.")
    if card.effective_state is DesiredState.STOPPED:
        return Why(WhyNot.STOPPED, "The strategy is stopped.")
    if card.effective_state is DesiredState.PAUSED:
        if card.desired_state is DesiredState.PAUSED:
            return Why(
                WhyNot.PAUSED, "The strategy is paused: nothing is bought until you press Run."
            )
        return Why(
            WhyNot.HALTED,
            "An administrator has halted all buying. Press Run when the halt is lifted.",
        )
    if card.silent:
        return Why(WhyNot.SILENT, "The worker does not answer, so nothing new is placed.")
    if card.is_settling:
        return Why(WhyNot.SETTLING, "The worker has not yet done what you asked for.")
    needs = attention(cycle)
    if needs is not None:
        return Why(WhyNot.NEEDS_YOU, needs.sentence)
    if card.actual_state in HELD_BACK and cycle.has_fills() and card.reason:
        return Why(WhyNot.HOLD, card.reason)
    return None


def _of_level(card: StrategyCard, cycle: Cycle, level: Level) -> Why | None:
    if not cycle.has_fills():
        return Why(WhyNot.FIRST_BUY, "Its price is reckoned from the first buy, which comes first.")
    if not base_is_complete(cycle):
        return Why(WhyNot.FIRST_BUY, "It is placed when the first buy is complete.")
    if level.number in cycle.held:
        at = f"{price(level.price, cycle.market.tick_size)} {card.quote}"
        return Why(
            WhyNot.PASSED,
            f"The price had passed it. As you chose, it waits until the price is above {at} again.",
        )
    return None


def _of_attempts(cycle: Cycle, attempts: Sequence[Order], now: datetime) -> Why | None:
    """The exchange did not take the last try."""
    if not attempts or attempts[-1].status is not S.NOT_PLACED:
        return None
    reason, again = attempts[-1].reason, not_before(attempts)
    then = f" It is tried again from {when(again)} on." if again is not None and now < again else ""
    words = f"The exchange did not take it: {reason_words(reason, cycle.market.quote)}.{then}"
    return Why(WhyNot.NO_FUNDS if reason == FUNDS else WhyNot.NOT_PLACED, words)


def _of_worker(here: Situation, level: Level) -> Why:
    """Nothing speaks against it but how many rest at once, the cap, or the moment."""
    most = here.cycle.parameters.active_safety_orders
    above = sum(1 for number in here.ready if number < level.number)
    if above >= most:
        return Why(
            WhyNot.ACTIVE_LIMIT,
            f"{count(most, 'extra buy rests', 'extra buys rest')} at once, as you set it; this one is placed"
            f" after {count(above - most + 1, 'above it has', 'above it have')} filled.",
        )
    if not here.sellable:
        return Why(
            WhyNot.MINIMUM,
            "What is held is too small to be sold alone, so nothing is added to it.",
        )
    if here.beyond_cap:
        return Why(WhyNot.CAP, here.beyond_cap)
    if not here.card.price_is_fresh:
        return Why(WhyNot.NO_PRICE, "There is no fresh price; orders are placed only at one.")
    needed = money(level.cost, here.card.quote)
    return Why(WhyNot.ABOUT_TO, f"The worker is about to place it, for {needed}.")


def _added_by_worker(card: StrategyCard, cycle: Cycle, now: datetime) -> str:
    """What the worker says beyond what the cycle itself explains: that the account's cap has no room."""
    if card.actual_state in (None, *ENDED, *HELD_BACK):
        return ""
    own = state_of(cycle, now, None)[1]
    return card.reason.removeprefix(own).strip() if card.reason.startswith(own) else ""
