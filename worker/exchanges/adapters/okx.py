"""OKX spot.

`expTime`, a header of a create request, makes them refuse it after five seconds; ccxt does not send it, so
`expires` gives it to the client. What is relied on is the thirty seconds after which any signed request
is refused: the shorter limit only makes a late order less likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.market import FeeCurrency
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Permissions, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW = timedelta(seconds=30)
GOOD_FOR = timedelta(seconds=5)
PAGE = 100
FILLED = "accFillSz"
RECENT = timedelta(days=6)
"""The list of the last seven days answers for these; what is older stands in the archive."""
NO_SUCH_ORDER = ("51603",)
MOST_OPEN_ORDERS = 500


def _read(body: dict[str, Any]) -> Iterator[o.Said]:
    """What went wrong with the order itself stands in its row; the code above only says that it did. A code
    may be told more exactly: 51008_1000 is a 51008."""
    rows = body.get("data")
    about_orders = (
        [row for row in rows if isinstance(row, dict) and row.get("sCode") not in (None, "", "0")]
        if isinstance(rows, list)
        else []
    )
    for row in about_orders:
        yield o.said(str(row["sCode"]).partition("_")[0], row.get("sMsg"))
    if not about_orders and body.get("code") is not None:
        yield o.said(str(body["code"]).partition("_")[0], body.get("msg"))


# From the list "REST API error codes" of their documents, and ccxt's table.
ERRORS = o.ErrorTable(
    exchange="okx",
    read=_read,
    codes={
        **o.rules(o.EXISTS, "51016", "51011", "50071"),
        **o.rules(o.FUNDS, "51008", "51119", "51127", "51131"),
        **o.rules(o.FILTER, "51004", "51005", "51006", "51020", "51031", "51100", "51116", "51118"),
        **o.rules(o.FILTER, "51120", "51121", "51122", "51135", "51136", "51137", "51138"),
        **o.rules(o.FILTER, "51185", "51201", "51202", "51203", "51033", "50122"),
        **o.rules(o.GONE, "51001", "51002", "51012", "51015", "51087"),
        **o.rules(o.HALTED, "51021", "51022", "51027", "51110", "51124"),
        **o.rules(o.LATER, "51025", "51102", "51103", "51109", "51174"),
        **o.rules(o.REFUSED, "50000", "50002", "50006", "50014", "50015", "50016", "50024", "51000"),
        **o.rules(o.REFUSED, "50027", "51009", "51010", "51024", "51155", "51204", "50028", "50029"),
        **o.rules(o.REFUSED, "50032", "50033", "50051", "50052", "50059", "50060"),
        **o.rules(o.CLOCK, "50102", "50112"),
        **o.rules(o.TOO_LATE, "50036"),  # expTime
        **o.rules(o.KEY, "50007", "50008", "50101", "50103", "50104", "50105", "50106", "50107"),
        **o.rules(o.KEY, "50110", "50111", "50113", "50114", "50119", "50120", "50030", "50035"),
        **o.rules(o.KEY, "50100", "50121"),
        **o.rules(o.MAINTENANCE, "50001"),
        **o.rules(o.BUSY, "50005", "50013", "50026"),
        **o.rules(o.BAN, "50011", "50040", "50061"),
    },
)  # fmt: skip

STYLE = CreateStyle(
    params={"tdMode": "cash"},
    market_buy={"tgtCcy": "base_ccy"},
)


def expires(created_at: datetime) -> Mapping[str, str]:
    return {"expTime": str(asking.ms(created_at + GOOD_FOR))}


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    return await _pages(client.privateGetTradeOrdersPending, client, symbol, {})


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    from ccxt.base.errors import OrderNotFound

    asked = {"instId": client.market(symbol)["id"], "clOrdId": id}
    try:
        answer = await client.privateGetTradeOrder(asked)
    except OrderNotFound as error:
        if o.has_code(ERRORS, error, NO_SUCH_ORDER):
            return None
        raise
    rows = asking.rows_at(answer, "data")
    if len(rows) != 1:
        raise VenueUnavailable("an answer without what was asked")
    found = asking.orders(client, symbol, rows, FILLED)[0]
    return asking.checked(_end(found), id, venue_order_id)


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    """What is open, what ended in the last days, and where that is too short, the archive."""
    found = asking.ours(await find_open(client, symbol), id)
    if found is not None:
        return found
    since = {"begin": asking.ms(created_at - asking.EARLIER)}
    lists = [client.privateGetTradeOrdersHistory]
    if asking.ms(created_at + RECENT) < client.milliseconds():
        lists.append(client.privateGetTradeOrdersHistoryArchive)
    for ask in lists:
        found = asking.ours(await _pages(ask, client, symbol, since), id)
        if found is not None:
            return found
    return None


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    asked = {"instId": client.market(symbol)["id"], "ordId": number}
    rows = asking.rows_at(await client.privateGetTradeOrder(asked), "data")
    found = asking.numbered(asking.orders(client, symbol, rows, FILLED), number)
    return None if found is None else _end(found)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    ask = client.privateGetTradeFillsHistory
    which: Row
    if venue_order_id is None:
        which = {"begin": asking.ms(since - asking.EARLIER)}
    else:
        which = {"ordId": venue_order_id}
    rows = await _raw_pages(ask, client, symbol, which, "billId")
    return asking.trades(client, symbol, rows)


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    await asking.ask_cancel(client, symbol, {"clientOrderId": id}, venue_order_id)


async def permissions(client: Client) -> Permissions:
    """Their right to trade lets a key move coins between its owner's own accounts as well; out of the
    owner's hands only the right to withdraw takes them."""
    rows = asking.rows_at(await client.privateGetAccountConfig(), "data")
    answer = rows[0] if rows else {}
    rights, ip = answer.get("perm"), answer.get("ip")
    if not isinstance(rights, str):
        raise VenueUnavailable("an answer without permissions")
    named = {right.strip() for right in rights.split(",")}
    return Permissions(
        can_trade="trade" in named,
        can_withdraw="withdraw" in named,
        can_transfer=False,
        addresses=tuple(a.strip() for a in ip.split(",") if a.strip())
        if isinstance(ip, str)
        else None,
    )


