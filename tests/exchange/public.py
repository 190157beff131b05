"""Answers that need no key: time, rules, prices."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.exchange.symbols import MINUTE_MS, Candle, Symbol
from tests.exchange.wire import Refusal, Request, missing, number

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

INTERVALS = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
QUANTITY = "10.00000000"


def text(price: Decimal | None) -> str:
    return number(price or Decimal(0))


def chosen(exchange: Exchange, request: Request) -> list[Symbol]:
    """Those asked for by `symbol` or `symbols`, else all that are listed."""
    listed = {name: one for name, one in exchange.symbols.items() if one.listed}
    names = [request.params["symbol"]] if "symbol" in request.params else None
    if names is None and "symbols" in request.params:
        names = [part.strip('"') for part in request.params["symbols"].strip("[]").split(",")]
    if names is None:
        return list(listed.values())
    if any(name not in listed for name in names):
        raise Refusal(-1121, "Invalid symbol.")
    return [listed[name] for name in names]


def one_or_all(request: Request, rows: list[dict[str, Any]]) -> Any:
    return rows[0] if "symbol" in request.params else rows


def ping(exchange: Exchange, request: Request) -> Any:
    return {}


def time(exchange: Exchange, request: Request) -> Any:
    return {"serverTime": exchange.now()}


def exchange_info(exchange: Exchange, request: Request) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": exchange.now(),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": exchange.weights.limit,
            },
            {
                "rateLimitType": "ORDERS",
                "interval": "SECOND",
                "intervalNum": 10,
                "limit": exchange.orders_per_ten_seconds,
            },
        ],
        "exchangeFilters": [],
        "symbols": [symbol.info() for symbol in chosen(exchange, request)],
    }


def book_row(symbol: Symbol) -> dict[str, Any]:
    return {
        "symbol": symbol.name,
        "bidPrice": text(symbol.bid),
        "bidQty": QUANTITY if symbol.bid else text(None),
        "askPrice": text(symbol.ask),
        "askQty": QUANTITY if symbol.ask else text(None),
    }


def book_ticker(exchange: Exchange, request: Request) -> Any:
    rows = [book_row(symbol) for symbol in chosen(exchange, request)]
    return one_or_all(request, exchange.faults.prices(request, rows))


def price(exchange: Exchange, request: Request) -> Any:
    rows = [{"symbol": one.name, "price": text(one.last)} for one in chosen(exchange, request)]
    return one_or_all(request, exchange.faults.prices(request, rows))


def day(exchange: Exchange, request: Request) -> Any:
    rows = [day_row(exchange, symbol) for symbol in chosen(exchange, request)]
    return one_or_all(request, exchange.faults.prices(request, rows))


def day_row(exchange: Exchange, symbol: Symbol) -> dict[str, Any]:
    candles = symbol.candles or [Candle(0, *[symbol.last] * 4)]
    opened = candles[0].open
    change = symbol.last - opened
    return book_row(symbol) | {
        "priceChange": text(change),
        "priceChangePercent": f"{change / opened * 100:.3f}",
        "weightedAvgPrice": text(symbol.last),
        "prevClosePrice": text(opened),
        "lastPrice": text(symbol.last),
        "lastQty": "0.01000000",
        "openPrice": text(opened),
        "highPrice": text(max(one.high for one in candles)),
        "lowPrice": text(min(one.low for one in candles)),
        "volume": "1000.00000000",
        "quoteVolume": text(symbol.last * 1000),
        "openTime": exchange.now() - 86_400_000,
        "closeTime": exchange.now(),
        "firstId": 1,
        "lastId": symbol.next_trade_id - 1,
        "count": symbol.next_trade_id - 1,
    }


def klines(exchange: Exchange, request: Request) -> Any:
    symbol = _needed(exchange, request)
    minutes = INTERVALS.get(request.params.get("interval", ""))
    if minutes is None:
        raise Refusal(-1120, "Invalid interval.")
    since = int(request.params.get("startTime", 0))
    until = int(request.params.get("endTime", exchange.now()))
    limit = min(1000, int(request.params.get("limit", 500)))
    rows = [
        row for row in _grouped(symbol.candles, minutes * MINUTE_MS) if since <= row[0] <= until
    ]
    return rows[:limit] if since else rows[-limit:]


def _grouped(candles: Iterable[Candle], length: int) -> list[list[Any]]:
    groups: dict[int, list[Candle]] = {}
    for candle in candles:
        groups.setdefault(candle.opened - candle.opened % length, []).append(candle)
    return [
        [
            opened,
            text(group[0].open),
            text(max(one.high for one in group)),
            text(min(one.low for one in group)),
            text(group[-1].close),
            "1.50000000",
            opened + length - 1,
            text(group[-1].close),
            10,
            "0.70000000",
            text(group[-1].close),
            "0",
        ]
        for opened, group in groups.items()
    ]


def depth(exchange: Exchange, request: Request) -> Any:
    symbol = _needed(exchange, request)
    return {
        "lastUpdateId": symbol.changes,
        "bids": [[text(symbol.bid), QUANTITY]] if symbol.bid else [],
        "asks": [[text(symbol.ask), QUANTITY]] if symbol.ask else [],
    }


def _needed(exchange: Exchange, request: Request) -> Symbol:
    if "symbol" not in request.params:
        raise missing("symbol")
    return chosen(exchange, request)[0]


ROUTES = {
    "/api/v3/ping": ping,
    "/api/v3/time": time,
    "/api/v3/exchangeInfo": exchange_info,
    "/api/v3/ticker/bookTicker": book_ticker,
    "/api/v3/ticker/price": price,
    "/api/v3/ticker/24hr": day,
    "/api/v3/klines": klines,
    "/api/v3/depth": depth,
}
