"""Equity along a price path: realized + unrealized PnL, its peak and its deepest fall."""

from __future__ import annotations

from decimal import Decimal

from core.accounting import Position
from core.candles import Candle
from core.money import ONE, ZERO


class EquityTracker:
    """Net PnL in quote. The running peak starts at 0; `max_drawdown` is the largest fall from it.

    Between two fills equity is a straight line in the price, so its extremes lie at turning points
    and at fills; only there it is looked at.
    """

    def __init__(self, sell_fee: Decimal) -> None:
        self.keep = ONE - sell_fee
        self.closed = ZERO
        self.slope = ZERO
        self.offset = ZERO
        self.seen_low = self.seen_high = ZERO
        self.peak = ZERO
        self.max_drawdown = ZERO
        self.most_used = ZERO

    def hold(self, held: Position) -> None:
        """The open cycle's position changed."""
        self.slope = held.quantity * self.keep
        self.offset = self.closed + held.realized - held.cost
        self.seen_low = self.seen_high = ZERO
        self.most_used = max(self.most_used, held.cost)

    def close(self, realized: Decimal, carried_quantity: Decimal, carried_cost: Decimal) -> None:
        """A cycle ended; its dust stays in the equity at cost and is valued with the price."""
        self.closed += realized
        self.slope = carried_quantity * self.keep
        self.offset = self.closed - carried_cost
        self.seen_low = self.seen_high = ZERO

    def see_candle(self, candle: Candle) -> None:
        """A candle in which nothing happened: only a new peak or a deeper fall is worth walking it."""
        if not self.slope or (self.seen_low <= candle.low and candle.high <= self.seen_high):
            return
        self.see(candle.open)
        for price in candle.path():
            self.see(price)
        self._find_seen_range()

    def _find_seen_range(self) -> None:
        """Between these prices equity neither makes a new peak nor falls deeper than it did."""
        self.seen_high = (self.peak - self.offset) / self.slope
        self.seen_low = (self.peak - self.max_drawdown - self.offset) / self.slope

    def see(self, price: Decimal) -> None:
        equity = self.offset + self.slope * price if self.slope else self.offset
        if equity > self.peak:
            self.peak = equity
        elif self.peak - equity > self.max_drawdown:
            self.max_drawdown = self.peak - equity
