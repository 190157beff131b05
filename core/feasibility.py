"""Can this ladder be traded under these market rules? Asked by the form at every change and by the worker
before each cycle (DESIGN 2.1). Each refusal names the level and the way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from core.errors import InvalidInput
from core.ladder import Ladder, Level, build_ladder
from core.market import FeeCurrency, Market, Side
from core.money import EXACT, ONE, ZERO, ceil_to, exact, plain
from core.parameters import BaseOrderType, Parameters, StopLossReference
from core.words import count_words, money_words, percent_words, price_words, quantity_words

FALL_WITHOUT_STOP = Decimal("0.3")
"""Without a stop loss the first buy must still be sellable after this fall."""
ROOM = Decimal("1.25")


@dataclass(frozen=True, slots=True)
class Note:
    """Worth knowing, no reason to refuse. `field` is the name of the parameter that mends it."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """A ladder as it would be ordered now. `factor`: what reinvesting multiplies the sizes by."""

    parameters: Parameters
    market: Market
    price: Decimal
    factor: Decimal
    ladder: Ladder

    @property
    def base(self) -> Level:
        return self.ladder.rungs[0].level

    @property
    def levels(self) -> list[Level]:
        return [rung.level for rung in self.ladder.rungs[1:]]


def check_ladder(
    parameters: Parameters, market: Market, price: Decimal, size_factor: Decimal = ONE
) -> None:
    """Raises the first of `problems`."""
    for problem in problems(parameters, market, price, size_factor):
        raise problem


@exact
def problems(
    parameters: Parameters, market: Market, price: Decimal, size_factor: Decimal = ONE
) -> list[InvalidInput]:
    """Everything that keeps a cycle from starting at `price`; empty when nothing does."""
    plan = _plan(parameters, market, price, size_factor)
    deep = [level for level in plan.levels if level.price <= 0]
    if deep:
        return [_too_deep(deep[0], market)]
    checks = (
        _base_minimum, _level_minima, _neighbours, _stop_loss, _sellable, _open_orders,
        _market_orders, _fees,
    )  # fmt: skip
    return [problem for check in checks for problem in check(plan)]


@exact
def warnings(
    parameters: Parameters, market: Market, price: Decimal, size_factor: Decimal = ONE
) -> list[Note]:
    """What the form says beside a ladder that may be started."""
    plan = _plan(parameters, market, price, size_factor)
    return [*_dust(plan), *_near_minimum(plan)]


def friendly_above(value: Decimal, digits: int = 3) -> Decimal:
    """The smallest number of so many digits that is not below `value`: what a sentence suggests."""
    step = ONE.scaleb(value.adjusted() - digits + 1)
    rounded = (value / step).quantize(ONE, rounding=ROUND_CEILING, context=EXACT) * step
    return Decimal(plain(rounded))


def _percent_above(fraction: Decimal) -> str:
    """Never rounded to less than what is needed."""
    return f"{plain(friendly_above(fraction) * 100)} %"


def least_quantity(market: Market, price: Decimal) -> Decimal:
    """The smallest quantity that the exchange takes at `price`."""
    lot = market.lot_size
    least = max(ceil_to(market.min_quantity, lot), ceil_to(market.min_notional / price, lot))
    return max(least, lot or ZERO)


def least_base_size(parameters: Parameters, market: Market, price: Decimal) -> Decimal:
    """The smallest first buy that is taken at `price` and can be sold, after fees, at the stop."""
    bought = least_quantity(market, price)
    to_sell = least_quantity(market, price * (ONE - _fall_to_sell(parameters)))
    if market.fee_currency is FeeCurrency.BASE:
        to_sell = ceil_to(to_sell / (ONE - market.taker_fee), market.lot_size)
    return max(bought, to_sell) * price


def least_safety_size(parameters: Parameters, market: Market, price: Decimal) -> Decimal:
    """The smallest first extra buy with which every level of the ladder is taken."""
    needed = ZERO
    growth = ONE
    for deviation in parameters.deviations():
        level_price = market.round_price(Side.BUY, price * (ONE - deviation))
        needed = max(needed, least_quantity(market, level_price) * level_price / growth)
        growth *= parameters.volume_scale
    return needed


def _plan(parameters: Parameters, market: Market, price: Decimal, factor: Decimal) -> _Plan:
    if not price.is_finite() or price <= 0:
        raise InvalidInput("price", "must be above zero.")
    return _Plan(parameters, market, price, factor, build_ladder(parameters, price, market, factor))


def _too_deep(level: Level, market: Market) -> InvalidInput:
    fit = level.number - 1
    return InvalidInput(
        "max_safety_orders",
        f"level {level.number} would lie {percent_words(level.deviation)} below the first buy, at a"
        f" price below one tick of {market.symbol}; {count_words(fit, 'level fits', 'levels fit')}."
        f" Use at most {fit}, or lower price_deviation or step_scale.",
    )


def _minimum_words(plan: _Plan, level: Level) -> str:
    """ "would be 4.98 USDT (0.498 BTC) after rounding, below the exchange's minimum of ..."."""
    market = plan.market
    least = least_quantity(market, level.price)
    return (
        f"would be {money_words(market, level.cost)} ({quantity_words(market, level.quantity)}) after"
        f" rounding, below the exchange's minimum of {money_words(market, least * level.price)}"
        f" ({quantity_words(market, least)}) there"
    )


def _base_minimum(plan: _Plan) -> Iterator[InvalidInput]:
    base, market = plan.base, plan.market
    if market.is_tradable(base.quantity, base.price):
        return
    least = friendly_above(least_base_size(plan.parameters, market, plan.price) / plan.factor)
    yield InvalidInput(
        "base_order_size",
        f"the first buy {_minimum_words(plan, base)}; use at least {_size(market, least)}.",
    )


def _level_minima(plan: _Plan) -> Iterator[InvalidInput]:
    market = plan.market
    low = [level for level in plan.levels if not market.is_tradable(level.quantity, level.price)]
    if not low:
        return
    if plan.parameters.custom_levels is None:
        least = least_safety_size(plan.parameters, market, plan.price) / plan.factor
        yield InvalidInput(
            "safety_order_size",
            f"level {low[0].number} {_minimum_words(plan, low[0])}; use at least"
            f" {_size(market, friendly_above(least))}, or fewer levels.",
        )
        return
    for level in low:
        least = least_quantity(market, level.price) * level.price / plan.factor
        yield InvalidInput(
            f"custom_levels[{level.number}].size",
            f"level {level.number} {_minimum_words(plan, level)}; use at least"
            f" {_size(market, friendly_above(least))}, or leave it out.",
        )


def _size(market: Market, size: Decimal) -> str:
    return f"{plain(size)} {market.quote}"


def _neighbours(plan: _Plan) -> Iterator[InvalidInput]:
    """By unrounded distance: what is a tick apart then is so after rounding, at any price near."""
    tick = plan.market.tick_size
    if tick is None:
        return
    above = ZERO
    for level in plan.levels:
        gap = level.deviation - above
        if plan.price * gap < tick:
            other = "the first buy" if level.number == 1 else f"level {level.number - 1}"
            least = _percent_above(tick / plan.price)
            custom = plan.parameters.custom_levels is not None
            yield InvalidInput(
                f"custom_levels[{level.number}].deviation" if custom else _gap_field(plan, level),
                f"level {level.number} would lie closer to {other} than one tick"
                f" ({price_words(plan.market, tick)}) of {plan.market.symbol}; keep at least {least}"
                " between them, or use fewer levels.",
            )
            return
        above = level.deviation


def _gap_field(plan: _Plan, level: Level) -> str:
    return "price_deviation" if level.number == 1 else "step_scale"


def _fall_to_sell(parameters: Parameters) -> Decimal:
    return FALL_WITHOUT_STOP if parameters.stop_loss is None else parameters.stop_loss


def _stop_loss(plan: _Plan) -> Iterator[InvalidInput]:
    """A level at the stop's own price still fills: at equal prices buys come before a stop."""
    distance = plan.parameters.stop_loss
    if distance is None:
        return
    by_base = plan.parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE
    beyond: list[tuple[Level, Decimal]] = []
    for above, rung in zip(plan.ladder.rungs, plan.ladder.rungs[1:], strict=False):
        reference = plan.price if by_base else above.average_entry_price
        if reference > 0 and rung.level.price < reference * (ONE - distance):
            beyond.append((rung.level, ONE - rung.level.price / reference))
    if not beyond:
        return
    level = beyond[0][0]
    needed = max(away for _, away in beyond)
    way = f"use at most {level.number - 1} levels"
    if needed < Decimal("0.98"):
        way += f", or a stop loss of at least {_percent_above(needed)}"
    reference_words = "the first buy" if by_base else "the average entry price"
    yield InvalidInput(
        "stop_loss",
        f"would sell before level {level.number} could fill: {percent_words(distance)} below"
        f" {reference_words} is above its price of {price_words(plan.market, level.price)}; {way}.",
    )


