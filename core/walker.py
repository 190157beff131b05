"""Where along a price path something happens next (DESIGN 6).

A path between two prices is continuous or a jump. On a continuous path things happen where the price
meets them; what a jump passes over happens at its end, best price first, buys before a stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.market import Market, Side
from core.matching import FillRule, Resting
from core.triggers import Watch


@dataclass(frozen=True, slots=True)
class Stop:
    """The price has arrived at `price`. `order` fills there at `fill_price`; else the watch is due."""

    price: Decimal
    order: Resting | None = None
    fill_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """A move of the price. `shown`: the watch has seen the price where we stand."""

    start: Decimal
    end: Decimal
    jump: bool = False
    shown: bool = False

    @property
    def falls(self) -> bool:
        return self.end < self.start


def next_stop(
    leg: Leg,
    resting: Iterable[Resting],
    watch: Watch,
    at: datetime,
    market: Market,
    rule: FillRule = FillRule.TOUCH,
) -> Stop | None:
    """The first thing that happens on the way from `leg.start` to `leg.end`, or None."""
    order = _first_order(leg, resting, market, rule)
    met = _watch_price(leg, watch, at)
    if order is not None:
        reach = order.reach(rule, market)
        if met is None or not _is_before(leg, met, reach):
            if leg.jump:
                return Stop(leg.end, order, leg.end)
            return Stop(_no_further_back(leg, reach), order, order.price)
    if met is None:
        return None
    return Stop(leg.end if leg.jump else met)


def _first_order(
    leg: Leg, resting: Iterable[Resting], market: Market, rule: FillRule
) -> Resting | None:
    """The first order met: the highest buy on the way down, the lowest sell on the way up."""
    best: Resting | None = None
    for order in resting:
        reach = order.reach(rule, market)
        if order.side is Side.BUY:
            if leg.end <= reach and (best is None or order.price > best.price):
                best = order
        elif leg.end >= reach and (best is None or order.price < best.price):
            best = order
    return best


def _is_before(leg: Leg, first: Decimal, second: Decimal) -> bool:
    """Whether the path meets `first` strictly before `second` (at equal prices orders come first)."""
    return first > second if leg.falls else first < second


def _no_further_back(leg: Leg, price: Decimal) -> Decimal:
    return min(price, leg.start) if leg.falls else max(price, leg.start)


def _watch_price(leg: Leg, watch: Watch, at: datetime) -> Decimal | None:
    """The price along the leg at which the watch is due. A jump orders by the price jumped over."""
    if leg.jump:
        return _jumped_over(leg, watch, at)
    if watch.is_due(leg.start, at):
        if not leg.shown:
            return leg.start
        return leg.end if leg.end != leg.start else None
    if not watch.is_due(leg.end, at):
        return _inside(leg, watch, at)
    edge = watch.below if leg.falls else watch.above
    return leg.end if edge is None or not _lies_on(leg, edge) else edge


def _jumped_over(leg: Leg, watch: Watch, at: datetime) -> Decimal | None:
    """The price at which a jump meets the watch. Its start is gone: what has happened since, at its end, may
    have put a threshold on the other side of it, which means nothing."""
    if leg.shown:
        return None
    if watch.is_due_by_time(at):
        return leg.start
    if not watch.is_due(leg.end, at):
        return None
    edge = watch.below if leg.falls else watch.above
    return leg.end if edge is None or not _lies_on(leg, edge) else edge


def _inside(leg: Leg, watch: Watch, at: datetime) -> Decimal | None:
    """Not due at the end: an entry band passed through on a continuous leg."""
    if not watch.entry:
        return None
    edge = watch.below if leg.falls else watch.above
    if edge is None or not watch.is_due(edge, at):
        return None
    return edge if _lies_on(leg, edge) else None


def _lies_on(leg: Leg, price: Decimal) -> bool:
    return leg.end <= price <= leg.start if leg.falls else leg.start <= price <= leg.end
