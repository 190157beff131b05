"""The session for simulations: ccxt trades without a socket, and crashes take nothing back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support
import pytest

from tests.exchange.conftest import OPTIONS
from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.exchange.loopback import LoopbackSession
from tests.exchange.signed import Clock
from tests.exchange.wire import Request


class World:
    """Delivers when told to."""

    def __init__(self) -> None:
        self.under_way: list[tuple[float, Callable[[], None]]] = []

    def deliver(self, delay: float, act: Callable[[], None]) -> None:
        self.under_way.append((delay, act))

    def arrive(self) -> None:
        for _, act in self.under_way:
            act()
        self.under_way.clear()


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(Clock())
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.add_account(balances={"USDT": Decimal(10_000)})
    return exchange


def a_client(exchange: Exchange, session: LoopbackSession) -> Any:
    fields = {"apiKey": KEY, "secret": SECRET, "number": str, "enableRateLimit": False}
    client = ccxt.async_support.binance(
        {**fields, "session": session, "timeout": 200, "options": dict(OPTIONS)}
    )
    client.has["fetchCurrencies"] = False
    client.milliseconds = exchange.now
    return client


async def buy(client: Any) -> Any:
    await client.load_markets()
    params = {"clientOrderId": "s1"}
    return await client.create_order("BTC/USDT", "limit", "buy", "0.01", "49000", params)


async def test_the_real_client_trades_without_sockets(exchange: Exchange) -> None:
    session = LoopbackSession(exchange, latency=lambda request: (0.0, 0.0))
    client = a_client(exchange, session)
    assert (await buy(client))["status"] == "open"
    assert (await client.fetch_balance())["USDT"]["used"] == "490.00000000"
    await client.cancel_order(None, "BTC/USDT", {"clientOrderId": "s1"})
    assert session.asked == 4


async def test_a_request_arrives_although_its_asker_has_crashed(exchange: Exchange) -> None:
    world = World()
    client = a_client(exchange, LoopbackSession(exchange, world.deliver))
    loading = asyncio.create_task(client.load_markets())
    while not loading.done():
        await asyncio.sleep(0)
        world.arrive()
    asking = asyncio.create_task(buy(client))
    for _ in range(100):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert exchange.accounts[KEY].orders == []
    world.arrive()
    assert [order.client_order_id for order in exchange.accounts[KEY].orders] == ["s1"]


@pytest.mark.parametrize(("fault", "how", "kind", "cause", "placed"), [
    ("E1", "lost", ccxt.RequestTimeout, TimeoutError, 1),
    ("E1", "cut", ccxt.ExchangeNotAvailable, aiohttp.ServerDisconnectedError, 1),
    ("E1", "slow", ccxt.RequestTimeout, TimeoutError, 1),
    ("E1", "short", ccxt.ExchangeError, aiohttp.ClientPayloadError, 1),
    ("E2", "lost", ccxt.RequestTimeout, TimeoutError, 0),
    ("E2", "cut", ccxt.ExchangeNotAvailable, aiohttp.ServerDisconnectedError, 0),
    ("E2", "late", ccxt.RequestTimeout, TimeoutError, 0),
])  # fmt: skip
async def test_faults_of_the_way_look_as_they_do_over_sockets(
    exchange: Exchange,
    fault: str,
    how: str,
    kind: type[Exception],
    cause: type[Exception],
    placed: int,
) -> None:
    client = a_client(exchange, LoopbackSession(exchange))
    exchange.faults.arm(fault, how=how)
    with pytest.raises(kind) as lost:
        await buy(client)
    assert type(lost.value) is kind
    assert isinstance(lost.value.__cause__, cause)
    assert len(exchange.accounts[KEY].orders) == placed


async def test_whoever_must_know_is_told_right_before_a_request_leaves(exchange: Exchange) -> None:
    leaving: list[Request] = []
    session = LoopbackSession(exchange, before_send=leaving.append)
    await buy(a_client(exchange, session))
    assert [request.is_create for request in leaving] == [False, True]
    assert leaving[1].client_order_id == "s1"
