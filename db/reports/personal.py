"""Reports for one person about what is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from core.parameters import Parameters
from db.cycles import StoredCycle, load_open
from db.errors import NotFound
from db.halt import read_halt
from db.reports.cards import StrategyCard, build_card
from db.reports.reading import (
    ClosedSum,
    StrategyFacts,
    read_closed,
    read_prices,
    read_strategies,
)
from db.tables import ExchangeAccount, Strategy, VenueBalanceRow
from db.wanted import parameters_from_text

NOTHING = ClosedSum()


@dataclass(frozen=True, slots=True)
class StrategyDetail:
    """`parameters`: None when what is stored is not usable; `fault` then says why."""

    card: StrategyCard
    parameters_text: str
    parameters: Parameters | None
    parameters_at: datetime | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of a coin by the book of its venue; `used` is bound in orders."""

    asset: str
    free: Decimal
    used: Decimal


def home(
    session: Session, user_id: int, *, at: datetime, archived: bool = False
) -> tuple[StrategyCard, ...]:
    """Every strategy of the person, those put away only when asked for."""
    column = Strategy.archived_at
    mine = Strategy.user_id == user_id
    kept = column.is_not(None) if archived else column.is_(None)
    return cards(session, at, mine, kept)


def strategy_detail(
    session: Session, user_id: int, strategy_id: int, *, at: datetime
) -> StrategyDetail:
    """Raises NotFound, for what belongs to others as for what does not exist."""
    own = (Strategy.user_id == user_id, Strategy.id == strategy_id)
    found = read_strategies(session, *own)
    if not found:
        raise NotFound("There is no such strategy.")
    (card,) = _cards(session, at, found, read_closed(session, *own))
    text = found[0].parameters_text
    parameters, fault = None, None
    try:
        parameters = parameters_from_text(text)
    except InvalidInput as error:
        fault = str(error)
    return StrategyDetail(card, text, parameters, found[0].parameters_at, fault)


def balances(session: Session, user_id: int) -> dict[int, tuple[Balance, ...]]:
    """By account, of simulated and paper accounts on which something was traded."""
    rows = session.execute(
        select(VenueBalanceRow)
        .join(ExchangeAccount, ExchangeAccount.id == VenueBalanceRow.account_id)
        .where(ExchangeAccount.user_id == user_id)
        .order_by(VenueBalanceRow.account_id, VenueBalanceRow.asset)
    ).scalars()
    found: dict[int, tuple[Balance, ...]] = {}
    for row in rows:
        known = found.get(row.account_id, ())
        found[row.account_id] = (*known, Balance(row.asset, row.free, row.used))
    return found


def cards(
    session: Session, at: datetime, *conditions: ColumnElement[bool]
) -> tuple[StrategyCard, ...]:
    """For `home` and the administration."""
    found = read_strategies(session, *conditions)
    return _cards(session, at, found, read_closed(session, *conditions)) if found else ()


def _cards(
    session: Session, at: datetime, found: Sequence[StrategyFacts], closed: dict[int, ClosedSum]
) -> tuple[StrategyCard, ...]:
    halt = read_halt(session)
    prices = read_prices(session, ((facts.venue, facts.symbol) for facts in found))
    stored: dict[int, StoredCycle] = {}
    for cycle in load_open(session, {facts.account_id for facts in found}):
        stored[cycle.strategy_id] = cycle
    return tuple(
        build_card(
            facts,
            stored.get(facts.strategy_id),
            closed.get(facts.strategy_id, NOTHING),
            prices.get((facts.venue, facts.symbol)),
            halt,
            at,
        )
        for facts in found
    )
