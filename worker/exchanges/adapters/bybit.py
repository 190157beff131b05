"""Bybit spot, unified trading accounts only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.market import FeeCurrency
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Permissions, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW_MS = 5_000
WINDOW = timedelta(milliseconds=WINDOW_MS)
PAGE = 50
FILLED = "cumExecQty"
LONGEST_RANGE = timedelta(days=7)
PARTLY_FILLED_THEN_CANCELLED = "PartiallyFilledCanceled"
TRANSFERS = frozenset({"AccountTransfer", "SubMemberTransfer", "SubMemberTransferList"})
ANYWHERE = "*"
MOST_OPEN_ORDERS = 500

# From the page "error codes" of their documents, and ccxt's table.
ERRORS = o.ErrorTable(
    exchange="bybit",
    read=o.read_code_and_message("retCode", "retMsg"),
    codes={
        **o.rules(o.EXISTS, "170141", "110072", "12141"),
        **o.rules(o.FUNDS, "170131", "170033"),
        **o.rules(o.FILTER, "170124", "170132", "170133", "170134", "170135", "170136", "170137"),
        **o.rules(o.FILTER, "170140", "170148", "170192", "170193", "170194", "170228", "170229"),
        **o.rules(o.FILTER, "170371", "170372", "12137", "170197", "170198", "170199", "170200"),
        **o.rules(o.GONE, "170121", "170157", "170221", "10029"),
        **o.rules(o.HALTED, "170151", "170159", "170217"),
        **o.rules(o.REFUSED, "10001", "170105", "170115", "170116", "170117", "170130", "170202"),
        **o.rules(o.REFUSED, "170201", "170209", "170224", "170227", "170241"),
        **o.rules(o.REFUSED, "10020", "10024", "10027", "10028"),
        **o.rules(o.LATER, "170210"),
        **o.rules(o.CLOCK, "10002"),
        **o.rules(o.KEY, "10003", "10004", "10005", "10007", "10008", "10010", "33004", "-2015"),
        **o.rules(o.BAN, "10006", "10009", "10018", "170222", "170005"),
    },
)

STYLE = CreateStyle(market_buy={})


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    return await _pages(client.privateGetV5OrderRealtime, client, symbol, {})


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    """The first list knows what is open and the last 500 that are not, until their next restart."""
    ours = {"orderLinkId": id}
    for ask in (client.privateGetV5OrderRealtime, client.privateGetV5OrderHistory):
        rows = await _pages(ask, client, symbol, ours)
        if rows:
            return asking.checked(rows[0], id, venue_order_id)
    return None


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    """Without their filter for our id: everything that is open, then everything that ended since."""
    found = asking.ours(await find_open(client, symbol), id)
    if found is not None:
        return found
    for start, end in _ranges(client, created_at):
        history = client.privateGetV5OrderHistory
        rows = await _pages(history, client, symbol, {"startTime": start, "endTime": end})
        found = asking.ours(rows, id)
        if found is not None:
            return found
    return None


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    for ask in (client.privateGetV5OrderRealtime, client.privateGetV5OrderHistory):
        rows = await _pages(ask, client, symbol, {"orderId": number})
        if rows:
            return asking.numbered(rows, number)
    return None


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    """Without a range they answer for the last week only."""
    found: list[Row] = []
    for start, end in _ranges(client, since):
        params = {**asking.of_order("orderId", venue_order_id), "startTime": start, "endTime": end}
        rows = await _raw_pages(client.privateGetV5ExecutionList, client, symbol, params)
        found += [row for row in rows if row.get("execType", "Trade") == "Trade"]
    return asking.trades(client, symbol, asking.each_once(found, "execId", "orderId"))


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    """ccxt sends `clientOrderId` as it is, and with an order id beside it ours would not count."""
    await asking.ask_cancel(client, symbol, {"orderLinkId": id}, None)


async def permissions(client: Client) -> Permissions:
    answer = asking.row_at(await client.privateGetV5UserQueryApi(), "result")
    rights = answer.get("permissions")
    if not isinstance(rights, dict):
        raise VenueUnavailable("an answer without permissions")
    wallet, spot = (set(rights.get(name) or ()) for name in ("Wallet", "Spot"))
    ips = answer.get("ips")
    return Permissions(
        can_trade=str(answer.get("readOnly")) == "0" and "SpotTrade" in spot,
        can_withdraw="Withdraw" in wallet,
        can_transfer=bool(wallet & TRANSFERS),
        addresses=tuple(ip for ip in ips if ip != ANYWHERE) if isinstance(ips, list) else None,
        expires_at=_time(answer.get("expiredAt")),
    )


async def balances(client: Client) -> Row:
    found: Row = await client.fetch_balance()
    asking.rows_at(found.get("info"), "result", "list")
    return found


def limits(market: Row) -> Limits:
    sizes = (market.get("info") or {}).get("lotSizeFilter") or {}
    largest = parse_decimal(sizes.get("maxMarketOrderQty") or sizes.get("maxOrderQty"))
    return Limits(
        max_open_orders=MOST_OPEN_ORDERS,
        max_market_quantity=largest if largest is not None and largest > Decimal(0) else None,
    )


async def _pages(ask: Any, client: Client, symbol: str | None, params: Row) -> list[Row]:
    rows = await _raw_pages(ask, client, symbol, params)
    found = asking.orders(client, symbol, rows, FILLED)
    for row in found:
        # ccxt calls it closed; it was cancelled, and by whom matters.
        if row["info"].get("orderStatus") == PARTLY_FILLED_THEN_CANCELLED:
            row["status"] = "canceled"
    return found


async def _raw_pages(ask: Any, client: Client, symbol: str | None, params: Row) -> list[Row]:
    asked: Row = {"category": "spot", "limit": PAGE, **params}
    if symbol is not None:
        asked["symbol"] = client.market(symbol)["id"]
    found: list[Row] = []
    for _ in range(asking.MOST_PAGES):
        answer = await ask(asked)
        rows = asking.rows_at(answer, "result", "list")
        found += rows
        cursor = asking.value_at(answer, "result", "nextPageCursor")
        if not cursor or len(rows) < PAGE:
            return found
        # ccxt signs and sends a GET's parameters as they are, and cursors arrive as they must go back.
        asked["cursor"] = cursor
    raise VenueUnavailable("more pages than are read")


def _ranges(client: Client, since: datetime) -> list[tuple[int, int]]:
    return asking.ranges(client, since, LONGEST_RANGE)


def _time(value: Any) -> datetime | None:
    """`2027-01-31T08:00:00Z`; None where the key does not expire."""
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


BYBIT = Adapter(
    exchange="bybit",
    request_window=WINDOW,
    index_lag=timedelta(seconds=10),
    creates=(20, 1.0),  # "rate limit", spot, per account
    options=spot(
        recvWindow=WINDOW_MS,
        # Told, so that creating an order does not ask for it first.
        enableUnifiedMargin=False,
        enableUnifiedAccount=True,
        unifiedMarginStatus=6,
        brokerId="none",
    ),
    hosts=("api.bybit.com", "stream.bybit.com"),
    fee_currency=FeeCurrency.BASE,
    allowed_calls=frozenset(
        {
            ("public", "GET", "v5/market/time"),
            ("public", "GET", "v5/market/instruments-info"),
            ("private", "POST", "v5/order/create"),
            ("private", "POST", "v5/order/cancel"),
            ("private", "GET", "v5/order/realtime"),
            ("private", "GET", "v5/order/history"),
            ("private", "GET", "v5/execution/list"),
            ("private", "GET", "v5/account/wallet-balance"),
            ("private", "GET", "v5/user/query-api"),
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
)