async def balances(client: Client) -> Row:
    """What lies there in cash. ccxt reads the equity, which debts make smaller than what is frozen."""
    rows = asking.rows_at(await client.privateGetAccountBalance(), "data")
    if not rows:
        raise VenueUnavailable("an answer without balances")
    found: Row = {"info": rows, "free": {}, "used": {}, "total": {}}
    for row in asking.rows_at(rows[0], "details"):
        asset = client.safe_currency_code(row.get("ccy"))
        if asset is None:
            raise VenueUnavailable("a balance that cannot be read")
        found["free"][asset] = row.get("availBal")
        found["used"][asset] = row.get("frozenBal")
    return found


def limits(market: Row) -> Limits:
    largest = parse_decimal((market.get("info") or {}).get("maxMktSz"))
    return Limits(
        max_open_orders=MOST_OPEN_ORDERS,
        max_market_quantity=largest if largest is not None and largest > 0 else None,
    )


def _end(row: Row) -> Row:
    """What is left of an immediate order is cancelled by them, and their row says which kind it was."""
    if row["status"] == "canceled" and row["info"].get("ordType") in ("ioc", "fok", "market"):
        row["status"] = "expired"
    return row


async def _pages(ask: Any, client: Client, symbol: str | None, params: Row) -> list[Row]:
    rows = await _raw_pages(ask, client, symbol, params, "ordId")
    return [_end(row) for row in asking.orders(client, symbol, rows, FILLED)]


async def _raw_pages(
    ask: Any, client: Client, symbol: str | None, params: Row, cursor: str
) -> list[Row]:
    """From the newest back; `cursor` is the field whose last value asks for the page after it."""
    asked: Row = {"instType": "SPOT", "limit": str(PAGE), **params}
    if symbol is not None:
        asked["instId"] = client.market(symbol)["id"]
    found: list[Row] = []
    for _ in range(asking.MOST_PAGES):
        rows = asking.rows_at(await ask(asked), "data")
        found += rows
        if len(rows) < PAGE:
            return found
        if not rows[-1].get(cursor):
            break
        asked["after"] = rows[-1][cursor]
    raise VenueUnavailable("more pages than are read")


OKX = Adapter(
    exchange="okx",
    request_window=WINDOW,
    good_for=GOOD_FOR,
    remembers=timedelta(days=85),  # "order history": three months
    index_lag=timedelta(seconds=10),
    counts_over=2.0,
    creates=(60, 2.0),  # "place order": 60 requests in 2 s, per account and instrument
    options=spot(createOrder="privatePostTradeOrder", brokerId=""),
    hosts=("www.okx.com", "ws.okx.com:8443", "ws.okx.com"),
    fee_currency=FeeCurrency.BASE,
    allowed_calls=frozenset(
        {
            ("public", "GET", "public/time"),
            ("public", "GET", "public/instruments"),
            ("private", "POST", "trade/order"),
            ("private", "POST", "trade/cancel-order"),
            ("private", "GET", "trade/order"),
            ("private", "GET", "trade/orders-pending"),
            ("private", "GET", "trade/orders-history"),
            ("private", "GET", "trade/orders-history-archive"),
            ("private", "GET", "trade/fills-history"),
            ("private", "GET", "account/balance"),
            ("private", "GET", "account/config"),
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
)
