"""A session for simulations: ccxt asks it like aiohttp's, the exchange is asked without a socket.

A request is under way for a while, arrives whether its asker still lives or not, and its answer is under way
again. All waiting is asyncio's, so that a virtual clock moves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

import aiohttp
from multidict import CIMultiDict

from tests.exchange.exchange import Exchange
from tests.exchange.wire import Lost, Outcome, Reply, Request, read_request

Deliver = Callable[[float, Callable[[], None]], object]
Latency = Callable[[Request], tuple[float, float]]
DEFAULT_TIMEOUT = 300.0


def on_this_loop(delay: float, act: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(delay, act)


def even_latency(request: Request) -> tuple[float, float]:
    return 0.02, 0.02


class LoopbackResponse:
    """As much of aiohttp's response as ccxt reads."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.status = reply.status
        self.reason = reply.reason
        self.headers: CIMultiDict[str] = CIMultiDict(reply.headers)
        self.headers["Content-Type"] = reply.kind

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        if self._reply.cut_short:
            raise aiohttp.ClientPayloadError("the body ended early")
        return self._reply.text.encode()

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        return (await self.read()).decode(encoding or "utf-8", errors)

    async def json(self, **_: Any) -> Any:
        await self.read()
        return self._reply.body()

    def release(self) -> None:
        pass


class LoopbackSession:
    """`deliver(seconds, act)`: calls `act` that much later, on the world's behalf: a crash of the asker must
    not take it back. `latency(request)`: seconds there and back. `before_send` is called right before a
    request leaves (a crash point, an assertion that no transaction is open).

    `asked` are the requests that left. Whoever listens to private events takes `account.listeners`."""

    def __init__(
        self,
        exchange: Exchange,
        deliver: Deliver = on_this_loop,
        *,
        latency: Latency = even_latency,
        address: str = "127.0.0.1",
        before_send: Callable[[Request], None] | None = None,
    ) -> None:
        self._exchange = exchange
        self._deliver = deliver
        self._latency = latency
        self._before_send = before_send
        self.address = address
        self.asked = 0
        self.closed = False
        self.cookie_jar = None
        self.headers: CIMultiDict[str] = CIMultiDict()

    def get(self, url: Any, **options: Any) -> _Asking:
        return _Asking(self, "GET", str(url), options)

    def post(self, url: Any, **options: Any) -> _Asking:
        return _Asking(self, "POST", str(url), options)

    def put(self, url: Any, **options: Any) -> _Asking:
        return _Asking(self, "PUT", str(url), options)

    def patch(self, url: Any, **options: Any) -> _Asking:
        return _Asking(self, "PATCH", str(url), options)

    def delete(self, url: Any, **options: Any) -> _Asking:
        return _Asking(self, "DELETE", str(url), options)

    async def close(self) -> None:
        self.closed = True

    async def ask(self, request: Request, timeout: float) -> Reply:  # noqa: ASYNC109
        """Raises TimeoutError, aiohttp.ServerDisconnectedError."""
        if self._before_send is not None:
            self._before_send(request)
        self.asked += 1
        there, back = self._latency(request)
        there += self._exchange.transit(request) / 1000
        arrived: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            outcome = self._exchange.handle(request)
            if not arrived.done():
                arrived.set_result(outcome)

        self._deliver(there, arrive)
        async with asyncio.timeout(timeout):
            outcome = await arrived
            if isinstance(outcome, Lost):
                if not outcome.cut:
                    await asyncio.sleep(timeout + 1)
                await asyncio.sleep(back)
                raise aiohttp.ServerDisconnectedError
            await asyncio.sleep(back + outcome.delay_ms / 1000)
        return outcome


class _Asking:
    """`async with session.post(...) as response`."""

    def __init__(
        self, session: LoopbackSession, method: str, url: str, options: dict[str, Any]
    ) -> None:
        self._session = session
        self._request = read_request(
            method, url, options.get("data"), options.get("headers"), session.address
        )
        timeout = options.get("timeout")
        total = timeout.total if isinstance(timeout, aiohttp.ClientTimeout) else timeout
        self._timeout = DEFAULT_TIMEOUT if total is None else float(total)

    async def __aenter__(self) -> LoopbackResponse:
        return LoopbackResponse(await self._session.ask(self._request, self._timeout))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def __await__(self) -> Any:
        return self.__aenter__().__await__()
