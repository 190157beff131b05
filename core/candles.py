"""Candles, and the path that DESIGN 6 says a candle stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candle:
    """`opened`: milliseconds since 1970 UTC at which it opens; prices in quote per base."""

    opened: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)

    @property
    def at(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.opened)

    def path(self) -> tuple[Decimal, Decimal, Decimal]:
        """The turning points after the open: low first when it closed at or above its open."""
        if self.close >= self.open:
            return self.low, self.high, self.close
        return self.high, self.low, self.close


def check_candles(candles: Iterable[Candle]) -> None:
    """Raises `InvalidInput` naming the first row that cannot be a candle, or that is out of order."""
    previous: int | None = None
    for row, candle in enumerate(candles, start=1):
        prices = (candle.open, candle.high, candle.low, candle.close)
        if not all(price.is_finite() and price > 0 for price in prices):
            raise InvalidInput("candles", f"row {row} has a price that is not above zero.")
        if candle.low > min(prices) or candle.high < max(prices):
            raise InvalidInput("candles", f"row {row} has a low or a high inside its body.")
        if previous is not None and candle.opened <= previous:
            raise InvalidInput("candles", f"row {row} is not later than the row before; sort them.")
        previous = candle.opened


def gaps(opened: list[int]) -> tuple[int, int]:
    """(gaps, missing candles) of a series; its step is the smallest distance between two candles."""
    steps = [later - earlier for earlier, later in itertools.pairwise(opened)]
    if not steps:
        return 0, 0
    usual = min(steps)
    wide = [step for step in steps if step > usual]
    return len(wide), sum(step // usual - 1 for step in wide)
