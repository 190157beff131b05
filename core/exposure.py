"""Money at risk: what may still be spent, and what a fall of 20, 40 or 60 % would cost.

A fall is walked level by level: every extra buy on the way fills at its own price, and a stop loss sells
where it stands. What is lost is counted with all fees, against what was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.accounting import position
from core.cycle import Cycle, DesiredState, Holding
from core.entry import has_ended_for_good
from core.ladder import build_ladder, required_capital, take_profit_price
from core.market import FeeCurrency, Market
from core.money import ONE, ZERO, exact
from core.parameters import Parameters, StopLossReference
from core.reserve import still_to_spend
from core.slots import attention
from core.wanted import base_price, open_levels

FALLS = (Decimal("0.2"), Decimal("0.4"), Decimal("0.6"))


@dataclass(frozen=True, slots=True)
class Loss:
    """At a price `fall` below. `amount` in quote, net of fees; below zero it is a gain.

    levels: extra buys that filled on the way. stopped: the stop loss sold on the way, at its price.
    """

    fall: Decimal
    price: Decimal
    amount: Decimal
    levels: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """money_needed: spent so far and still to be spent, with fees. Both in quote.

    fall_covered: from the price given down to the last extra buy. required_change: how far the price
    must rise from there to the take profit.
    """

    money_needed: Decimal
    still_to_spend: Decimal
    fall_covered: Decimal
    required_change: Decimal
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """As `core.accounting.Position`, as far as buys matter; quantity and cost include carried dust."""

    bought: Decimal
    bought_cost: Decimal
    kept: Decimal
    paid: Decimal
    quantity: Decimal
    cost: Decimal

    def buy(self, market: Market, price: Decimal, quantity: Decimal, rate: Decimal) -> _Held:
        in_base = market.fee_currency is FeeCurrency.BASE
        kept = quantity * (ONE - rate) if in_base else quantity
        paid = price * quantity * (ONE if in_base else ONE + rate)
        return _Held(
            bought=self.bought + quantity,
            bought_cost=self.bought_cost + price * quantity,
            kept=self.kept + kept,
            paid=self.paid + paid,
            quantity=self.quantity + kept,
            cost=self.cost + paid,
        )

    @property
    def average(self) -> Decimal:
        return self.bought_cost / self.bought if self.bought else ZERO


@dataclass(frozen=True, slots=True)
class _Descent:
    """What is held, and the (price, quantity) of each extra buy below, highest first."""

    parameters: Parameters
    market: Market
    base_price: Decimal
    held: _Held
    buys: tuple[tuple[Decimal, Decimal], ...]

    def stop(self, held: _Held) -> Decimal:
        """Where the stop loss sells; zero without one."""
        distance = self.parameters.stop_loss
        if distance is None or held.bought == 0:
            return ZERO
        by_base = self.parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE
        return (self.base_price if by_base else held.average) * (ONE - distance)

    def loss(self, fall: Decimal, start: Decimal) -> Loss:
        bottom = start * (ONE - fall)
        held, levels = self.held, 0
        for price, quantity in self.buys:
            if price < bottom or price < self.stop(held):
                break
            held = held.buy(self.market, price, quantity, self.market.maker_fee)
            levels += 1
        stop = self.stop(held)
        sold_at = max(bottom, min(stop, start))
        value = held.quantity * sold_at * (ONE - self.market.taker_fee)
        return Loss(fall, bottom, held.cost - value, levels, stopped=stop >= bottom and stop > 0)

    def required_change(self) -> Decimal:
        """From the last buy to the take profit once everything has filled."""
        held = self.held
        for price, quantity in self.buys:
            held = held.buy(self.market, price, quantity, self.market.maker_fee)
        lowest = self.buys[-1][0] if self.buys else self.base_price
        if held.bought == 0 or held.kept <= 0 or lowest <= 0:
            return ZERO
        breakeven = held.paid / (held.kept * (ONE - self.market.taker_fee))
        return take_profit_price(self.parameters, held.average, breakeven) / lowest - ONE


@exact
def outlook_of_ladder(
    parameters: Parameters,
    market: Market,
    price: Decimal,
    size_factor: Decimal = ONE,
    falls: Sequence[Decimal] = FALLS,
    carried: Holding | None = None,
) -> Outlook:
    """Of a cycle that would start now at `price`; money at the nominal sizes, as the worker asks for."""
    needed = required_capital(parameters, market, size_factor)
    rungs = build_ladder(parameters, price, market, size_factor).rungs
    base = rungs[0].level
    dust = carried or Holding()
    empty = _Held(ZERO, ZERO, ZERO, ZERO, dust.quantity, dust.cost)
    descent = _Descent(
        parameters,
        market,
        price,
        empty.buy(market, price, base.quantity, market.taker_fee),
        tuple((rung.level.price, rung.level.quantity) for rung in rungs[1:]),
    )
    return Outlook(
        money_needed=needed,
        still_to_spend=needed,
        fall_covered=rungs[-1].level.deviation,
        required_change=descent.required_change(),
        losses=tuple(descent.loss(fall, price) for fall in falls),
    )


@exact
def outlook_of_cycle(cycle: Cycle, price: Decimal, falls: Sequence[Decimal] = FALLS) -> Outlook:
    """Of a cycle as it stands, falling from `price` now. One that waits is reckoned as if it began now."""
    if not cycle.has_fills() and _will_start(cycle):
        return outlook_of_ladder(
            cycle.parameters, cycle.market, price, cycle.size_factor, falls, cycle.carried
        )
    held, left = position(cycle), still_to_spend(cycle)
    descent = _Descent(
        cycle.parameters,
        cycle.market,
        base_price(cycle) or price,
        _Held(held.bought, held.bought_cost, held.kept, held.paid, held.quantity, held.cost),
        _buys_left(cycle),
    )
    if cycle.wanted is DesiredState.STOPPED:
        unwatched = replace(cycle.parameters, stop_loss=None)
        descent = replace(descent, parameters=unwatched)
    lowest = descent.buys[-1][0] if descent.buys else price
    return Outlook(
        money_needed=held.cost + left,
        still_to_spend=left,
        fall_covered=max(ONE - lowest / price, ZERO),
        required_change=descent.required_change() if descent.buys else ZERO,
        losses=tuple(descent.loss(fall, price) for fall in falls),
    )


def total_outlook(outlooks: Iterable[Outlook]) -> Outlook:
    """The sum over strategies in the same quote coin: everything falls together.

    fall_covered is that of the strategy that covers least; required_change that of the worst.
    """
    known = list(outlooks)
    if not known:
        return Outlook(ZERO, ZERO, ZERO, ZERO, ())
    together = zip(*(each.losses for each in known), strict=True)
    return Outlook(
        money_needed=sum((each.money_needed for each in known), ZERO),
        still_to_spend=sum((each.still_to_spend for each in known), ZERO),
        fall_covered=min(each.fall_covered for each in known),
        required_change=max(each.required_change for each in known),
        losses=tuple(_added(losses) for losses in together),
    )


def _added(losses: tuple[Loss, ...]) -> Loss:
    """`price` means nothing across symbols and is zero."""
    return Loss(
        fall=losses[0].fall,
        price=ZERO,
        amount=sum((loss.amount for loss in losses), ZERO),
        levels=sum(loss.levels for loss in losses),
        stopped=all(loss.stopped for loss in losses),
    )


def _will_start(cycle: Cycle) -> bool:
    return cycle.wanted is DesiredState.RUNNING and has_ended_for_good(cycle) is None


def _buys_left(cycle: Cycle) -> tuple[tuple[Decimal, Decimal], ...]:
    """What may still be bought while the price only falls."""
    buys = cycle.wanted in (DesiredState.RUNNING, DesiredState.FINISHING)
    if cycle.exit is not None or cycle.released_at_price is not None:
        return ()
    if not buys or attention(cycle) is not None:
        return ()
    return tuple(
        (level.price, rest)
        for level, rest in open_levels(cycle)
        if level.number not in cycle.skipped and level.number not in cycle.held
    )
