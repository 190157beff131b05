"""When a resting order fills, at what price and for what fee: one rule for backtest and paper venues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.market import FeeCurrency, Market, Side
from core.money import ONE, ZERO, stored
from core.orders import Fill, Kind

THROUGH_FRACTION = Decimal("0.0001")
OTHER_ASSET = "OTHER"


class FillRule(StrEnum):
    """`touch`: a limit order fills when the price reaches it; `through`: a tick (or 0.01 %) beyond."""

    TOUCH = "touch"
    THROUGH = "through"


@dataclass(frozen=True, slots=True)
class Resting:
    """A limit order on a venue's book."""

    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal

    def reach(self, rule: FillRule, market: Market) -> Decimal:
        """The price that the path must arrive at for this order to fill."""
        if rule is FillRule.TOUCH:
            return self.price
        beyond = market.tick_size or self.price * THROUGH_FRACTION
        return self.price - beyond if self.side is Side.BUY else self.price + beyond


def is_marketable(side: Side, price: Decimal, bid: Decimal, ask: Decimal) -> bool:
    """A limit order that would fill the moment it is placed."""
    return price >= ask if side is Side.BUY else price <= bid


def market_price(side: Side, bid: Decimal, ask: Decimal, slippage: Decimal = ZERO) -> Decimal:
    """What a market order gets: worse than the book by `slippage`."""
    return ask * (ONE + slippage) if side is Side.BUY else bid * (ONE - slippage)


def within_collar(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Whether a market order whose worst price is `limit` may fill at `price`."""
    return limit is None or (price <= limit if side is Side.BUY else price >= limit)


def make_fill(
    market: Market,
    side: Side,
    kind: Kind,
    price: Decimal,
    quantity: Decimal,
    at: datetime,
    trade_id: str,
    *,
    taker: bool,
) -> Fill:
    """A trade with its fee: in base for buys where the market takes it so, else in quote or a third coin."""
    rate = market.taker_fee if taker or kind is Kind.MARKET else market.maker_fee
    if market.fee_currency is FeeCurrency.BASE and side is Side.BUY:
        fee = stored(quantity * rate)
        return Fill(trade_id, at, price, quantity, fee, market.base, stored(fee * price))
    value = stored(price * quantity * rate)
    asset = OTHER_ASSET if market.fee_currency is FeeCurrency.OTHER else market.quote
    return Fill(trade_id, at, price, quantity, value, asset, value)
