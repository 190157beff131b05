"""Requests as a client would sign them, for tests of the engine without ccxt."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.exchange.exchange import KEY, SECRET, Exchange
from tests.exchange.signatures import sign
from tests.exchange.wire import Outcome, Reply, Request, read_request


class Clock:
    """Milliseconds that a test moves."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_ms(self, milliseconds: int) -> None:
        self.now += milliseconds


def signed_request(
    exchange: Exchange,
    method: str,
    path: str,
    params: dict[str, Any] | None = None,
    *,
    key: str = KEY,
    secret: str = SECRET,
    age_ms: int = 0,
) -> Request:
    """Signed `age_ms` ago by a clock that agrees with the exchange's."""
    query = urlencode({"timestamp": exchange.now() - age_ms, "recvWindow": 5000, **(params or {})})
    query += f"&signature={sign(secret, query)}"
    url = f"https://api.binance.com{path}"
    headers = {"X-MBX-APIKEY": key}
    if method == "POST":
        return read_request(method, url, query, headers)
    return read_request(method, f"{url}?{query}", None, headers)


def ask(exchange: Exchange, method: str, path: str, **params: Any) -> Outcome:
    return exchange.handle(signed_request(exchange, method, path, params))


def answered(exchange: Exchange, method: str, path: str, **params: Any) -> Any:
    """The body of an answer that must come."""
    outcome = ask(exchange, method, path, **params)
    assert isinstance(outcome, Reply), outcome
    return outcome.body()


def limit(
    exchange: Exchange, side: str, quantity: str, price: str, client_order_id: str, **more: Any
) -> Outcome:
    fields = {
        "symbol": "BTCUSDT",
        "side": side,
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": quantity,
        "price": price,
        "newClientOrderId": client_order_id,
        "newOrderRespType": "FULL",
    }
    return ask(exchange, "POST", "/api/v3/order", **{**fields, **more})
