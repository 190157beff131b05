"""Money that running cycles may still need: what a new cycle must leave untouched."""

from __future__ import annotations

from decimal import Decimal

from core.accounting import position
from core.cycle import BASE, Cycle, DesiredState
from core.ladder import required_capital
from core.market import FeeCurrency, Side
from core.money import ONE, ZERO, exact
from core.orders import Kind, Order, OrderStatus
from core.wanted import base_price, open_levels


@exact
def still_to_spend(cycle: Cycle) -> Decimal:
    """Quote, fees included, of everything that the cycle may still buy, resting orders included.

    `sending` and quarantined orders count whole: they may exist.
    """
    if cycle.is_idle() or not _may_buy(cycle):
        return sum((_cost(cycle, order) for order in cycle.live()), ZERO)
    if not cycle.has_fills():
        return required_capital(cycle.parameters, cycle.market, cycle.size_factor)
    levels = sum((rest * level.price for level, rest in open_levels(cycle)), ZERO)
    return levels * _with_fee(cycle, cycle.market.maker_fee) + _base_rest(cycle)


@exact
def locked_on_venue(cycle: Cycle) -> Decimal:
    """The part of `still_to_spend` that the venue has set aside already for orders it has."""
    known = (OrderStatus.OPEN, OrderStatus.CANCELLING)
    return sum((_cost(cycle, order) for order in cycle.live() if order.status in known), ZERO)


@exact
def at_stake(cycle: Cycle) -> Decimal:
    """Quote that counts against the account's cap: the cost of what is held and every live buy, with fees.

    `sending` and quarantined buys count whole: they may exist.
    """
    return money_in(cycle) + sum((cost_of(cycle, order) for order in cycle.live()), ZERO)


@exact
def money_in(cycle: Cycle) -> Decimal:
    """Quote that the coins which the cycle holds have cost, dust included."""
    return position(cycle).cost if cycle.has_fills() or cycle.carried.cost else ZERO


@exact
def cost_of(cycle: Cycle, order: Order) -> Decimal:
    """Quote that a buy of this cycle may still spend, fees included; zero for a sell."""
    return max(_cost(cycle, order), ZERO)


def _may_buy(cycle: Cycle) -> bool:
    return (
        cycle.exit is None
        and cycle.released_at_price is None
        and cycle.wanted not in (DesiredState.STOPPED, DesiredState.CLOSED)
    )


def _cost(cycle: Cycle, order: Order) -> Decimal:
    if order.side is Side.SELL:
        return ZERO
    price = order.planned_price if order.price is None else order.price
    taker = order.kind is Kind.MARKET
    rate = cycle.market.taker_fee if taker else cycle.market.maker_fee
    return (order.quantity - order.filled) * price * _with_fee(cycle, rate)


def _with_fee(cycle: Cycle, rate: Decimal) -> Decimal:
    return ONE if cycle.market.fee_currency is FeeCurrency.BASE else ONE + rate


def _base_rest(cycle: Cycle) -> Decimal:
    attempts = cycle.attempts(BASE)
    price = base_price(cycle)
    if not attempts or price is None:
        return ZERO
    rest = attempts[0].quantity - cycle.filled_in(BASE)
    if not cycle.market.is_tradable(rest, price):
        return ZERO
    return rest * price * _with_fee(cycle, cycle.market.taker_fee)
