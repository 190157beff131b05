"""Ready-made ladders, named by the fall that they cover and sized from the money there is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from core.errors import InvalidInput
from core.feasibility import (
    ROOM,
    check_ladder,
    friendly_above,
    least_base_size,
    least_safety_size,
)
from core.ladder import required_capital
from core.market import Market
from core.money import EXACT, ONE, exact, plain
from core.parameters import Parameters

SHARE = Decimal("0.5")
"""Of what is free: the rest stays for other strategies, and for second thoughts."""


@dataclass(frozen=True, slots=True)
class Preset:
    """`shape`: everything but the sizes, with base and first safety order at 1."""

    fall: Decimal
    shape: Parameters
    advice: str

    @property
    def name(self) -> str:
        return f"Down to −{plain(self.fall * 100)} %"


def _preset(
    fall: str, levels: int, deviation: str, step: str, volume: str, profit: str, advice: str
) -> Preset:
    shape = Parameters(
        base_order_size=ONE,
        safety_order_size=ONE,
        max_safety_orders=levels,
        active_safety_orders=levels,
        price_deviation=Decimal(deviation),
        step_scale=Decimal(step),
        volume_scale=Decimal(volume),
        take_profit=Decimal(profit),
    )
    return Preset(Decimal(fall), shape, advice)


PRESETS = (
    _preset("0.15", 5, "0.015", "1.35", "1.4", "0.01",
            "Large first buys and quick cycles. A fall beyond 15 % comes every few weeks or months;"
            " then it holds everything and waits."),
    _preset("0.35", 6, "0.019", "1.45", "1.4", "0.015",
            "A middle way: it lives through most falls of a quiet year."),
    _preset("0.42", 6, "0.02", "1.5", "1.4", "0.015",
            "The defaults. Even large coins fall further than this, in some years more than once."),
    _preset("0.6", 8, "0.0175", "1.4", "1.35", "0.015",
            "Small first buys, so small earnings; it still buys in the middle of a crash."),
    _preset("0.75", 9, "0.019", "1.35", "1.35", "0.015",
            "For the falls that come once in some years. Most of the money waits most of the time."),
)  # fmt: skip

PRACTICE_PRESETS = (
    _preset("0.05", 5, "0.006", "1.27", "1.3", "0.003",
            "For PRACTICE symbols: a cycle every minute or two, and about once an hour a fall past"
            " the last level."),
    _preset("0.12", 7, "0.007", "1.28", "1.25", "0.004",
            "For PRACTICE symbols: deeper and a little slower, so that most falls are caught."),
)  # fmt: skip


def presets_for(is_practice: bool) -> tuple[Preset, ...]:
    """What the form offers for a symbol."""
    return PRACTICE_PRESETS if is_practice else PRESETS


def preset(
    fall: Decimal, budget: Decimal, market: Market, price: Decimal, share: Decimal = SHARE
) -> Parameters:
    """The preset that covers `fall`, with its required capital within `share` of `budget`."""
    for each in (*PRESETS, *PRACTICE_PRESETS):
        if each.fall == fall:
            return size_preset(each, budget, market, price, share)
    known = ", ".join(f"{plain(each.fall * 100)} %" for each in PRESETS)
    raise InvalidInput("preset", f"covers none of the known falls; choose one of {known}.")


@exact
def size_preset(
    chosen: Preset, budget: Decimal, market: Market, price: Decimal, share: Decimal = SHARE
) -> Parameters:
    """`chosen` with sizes of two digits: as large as fits, and with room above the minima."""
    for_one = required_capital(chosen.shape, market)
    least = _least_size(chosen.shape, market, price)
    size = _friendly_below(budget * share / for_one)
    if size < least:
        needed = plain(smallest_budget(chosen, market, price, share))
        raise InvalidInput(
            "budget",
            f"is too small for {chosen.name}: the exchange's minima ask for at least {needed}"
            f" {market.quote} free, of which {plain(share * 100)} % would be used. Choose a preset"
            " that covers less, or use an account with more.",
        )
    parameters = replace(chosen.shape, base_order_size=size, safety_order_size=size)
    check_ladder(parameters, market, price)
    return parameters


@exact
def smallest_budget(
    chosen: Preset, market: Market, price: Decimal, share: Decimal = SHARE
) -> Decimal:
    """What must be free for `chosen` to work on this market."""
    for_one = required_capital(chosen.shape, market)
    return friendly_above(_least_size(chosen.shape, market, price) * for_one / share)


def _least_size(shape: Parameters, market: Market, price: Decimal) -> Decimal:
    base = least_base_size(shape, market, price)
    levels = least_safety_size(shape, market, price)
    least = max(base, levels) * ROOM
    return friendly_above(least, 2) if least > 0 else ONE


def _friendly_below(value: Decimal) -> Decimal:
    """The largest number of two digits that is not above `value`."""
    if value <= 0:
        return Decimal(0)
    step = ONE.scaleb(value.adjusted() - 1)
    rounded = (value / step).quantize(ONE, rounding=ROUND_FLOOR, context=EXACT) * step
    return Decimal(plain(rounded))
