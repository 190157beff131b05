"""A small exchange on loopback that speaks the public REST of Binance, and breaks on command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

MINUTE_MS = 60_000
HOST = "api.binance.com"


def a_symbol(base: str, quote: str = "USDT", **changes: Any) -> dict[str, Any]:
    name = base + quote
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000",
                "tickSize": "0.01",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001",
                "maxQty": "9000",
                "stepSize": "0.00001",
            },
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "120", "stepSize": "0"},
            {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True},
        ],
    } | changes


class StubExchange:
    """`book`: symbol -> (bid, ask), both as text or None. `fault`: what answers instead, by path."""

    def __init__(self) -> None:
        self.symbols = [a_symbol("BTC"), a_symbol("ETH")]
        self.book: dict[str, tuple[Any, Any]] = {"BTCUSDT": ("99.5", "100.5")}
        self.klines: list[list[Any]] = []
        self.requests: list[str] = []
        self.fault: dict[str, Callable[[], web.Response]] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._break])
        app.router.add_get("/api/v3/exchangeInfo", self._info)
        app.router.add_get("/api/v3/ticker/bookTicker", self._tickers)
        app.router.add_get("/api/v3/klines", self._klines)
        app.router.add_get("/api/v3/time", self._time)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def routes(self) -> dict[str, str]:
        return {HOST: self.url}

    def count(self, path: str) -> int:
        return sum(path in request for request in self.requests)

    def fail(self, path: str, status: int = 200, text: str = "", **headers: str) -> None:
        """From now on `path` answers this."""
        kind = "application/json" if text.startswith(("{", "[")) else "text/html"
        self.fault[path] = lambda: web.Response(
            status=status, text=text, content_type=kind, headers=headers
        )

    def recover(self) -> None:
        self.fault.clear()

    @web.middleware
    async def _break(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request.path)
        for path, answer in self.fault.items():
            if path in request.path:
                return answer()
        response: web.StreamResponse = await handler(request)
        return response

    async def _info(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0)
        return web.json_response(
            {"timezone": "UTC", "serverTime": 0, "rateLimits": [], "symbols": self.symbols}
        )

    async def _tickers(self, request: web.Request) -> web.Response:
        rows = [
            {"symbol": name, "bidPrice": bid, "bidQty": "1", "askPrice": ask, "askQty": "1"}
            for name, (bid, ask) in self.book.items()
        ]
        return web.json_response(rows)

    async def _klines(self, request: web.Request) -> web.Response:
        since, limit = int(request.query.get("startTime", 0)), int(request.query["limit"])
        rows = [row for row in self.klines if row[0] >= since]
        return web.json_response(rows[:limit])

    async def _time(self, request: web.Request) -> web.Response:
        return web.json_response({"serverTime": 0})


def a_kline(opened: int, open_: object, high: object, low: object, close: object) -> list[Any]:
    prices = [None if price is None else str(price) for price in (open_, high, low, close)]
    return [opened, *prices, "1.5", opened + MINUTE_MS - 1, "0", 1, "0", "0", "0"]
