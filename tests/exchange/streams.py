"""WebSockets: the private stream of the ws-api, and the market streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import Exchange
from tests.exchange.public import QUANTITY, day_row, text
from tests.exchange.signatures import account_of, check_time, sign
from tests.exchange.symbols import Symbol
from tests.exchange.weights import WEIGHTS
from tests.exchange.wire import Refusal, Request, missing

REPEAT_SECONDS = 1.0
SUBSCRIBE = "userDataStream.subscribe.signature"
WEIGHTS[("WS", SUBSCRIBE)] = (2, 2)
Message = dict[str, Any]


class _Socket:
    """One connection: messages leave in order, from a task of their own."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.names: set[str] = set()
        self.leave: list[Callable[[], None]] = []
        self._queue: asyncio.Queue[object] = asyncio.Queue()

    def say(self, message: object) -> None:
        self._queue.put_nowait(message)

    async def write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.socket.send_json(await self._queue.get())


class Streams:
    """`muted`: events are dropped although every connection looks alive (a half-open socket)."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.muted = False
        self.subscriptions = 0
        self._private: set[_Socket] = set()
        self._market: set[_Socket] = set()
        self._repeater: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.exchange.price_listeners.append(self._moved)
        self._repeater = asyncio.create_task(self._repeat())

    async def stop(self) -> None:
        self.exchange.price_listeners.remove(self._moved)
        if self._repeater is not None:
            self._repeater.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._repeater
        await self.drop()

    async def drop(self) -> int:
        """Closes every connection, as the exchange does each 24 hours; how many there were."""
        sockets = [*self._private, *self._market]
        for one in sockets:
            await one.socket.close()
        return len(sockets)

    # --- the private stream --------------------------------------------------------------------------------

    async def private(self, asked: web.Request) -> web.StreamResponse:
        address = asked.remote or "127.0.0.1"

        def act(one: _Socket, message: Message) -> None:
            one.say(self._private_answer(one, message, address))

        return await self._serve(asked, self._private, act)

    def _private_answer(self, one: _Socket, message: Message, address: str) -> Message:
        try:
            result = self._private_result(one, message, address)
        except Refusal as refusal:
            return {
                "id": message.get("id"),
                "status": refusal.status,
                "error": {"code": refusal.code, "msg": refusal.text},
            }
        return {"id": message.get("id"), "status": 200, "result": result, "rateLimits": []}

    def _private_result(self, one: _Socket, message: Message, address: str) -> Message:
        method = message.get("method")
        self.exchange.weights.enter(Request("WS", "", str(method), {}, "", None, address))
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self.exchange.now()}
        if method == "userDataStream.unsubscribe":
            _leave(one)
            return {}
        if method != SUBSCRIBE:
            raise Refusal(-1020, "This operation is not supported.")
        account = self._owner(message.get("params") or {}, address)
        number = self.subscriptions
        self.subscriptions += 1

        def told(event: Message) -> None:
            if not self.muted:
                one.say({"subscriptionId": number, "event": event})

        account.listeners.append(told)
        one.leave.append(lambda: account.listeners.remove(told))
        return {"subscriptionId": number}

    def _owner(self, params: Message, address: str) -> ExchangeAccount:
        given = {name: _plain(value) for name, value in params.items()}
        if "signature" not in given:
            raise missing("signature")
        account = account_of(
            self.exchange.accounts, given.get("apiKey"), address, self.exchange.now()
        )
        signed = "&".join(f"{name}={given[name]}" for name in sorted(given) if name != "signature")
        if sign(account.secret, signed) != given["signature"]:
            raise Refusal(-1022, "Signature for this request is not valid.")
        check_time(given, self.exchange.now())
        return account

    # --- market streams ------------------------------------------------------------------------------------

    async def market(self, asked: web.Request) -> web.StreamResponse:
        return await self._serve(asked, self._market, _subscribe)

    def _moved(self, symbol: Symbol) -> None:
        for one in self._market:
            self._send_prices(one, [symbol])

    async def _repeat(self) -> None:
        """Somewhere somebody always trades: each symbol is told at least once a second."""
        while True:
            await asyncio.sleep(REPEAT_SECONDS)
            for one in self._market:
                self._send_prices(one, list(self.exchange.symbols.values()))

    def _send_prices(self, one: _Socket, symbols: list[Symbol]) -> None:
        if self.muted:
            return
        rows = [symbol for symbol in symbols if symbol.listed]
        if "!miniTicker@arr" in one.names:
            one.say([self._mini(symbol) for symbol in rows])
        for symbol in rows:
            name = symbol.name.lower()
            if f"{name}@bookTicker" in one.names and symbol.bid and symbol.ask:
                one.say(_book(symbol))
            if f"{name}@miniTicker" in one.names:
                one.say(self._mini(symbol))
            if f"{name}@ticker" in one.names:
                one.say(self._day(symbol))

    def _mini(self, symbol: Symbol) -> Message:
        row = day_row(self.exchange, symbol)
        return {
            "e": "24hrMiniTicker",
            "E": self.exchange.now(),
            "s": symbol.name,
            "c": row["lastPrice"],
            "o": row["openPrice"],
            "h": row["highPrice"],
            "l": row["lowPrice"],
            "v": row["volume"],
            "q": row["quoteVolume"],
        }

    def _day(self, symbol: Symbol) -> Message:
        row = day_row(self.exchange, symbol)
        return self._mini(symbol) | {
            "e": "24hrTicker",
            "p": row["priceChange"],
            "P": row["priceChangePercent"],
            "w": row["weightedAvgPrice"],
            "x": row["prevClosePrice"],
            "Q": row["lastQty"],
            "b": row["bidPrice"],
            "B": row["bidQty"],
            "a": row["askPrice"],
            "A": row["askQty"],
            "O": row["openTime"],
            "C": row["closeTime"],
            "F": row["firstId"],
            "L": row["lastId"],
            "n": row["count"],
        }

    # --- a connection --------------------------------------------------------------------------------------

    async def _serve(
        self,
        asked: web.Request,
        sockets: set[_Socket],
        act: Callable[[_Socket, Message], None],
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(asked)
        one = _Socket(socket)
        sockets.add(one)
        writer = asyncio.create_task(one.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    act(one, json.loads(message.data))
        finally:
            sockets.discard(one)
            _leave(one)
            writer.cancel()
        return socket


def _leave(one: _Socket) -> None:
    for leave in one.leave:
        leave()
    one.leave.clear()


def _subscribe(one: _Socket, message: Message) -> None:
    names = message.get("params") or []
    if message.get("method") == "SUBSCRIBE":
        one.names.update(names)
    elif message.get("method") == "UNSUBSCRIBE":
        one.names.difference_update(names)
    one.say({"result": None, "id": message.get("id")})


def _book(symbol: Symbol) -> Message:
    return {
        "u": symbol.changes,
        "s": symbol.name,
        "b": text(symbol.bid),
        "B": QUANTITY,
        "a": text(symbol.ask),
        "A": QUANTITY,
    }


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
