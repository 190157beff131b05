"""Trading rules that change in the middle of a cycle (tick, lot, minima): what a running cycle takes on."""

from __future__ import annotations

from dataclasses import replace

from core.cycle import Cycle
from core.errors import InvalidInput
from core.feasibility import check_ladder
from core.market import Market
from core.money import exact
from core.wanted import base_is_complete, base_price

RULES = (
    "tick_size",
    "lot_size",
    "min_quantity",
    "min_notional",
    "max_market_quantity",
    "max_open_orders",
)


def differ(cycle: Cycle, market: Market) -> bool:
    """Whether the venue's rules are not those of the cycle; its fees are pinned and do not count."""
    own = cycle.market
    return own is not market and any(getattr(own, n) != getattr(market, n) for n in RULES)


@exact
def under(cycle: Cycle, market: Market) -> Market:
    """The cycle's market with the venue's rules now in force.

    Lower minima never open a base order again whose rest was too small to be bought.
    """
    changed = replace(cycle.market, **{name: getattr(market, name) for name in RULES})
    if not base_is_complete(cycle) or base_is_complete(replace(cycle, market=changed)):
        return changed
    return replace(
        changed,
        lot_size=cycle.market.lot_size,
        min_quantity=max(changed.min_quantity, cycle.market.min_quantity),
        min_notional=max(changed.min_notional, cycle.market.min_notional),
    )


@exact
def problem(cycle: Cycle) -> str | None:
    """Why the ladder of a running cycle can not be traded under the rules that it has; None: it can."""
    price = base_price(cycle)
    if price is None:
        return None
    try:
        check_ladder(cycle.parameters, cycle.market, price, cycle.size_factor)
    except InvalidInput as refused:
        return str(refused)
    return None
