"""The test exchange behind real sockets: REST, the private stream, the market streams, /control."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from aiohttp import web

from tests.exchange.control import Control
from tests.exchange.exchange import HOSTS, Exchange
from tests.exchange.streams import Streams
from tests.exchange.wire import Lost, Reply, read_request


class ExchangeServer:
    """`routes`: for VENUE_ROUTES. `port` 0: any free one. `control`: whether /control answers."""

    def __init__(
        self, exchange: Exchange, *, port: int = 0, latency: float = 0.0, control: bool = True
    ) -> None:
        self.exchange = exchange
        self.streams = Streams(exchange)
        self.url = ""
        self._port = port
        self._latency = latency
        self._control = Control(exchange, self.streams) if control else None
        self._stopped = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def routes(self) -> dict[str, str]:
        return dict.fromkeys(HOSTS, self.url)

    async def __aenter__(self) -> Self:
        app = web.Application()
        if self._control is not None:
            app.router.add_route("*", "/control/{command}", self._control.answer)
        app.router.add_get("/ws-api/{rest:.*}", self.streams.private)
        app.router.add_get("/ws", self.streams.market)
        app.router.add_get("/ws/{rest:.*}", self.streams.market)
        app.router.add_get("/stream", self.streams.market)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=2048)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.streams.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        await self.streams.stop()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, asked: web.Request) -> web.StreamResponse:
        """A handler outlives its asker: a request that has left arrives."""
        request = read_request(
            asked.method,
            f"https://{HOSTS[0]}{asked.raw_path}",
            await asked.text(),
            asked.headers,
            asked.remote or "127.0.0.1",
        )
        await asyncio.sleep(self._latency + self.exchange.transit(request) / 1000)
        outcome = self.exchange.handle(request)
        if isinstance(outcome, Lost):
            if not outcome.cut:
                await self._silence(asked)
            return _cut(asked)
        if outcome.delay_ms:
            await self._wait(outcome.delay_ms / 1000)
        if outcome.cut_short:
            return await _half(asked, outcome)
        return web.Response(
            status=outcome.status,
            reason=outcome.reason or None,
            text=outcome.text,
            content_type=outcome.kind,
            headers=dict(outcome.headers),
        )

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _silence(self, asked: web.Request) -> None:
        """Until the asker has gone."""
        while asked.transport is not None and not self._stopped.is_set():
            await self._wait(0.05)


def _cut(asked: web.Request) -> web.Response:
    if asked.transport is not None:
        asked.transport.abort()
    return web.Response()


async def _half(asked: web.Request, reply: Reply) -> web.StreamResponse:
    body = reply.text.encode()
    response = web.StreamResponse(status=reply.status, headers={"Content-Length": str(len(body))})
    await response.prepare(asked)
    await response.write(body[: len(body) // 2])
    if asked.transport is not None:
        asked.transport.close()
    return response
