"""Pure: how far the price is from the next buy and from the take profit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.accounting import Position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState
from core.entry import highest_start
from core.market import Side
from core.money import exact
from core.orders import Order
from core.slots import attention
from core.wanted import open_levels, target_price, trail_price
from db.reports import StrategyCard

BUYING = (DesiredState.RUNNING, DesiredState.FINISHING)


@dataclass(frozen=True, slots=True)
class Distance:
    """`price` in quote; `fraction`: of the last price, below zero where it lies lower; None without one.

    level: of a buy, 0 for the first. trails: the price of a trailing exit, which follows the price up.
    """

    price: Decimal
    fraction: Decimal | None
    level: int | None = None
    trails: bool = False


@dataclass(frozen=True, slots=True)
class Distances:
    """None: there is no such thing now, or nobody can say at which price it would be."""

    next_buy: Distance | None
    take_profit: Distance | None


@exact
def distances(card: StrategyCard) -> Distances:
    cycle, held = card.cycle, card.position
    if cycle is None or held is None:
        return Distances(None, None)
    return Distances(_next_buy(card, cycle), _take_profit(card, cycle, held))


def _from_last(card: StrategyCard, price: Decimal) -> Decimal | None:
    return None if not card.last_price else price / card.last_price - 1


def _next_buy(card: StrategyCard, cycle: Cycle) -> Distance | None:
    """The highest buy that rests; else the next that would be placed; else where a cycle may start."""
    resting = [o for o in cycle.live() if o.side is Side.BUY and o.price is not None]
    if resting:
        highest = max(resting, key=_price_of)
        return Distance(
            _price_of(highest), _from_last(card, _price_of(highest)), highest.slot.level or 0
        )
    if card.effective_state not in BUYING or cycle.exit is not None or attention(cycle) is not None:
        return None
    if not cycle.has_fills():
        return _start(card, cycle)
    for level, _ in open_levels(cycle):
        if level.number not in cycle.skipped and level.number not in cycle.held:
            return Distance(level.price, _from_last(card, level.price), level.number)
    return None


def _price_of(order: Order) -> Decimal:
    return order.planned_price if order.price is None else order.price


def _start(card: StrategyCard, cycle: Cycle) -> Distance | None:
    """Only where a cycle waits for a lower price is it known at which one it buys."""
    limit, last = highest_start(cycle), card.last_price
    if limit is None or card.effective_state is not DesiredState.RUNNING:
        return None
    if last is not None and last <= limit:
        return None
    return Distance(limit, _from_last(card, limit), 0)


def _take_profit(card: StrategyCard, cycle: Cycle, held: Position) -> Distance | None:
    """Nothing sells once the strategy is stopped; an exit that is under way has no price to wait for."""
    stopped = card.effective_state is DesiredState.STOPPED or cycle.exit is not None
    if stopped or held.quantity <= 0 or cycle.released_at_price is not None:
        return None
    trail = trail_price(cycle)
    if trail is not None:
        return Distance(trail, _from_last(card, trail), trails=True)
    live = cycle.live_in(TAKE_PROFIT)
    target = target_price(cycle, held) if live is None else live.price
    if target is None:
        return None
    rounded = target if live is not None else cycle.market.round_price(Side.SELL, target)
    return Distance(rounded, _from_last(card, rounded))
