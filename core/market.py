"""The trading rules of one symbol, and the only rounding of prices and quantities."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.money import EXACT, QUANTUM, ZERO, ceil_to, floor_to


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class FeeCurrency(StrEnum):
    """What the venue takes its fee in. `OTHER` is a third coin, valued in quote at the fill."""

    QUOTE = "quote"
    BASE = "base"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Market:
    """Prices in quote per base, quantities in base, `min_notional` in quote, fees as fractions.

    `None` for a step or a limit: the venue has none (a backtest without a market rounds nothing).
    """

    symbol: str = "BASE/QUOTE"
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    min_quantity: Decimal = ZERO
    min_notional: Decimal = ZERO
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fee_currency: FeeCurrency = FeeCurrency.QUOTE
    max_market_quantity: Decimal | None = None
    max_open_orders: int | None = None

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    def round_price(self, side: Side, price: Decimal) -> Decimal:
        """Never worse for the owner than asked: a buy goes down to the tick, a sell up."""
        return (floor_to if side is Side.BUY else ceil_to)(price, self.tick_size)

    def keep_price(self, price: Decimal) -> Decimal:
        """`price` rounded to no tick, only to places at which what a trade costs is stored exactly."""
        return price.quantize(_price_quantum(self.lot_size), context=EXACT)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        return floor_to(quantity, self.lot_size)

    def is_tradable(self, quantity: Decimal, price: Decimal) -> bool:
        """True when an order of `quantity` (any, it is rounded here) at `price` meets the minima."""
        rounded = self.round_quantity(quantity)
        return rounded > 0 and rounded >= self.min_quantity and rounded * price >= self.min_notional


@functools.lru_cache(maxsize=256)
def _price_quantum(lot_size: Decimal | None) -> Decimal:
    """Such that a multiple of it times a multiple of the lot has no more places than are kept."""
    if lot_size is None:
        return QUANTUM
    exponent = lot_size.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return QUANTUM.scaleb(max(0, -exponent))
