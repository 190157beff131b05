"""Pure: each level of a cycle as planned beside what really became of it, and why the two differ.

Everything is derived from the facts that a card holds: the cycle with its orders, what is wanted, what the
worker last said. No price, no sentence and no reason is guessed: what is not known is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.cycle import BASE, Cycle
from core.ladder import Level
from core.money import ZERO, exact
from core.orders import Order, OrderStatus, Role, Slot
from core.slots import is_blocked
from core.wanted import base_price, cycle_levels, open_levels
from dashboard.formatting import percent, price, quantity
from dashboard.planned_why import (
    Situation,
    Why,
    WhyNot,
    situation,
    why_base_waits,
    why_level_waits,
)
from db.reports import StrategyCard

S = OrderStatus


class LevelState(StrEnum):
    """`doubtful`: it may or may not exist there. `left_out`: skipped, or too small to be ordered."""

    FILLED = "filled"
    RESTING = "resting"
    DOUBTFUL = "doubtful"
    WAITING = "waiting"
    REFUSED = "refused"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class PlannedLevel:
    """Level 0 is the first buy. Prices in quote per base, quantities in base, `planned_size` in quote.

    planned_price, planned_quantity: None before the first buy has a price. order: the latest attempt; filled
    and average: over all attempts. why_different: sentences; why_not: None once it has filled.
    """

    number: int
    state: LevelState
    planned_price: Decimal | None
    planned_quantity: Decimal | None
    planned_size: Decimal
    order: Order | None
    attempts: int
    filled: Decimal
    average: Decimal | None
    why_different: tuple[str, ...]
    why_not: Why | None


@exact
def compare(card: StrategyCard, now: datetime) -> tuple[PlannedLevel, ...]:
    """The first buy and every extra buy of the open cycle, from the top down; empty without one."""
    cycle = card.cycle
    if cycle is None:
        return ()
    by_slot, here = cycle.by_slot(), situation(card, cycle, now)
    levels = cycle_levels(cycle) or _without_prices(cycle)
    open_now = {level.number for level, _ in open_levels(cycle)}
    found = [_first_buy(here, by_slot.get(BASE, []))]
    has_price = base_price(cycle) is not None
    for level in levels:
        attempts = by_slot.get(Slot(Role.SAFETY, level.number), [])
        is_open = level.number in open_now or not has_price
        state = _state(cycle, level, attempts, is_open, now)
        found.append(
            PlannedLevel(
                number=level.number,
                state=state,
                planned_price=level.price or None,
                planned_quantity=level.quantity or None,
                planned_size=level.size,
                order=attempts[-1] if attempts else None,
                attempts=len(attempts),
                filled=_filled(attempts),
                average=_average(attempts),
                why_different=tuple(_differences(cycle, level.price, level.quantity, attempts)),
                why_not=_why_not(here, level, attempts, state),
            )
        )
    return tuple(found)


def _without_prices(cycle: Cycle) -> tuple[Level, ...]:
    """Distances and sizes are known before the first buy, prices are not."""
    pairs = zip(cycle.parameters.deviations(), cycle.parameters.sizes(), strict=True)
    return tuple(
        Level(number, deviation, ZERO, size * cycle.size_factor, ZERO)
        for number, (deviation, size) in enumerate(pairs, start=1)
    )


def _first_buy(here: Situation, attempts: Sequence[Order]) -> PlannedLevel:
    cycle = here.cycle
    first = attempts[0] if attempts else None
    state = _base_state(cycle, attempts, here.now)
    planned = None if first is None else first.planned_price
    wanted = None if first is None else first.quantity
    return PlannedLevel(
        number=0,
        state=state,
        planned_price=planned,
        planned_quantity=wanted,
        planned_size=cycle.parameters.base_order_size * cycle.size_factor,
        order=attempts[-1] if attempts else None,
        attempts=len(attempts),
        filled=_filled(attempts),
        average=_average(attempts),
        why_different=()
        if planned is None or wanted is None
        else tuple(_differences(cycle, planned, wanted, attempts)),
        why_not=None if state is LevelState.FILLED else why_base_waits(here),
    )


def _base_state(cycle: Cycle, attempts: Sequence[Order], now: datetime) -> LevelState:
    live = _state_of_live(attempts)
    if live is not None:
        return live
    if _filled(attempts):
        return LevelState.FILLED
    return LevelState.REFUSED if _needs_the_person(cycle, attempts, now) else LevelState.WAITING


def _state(
    cycle: Cycle, level: Level, attempts: Sequence[Order], is_open: bool, now: datetime
) -> LevelState:
    live = _state_of_live(attempts)
    if live is not None:
        return live
    if not is_open:
        return LevelState.FILLED if _filled(attempts) else LevelState.LEFT_OUT
    if level.number in cycle.skipped:
        return LevelState.LEFT_OUT
    return LevelState.REFUSED if _needs_the_person(cycle, attempts, now) else LevelState.WAITING


def _state_of_live(attempts: Sequence[Order]) -> LevelState | None:
    live = next((order for order in attempts if order.is_live), None)
    if live is None:
        return None
    doubtful = live.status in (S.SENDING, S.QUARANTINED)
    return LevelState.DOUBTFUL if doubtful else LevelState.RESTING


def _needs_the_person(cycle: Cycle, attempts: Sequence[Order], now: datetime) -> bool:
    """Refused, or cancelled by hand, and not forgiven since."""
    if not attempts:
        return False
    last = attempts[-1]
    ended = last.status is S.REFUSED or last.cancelled_by_hand
    return ended and is_blocked(cycle, attempts, now)


def _filled(attempts: Sequence[Order]) -> Decimal:
    return sum((order.filled for order in attempts), ZERO)


def _average(attempts: Sequence[Order]) -> Decimal | None:
    """Quote paid / base bought, without fees."""
    fills = [fill for order in attempts for fill in order.fills]
    if not fills:
        return None
    return sum((fill.cost for fill in fills), ZERO) / sum((fill.quantity for fill in fills), ZERO)


def _differences(
    cycle: Cycle, planned: Decimal, wanted: Decimal, attempts: Sequence[Order]
) -> list[str]:
    """What is not as planned, each with its reason."""
    if not attempts:
        return []
    last, said = attempts[-1], []
    base, tick = cycle.market.base, cycle.market.tick_size
    if last.is_live and last.price is not None and last.price != planned:
        said.append(_another_price(cycle, last, planned))
    before = _filled(attempts[:-1])
    if len(attempts) > 1 and before > 0 and last.is_live:
        said.append(
            f"{quantity(before, base)} of it had filled before; this order is for the rest."
        )
    elif last.is_live and last.quantity != wanted and last.slot != BASE:
        said.append(
            f"The order is for {quantity(last.quantity, base)}, as was planned when it was placed; by the"
            f" rules now it would be {quantity(wanted, base)}."
        )
    average = _average(attempts)
    if average is not None and average != planned:
        word = "below" if average < planned else "above"
        said.append(
            f"It filled at {price(average, tick)} on average, {percent(abs(average / planned - 1))} {word}"
            f" the planned {price(planned, tick)}{_why_price(last, average < planned)}."
        )
    filled = _filled(attempts)
    if filled > wanted:
        said.append(
            f"The exchange bought {quantity(filled - wanted, base)} more than was asked for."
        )
    elif filled and not any(order.is_live for order in attempts) and filled < wanted:
        said.append(_left_over(cycle, last, wanted - filled))
    return said


def _another_price(cycle: Cycle, last: Order, planned: Decimal) -> str:
    tick = cycle.market.tick_size
    words = f"It rests at {price(last.price, tick)}, planned is {price(planned, tick)}"
    if last.slot == BASE:
        return f"{words}: a limit order follows the best bid."
    if cycle.rules_changed_at is not None:
        return f"{words}: the exchange changed its trading rules, and the order is replaced."
    return f"{words}."


def _why_price(last: Order, is_better: bool) -> str:
    if last.price is None:
        return ": a market order takes the price that it finds"
    return ": an order gets the better price when there is one" if is_better else ""


def _left_over(cycle: Cycle, last: Order, rest: Decimal) -> str:
    words = f"{quantity(rest, cycle.market.base)} of it did not fill"
    if last.was_said_gone:
        return f"{words}: the order was taken for gone, on your word."
    if last.cancelled_by_hand:
        return f"{words}: the order was cancelled by you on the exchange."
    if not cycle.market.is_tradable(rest, last.planned_price):
        return f"{words}: that is below the exchange's minimum."
    return f"{words}."


def _why_not(
    here: Situation, level: Level, attempts: Sequence[Order], state: LevelState
) -> Why | None:
    if state is LevelState.FILLED:
        return None
    if state is LevelState.LEFT_OUT and level.number not in here.cycle.skipped:
        return Why(WhyNot.MINIMUM, "It is smaller than the least that the exchange takes.")
    return why_level_waits(here, level, attempts)
