"""Pure: what a person can ask of a strategy now, and what each of it will do, said before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.cycle import Cycle, DesiredState, ExitReason
from core.market import Side
from core.money import ONE, ZERO
from core.orders import Role
from core.reserve import still_to_spend
from core.wanted import open_levels
from dashboard.formatting import count, money, price, quantity
from db.reports import StrategyCard

RESTING = (Role.BASE, Role.SAFETY)


class Action(StrEnum):
    RUN = "run"
    START_AGAIN = "start_again"
    FINISH = "finish"
    PAUSE = "pause"
    STOP = "stop"
    CLOSE = "close"
    TRY_AGAIN = "try_again"


DESIRED = {
    Action.RUN: DesiredState.RUNNING,
    Action.START_AGAIN: DesiredState.RUNNING,
    Action.FINISH: DesiredState.FINISHING,
    Action.PAUSE: DesiredState.PAUSED,
    Action.STOP: DesiredState.STOPPED,
    Action.CLOSE: DesiredState.CLOSED,
}
LABELS = {
    Action.RUN: "Run",
    Action.START_AGAIN: "Start again",
    Action.FINISH: "Finish this cycle",
    Action.PAUSE: "Pause",
    Action.STOP: "Stop",
    Action.CLOSE: "Close (sell now)",
    Action.TRY_AGAIN: "Try again",
}
ICONS = {
    Action.RUN: ":material/play_arrow:",
    Action.START_AGAIN: ":material/play_arrow:",
    Action.FINISH: ":material/flag:",
    Action.PAUSE: ":material/pause:",
    Action.STOP: ":material/stop:",
    Action.CLOSE: ":material/sell:",
    Action.TRY_AGAIN: ":material/refresh:",
}
# These lower risk: they must work whatever has changed meanwhile.
ALWAYS_WORK = frozenset({Action.PAUSE, Action.STOP})


@dataclass(frozen=True, slots=True)
class PassedLevel:
    """An extra buy that the price has gone below: bought now it costs `cost`, fees included."""

    number: int
    planned_price: Decimal
    quantity: Decimal
    cost: Decimal


def possible(card: StrategyCard) -> tuple[Action, ...]:
    """In the order of the buttons. What is wanted already is not offered again."""
    # A halt leaves the wish as it was; only pressing Run again brings it back.
    desired = card.effective_state
    found: list[Action] = []
    if card.actual_state == "needs_attention":
        found.append(Action.TRY_AGAIN)
    over = card.actual_state in ("stopped", "closed")
    if desired in (DesiredState.STOPPED, DesiredState.CLOSED) or over:
        found.append(Action.START_AGAIN)
        if desired is not DesiredState.CLOSED and holds_coins(card):
            found.append(Action.CLOSE)
        if desired is DesiredState.CLOSED and not over:
            found.append(Action.STOP)
        return tuple(found)
    if desired is not DesiredState.RUNNING:
        found.append(Action.RUN)
    if desired is not DesiredState.FINISHING:
        found.append(Action.FINISH)
    if desired is not DesiredState.PAUSED:
        found.append(Action.PAUSE)
    return (*found, Action.STOP, Action.CLOSE)


def holds_coins(card: StrategyCard) -> bool:
    return card.position is not None and card.position.quantity > 0


def asks_about_coins(card: StrategyCard, action: Action) -> bool:
    """Starting again after a stop that kept coins: continue with them, or let them go?"""
    return (
        action is Action.START_AGAIN
        and card.cycle is not None
        and card.cycle.has_fills()
        and holds_coins(card)
    )


def passed_levels(card: StrategyCard, action: Action) -> tuple[PassedLevel, ...]:
    """Extra buys whose price has been passed while buying was off; asked about on resuming."""
    cycle, now = card.cycle, card.last_price
    if action not in (Action.RUN, Action.START_AGAIN) or cycle is None or now is None:
        return ()
    live = {order.slot.level for order in cycle.live() if order.slot.role is Role.SAFETY}
    fee = ONE + cycle.market.taker_fee
    return tuple(
        PassedLevel(level.number, level.price, rest, rest * now * fee)
        for level, rest in open_levels(cycle)
        if level.price > now and level.number not in live and level.number not in cycle.skipped
    )


def consequences(card: StrategyCard, action: Action) -> tuple[str, ...]:
    """Plain sentences (not Markdown) that stand in the dialog above the button."""
    match action:
        case Action.RUN:
            return _run(card)
        case Action.START_AGAIN:
            return _start_again(card)
        case Action.FINISH:
            return _finish(card)
        case Action.PAUSE:
            return _pause(card)
        case Action.STOP:
            return _stop(card)
        case Action.CLOSE:
            return _close(card)
        case Action.TRY_AGAIN:
            return _try_again(card)


def _run(card: StrategyCard) -> tuple[str, ...]:
    if card.cycle is None or not card.cycle.has_fills():
        return (
            "Starts a cycle as soon as its conditions are met: the first buy, then the extra buys below"
            " it, then the sale at the take profit.",
            "After each cycle the next one starts, until you say otherwise.",
        )
    spend = money(_spend_if_running(card.cycle), card.quote)
    return (
        f"The extra buys that are not filled yet are placed again; together they may spend {spend}.",
        "After this cycle the next one starts.",
    )


def _start_again(card: StrategyCard) -> tuple[str, ...]:
    if asks_about_coins(card, Action.START_AGAIN):
        return ("The last cycle still holds coins. Choose below what happens to them.",)
    return (
        "Starts a new cycle as soon as its conditions are met. The count of stop losses in a row and of"
        " cycles done begins anew.",
    )


def _finish(card: StrategyCard) -> tuple[str, ...]:
    if not holds_coins(card):
        return ("Nothing is held, so it stops without starting another cycle.",)
    return (
        "This cycle goes on as planned, its extra buys included, until its coins are sold.",
        "After that no new cycle starts.",
        f"It may still spend {money(_still(card), card.quote)}.",
    )


def _pause(card: StrategyCard) -> tuple[str, ...]:
    resting = _resting_buys(card.cycle)
    cancelled = (
        f"{count(resting, 'waiting buy is', 'waiting buys are')} cancelled; no further buys."
        if resting
        else "No further buys."
    )
    if not holds_coins(card):
        return (cancelled, "No new cycle starts.")
    return (
        cancelled,
        "The take profit and the stop loss stay on: what is held is sold when they are reached.",
        "No new cycle starts.",
    )


def _stop(card: StrategyCard) -> tuple[str, ...]:
    first = (
        "Every order of this strategy is cancelled, the take profit too. Nothing is bought or sold."
    )
    if not holds_coins(card) or card.position is None:
        return (first, "Nothing is held.")
    held = quantity(card.position.quantity, card.symbol.partition("/")[0])
    return (
        first,
        f"You keep {held}, which cost {money(card.position.cost, card.quote)}. Nobody watches them: no"
        " take profit and no stop loss.",
        "They stay in the figures as an open position until you start again or close.",
    )


def _close(card: StrategyCard) -> tuple[str, ...]:
    if not holds_coins(card) or card.position is None:
        return ("Every order of this strategy is cancelled. Nothing is held, so nothing is sold.",)
    held = quantity(card.position.quantity, card.symbol.partition("/")[0])
    sentences = [
        "Every order of this strategy is cancelled.",
        f"Then {held} is sold at the market price at once.",
    ]
    if card.last_price is not None and card.unrealized_pnl is not None:
        tick = None if card.cycle is None else card.cycle.market.tick_size
        result = "gain" if card.unrealized_pnl >= 0 else "loss"
        sentences.append(
            f"At the last price of {price(card.last_price, tick)} {card.quote} that is a {result} of about"
            f" {money(abs(card.unrealized_pnl), card.quote)} after fees. The price may move meanwhile."
        )
    return (*sentences, "This cannot be undone.")


def _try_again(card: StrategyCard) -> tuple[str, ...]:
    sentences = ["What was refused, or what you cancelled on the exchange, is placed again."]
    if card.reason:
        sentences.append(f"What was wrong: {card.reason}")
    return (*sentences, "Mend the cause first, or the same will happen again.")


def _still(card: StrategyCard) -> Decimal:
    return ZERO if card.cycle is None else still_to_spend(card.cycle)


def _spend_if_running(cycle: Cycle) -> Decimal:
    """What the extra buys not yet filled may spend, resting or not."""
    levels = sum((rest * level.price for level, rest in open_levels(cycle)), ZERO)
    return levels * (ONE + cycle.market.maker_fee)


def _resting_buys(cycle: Cycle | None) -> int:
    if cycle is None or cycle.exit is ExitReason.STOP_LOSS:
        return 0
    return sum(1 for order in cycle.live() if order.side is Side.BUY and order.slot.role in RESTING)
