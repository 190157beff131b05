"""Candles, and the path that DESIGN 6 says a candle stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.errors import InvalidInput
from core.money import LARGEST

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_OPENED = 200_000_000_000_000
"""Far in the future, and early enough that pauses added to it are still dates."""


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
    previous = -1
    for row, candle in enumerate(candles, start=1):
        if not _is_candle(candle):
            raise InvalidInput("candles", f"row {row} {_what_is_wrong(candle)}")
        if candle.opened <= previous:
            raise InvalidInput("candles", f"row {row} is not later than the row before; sort them.")
        previous = candle.opened


def _is_candle(candle: Candle) -> bool:
    low, high = candle.low, candle.high
    if not (low.is_finite() and high.is_finite()):
        return False
    if not (candle.open.is_finite() and candle.close.is_finite()):
        return False
    inside = low <= candle.open <= high and low <= candle.close <= high
    return inside and low > 0 and high < LARGEST and 0 <= candle.opened < LAST_OPENED


def _what_is_wrong(candle: Candle) -> str:
    prices = (candle.open, candle.high, candle.low, candle.close)
    if not all(price.is_finite() and 0 < price < LARGEST for price in prices):
        return "has a price that is not a number above zero; correct or remove it."
    if not 0 <= candle.opened < LAST_OPENED:
        return "has a timestamp that is not in milliseconds since 1970; correct it."
    return "has a low or a high inside its body; correct or remove it."


def gaps(opened: list[int]) -> tuple[int, int]:
    """(gaps, missing candles) of a series; its step is the smallest distance between two candles."""
    steps = [later - earlier for earlier, later in itertools.pairwise(opened)]
    if not steps:
        return 0, 0
    usual = min(steps)
    wide = [step for step in steps if step > usual]
    return len(wide), sum(step // usual - 1 for step in wide)
