"""Presets named by the fall they cover and sized by money, and what an account has free for them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from core.ladder import required_capital
from core.market import Market
from core.money import ONE, ZERO, exact, half_up
from core.parameters import Parameters
from core.reserve import locked_on_venue, still_to_spend
from dashboard.database import read
from dashboard.formatting import utc_now
from db import reports
from db.accounts import Account

SHARE = Decimal("0.2")
SMALLEST_BUDGET = Decimal(100)
CENT, BASIS_POINT = Decimal("0.01"), Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Preset:
    """`covers`: how far below the first buy the last extra buy waits, a fraction."""

    covers: Decimal
    levels: int
    step_scale: Decimal
    volume_scale: Decimal
    take_profit: Decimal

    @exact
    def parameters(self, budget: Decimal) -> Parameters:
        """All buys together, fees included, cost at most `budget`."""
        steps = sum((self.step_scale**number for number in range(self.levels)), ZERO)
        unit = Parameters(
            base_order_size=ONE,
            safety_order_size=ONE,
            max_safety_orders=self.levels,
            active_safety_orders=self.levels,
            price_deviation=(self.covers / steps).quantize(BASIS_POINT, rounding=ROUND_UP),
            step_scale=self.step_scale,
            volume_scale=self.volume_scale,
            take_profit=self.take_profit,
        )
        size = (budget / required_capital(unit, Market())).quantize(CENT, rounding=ROUND_DOWN)
        return _sized(unit, max(size, CENT))


def _sized(unit: Parameters, size: Decimal) -> Parameters:
    return Parameters(
        base_order_size=size,
        safety_order_size=size,
        max_safety_orders=unit.max_safety_orders,
        active_safety_orders=unit.active_safety_orders,
        price_deviation=unit.price_deviation,
        step_scale=unit.step_scale,
        volume_scale=unit.volume_scale,
        take_profit=unit.take_profit,
    )


_D = Decimal
PRESETS = {
    f"−{preset.covers * 100:.0f} %": preset
    for preset in (
        Preset(_D("0.10"), 5, _D("1.3"), _D("1.3"), _D("0.01")),
        Preset(_D("0.20"), 6, _D("1.4"), _D("1.4"), _D("0.012")),
        Preset(_D("0.35"), 7, _D("1.4"), _D("1.4"), _D("0.015")),
        Preset(_D("0.50"), 8, _D("1.4"), _D("1.4"), _D("0.015")),
        Preset(_D("0.65"), 9, _D("1.4"), _D("1.4"), _D("0.02")),
    )
}
USUAL = "−35 %"


def first_budget(free: Decimal | None) -> Decimal:
    """A fifth of what is free: one fall should not take everything."""
    if free is None:
        return SMALLEST_BUDGET
    return max(half_up(free * SHARE, 0), min(SMALLEST_BUDGET, free))


@exact
def free_balance(user_id: int, account: Account, quote: str) -> Decimal | None:
    """What the account has, less what its running strategies may still need; None if not known."""
    held = read(lambda session: reports.balances(session, user_id)).get(account.account_id, ())
    known = {balance.asset: balance.free for balance in held}
    free = known.get(quote, account.stated_balance.get(quote, ZERO))
    cards = read(lambda session: reports.home(session, user_id, at=utc_now()))
    for card in cards:
        if card.account_id == account.account_id and card.quote == quote and card.cycle:
            free -= still_to_spend(card.cycle) - locked_on_venue(card.cycle)
    return max(free, ZERO)
