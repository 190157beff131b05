"""A real ccxt client whose requests are caught at the very end, where they would go on the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt.async_support as ccxt

from core.market import Side
from core.orders import Kind, Order, OrderStatus, Role, Slot
from worker.exchanges.adapter import Adapter
from worker.exchanges.adapters.creating import check_exact

NOW = datetime(2026, 11, 22, 12, 0, 0, 250_000, UTC)
NOW_MS = 1_795_348_800_250
ID = "sab12cdefghijklm0"
SECRET = "c2VjcmV0LWNhbmFyeQ=="
SYMBOL = "ABC/USDT"


@dataclass(frozen=True, slots=True)
class Sent:
    method: str
    url: str
    headers: dict[str, str]
    body: str | None

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def fields(self) -> dict[str, Any]:
        """Query and body together, as text or as JSON."""
        found: dict[str, Any] = dict(parse_qsl(urlsplit(self.url).query))
        if self.body:
            if self.body[0] in "{[":
                body = json.loads(self.body)
                found |= body if isinstance(body, dict) else body[0]
            else:
                found |= dict(parse_qsl(self.body))
        return found


def market(exchange: str, symbol: str = SYMBOL, **info: Any) -> dict[str, Any]:
    """A made-up market in ccxt's form: tick 0.01, lot 0.0001."""
    base, quote = symbol.split("/")
    ids = {
        "okx": f"{base}-{quote}",
        "kucoin": f"{base}-{quote}",
        "gate": f"{base}_{quote}",
    }
    return {
        "id": ids.get(exchange, base + quote),
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "baseId": base,
        "quoteId": quote,
        "type": "spot",
        "spot": True,
        "margin": False,
        "swap": False,
        "future": False,
        "option": False,
        "contract": False,
        "linear": None,
        "inverse": None,
        "settle": None,
        "active": True,
        "precision": {"amount": "0.0001", "price": "0.01"},
        "limits": {"amount": {"min": "0.0001"}, "cost": {"min": "5"}, "price": {}, "market": {}},
        "info": {"orderTypes": ["LIMIT", "MARKET"], **info},
    }


class Wire:
    """`answers`: the bodies to give, in order; an exception is raised instead; the last one stays."""

    def __init__(self, adapter: Adapter, answers: Sequence[Any] = ()) -> None:
        self.sent: list[Sent] = []
        self.answers: list[Any] = list(answers)
        self.status = 200
        self.statuses: list[int] = []
        self.base_error = ccxt.BaseError
        self.adapter = adapter
        self.client = self._client()

    def _client(self) -> Any:
        client = getattr(ccxt, self.adapter.exchange)(
            {
                "apiKey": "key-canary",
                "secret": SECRET,
                "password": "password-canary",
                "number": str,
                "enableRateLimit": False,
                "options": dict(self.adapter.options),
            }
        )
        client.has.update(self.adapter.has)
        client.milliseconds = lambda: NOW_MS
        client.microseconds = lambda: NOW_MS * 1000
        client.seconds = lambda: NOW_MS // 1000
        client.set_markets(
            [market(self.adapter.exchange), market(self.adapter.exchange, "BBB/USDC")]
        )
        client.fetch = self._fetch
        sign = client.sign

        def guarded(path: str, api: Any = "public", method: str = "GET", *rest: Any, **more: Any):
            assert self.adapter.allows(api, method, path), (api, method, path)
            return sign(path, api, method, *rest, **more)

        client.sign = guarded
        return client

    async def _fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None):
        self.sent.append(Sent(method, url, dict(headers or {}), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else (self.answers or [{}])[0]
        if isinstance(answer, BaseException):
            raise answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        parsed = self.client.parse_json(text)
        status = self.statuses.pop(0) if self.statuses else self.status
        reason = "OK" if status == 200 else "Bad"
        asked = (headers, body)
        self.client.handle_errors(status, reason, url, method, {}, text, parsed, *asked)
        self.client.handle_http_status_code(status, reason, url, method, text)
        return parsed if parsed is not None else text

    async def create(self, order: Order) -> dict[str, Any]:
        request = self.adapter.create(order, SYMBOL, self.client.market(SYMBOL))
        check_exact(self.client, request)
        return await self.client.create_order(
            request.symbol,
            request.type,
            request.side,
            request.amount,
            request.price,
            dict(request.params),
        )


def limit_buy(**changes: Any) -> Order:
    order = Order(
        client_order_id=ID,
        slot=Slot(Role.SAFETY, 2),
        attempt=0,
        side=Side.BUY,
        kind=Kind.LIMIT,
        price=Decimal("1234.50"),
        planned_price=Decimal("1234.50"),
        quantity=Decimal("0.1230"),
        status=OrderStatus.SENDING,
        created_at=NOW,
    )
    return replace(order, **changes)


def market_buy() -> Order:
    return limit_buy(kind=Kind.MARKET, price=None, slot=Slot(Role.BASE, 0))


def market_exit() -> Order:
    return limit_buy(kind=Kind.MARKET, side=Side.SELL, slot=Slot(Role.STOP_LOSS))
