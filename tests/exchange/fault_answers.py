"""Faults of the way: requests and answers that are lost, late, spoilt or untrue.

Each function gets the exchange, the armed fault's options, the request and, after it was acted upon, the
reply; None means that this fault does not apply here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.exchange.holdings import trade_row
from tests.exchange.wire import Lost, Outcome, Reply, Request, answer

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

Options = dict[str, Any]
Row = dict[str, Any]

HTML = "<html><body><h1>{}</h1></body></html>"
UNKNOWN_STATUS: dict[str, Reply] = {
    "500": Reply(500, HTML.format("Internal Server Error"), kind="text/html"),
    "502": Reply(502, HTML.format("502 Bad Gateway"), kind="text/html"),
    "503": Reply(503, HTML.format("503 Service Unavailable"), kind="text/html"),
    "504": Reply(504, HTML.format("504 Gateway Time-out"), kind="text/html"),
    "-1000": answer(
        {"code": -1000, "msg": "An unknown error occurred while processing the request."}, 500
    ),
    "-1001": answer(
        {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."},
        500,
    ),
    "-1006": answer(
        {
            "code": -1006,
            "msg": "An unexpected response was received from the message bus. "
            "Execution status unknown.",
        },
        500,
    ),
    "-1007": answer(
        {
            "code": -1007,
            "msg": "Timeout waiting for response from backend server. "
            "Send status unknown; execution status unknown.",
        },
        408,
    ),
    "html": Reply(200, HTML.format("Welcome"), kind="text/html"),
    "empty": Reply(200, ""),
    "null": Reply(200, "null"),
    "list": Reply(200, "[]"),
    "object": Reply(200, "{}"),
}
JUNK = (*UNKNOWN_STATUS, "cut_json")


def lost_answer(exchange: Exchange, how: Options, request: Request, reply: Reply) -> Outcome | None:
    """E1. how: lost (silence), cut (connection closed), slow (`ms`), short (the body ends early)."""
    if reply.status != 200:
        return None
    match how.get("how", "lost"):
        case "cut":
            return Lost(accepted=True, cut=True)
        case "slow":
            return replace(reply, delay_ms=how.get("ms", 15_000))
        case "short":
            return replace(reply, cut_short=True)
        case _:
            return Lost(accepted=True)


def lost_request(exchange: Exchange, how: Options, request: Request) -> Outcome | None:
    """E2. how: lost or cut; `late` is dealt with on the way."""
    match how.get("how", "lost"):
        case "late":
            return None
        case "cut":
            return Lost(accepted=False, cut=True)
        case _:
            return Lost(accepted=False)


def late_request(exchange: Exchange, how: Options, request: Request) -> int | None:
    """E2 late: it arrives `ms` later, when its asker may be gone and its time is over."""
    return how.get("ms", 12_000) if how.get("how") == "late" else None


def unknown_before(exchange: Exchange, how: Options, request: Request) -> Outcome | None:
    """E3 without acceptance. how: a key of UNKNOWN_STATUS."""
    if how.get("accepted", True):
        return None
    kind = how.get("how", "502")
    return UNKNOWN_STATUS["object" if kind == "cut_json" else kind]


def unknown_after(
    exchange: Exchange, how: Options, request: Request, reply: Reply
) -> Outcome | None:
    """E3 with acceptance."""
    if not how.get("accepted", True) or reply.status != 200:
        return None
    kind = how.get("how", "502")
    if kind == "cut_json":
        return replace(reply, text=reply.text[: len(reply.text) // 2])
    return UNKNOWN_STATUS[kind]


def duplicate(exchange: Exchange, how: Options, request: Request, reply: Reply) -> Outcome | None:
    """E4: a relay on the way sent it twice, and we hear only the second answer."""
    if reply.status != 200 or not request.is_create:
        return None
    return answer({"code": -2010, "msg": "Duplicate order sent."}, 400)


def firewall(exchange: Exchange, how: Options, request: Request) -> Outcome | None:
    """E14 how=403: a firewall in front of the exchange. The other kinds are acts."""
    if how.get("how") != "403":
        return None
    return Reply(403, HTML.format("403 Forbidden"), kind="text/html")


def overloaded(exchange: Exchange, how: Options, request: Request) -> Outcome | None:
    """E15 how=-1008: surely not placed."""
    if how.get("how") != "-1008":
        return None
    text = "Server is currently overloaded with other requests. Please try again in a few minutes."
    return answer({"code": -1008, "msg": text}, 503)


def error(exchange: Exchange, how: Options, request: Request) -> Outcome | None:
    """Named error: any answer at all. code, text, status."""
    return answer({"code": how["code"], "msg": how["text"]}, how.get("status", 400))


def told_twice(exchange: Exchange, how: Options, request: Request, reply: Reply) -> Outcome | None:
    """E5 how=stream: the newest events of the account arrive once more."""
    account = exchange.accounts.get(request.key or "")
    if how.get("how", "rows") != "stream" or account is None or not account.events:
        return None
    for event in account.events[-3:]:
        for listener in list(account.listeners):
            listener(event)
    return reply


def doubled_rows(
    exchange: Exchange, how: Options, request: Request, rows: list[Row]
) -> list[Row] | None:
    """E5. how: rows (each trade twice), overlap (the page begins with trades of the one before)."""
    if not request.path.endswith("myTrades"):
        return None
    match how.get("how", "rows"):
        case "rows":
            return [row for row in rows for _ in range(2)] or None
        case "overlap":
            return _with_earlier(exchange, request, rows)
        case _:
            return None


def _with_earlier(exchange: Exchange, request: Request, rows: list[Row]) -> list[Row] | None:
    account = exchange.accounts.get(request.key or "")
    if account is None or "fromId" not in request.params:
        return None
    first = int(request.params["fromId"])
    symbol = request.params["symbol"]
    earlier = [
        trade_row(trade)
        for trade in account.trades
        if trade.symbol == symbol and trade.trade_id < first
    ]
    return earlier[-2:] + rows if earlier else None


def strange_fees(
    exchange: Exchange, how: Options, request: Request, rows: list[Row]
) -> list[Row] | None:
    """E19 in reports only, the ledger is right. how: missing (null), absent (no field), absurd (x 500)."""
    kind = how.get("how", "missing")
    if kind == "several" or not rows or not request.path.endswith("myTrades"):
        return None
    if kind == "absurd":
        return [
            row | {"commission": str(Decimal(row["commission"]) * how.get("factor", 500))}
            for row in rows
        ]
    if kind == "absent":
        names = ("commission", "commissionAsset")
        return [{k: v for k, v in row.items() if k not in names} for row in rows]
    return [row | {"commission": None, "commissionAsset": None} for row in rows]


def small_pages(exchange: Exchange, how: Options, request: Request, limit: int) -> int | None:
    """E37: no more than `size` rows, whatever was asked for."""
    size: int = how.get("size", 2)
    return size if size < limit else None


def bad_tick(
    exchange: Exchange, how: Options, request: Request, rows: list[Row]
) -> list[Row] | None:
    """E23. how: zero, tiny, huge, crossed. `symbol`: BTCUSDT, else all."""
    return _spoil(rows, how.get("symbol"), BAD_TICKS[how.get("how", "huge")])


def absurd_ticker(
    exchange: Exchange, how: Options, request: Request, rows: list[Row]
) -> list[Row] | None:
    """E24. how: none, empty, nan, bare (no prices at all)."""
    return _spoil(rows, how.get("symbol"), ABSURD_TICKERS[how.get("how", "none")])


def _spoil(
    rows: list[Row], symbol: str | None, change: Callable[[str], object]
) -> list[Row] | None:
    """`change` gets the name of a price field and the text of the price."""
    if not rows:
        return None
    return [
        {
            k: change(f"{k}={v}") if k.endswith("Price") or k == "price" else v
            for k, v in row.items()
        }
        if symbol in (None, row["symbol"])
        else row
        for row in rows
    ]


def _times(field: str, factor: str) -> str:
    return f"{Decimal(field.partition('=')[2]) * Decimal(factor):.8f}"


BAD_TICKS: dict[str, Callable[[str], object]] = {
    "zero": lambda field: "0.00000000",
    "tiny": lambda field: "0.00000001",
    "huge": lambda field: _times(field, "100"),
    "crossed": lambda field: _times(field, "1.05" if field.startswith("bid") else "0.95"),
}
ABSURD_TICKERS: dict[str, Callable[[str], object]] = {
    "none": lambda field: None,
    "empty": lambda field: "",
    "nan": lambda field: "NaN",
    "bare": lambda field: {},
}
