"""Gate spot, classic accounts only. Our id travels as `t-` and itself, and is a name for the order only
while it is open and a short time after; later it is found in the list of finished orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.market import FeeCurrency
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.exchanges.adapters.gate_key import permissions

WINDOW = timedelta(seconds=60)
"""How far a signed time may be from theirs ("APIv4 signed request requirements")."""
GOOD_FOR = timedelta(seconds=5)
PAGE = 100
TRADES_PAGE = 1000
LONGEST_RANGE = timedelta(days=29)
NO_SUCH_ORDER = ("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND")
FILLED = "left"
"""What is left tells what is filled."""
ENDED = frozenset({"closed", "cancelled", "finished"})
ENDED_BY_GATE = frozenset(
    {
        *("ioc", "fok", "poc", "stp", "small", "failed", "expired"),
        *("depth_not_enough", "trader_not_enough", "liquidate_cancelled"),
    }
)
POINTS = "GATEPOINT"
"""Ccxt's name for the points that a fee can be paid with: one counts as a dollar, and has no market."""
MOST_OPEN_ORDERS = 200


def _read(body: dict[str, Any]) -> Iterator[o.Said]:
    if body.get("label"):
        yield o.said(body["label"], body.get("message") or body.get("detail"))


# From the "label list" of their documents, and ccxt's table.
ERRORS = o.ErrorTable(
    exchange="gate",
    read=_read,
    codes={
        "INVALID_PARAM_VALUE": (
            o.with_text(o.FILTER, "your order size"),
            o.with_text(o.FILTER, "precision"),
        ),
        **o.rules(o.EXISTS, "REPEATED_CREATION", "ORDER_EXISTS", "DUPLICATE_REQUEST"),
        **o.rules(o.FUNDS, "BALANCE_NOT_ENOUGH", "INSUFFICIENT_AVAILABLE", "QUANTITY_NOT_ENOUGH"),
        **o.rules(o.FILTER, "INVALID_PRECISION", "AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH"),
        **o.rules(o.FILTER, "SIZE_TOO_LARGE", "SIZE_TOO_SMALL", "PRICE_TOO_DEVIATED"),
        **o.rules(o.FILTER, "PRICE_THRESHOLD_EXCEEDED"),
        **o.rules(o.GONE, "INVALID_CURRENCY", "INVALID_CURRENCY_PAIR"),
        **o.rules(o.LATER, "TOO_MANY_ORDERS"),
        **o.rules(o.REFUSED, "INVALID_PROTOCOL", "INVALID_ARGUMENT", "INVALID_REQUEST_BODY"),
        **o.rules(o.REFUSED, "MISSING_REQUIRED_PARAM", "INVALID_CONTENT_TYPE", "NOT_ACCEPTABLE"),
        **o.rules(o.REFUSED, "TRADE_RESTRICTED"),
        **o.rules(o.CLOCK, "REQUEST_EXPIRED"),
        **o.rules(o.KEY, "AUTHENTICATION_FAILED", "INVALID_CREDENTIALS", "INVALID_KEY"),
        **o.rules(o.KEY, "IP_FORBIDDEN", "READ_ONLY", "INVALID_SIGNATURE", "FORBIDDEN"),
        **o.rules(o.KEY, "MISSING_REQUIRED_HEADER", "ACCOUNT_LOCKED", "SUB_ACCOUNT_LOCKED"),
        **o.rules(o.BUSY, "INTERNAL", "SERVER_ERROR", "INTERNAL_SERVER_ERROR", "TOO_BUSY"),
        **o.rules(o.BAN, "TOO_FAST", "TOO_MANY_REQUESTS"),
    },
)

# A market buy takes what it may cost, not a quantity: bought with a collar instead.
STYLE = CreateStyle(market_buy=None)