def _sellable(plan: _Plan) -> Iterator[InvalidInput]:
    """The coins of the base order alone, after fees, at the stop (at -30 % without one)."""
    base, market = plan.base, plan.market
    if not market.is_tradable(base.quantity, base.price):
        return
    kept = base.quantity
    if market.fee_currency is FeeCurrency.BASE:
        kept *= ONE - market.taker_fee
    fall = _fall_to_sell(plan.parameters)
    if market.is_tradable(kept, plan.price * (ONE - fall)):
        return
    least = least_base_size(plan.parameters, market, plan.price) / plan.factor
    where = "after a fall of" if plan.parameters.stop_loss is None else "at the stop loss of"
    yield InvalidInput(
        "base_order_size",
        f"the coins of the first buy could not be sold {where} {percent_words(fall)}: they would be"
        f" below the exchange's minimum there; use at least {_size(market, friendly_above(least))}.",
    )


def _open_orders(plan: _Plan) -> Iterator[InvalidInput]:
    most = plan.market.max_open_orders
    resting = min(plan.parameters.active_safety_orders, plan.parameters.level_count)
    if most is None or resting + 1 <= most:
        return
    yield InvalidInput(
        "active_safety_orders",
        f"{resting} extra buys and the take profit would rest at once; {plan.market.symbol} allows"
        f" {count_words(most, 'open order')}. Use at most {most - 1}.",
    )


