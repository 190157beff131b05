"""The test exchange behind real sockets, and unmodified ccxt clients that trade on it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support
import ccxt.pro
import pytest

from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.exchange.server import ExchangeServer
from worker.prices.routing import RoutingSession

OPTIONS = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchCurrencies": False,
    "fetchMargins": False,
    "fetchOpenOrders": {"warnWithoutSymbol": False},
    "recvWindow": 5000,
}


@dataclass
class Place:
    """Everything that a test over sockets needs."""

    exchange: Exchange
    account: ExchangeAccount
    server: ExchangeServer
    session: aiohttp.ClientSession
    client: Any

    def a_client(self, kind: Any = ccxt.async_support.binance, **settings: Any) -> Any:
        fields: dict[str, Any] = {
            "apiKey": KEY,
            "secret": SECRET,
            "number": str,
            "session": RoutingSession(self.session, self.server.routes),
            "enableRateLimit": False,
            "timeout": 5000,
            "options": {**OPTIONS, "fetchOpenOrders": {"warnWithoutSymbol": False}},
        }
        client = kind({**fields, **settings})
        client.has["fetchCurrencies"] = False
        return client

    async def buy(self, name: str, price: str = "49000", amount: str = "0.01") -> Any:
        """A limit order with that client order id."""
        return await self.client.create_order(
            "BTC/USDT", "limit", "buy", amount, price, {"clientOrderId": name}
        )

    async def control(self, command: str, **body: Any) -> Any:
        async with self.session.post(f"{self.server.url}/control/{command}", json=body) as response:
            return await response.json()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """BTC/USDT at 50000, an account with 10,000 USDT, one client with markets loaded."""
    exchange = Exchange(lambda: time.time_ns() // 1_000_000)
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.list_symbol("ETH", "USDT", price="3000", lot="0.0001")
    account = exchange.add_account(balances={"USDT": Decimal(10_000), "BNB": Decimal(1)})
    async with ExchangeServer(exchange) as server, aiohttp.ClientSession() as session:
        one = Place(exchange, account, server, session, None)
        one.client = one.a_client()
        await one.client.load_markets()
        yield one


@pytest.fixture
async def stream_client(place: Place) -> AsyncIterator[Any]:
    client = place.a_client(ccxt.pro.binance)
    await client.load_markets()
    yield client
    client.timeout_on_exit = 0
    await client.close()
