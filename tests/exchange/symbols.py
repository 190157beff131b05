"""A symbol of the exchange: its prices now, its filters, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.exchange.wire import Refusal, number

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
MINUTE_MS = 60_000


@dataclass(slots=True)
class Candle:
    opened: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(slots=True)
class Rules:
    """The filters, changeable while trading goes on."""

    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal
    min_price: Decimal
    max_price: Decimal
    max_orders: int = 200
    lowest_buy: Decimal = Decimal("0.2")
    highest_buy: Decimal = Decimal(5)
    lowest_sell: Decimal = Decimal("0.2")
    highest_sell: Decimal = Decimal(5)

    def filters(self) -> list[dict[str, Any]]:
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": number(self.min_price),
                "maxPrice": number(self.max_price),
                "tickSize": number(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": number(self.min_quantity),
                "maxQty": number(self.max_quantity),
                "stepSize": number(self.lot),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": number(self.market_max_quantity),
                "stepSize": "0.00000000",
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(self.highest_buy),
                "bidMultiplierDown": str(self.lowest_buy),
                "askMultiplierUp": str(self.highest_sell),
                "askMultiplierDown": str(self.lowest_sell),
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": number(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": number(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_orders},
        ]

    def check_price(self, price: Decimal, buys: bool, last: Decimal) -> None:
        if not self.min_price <= price <= self.max_price or price % self.tick:
            raise broken("PRICE_FILTER")
        low, high = (
            (self.lowest_buy, self.highest_buy) if buys else (self.lowest_sell, self.highest_sell)
        )
        if not last * low <= price <= last * high:
            raise broken("PERCENT_PRICE_BY_SIDE")

    def check_quantity(self, quantity: Decimal, at_market: bool) -> None:
        if not self.min_quantity <= quantity <= self.max_quantity or quantity % self.lot:
            raise broken("LOT_SIZE")
        if at_market and quantity > self.market_max_quantity:
            raise broken("MARKET_LOT_SIZE")

    def check_notional(self, notional: Decimal, at_market: bool) -> None:
        if notional < self.min_notional:
            raise broken("NOTIONAL")
        if not at_market and notional > self.max_notional:
            raise broken("NOTIONAL")


def broken(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


@dataclass(slots=True)
class Symbol:
    """`liquidity`: how much one side of the book holds for takers, None: without end."""

    name: str
    base: str
    quote: str
    rules: Rules
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal
    status: str = "TRADING"
    listed: bool = True
    liquidity: Decimal | None = None
    next_trade_id: int = 1
    changes: int = 1
    candles: list[Candle] = field(default_factory=list)

    @property
    def unified(self) -> str:
        return f"{self.base}/{self.quote}"

    @property
    def is_open(self) -> bool:
        return self.listed and self.status == "TRADING"

    def move(self, bid: Decimal | None, ask: Decimal | None, now: int) -> None:
        self.bid, self.ask = bid, ask
        self.changes += 1
        if bid is not None and ask is not None:
            self.last = bid if self.last < bid else ask if self.last > ask else self.last
        self._draw(now)

    def _draw(self, now: int) -> None:
        opened = now - now % MINUTE_MS
        if not self.candles or self.candles[-1].opened != opened:
            self.candles.append(Candle(opened, self.last, self.last, self.last, self.last))
            del self.candles[:-1500]
        candle = self.candles[-1]
        candle.high, candle.low = max(candle.high, self.last), min(candle.low, self.last)
        candle.close = self.last

    def info(self) -> dict[str, Any]:
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": False,
            "ocoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": True,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self.rules.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER"],
        }
