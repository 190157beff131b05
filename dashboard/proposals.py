"""Presets sized for an account, and what an account has free for them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.ladder import required_capital
from core.market import Market
from core.money import ONE, ZERO, exact, half_up
from core.parameters import Parameters
from core.presets import SHARE, Preset, presets_for, size_preset
from core.reserve import locked_on_venue, still_to_spend
from dashboard.database import read
from dashboard.formatting import utc_now
from dashboard.live_words import cap_left
from db import reports
from db.accounts import Account, AccountKind

SMALLEST_BUDGET = Decimal(100)
USUAL = 1
"""Which of the presets a new form begins with."""


def presets(is_practice: bool) -> dict[str, Preset]:
    """By the name that people see."""
    return {preset.name: preset for preset in presets_for(is_practice)}


def usual(is_practice: bool) -> str:
    names = list(presets(is_practice))
    return names[min(USUAL, len(names) - 1)]


def sized(
    preset: Preset, budget: Decimal, market: Market | None, price: Decimal | None
) -> Parameters:
    """The whole ladder costs at most `budget`. Raises InvalidInput when that is too little."""
    if market is None or price is None:
        return roughly_sized(preset, budget)
    return size_preset(preset, budget, market, price, share=ONE)


@exact
def roughly_sized(preset: Preset, budget: Decimal) -> Parameters:
    """Without regard to minima: for a form that has no prices yet, or that shows what is wrong."""
    size = half_up(budget / required_capital(preset.shape, Market()), 2)
    size = max(size, Decimal("0.01"))
    return replace(preset.shape, base_order_size=size, safety_order_size=size)


def first_budget(free: Decimal | None) -> Decimal:
    if free is None:
        return SMALLEST_BUDGET
    return max(half_up(free * SHARE, 0), min(SMALLEST_BUDGET, free))


@exact
def free_balance(user_id: int, account: Account, quote: str) -> Decimal | None:
    """What the account has, less what its running strategies may still need; None if not known. Of a live
    account: what is left of its cap."""
    if account.kind is AccountKind.LIVE:
        live = read(lambda session: reports.live_account(session, user_id, account.account_id))
        return None if live is None else cap_left(live, quote)
    held = read(lambda session: reports.balances(session, user_id)).get(account.account_id, ())
    known = {balance.asset: balance.free for balance in held}
    free = known.get(quote, account.stated_balance.get(quote, ZERO))
    cards = read(lambda session: reports.home(session, user_id, at=utc_now()))
    for card in cards:
        if card.account_id == account.account_id and card.quote == quote and card.cycle:
            free -= still_to_spend(card.cycle)
            # The venue's free balance has gone down by what it set aside already.
            free += locked_on_venue(card.cycle) if quote in known else ZERO
    return max(free, ZERO)
