"""Money before orders: may the next cycle start? Asked before each base order, never after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.cycle import Cycle
from core.errors import InvalidInput
from core.feasibility import check_ladder
from core.ladder import required_capital
from core.money import QUANTUM, ZERO, ceil_to, exact, half_up, plain
from core.reserve import locked_on_venue, money_in, still_to_spend


@dataclass(frozen=True, slots=True)
class Held:
    """Why no cycle starts: `missing` quote, or a ladder that the market's rules refuse.

    `waits`: it starts by itself when that is over."""

    sentence: str
    missing: Decimal | None = None
    waits: bool = False

    @property
    def state(self) -> str:
        return "waiting" if self.waits or self.missing is not None else "needs_attention"


@exact
def may_start(cycle: Cycle, price: Decimal, free: Decimal, others: Iterable[Cycle]) -> Held | None:
    """None when `cycle` may start at `price`.

    free: quote that the account has free. others: every other open cycle on the account in the same
    quote coin; what they still need and the venue has not set aside yet is not free for this one.
    """
    try:
        check_ladder(cycle.parameters, cycle.market, price, cycle.size_factor)
    except InvalidInput as problem:
        return Held(f"{problem} No cycle is started until it is mended.")
    needed = required_capital(cycle.parameters, cycle.market, cycle.size_factor)
    reserved = sum((still_to_spend(other) - locked_on_venue(other) for other in others), ZERO)
    missing = needed - (free - reserved)
    if missing <= 0:
        return None
    quote = cycle.market.quote
    return Held(
        f"The next cycle needs {_shown(needed)} {quote}, fees included; {_shown(missing)} {quote} are missing"
        " on the account. It starts by itself when they are there.",
        ceil_to(
            missing, QUANTUM
        ),  # sizes that have grown by reinvesting have more places than are stored
    )


@exact
def fits_cap(cycle: Cycle, cap: Decimal | None, others: Iterable[Cycle]) -> Held | None:
    """None when the whole ladder of `cycle` fits the account's cap beside what the others may come to use.

    others: every other cycle on the account in the same quote coin; idle ones count with their dust.
    """
    quote = cycle.market.quote
    if cap is None:
        return Held(no_cap(quote))
    needed = required_capital(cycle.parameters, cycle.market, cycle.size_factor)
    used = sum((money_in(other) + still_to_spend(other) for other in others), money_in(cycle))
    if used + needed <= cap:
        return None
    return Held(
        f"The next cycle needs {_shown(needed)} {quote}, fees included. The account's cap is {_shown(cap)}"
        f" {quote}, of which other strategies use or may still use {_shown(used)}. It starts by itself when"
        " there is room; or raise the cap.",
        waits=True,
    )


def no_cap(quote: str) -> str:
    return (
        f"This account has no cap for {quote}, so nothing is bought with it. Set the most that may be in"
        " use on the page Accounts."
    )


def _shown(amount: Decimal) -> str:
    """Money in a sentence: two places, more where two would hide it."""
    return plain(half_up(amount, 2 if amount >= 1 else 8))
