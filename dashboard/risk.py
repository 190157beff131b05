"""Pure: the money at risk in a strategy, from its open cycle and the price now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from core.accounting import Position
from core.cycle import Cycle, DesiredState
from core.ladder import Ladder
from core.market import FeeCurrency, Market
from core.money import ONE, ZERO, exact
from core.parameters import Parameters, StopLossReference
from core.reserve import still_to_spend
from core.wanted import open_levels, stop_price
from db.reports import ClosedCycle, StrategyCard

FALLS = (Decimal("0.2"), Decimal("0.4"), Decimal("0.6"))
BUYING = (DesiredState.RUNNING, DesiredState.FINISHING)


@dataclass(frozen=True, slots=True)
class Risk:
    """In quote. `losses`: by fall, unrealized PnL after it; empty while no price is known."""

    in_position: Decimal
    still_to_spend: Decimal
    losses: dict[Decimal, Decimal] = field(default_factory=dict)
    is_complete: bool = True


@exact
def risk_of(card: StrategyCard) -> Risk:
    cycle, held = card.cycle, card.position
    if cycle is None or held is None:
        return Risk(ZERO, ZERO, dict.fromkeys(FALLS, ZERO))
    spend = still_to_spend(cycle)
    if held.quantity == 0:
        return Risk(ZERO, spend, dict.fromkeys(FALLS, ZERO))
    if card.last_price is None:
        return Risk(held.cost, spend, {}, is_complete=False)
    buying = card.effective_state in BUYING
    losses = {fall: _after(cycle, held, card.last_price * (ONE - fall), buying) for fall in FALLS}
    return Risk(held.cost, spend, losses)


def _after(cycle: Cycle, held: Position, price: Decimal, buying: bool) -> Decimal:
    """Unrealized PnL once the price has gone down to `price`, extra buys on the way included."""
    quantity, cost = held.quantity, held.cost
    in_base = cycle.market.fee_currency is FeeCurrency.BASE
    fee = cycle.market.maker_fee
    for level, rest in open_levels(cycle) if buying and cycle.exit is None else ():
        if level.price >= price and level.number not in cycle.skipped:
            quantity += rest * (ONE - fee) if in_base else rest
            cost += rest * level.price * (ONE if in_base else ONE + fee)
    stop = stop_price(cycle, held)
    worth = max(price, stop) if stop is not None else price
    return quantity * worth * (ONE - cycle.market.taker_fee) - cost


@exact
def planned_losses(
    parameters: Parameters, ladder: Ladder, market: Market
) -> dict[Decimal, Decimal]:
    """Unrealized PnL of a cycle that began now, after the price has fallen from the first buy."""
    return {fall: _planned(parameters, ladder, market, fall) for fall in FALLS}


def _planned(parameters: Parameters, ladder: Ladder, market: Market, fall: Decimal) -> Decimal:
    start = ladder.rungs[0].level.price
    price = start * (ONE - fall)
    reached = [rung for rung in ladder.rungs if rung.level.price >= price]
    last = reached[-1]
    quantity = sum((rung.level.quantity for rung in reached), ZERO)
    in_base = market.fee_currency is FeeCurrency.BASE
    cost = last.cumulative_cost * (ONE if in_base else ONE + market.maker_fee)
    kept = quantity * (ONE - market.maker_fee) if in_base else quantity
    worth = price
    if parameters.stop_loss is not None:
        by_base = parameters.stop_loss_reference is StopLossReference.BASE_ORDER_PRICE
        reference = start if by_base else last.average_entry_price
        worth = max(worth, reference * (ONE - parameters.stop_loss))
    return kept * worth * (ONE - market.taker_fee) - cost


@exact
def drawdown_of(card: StrategyCard, closed: Iterable[ClosedCycle]) -> Decimal | None:
    """How far the result is below its best at the end of a cycle (0 at the start); None without a price."""
    if card.unrealized_pnl is None:
        return None
    total = best = ZERO
    for cycle in sorted(closed, key=lambda each: each.number):
        total += cycle.realized_pnl
        best = max(best, total)
    return max(best - (card.realized_pnl + card.unrealized_pnl), ZERO)
