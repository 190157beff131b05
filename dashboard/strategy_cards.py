"""Pure: what the home screen says about each strategy, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.money import ZERO
from dashboard.risk import FALLS, Risk, risk_of
from db.accounts import AccountKind
from db.reports import StrategyCard

NEEDS_YOU, SILENT, MONEY_MISSING, ACTIVE, QUIET = range(5)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Strategies whose money may be added up: one kind, one quote coin."""

    kind: AccountKind
    quote: str
    cards: tuple[StrategyCard, ...]

    @property
    def realized(self) -> Decimal:
        return sum((card.realized_pnl for card in self.cards), ZERO)

    @property
    def unrealized(self) -> Decimal:
        return sum((card.unrealized_pnl or ZERO for card in self.cards), ZERO)

    @property
    def risk(self) -> Risk:
        risks = [risk_of(card) for card in self.cards]
        return Risk(
            in_position=sum((risk.in_position for risk in risks), ZERO),
            still_to_spend=sum((risk.still_to_spend for risk in risks), ZERO),
            results={
                fall: sum((risk.results[fall] for risk in risks if risk.results), ZERO)
                for fall in FALLS
            },
            is_complete=all(risk.is_complete for risk in risks),
        )


def urgency(card: StrategyCard) -> int:
    """What needs the person comes first."""
    if card.actual_state == "needs_attention":
        return NEEDS_YOU
    if card.silent and card.actual_state not in ("stopped", "closed"):
        return SILENT
    if card.missing:
        return MONEY_MISSING
    return QUIET if card.actual_state in ("stopped", "closed") else ACTIVE


def shelves(cards: Iterable[StrategyCard]) -> tuple[Shelf, ...]:
    """Live money first, then paper, then simulated; within a shelf by urgency and name."""
    groups: dict[tuple[AccountKind, str], list[StrategyCard]] = {}
    for card in cards:
        groups.setdefault((card.account_kind, card.quote), []).append(card)
    order = [AccountKind.LIVE, AccountKind.PAPER, AccountKind.SIMULATED]
    return tuple(
        Shelf(
            kind,
            quote,
            tuple(sorted(groups[kind, quote], key=lambda c: (urgency(c), c.name.casefold()))),
        )
        for kind, quote in sorted(groups, key=lambda pair: (order.index(pair[0]), pair[1]))
    )
