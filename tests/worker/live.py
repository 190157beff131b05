"""A live venue over the unmodified ccxt client and the test exchange, without sockets unless asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from core.market import Side
from core.orders import Kind, Order, OrderStatus, OrderUpdate, Role, Slot, merge
from db.clock import utc_now
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.exchange.loopback import LoopbackSession
from tests.exchange.server import ExchangeServer
from tests.exchange.wire import Request
from worker.exchanges import clients, hub
from worker.exchanges.adapters.binance import BINANCE
from worker.exchanges.hub import Hub
from worker.keys.opening import ExchangeKey
from worker.prices.public import PublicPrices
from worker.venues import live_asking
from worker.venues.live_venue import LiveVenue

D = Decimal
SYMBOL = "BTC/USDT"
ACCOUNT = 7


def now_ms() -> int:
    return int(utc_now().timestamp() * 1000)


class LiveRig:
    """`hints`: what the venue said may have changed. Answers that are lost are given up after 0.3 s."""

    def __init__(self, monkeypatch: Any, *, sockets: bool = False) -> None:
        self.exchange = Exchange(now_ms, seed=1)
        self.exchange.list_symbol("BTC", "USDT", price="50000")
        self.exchange.list_symbol("BNB", "USDT", price="600")
        self.books: ExchangeAccount = self.exchange.add_account(
            balances={"USDT": D(100_000), "BTC": D(1), "BNB": D(1)}
        )
        self.sockets = sockets
        self.sent: list[Request] = []
        self.hints: list[set[str]] = []
        self.orders: dict[str, Order] = {}
        self.key = ExchangeKey(KEY, SECRET, "", "f" * 64)
        self._count = 0
        self._open = AsyncExitStack()
        monkeypatch.setattr(clients, "TIMEOUT_MS", 300)
        monkeypatch.setattr(live_asking, "KEY_PAUSE", 0.01)
        if not sockets:
            monkeypatch.setattr(hub, "open_session", self._session)

    def _session(self, tls: object) -> LoopbackSession:
        def latency(request: Request) -> tuple[float, float]:
            return 0.001, 0.001

        return LoopbackSession(self.exchange, latency=latency, before_send=self.sent.append)

    async def __aenter__(self) -> Self:
        routes = {}
        if self.sockets:
            self.server = await self._open.enter_async_context(ExchangeServer(self.exchange))
            routes = self.server.routes
        self.hub = Hub("binance", routes, BINANCE)
        source = PublicPrices(self.hub)
        self.venue = LiveVenue(
            self.hub,
            self._key_of,
            source,
            hint=lambda account, orders: self.hints.append(orders),
            with_streams=self.sockets,
        )
        self.venue.symbols_of = lambda account: {SYMBOL}
        await self.venue.attach(ACCOUNT, {})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.venue.close()
        await self.hub.close()
        await self._open.aclose()

    async def _key_of(self, account_id: int) -> ExchangeKey:
        return self.key

    # --- orders

    def an_order(
        self,
        price: str | None = "49000",
        quantity: str = "0.01",
        side: Side = Side.BUY,
        **more: Any,
    ) -> Order:
        self._count += 1
        ours = f"s0000{self._count:012d}"
        kind = Kind.MARKET if price is None else Kind.LIMIT
        order = Order(
            client_order_id=ours,
            slot=Slot(Role.SAFETY, self._count),
            attempt=1,
            side=side,
            kind=more.pop("kind", kind),
            price=None if price is None else D(price),
            planned_price=D(price or "50000"),
            quantity=D(quantity),
            status=OrderStatus.SENDING,
            created_at=self.venue.now(),
        )
        return replace(order, **more)

    async def place(self, *orders: Order) -> list[OrderUpdate]:
        updates = await self.venue.place(ACCOUNT, SYMBOL, orders)
        for order in orders:
            self.orders[order.client_order_id] = order
        self.learn(updates)
        return updates

    def learn(self, updates: list[OrderUpdate]) -> None:
        for update in updates:
            known = self.orders[update.client_order_id]
            self.orders[update.client_order_id] = merge(known, update, self.venue.now())

    async def look(self, *orders: Order) -> list[OrderUpdate]:
        """As the rows have them by now."""
        known = [self.orders.get(order.client_order_id, order) for order in orders]
        updates = await self.venue.look_up(ACCOUNT, known)
        self.learn(updates)
        return updates

    def known(self, order: Order) -> Order:
        return self.orders[order.client_order_id]

    def there(self, order: Order) -> list[Any]:
        """All orders that the exchange ever took under this id."""
        return self.books.of(order.client_order_id)

    def count(self, method: str, path: str) -> int:
        return self.exchange.requests[method, f"/api/v3/{path}"]


async def until(happened: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110  (what is waited for sets no event)
            await asyncio.sleep(0.005)


def earlier(order: Order, seconds: float) -> Order:
    return replace(order, created_at=order.created_at - timedelta(seconds=seconds))
