"""The ladder: every level of a cycle with price, size and what it does to the average (DESIGN 2.1)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal

from core.market import FeeCurrency, Market, Side
from core.money import ONE, ZERO, exact
from core.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Level:
    """One rung as it would be ordered: `price` and `quantity` rounded by the market, `size` nominal."""

    number: int
    deviation: Decimal
    price: Decimal
    size: Decimal
    quantity: Decimal

    @property
    def cost(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Bought:
    """All levels so far: quote without fees, base before fees, quote with fees, base after fees."""

    cost: Decimal
    quantity: Decimal
    paid: Decimal
    kept: Decimal


@dataclass(frozen=True, slots=True)
class Rung:
    """A level with the state of the cycle once everything down to it has filled at its own price."""

    level: Level
    cumulative_cost: Decimal
    average_entry_price: Decimal
    breakeven_price: Decimal
    take_profit_price: Decimal
    required_change: Decimal


@dataclass(frozen=True, slots=True)
class Ladder:
    """`required_capital`: base and all levels with their fees. `max_deviation`: depth of the last level."""

    rungs: tuple[Rung, ...]
    required_capital: Decimal
    max_deviation: Decimal


@functools.lru_cache(maxsize=256)  # every step asks again for the ladder of the same cycle
@exact
def safety_levels(
    parameters: Parameters, base_price: Decimal, market: Market, size_factor: Decimal = ONE
) -> tuple[Level, ...]:
    """Levels 1..N below the unrounded fill price of the base order, each rounded once."""
    levels = []
    pairs = zip(parameters.deviations(), parameters.sizes(), strict=True)
    for number, (deviation, size) in enumerate(pairs, start=1):
        price = market.round_price(Side.BUY, base_price * (ONE - deviation))
        scaled = size * size_factor
        quantity = market.round_quantity(scaled / price) if price > 0 else ZERO
        levels.append(Level(number, deviation, price, scaled, quantity))
    return tuple(levels)


def take_profit_price(parameters: Parameters, average: Decimal, breakeven: Decimal) -> Decimal:
    """The unrounded price at which the take profit is reached."""
    start = breakeven if parameters.take_profit_includes_fees else average
    return start * (ONE + parameters.take_profit)


@exact
def build_ladder(
    parameters: Parameters, price: Decimal, market: Market, size_factor: Decimal = ONE
) -> Ladder:
    """The whole ladder for a base order filled at `price`. Level 0 is the base order."""
    base_size = parameters.base_order_size * size_factor
    base = Level(0, ZERO, price, base_size, market.round_quantity(base_size / price))
    rungs: list[Rung] = []
    cost = quantity = fees = fee_coins = ZERO
    for level in (base, *safety_levels(parameters, price, market, size_factor)):
        rate = market.taker_fee if level.number == 0 else market.maker_fee
        cost += level.cost
        quantity += level.quantity
        fees += level.cost * rate
        fee_coins += level.quantity * rate
        in_base = market.fee_currency is FeeCurrency.BASE
        paid, kept = (cost, quantity - fee_coins) if in_base else (cost + fees, quantity)
        rungs.append(_rung(parameters, market, level, Bought(cost, quantity, paid, kept)))
    return Ladder(tuple(rungs), cost + fees, rungs[-1].level.deviation)


def _rung(parameters: Parameters, market: Market, level: Level, so_far: Bought) -> Rung:
    if so_far.quantity == 0:
        return Rung(level, so_far.cost, ZERO, ZERO, ZERO, ZERO)
    average = so_far.cost / so_far.quantity
    breakeven = so_far.paid / (so_far.kept * (ONE - market.taker_fee))
    target = market.round_price(Side.SELL, take_profit_price(parameters, average, breakeven))
    change = target / level.price - ONE if level.price > 0 else ZERO
    return Rung(level, so_far.cost, average, breakeven, target, change)


@exact
def required_capital(parameters: Parameters, market: Market, size_factor: Decimal = ONE) -> Decimal:
    """Base and all levels at their nominal sizes with their fees, in quote: an upper bound at any price."""
    levels = sum(parameters.sizes(), ZERO)
    return size_factor * (
        parameters.base_order_size * (ONE + market.taker_fee) + levels * (ONE + market.maker_fee)
    )
