"""Pure: what of a strategy is drawn on its chart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.accounting import Position
from core.cycle import TAKE_PROFIT, Cycle
from core.ladder import Ladder
from core.market import Side
from core.orders import Role
from core.triggers import activation_price
from core.wanted import stop_price, target_price
from dashboard.charts.market import FillMark, LineKind, PriceLine
from dashboard.formatting import money, price, quantity, short_when
from dashboard.planned_real import LevelState, compare
from dashboard.words import role_words
from db.reports import FillRow, StrategyCard

LEVELS: dict[LevelState, tuple[LineKind, str]] = {
    LevelState.FILLED: (LineKind.FILLED, "✓ {}"),
    LevelState.RESTING: (LineKind.LEVEL, "Buy {}"),
    LevelState.DOUBTFUL: (LineKind.DOUBTFUL, "? {}"),
    LevelState.WAITING: (LineKind.PLANNED, "({})"),
    LevelState.REFUSED: (LineKind.REFUSED, "✗ {}"),
    LevelState.LEFT_OUT: (LineKind.LEFT_OUT, "– {}"),
}
LEGEND = (
    "Dashed: buys waiting. Dotted with a number in brackets: buys that are not placed now. ✓ filled,"
    " ✗ refused, – left out, ? unknown whether it exists."
)


def lines_of(card: StrategyCard, now: datetime) -> list[PriceLine]:
    """Levels by their state, average entry, breakeven, take profit, stop loss and the price now."""
    found: list[PriceLine] = []
    cycle, held, last = card.cycle, card.position, card.last_price
    tick = None if cycle is None else cycle.market.tick_size
    if cycle is not None and held is not None and cycle.has_fills():
        for row in compare(card, now)[1:]:
            if row.planned_price is not None:
                kind, word = LEVELS[row.state]
                found.append(PriceLine(kind, row.planned_price, word.format(row.number)))
        if held.average_entry_price is not None:
            found.append(PriceLine(LineKind.AVERAGE, held.average_entry_price, "Average"))
        even = held.breakeven_price(cycle.market.taker_fee)
        if even is not None and held.quantity > 0:
            found.append(PriceLine(LineKind.BREAKEVEN, even, "Breakeven"))
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
