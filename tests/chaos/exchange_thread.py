"""The test exchange in a thread of its own, with its prices moving, for runs whose workers are processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Self, TypeVar

from tests.exchange.exchange import Exchange
from tests.exchange.restless import Restless
from tests.exchange.server import ExchangeServer

T = TypeVar("T")
STEP = 0.25


class ExchangeThread:
    """`call(what)`: everything that touches the exchange from outside goes through it."""

    def __init__(self, exchange: Exchange, seed: int, *, swing: float, period: float) -> None:
        self.exchange = exchange
        self.moves = True
        self.routes: dict[str, str] = {}
        self._restless = Restless(exchange, seed, swing=swing, period=period)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30), "the exchange did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def call(self, what: Callable[[Exchange], T]) -> T:
        async def ask() -> T:
            return what(self.exchange)

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with ExchangeServer(self.exchange, latency=0.002) as server:
            self.routes = server.routes
            self._started.set()
            while not self._stop.is_set():
                if self.moves:
                    self._restless.step(STEP)
                try:
                    await asyncio.wait_for(self._stop.wait(), STEP)
                except TimeoutError:
                    continue
