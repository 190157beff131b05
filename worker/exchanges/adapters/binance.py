"""Binance spot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.market import FeeCurrency
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import BOUND, Adapter, Client, Limits, Permissions, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW = timedelta(seconds=5)
WINDOW_MS = 5_000
PAGE = 1000
FILLED = "executedQty"
NO_SUCH_ORDER = ("-2013", "-2026")
"""Unknown, or ended without a fill and archived. Either way the exchange answered and does not show it."""

# From "error codes" and "messages for -1010, -2010 and -2011" of their documents, and ccxt's table.
ERRORS = o.ErrorTable(
    exchange="binance",
    read=o.read_code_and_message("code", "msg"),
    codes={
        "-2010": (
            o.with_text(o.EXISTS, "duplicate order"),
            o.with_text(o.FUNDS, "insufficient balance"),
            o.with_text(o.HALTED, "market is closed"),
            o.with_text(o.LATER, "order book liquidity"),
            o.with_text(o.REFUSED, "would immediately match"),
            o.with_text(o.REFUSED, "would trigger immediately"),
            o.with_text(o.REFUSED, "is disabled on this account"),
            o.with_text(o.REFUSED, "may not place or cancel orders"),
            o.with_text(o.REFUSED, "for this account"),
            o.with_text(o.REFUSED, "not supported for this symbol"),
            o.with_text(o.REFUSED, "not support for this symbol"),
            o.with_text(o.REFUSED, "trading is not enabled"),
            o.with_text(o.REFUSED, "unsupported order combination"),
            o.with_text(o.FILTER, "price * qty is zero or less"),
            o.with_text(o.LATER, "max_num_orders"),
            o.with_text(o.FILTER, "filter failure"),
        ),
        # The request did not reach the matching engine.
        "-1013": (o.with_text(o.LATER, "max_num_orders"), o.FILTER),
        **o.rules(o.FILTER, "-1111"),
        **o.rules(o.GONE, "-1121"),
        # A malformed request: ours is at fault, and it is refused before anything else.
        **o.rules(
            o.REFUSED, "-1014", "-1020", "-1100", "-1101", "-1102", "-1103", "-1104", "-1105"
        ),
        **o.rules(
            o.REFUSED, "-1106", "-1108", "-1115", "-1116", "-1117", "-1118", "-1119", "-1130"
        ),
        **o.rules(o.LATER, "-1112"),
        **o.rules(o.CLOCK, "-1021"),
        **o.rules(o.KEY, "-1002", "-1022", "-2014", "-2015"),
        **o.rules(o.MAINTENANCE, "-1008"),
        **o.rules(o.BAN, "-1003", "-1015"),
    },
    # What ccxt passes on without the code that came with it.
    messages={
        "market is closed.": "-2010",
        "order would immediately match and take.": "-2010",
        "order would trigger immediately.": "-2010",
        "stop price would trigger immediately.": "-2010",
        "account has insufficient balance for requested action.": "-2010",
        "this account may not place or cancel orders.": "-2010",
        "rest api trading is not enabled.": "-2010",
        "filter failure: percent_price_by_side": "-1013",
        "filter failure: max_position": "-1013",
    },
)

STYLE = CreateStyle(params={"recvWindow": WINDOW_MS}, market_buy={})


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    params = {} if symbol is None else {"symbol": client.market(symbol)["id"]}
    answer = await client.privateGetOpenOrders(params)
    return asking.orders(client, symbol, asking.rows_at(answer), FILLED)


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    from ccxt.base.errors import InvalidOrder

    asked = {"symbol": client.market(symbol)["id"], "origClientOrderId": id}
    try:
        answer = await client.privateGetOrder(asked)
    except InvalidOrder as error:
        if o.has_code(ERRORS, error, NO_SUCH_ORDER):
            return None
        raise
    rows = [asking.row_at(answer)]
    return asking.checked(asking.orders(client, symbol, rows, FILLED)[0], id, venue_order_id)


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    market = client.market(symbol)
    since = asking.ms(created_at - asking.EARLIER)
    params = {"symbol": market["id"], "startTime": since, "limit": PAGE}
    rows = asking.rows_at(await client.privateGetAllOrders(params))
    found = asking.ours(asking.orders(client, symbol, rows, FILLED), id)
    if found is None:
        asking.complete(rows, PAGE)
    return found


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    asked = {"symbol": client.market(symbol)["id"], "orderId": number}
    rows = [asking.row_at(await client.privateGetOrder(asked))]
    return asking.numbered(asking.orders(client, symbol, rows, FILLED), number)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    """They take a time or the number of a trade, never both."""
    params: Row = {"symbol": client.market(symbol)["id"], "limit": PAGE}
    if venue_order_id is None:
        params["startTime"] = asking.ms(since - asking.EARLIER)
    else:
        params["orderId"] = venue_order_id
    found: list[Row] = []
    for _ in range(asking.MOST_PAGES):
        rows = asking.rows_at(await client.privateGetMyTrades(params))
        found += asking.trades(client, symbol, rows)
        if len(rows) < PAGE:
            return found
        params.pop("startTime", None)
        params["fromId"] = max(int(row["id"]) for row in rows) + 1
    raise VenueUnavailable("more trades than are read")


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    await asking.ask_cancel(client, symbol, {"clientOrderId": id}, venue_order_id)


async def permissions(client: Client) -> Permissions:
    answer = asking.row_at(await client.sapiGetAccountApiRestrictions())
    bound = _told(answer, "ipRestrict")
    transfers = [_told(answer, n) for n in ("enableInternalTransfer", "permitsUniversalTransfer")]
    return Permissions(
        can_trade=_told(answer, "enableSpotAndMarginTrading"),
        can_withdraw=_told(answer, "enableWithdrawals"),
        can_transfer=None if None in transfers else any(transfers),
        addresses=None if bound is None else BOUND if bound else (),
        expires_at=_expiry(answer.get("tradingAuthorityExpirationTime")),
    )


async def balances(client: Client) -> Row:
    found: Row = await client.fetch_balance({"type": "spot"})
    asking.rows_at(found.get("info"), "balances")
    return found


def cost(path: str, params: Mapping[str, Any], told: float) -> float:
    """The trades of one order weigh 5, those of a symbol 20; ccxt counts 20 for both."""
    return 1.0 if path == "myTrades" and "orderId" in params else told


def limits(market: Row) -> Limits:
    """From the filters of exchangeInfo; 0 means that there is no limit."""
    filters = {row.get("filterType"): row for row in _filters(market)}
    band = filters.get("PERCENT_PRICE_BY_SIDE", {})
    old_band = filters.get("PERCENT_PRICE", {})
    most = _above_zero(filters.get("MAX_NUM_ORDERS", {}).get("maxNumOrders"))
    largest = [
        _above_zero(filters.get(n, {}).get("maxQty")) for n in ("MARKET_LOT_SIZE", "LOT_SIZE")
    ]
    return Limits(
        max_open_orders=None if most is None else int(most),
        max_market_quantity=min((number for number in largest if number is not None), default=None),
        lowest_buy=_above_zero(band.get("bidMultiplierDown") or old_band.get("multiplierDown")),
        highest_sell=_above_zero(band.get("askMultiplierUp") or old_band.get("multiplierUp")),
    )


def _filters(market: Row) -> Iterator[Row]:
    for row in (market.get("info") or {}).get("filters") or ():
        if isinstance(row, dict):
            yield row


def _above_zero(value: Any) -> Decimal | None:
    number = parse_decimal(value)
    return number if number is not None and number > 0 else None


def _told(answer: Row, name: str) -> bool | None:
    return answer[name] if isinstance(answer.get(name), bool) else None


def _expiry(value: Any) -> datetime | None:
    number = _above_zero(value)
    return None if number is None else datetime.fromtimestamp(int(number) // 1000, UTC)


BINANCE = Adapter(
    exchange="binance",
    request_window=WINDOW,
    index_lag=timedelta(seconds=3),
    # Their "general info on limits": 6,000 of weight in each minute, for an address; 100 orders in 10 s.
    counts_over=60.0,
    tells_used=("x-mbx-used-weight-1m", 6_000),
    creates=(100, 10.0),
    shares_budget=True,
    options=spot(
        recvWindow=WINDOW_MS,
        fetchOpenOrders={"warnWithoutSymbol": False},
        # ccxt's own ids name its broker account; ours are always given, these would only stand in for them.
        broker={"spot": "none-", "margin": "none-"},
    ),
    hosts=("api.binance.com", "ws-api.binance.com", "stream.binance.com"),
    fee_currency=FeeCurrency.BASE,
    allowed_calls=frozenset(
        {
            ("public", "GET", "time"),
            ("public", "GET", "exchangeInfo"),
            ("private", "POST", "order"),
            ("private", "GET", "order"),
            ("private", "DELETE", "order"),
            ("private", "GET", "openOrders"),
            ("private", "GET", "allOrders"),
            ("private", "GET", "myTrades"),
            ("private", "GET", "account"),
            ("sapi", "GET", "account/apiRestrictions"),
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
    cost=cost,
)
