"""What a backtest is told and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.matching import FillRule
from core.money import ZERO
from core.orders import Fill, Order, Slot


@dataclass(frozen=True, slots=True)
class Settings:
    """`balance`: quote to spend, None without limit. `slippage`: what market orders lose, a fraction."""

    fill_rule: FillRule = FillRule.TOUCH
    slippage: Decimal = ZERO
    balance: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FillRecord:
    at: datetime
    cycle: int
    order: Order
    fill: Fill


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """PnL and fees in quote, quantities in base. `safety_orders_per_level[i]`: fills of level i + 1.

    orders: (cycle number, order) of each order that the venue took, as it was placed.
    """

    candles: int
    gaps: int
    missing_candles: int
    cycles: int
    stop_losses: int
    safety_orders_per_level: tuple[int, ...]
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    equity_change: Decimal
    max_drawdown: Decimal
    most_capital_used: Decimal
    seconds_in_trade: int
    open_quantity: Decimal
    dust: Decimal
    assumed_fills: int
    unaffordable_orders: int
    fills: tuple[FillRecord, ...]
    orders: tuple[tuple[int, Order], ...]


@dataclass(slots=True)
class Tally:
    """What a run counts. `leg_fills`: fills of the current candle by leg of its path, 0 at its open."""

    cycles: int = 0
    stop_losses: int = 0
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    assumed: int = 0
    seconds_in_trade: int = 0
    started: datetime | None = None
    unaffordable: set[tuple[int, Slot]] = field(default_factory=set)
    fills: list[FillRecord] = field(default_factory=list)
    orders: list[tuple[int, Order]] = field(default_factory=list)
    levels: dict[int, int] = field(default_factory=dict)
    leg_fills: dict[int, int] = field(default_factory=dict)

    def filled(self, record: FillRecord, leg: int) -> None:
        """One fill happened on that leg of the candle's path."""
        self.fills.append(record)
        self.leg_fills[leg] = self.leg_fills.get(leg, 0) + 1
        level = record.order.slot.level
        if level:
            self.levels[level] = self.levels.get(level, 0) + 1

    def candle_ended(self) -> None:
        """Fills on several legs of one candle came in an order that only the assumed path gives."""
        if not self.leg_fills:
            return
        inside = [count for leg, count in self.leg_fills.items() if leg > 0]
        if len(inside) > 1:
            self.assumed += sum(inside)
        self.leg_fills.clear()

    def cycle_ended(self, at: datetime) -> None:
        self.seconds_in_trade += self.seconds_since_start(at)
        self.started = None

    def seconds_since_start(self, at: datetime) -> int:
        return 0 if self.started is None else int((at - self.started).total_seconds())
