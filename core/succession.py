"""From one cycle to the next: what is carried over and what starts anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.accounting import Position, position
from core.cycle import Cycle, ExitReason, Holding
from core.engine import is_over
from core.errors import ImpossibleTransition
from core.ladder import required_capital
from core.market import Market
from core.money import ONE, ZERO, exact, stored
from core.order_ids import Identity
from core.parameters import Parameters


@dataclass(frozen=True, slots=True)
class CycleTotals:
    """What a closed cycle stores once, in quote (position in base); the auditor derives it again."""

    realized_pnl: Decimal
    fees: Decimal
    bought_cost: Decimal
    sold_proceeds: Decimal
    dust: Holding
    levels_filled: int
    ended_by: str


def first_cycle(identity: Identity, parameters: Parameters, market: Market) -> Cycle:
    return Cycle(identity=identity, number=1, parameters=parameters, market=market)


@exact
def totals(cycle: Cycle) -> CycleTotals:
    """The totals of a cycle that is over."""
    held = position(cycle)
    levels = {order.slot.level for order in cycle.orders if order.slot.level and order.fills}
    return CycleTotals(
        realized_pnl=stored(held.realized),
        fees=stored(held.fees),
        bought_cost=stored(held.bought_cost),
        sold_proceeds=stored(held.sold_proceeds),
        dust=Holding(held.quantity, held.cost),
        levels_filled=len(levels),
        ended_by=ended_by(cycle),
    )


def ended_by(cycle: Cycle) -> str:
    """ "take_profit", "stop_loss", "trailing", "closed" or "released"."""
    if cycle.released_at_price is not None:
        return "released"
    return "take_profit" if cycle.exit is None else str(cycle.exit)


@exact
def next_cycle(over: Cycle, at: datetime, parameters: Parameters, market: Market) -> Cycle:
    """The cycle after `over`, under the parameters and market rules now in force.

    Carried: dust at cost, the wanted state, the counts and what reinvesting needs (which starts
    anew with another parameter version). Sizes grow as DESIGN 2.1 says.
    """
    held = position(over)
    if not is_over(over, held):
        raise ImpossibleTransition(f"cycle {over.number} is not over")
    same_version = parameters == over.parameters
    earned = (over.reinvested if same_version else ZERO) + stored(held.realized)
    stopped = over.exit is ExitReason.STOP_LOSS
    return Cycle(
        identity=over.identity,
        number=over.number + 1,
        parameters=parameters,
        market=market,
        size_factor=size_factor(parameters, market, earned),
        wanted=over.wanted,
        carried=_carried(held),
        last_ended_at=at,
        cycles_done=over.cycles_done + 1,
        stop_losses_in_row=over.stop_losses_in_row + 1 if stopped else 0,
        reinvested=earned,
        forgiven_at=over.forgiven_at,
    )


def reparametrized(idle: Cycle, parameters: Parameters, market: Market) -> Cycle:
    """An idle cycle under newer parameters or market rules; reinvesting starts anew with a new version."""
    if not idle.is_idle():
        raise ImpossibleTransition(f"cycle {idle.number} is running")
    earned = idle.reinvested if parameters == idle.parameters else ZERO
    return replace(
        idle,
        parameters=parameters,
        market=market,
        reinvested=earned,
        size_factor=size_factor(parameters, market, earned),
    )


def size_factor(parameters: Parameters, market: Market, earned: Decimal) -> Decimal:
    """1 + r x max(0, realized PnL since this version) / required capital."""
    if parameters.reinvest == 0 or earned <= 0:
        return ONE
    return stored(ONE + parameters.reinvest * earned / required_capital(parameters, market))


def _carried(held: Position) -> Holding:
    return Holding(held.quantity, held.cost) if held.quantity > 0 else Holding()
