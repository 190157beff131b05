"""Pure: what of a strategy is drawn on its chart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from core.accounting import Position
from core.cycle import TAKE_PROFIT, Cycle
from core.ladder import Ladder
from core.market import Side
from core.orders import Role
from core.triggers import activation_price
from core.wanted import open_levels, stop_price, target_price
from dashboard.charts.market import FillMark, LineKind, PriceLine
from dashboard.formatting import money, price, quantity, short_when
from dashboard.words import role_words
from db.reports import FillRow


def lines_of(cycle: Cycle | None, held: Position | None, last: Decimal | None) -> list[PriceLine]:
    """Levels still open, average entry, take profit, stop loss and the price now."""
    found: list[PriceLine] = []
    tick = None if cycle is None else cycle.market.tick_size
    if cycle is not None and held is not None and cycle.has_fills():
        resting = {order.slot.level for order in cycle.live() if order.slot.role is Role.SAFETY}
        for level, _ in open_levels(cycle):
            is_resting = level.number in resting
            kind = LineKind.LEVEL if is_resting else LineKind.PLANNED
            word = f"Buy {level.number}" if is_resting else f"({level.number})"
            found.append(PriceLine(kind, level.price, word))
        if held.average_entry_price is not None:
            found.append(PriceLine(LineKind.AVERAGE, held.average_entry_price, "Average"))
        found += _exits(cycle, held)
    if last is not None:
        found.append(PriceLine(LineKind.PRICE, last, price(last, tick)))
    return found


def lines_of_ladder(ladder: Ladder) -> list[PriceLine]:
    """What a new strategy would wait for, were its first buy made now."""
    found = [
        PriceLine(
            LineKind.LEVEL if rung.level.number else LineKind.PRICE,
            rung.level.price,
            f"Buy {rung.level.number}" if rung.level.number else "First buy",
        )
        for rung in ladder.rungs
    ]
    return [*found, PriceLine(LineKind.TAKE_PROFIT, ladder.rungs[0].take_profit_price, "Profit")]


def _exits(cycle: Cycle, held: Position) -> list[PriceLine]:
    found: list[PriceLine] = []
    live = cycle.live_in(TAKE_PROFIT)
    target = live.price if live is not None else target_price(cycle, held)
    if target is not None and held.quantity > 0:
        trailing = activation_price(cycle, held) is not None
        found.append(PriceLine(LineKind.TAKE_PROFIT, target, "Trailing" if trailing else "Profit"))
    stop = stop_price(cycle, held)
    if stop is not None and held.quantity > 0:
        found.append(PriceLine(LineKind.STOP, stop, "Stop"))
    return found


def marks_of(fills: Iterable[FillRow], symbol: str, time_zone: str) -> list[FillMark]:
    base, _, quote = symbol.partition("/")
    return [
        FillMark(
            fill.at,
            Side(fill.side),
            fill.price,
            f"{role_words(Role(fill.role), fill.level)}<br>{quantity(fill.quantity, base)}"
            f" at {price(fill.price)} {quote}"
            f"<br>{money(fill.price * fill.quantity, quote)}"
            f"<br>{short_when(fill.at, time_zone)}",
        )
        for fill in fills
    ]


def since(fills: list[FillMark], earliest: datetime) -> list[FillMark]:
    return [fill for fill in fills if fill.at >= earliest]
