"""One card per strategy: what is wanted, what is, what is held and what was earned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.accounting import Position, position
from core.cycle import Cycle, DesiredState
from core.errors import InvalidInput
from core.money import ZERO, exact
from core.orders import Role
from db.accounts import AccountKind
from db.cycles import StoredCycle
from db.halt import Halt, effective_state
from db.reports.reading import ClosedSum, Price, StrategyFacts
from db.wanted import parameters_from_text

FRESH_FOR = timedelta(seconds=10)
"""How old a price may be at which anything is decided."""


@dataclass(frozen=True, slots=True)
class StrategyCard:
    """Amounts in quote. `effective_state`: what is wanted once a halt is taken into account.

    actual_state, observed_rev: None until a worker has seen the strategy. silent: no live worker holds its
    account. bid: what the unrealized PnL is valued at. realized_pnl, fees: of all cycles, the open one's part
    included. fault: the stored cycle cannot be read.
    """

    strategy_id: int
    user_id: int
    owner: str
    name: str
    symbol: str
    account_id: int
    account_name: str
    account_kind: AccountKind
    exchange: str
    venue: str
    desired_state: DesiredState
    desired_rev: int
    desired_at: datetime
    effective_state: DesiredState
    actual_state: str | None
    observed_rev: int | None
    reason: str
    missing: Decimal | None
    silent: bool
    parameters_version: int
    cycle: Cycle | None
    position: Position | None
    levels_filled: int
    level_count: int
    last_price: Decimal | None
    bid: Decimal | None
    price_at: datetime | None
    price_is_fresh: bool
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal
    fees: Decimal
    cycles_closed: int
    created_at: datetime
    archived_at: datetime | None
    fault: str | None

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def is_settling(self) -> bool:
        """The worker has not yet done what is wanted now."""
        return self.observed_rev is None or self.observed_rev < self.desired_rev


@exact
def build_card(
    facts: StrategyFacts,
    stored: StoredCycle | None,
    closed: ClosedSum,
    price: Price | None,
    halt: Halt,
    at: datetime,
) -> StrategyCard:
    cycle = None if stored is None else stored.cycle
    held = None if cycle is None else position(cycle)
    return StrategyCard(
        strategy_id=facts.strategy_id,
        user_id=facts.user_id,
        owner=facts.owner,
        name=facts.name,
        symbol=facts.symbol,
        account_id=facts.account_id,
        account_name=facts.account_name,
        account_kind=facts.account_kind,
        exchange=facts.exchange,
        venue=facts.venue,
        desired_state=facts.desired_state,
        desired_rev=facts.desired_rev,
        desired_at=facts.desired_at,
        effective_state=effective_state(facts.desired_state, facts.desired_at, halt),
        actual_state=facts.actual_state,
        observed_rev=facts.observed_rev,
        reason=facts.reason or "",
        missing=facts.missing,
        silent=facts.silent,
        parameters_version=facts.parameters_version,
        cycle=cycle,
        position=held,
        levels_filled=0 if cycle is None else _levels_filled(cycle),
        level_count=_level_count(facts, cycle),
        last_price=None if price is None else price.last,
        bid=None if price is None else price.bid,
        price_at=None if price is None else price.at,
        price_is_fresh=price is not None and at - price.at <= FRESH_FOR,
        unrealized_pnl=_unrealized(cycle, held, price),
        realized_pnl=closed.realized_pnl + (ZERO if held is None else held.realized),
        fees=closed.fees + (ZERO if held is None else held.fees),
        cycles_closed=closed.cycles,
        created_at=facts.created_at,
        archived_at=facts.archived_at,
        fault=None if stored is None else stored.fault,
    )


def _levels_filled(cycle: Cycle) -> int:
    bought = {o.slot.level for o in cycle.orders if o.slot.role is Role.SAFETY and o.fills}
    return len(bought)


def _level_count(facts: StrategyFacts, cycle: Cycle | None) -> int:
    if cycle is not None:
        return cycle.parameters.level_count
    try:
        return parameters_from_text(facts.parameters_text).level_count
    except InvalidInput:
        return 0


def _unrealized(cycle: Cycle | None, held: Position | None, price: Price | None) -> Decimal | None:
    """None: nothing can be said. What the coins would bring at the bid, less what they cost."""
    if cycle is None or held is None:
        return ZERO
    if held.quantity == 0:
        return ZERO
    return None if price is None else held.unrealized(price.bid, cycle.market.taker_fee)