def expires(created_at: datetime) -> Mapping[str, str]:
    return {"x-gate-exptime": str(asking.ms(created_at + GOOD_FOR))}


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    if symbol is not None:
        params = {"currency_pair": client.market(symbol)["id"], "status": "open", "limit": PAGE}
        return await _list(client, symbol, params)
    found: list[Row] = []
    for page in range(1, asking.MOST_PAGES):
        params = {"page": page, "limit": PAGE, "account": "spot"}
        groups = asking.rows_at({"all": await client.privateSpotGetOpenOrders(params)}, "all")
        rows = [row for group in groups for row in asking.rows_at(group, "orders")]
        found += _orders(client, None, rows)
        if all(len(asking.rows_at(group, "orders")) < PAGE for group in groups):
            return found
    raise VenueUnavailable("more pages than are read")


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    """By their id when it is known: it names the order for ever."""
    from ccxt.base.errors import OrderNotFound

    market = client.market(symbol)
    name = venue_order_id or _text(id)
    params = {"order_id": name, "currency_pair": market["id"], "account": "spot"}
    try:
        row = asking.row_at(await client.privateSpotGetOrdersOrderId(params))
    except OrderNotFound as error:
        if not o.has_code(ERRORS, error, NO_SUCH_ORDER):
            raise
        finished = {"currency_pair": market["id"], "status": "finished", "limit": PAGE}
        rows = asking.rows_at({"all": await client.privateSpotGetOrders(finished)}, "all")
        return asking.ours(_orders(client, symbol, rows), id)
    return asking.checked(_orders(client, symbol, [row])[0], id, venue_order_id)


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    found = asking.ours(await find_open(client, symbol), id)
    if found is not None:
        return found
    pair = client.market(symbol)["id"]
    for start, end in asking.ranges(client, created_at, LONGEST_RANGE):
        params = {"currency_pair": pair, "status": "finished", "limit": PAGE, **_range(start, end)}
        found = asking.ours(await _list(client, symbol, params), id)
        if found is not None:
            return found
    return None


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    pair = client.market(symbol)["id"]
    params = {"order_id": number, "currency_pair": pair, "account": "spot"}
    row = asking.row_at(await client.privateSpotGetOrdersOrderId(params))
    return asking.numbered(_orders(client, symbol, [row]), number)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    """Without a range they answer for the last week only."""
    found: list[Row] = []
    which = {**asking.of_order("order_id", venue_order_id), "limit": TRADES_PAGE}
    asked = {"currency_pair": client.market(symbol)["id"], **which}
    for start, end in asking.ranges(client, since, LONGEST_RANGE):
        params = {**asked, **_range(start, end)}
        ask = client.privateSpotGetMyTrades
        found += await asking.pages(ask, params, TRADES_PAGE, _whole, _next_page)
    return asking.trades(client, symbol, asking.each_once(found, "id", "order_id"))


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    """ccxt knows their id only, and takes ours in its place."""
    await asking.ask_cancel(client, symbol, {}, _text(id))


async def balances(client: Client) -> Row:
    found: Row = await client.fetch_balance()
    asking.rows_at(found, "info")
    return found


def limits(market: Row) -> Limits:
    return Limits(max_open_orders=MOST_OPEN_ORDERS)


def _text(id: str) -> str:
    return f"t-{id}"


def _range(start: int, end: int) -> Row:
    return {"from": start // 1000, "to": end // 1000 + 1}


def _whole(answer: Any) -> list[Row]:
    return asking.rows_at({"all": answer}, "all")


def _next_page(params: Row, answer: Any, rows: list[Row]) -> bool:
    params["page"] = params.get("page", 1) + 1
    return True


async def _list(client: Client, symbol: str, params: Row) -> list[Row]:
    rows = await asking.pages(client.privateSpotGetOrders, params, PAGE, _whole, _next_page)
    return _orders(client, symbol, rows)


def _orders(client: Client, symbol: str | None, rows: list[Row]) -> list[Row]:
    found = asking.orders(client, symbol, rows, FILLED)
    return [{**row, "status": _status(row)} for row in found]


def _status(row: Row) -> str | None:
    """ccxt goes by the way in which an order ended: some it passes on as they are, others it calls
    cancelled. What their own status does not say is not known."""
    said, how = row["info"].get("status"), row["info"].get("finish_as")
    if said == "open":
        return "open"
    if said not in ENDED:
        return None
    if how in ENDED_BY_GATE:
        return "expired"
    return "closed" if (how or said) in ("filled", "closed", "finished") else "canceled"


GATE = Adapter(
    exchange="gate",
    request_window=WINDOW,
    good_for=GOOD_FOR,
    index_lag=timedelta(seconds=10),
    counts_over=10.0,
    creates=(10, 1.0),  # "frequency limit rule": 10 a second, per account and market
    options=spot(unifiedAccount=False),  # told, so that no order asks for it first
    hosts=("api.gateio.ws",),
    fee_currency=FeeCurrency.BASE,
    allowed_calls=frozenset(
        {
            ("public/spot", "GET", "time"),
            ("public/spot", "GET", "currency_pairs"),
            ("private/spot", "POST", "orders"),
            ("private/spot", "GET", "orders"),
            ("private/spot", "GET", "open_orders"),
            ("private/spot", "GET", "orders/{order_id}"),
            ("private/spot", "DELETE", "orders/{order_id}"),
            ("private/spot", "GET", "my_trades"),
            ("private/spot", "GET", "accounts"),
            ("private/account", "GET", "detail"),
            ("private/account", "GET", "main_keys"),
        }
    ),
    create=STYLE.create,
    find_open=find_open,
    find=find,
    find_again=find_again,
    by_number=by_number,
    trades=trades,
    cancel=cancel,
    permissions=permissions,
    outcome=ERRORS.outcome,
    limits=limits,
    balances=balances,
    headers=expires,
    worth={POINTS: "USDT"},
)