def _market_orders(plan: _Plan) -> Iterator[InvalidInput]:
    most, base = plan.market.max_market_quantity, plan.base
    if most is None:
        return
    if plan.parameters.base_order_type is BaseOrderType.MARKET and base.quantity > most:
        yield InvalidInput(
            "base_order_size",
            f"the first buy would be {quantity_words(plan.market, base.quantity)}; one market order on"
            f" {plan.market.symbol} may be at most {quantity_words(plan.market, most)}. Lower it, or"
            " buy with a limit order.",
        )
    held = ZERO
    for level in (base, *plan.levels):
        held += level.quantity
        if held > most and level.number > 0:
            yield InvalidInput(
                "safety_order_size",
                f"with level {level.number} the cycle would hold"
                f" {quantity_words(plan.market, held)}, more than the"
                f" {quantity_words(plan.market, most)} that one market order may sell. Lower the sizes"
                f" or use at most {level.number - 1} levels.",
            )
            return


def _fees(plan: _Plan) -> Iterator[InvalidInput]:
    """Without fees included, the take profit must lie above the breakeven price at every level."""
    parameters = plan.parameters
    if parameters.take_profit_includes_fees:
        return
    bought = [rung for rung in plan.ladder.rungs if rung.average_entry_price > 0]
    costs = [(rung.breakeven_price / rung.average_entry_price - ONE, rung) for rung in bought]
    unpaid = [(cost, rung) for cost, rung in costs if parameters.take_profit <= cost]
    if not unpaid:
        return
    needed, rung = max(unpaid, key=lambda pair: pair[0])
    yield InvalidInput(
        "take_profit",
        f"{percent_words(parameters.take_profit)} does not pay the fees of buying and selling, which"
        f" take {_percent_above(needed)} at level {rung.level.number}; use more than"
        f" {_percent_above(needed)}, or switch take_profit_includes_fees on.",
    )


def _dust(plan: _Plan) -> Iterator[Note]:
    lot, market = plan.market.lot_size, plan.market
    if lot is None:
        return
    worth = lot * plan.price
    half_profit = plan.parameters.take_profit / 2
    if worth <= plan.base.size * half_profit:
        return
    mends = friendly_above(worth / half_profit / plan.factor)
    yield Note(
        "base_order_size",
        f"One lot ({quantity_words(market, lot)}) is worth {money_words(market, worth)}: what rounding"
        " leaves unsold can be more than half of what a cycle earns. It stays yours and is sold"
        f" later; with a first buy of {_size(market, mends)} or more it hardly matters.",
    )


def _near_minimum(plan: _Plan) -> Iterator[Note]:
    least = least_base_size(plan.parameters, plan.market, plan.price)
    if not least <= plan.base.size < least * ROOM:
        return
    yield Note(
        "base_order_size",
        f"The first buy is close to the smallest that works now ({money_words(plan.market, least)});"
        " when the price moves, the exchange may refuse it and the next cycle waits. Leave some"
        f" room: {_size(plan.market, friendly_above(least * ROOM / plan.factor, 2))}.",
    )
