"""What goes in and out of the exchange, and how it writes numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

EIGHT = Decimal("0.00000001")
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    418: "I'm a teapot",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}


def number(value: Decimal) -> str:
    """As Binance writes amounts: eight decimals."""
    return f"{value:.8f}"


def cut(value: Decimal) -> Decimal:
    """Eight decimals, the rest dropped: the exchange keeps no finer amounts."""
    return value.quantize(EIGHT, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrives. `text`: the exact text that was signed, signature included."""

    method: str
    host: str
    path: str
    params: Mapping[str, str]
    text: str
    key: str | None
    address: str = "127.0.0.1"

    @property
    def is_create(self) -> bool:
        return self.method == "POST" and self.path == "/api/v3/order"

    @property
    def is_cancel(self) -> bool:
        return self.method == "DELETE" and self.path == "/api/v3/order"

    @property
    def client_order_id(self) -> str | None:
        """The order that the request is about, by our id."""
        return self.params.get("newClientOrderId" if self.is_create else "origClientOrderId")


When = Callable[[Request], bool]


def read_request(
    method: str,
    url: str,
    body: str | bytes | None,
    headers: Mapping[str, str] | None,
    address: str = "127.0.0.1",
) -> Request:
    parts = urlsplit(url)
    sent = body.decode() if isinstance(body, bytes) else body or ""
    text = "&".join(part for part in (parts.query, sent) if part)
    named = {name.lower(): value for name, value in (headers or {}).items()}
    return Request(
        method.upper(),
        parts.hostname or "",
        parts.path,
        dict(parse_qsl(text, keep_blank_values=True)),
        text,
        named.get("x-mbx-apikey"),
        address,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `delay_ms`: how much longer than usual it is under way. `cut_short`: the connection
    ends in the middle of the body."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    delay_ms: int = 0
    cut_short: bool = False

    @property
    def reason(self) -> str:
        return REASONS.get(self.status, "")

    def body(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody gets an answer. `accepted`: whether the exchange acted on the request all the same.

    `cut`: the asker sees its connection closed; else it waits until its own deadline."""

    accepted: bool
    cut: bool = False


Outcome = Reply | Lost


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value, separators=(",", ":")), headers or {})


class Refusal(Exception):
    """An error in Binance's words."""

    def __init__(
        self, code: int, text: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.status = status
        self.headers = headers or {}

    def reply(self) -> Reply:
        return answer({"code": self.code, "msg": self.text}, self.status, self.headers)


def missing(name: str) -> Refusal:
    return Refusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )
