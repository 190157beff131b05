"""Pure: the money at risk in strategies, as the screens show it. The reckoning is `core.exposure`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from core.exposure import FALLS, Outlook, outlook_of_cycle
from core.money import ZERO
from core.reserve import still_to_spend
from db.reports import StrategyCard

__all__ = ["FALLS", "Risk", "results_after", "risk_of"]


@dataclass(frozen=True, slots=True)
class Risk:
    """In quote. `results`: by fall, what selling everything would bring then; empty without a price."""

    in_position: Decimal
    still_to_spend: Decimal
    results: dict[Decimal, Decimal] = field(default_factory=dict)
    is_complete: bool = True


def results_after(outlook: Outlook) -> dict[Decimal, Decimal]:
    """By fall; below zero it is a loss, as everywhere on the screens."""
    return {loss.fall: -loss.amount for loss in outlook.losses}


def risk_of(card: StrategyCard) -> Risk:
    cycle, held = card.cycle, card.position
    if cycle is None or held is None:
        return Risk(ZERO, ZERO, dict.fromkeys(FALLS, ZERO))
    price = card.last_price
    if price is None:
        return Risk(held.cost, still_to_spend(cycle), {}, is_complete=False)
    outlook = outlook_of_cycle(cycle, price)
    return Risk(held.cost, outlook.still_to_spend, results_after(outlook))
