"""Bitget spot, classic accounts only.

A create request says that it is good for five seconds after the time that it is signed with. What is relied
on is what holds for any signed request: it is refused when its time is more than 30 seconds old; twice that
is reckoned with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.market import FeeCurrency
from core.orders import Order
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Permissions, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW = timedelta(seconds=60)
GOOD_FOR = timedelta(seconds=5)
PAGE = 100
FILLED = "baseVolume"
LONGEST_RANGE = timedelta(days=89)
SUCCESS = "00000"
WITHDRAWS = frozenset({"wwow", "wtow"})
MOVES = frozenset({"wtow", "chow", "p2p", "p2pw"})
NO_SUCH_ORDER = ("40109", "40768", "43001")
MOST_OPEN_ORDERS = 400

# From ccxt's table, which quotes their answers.
ERRORS = o.ErrorTable(
    exchange="bitget",
    read=o.read_code_and_message("code", "msg"),
    codes={
        **o.rules(o.EXISTS, "40786", "43118"),
        **o.rules(o.FUNDS, "43012", "40762"),
        **o.rules(o.FILTER, "40108", "40706", "40808", "43011", "45110", "41103", "41117", "45113"),
        **o.rules(o.GONE, "40309"),
        **o.rules(o.HALTED, "43115", "40308", "41114"),
        **o.rules(o.REFUSED, "40007", "40017", "40019", "40020", "40024", "40085", "40305"),
        **o.rules(o.CLOCK, "40004", "40005", "40008"),
        **o.rules(o.KEY, "40001", "40002", "40003", "40006", "40009", "40010", "40011", "40012"),
        **o.rules(o.KEY, "40014", "40016", "40018", "40031", "40037"),
        **o.rules(o.MAINTENANCE, "40200"),
        **o.rules(o.BUSY, "40015", "40604"),
        **o.rules(o.BAN, "429"),
    },
)


def good_for(order: Order) -> Mapping[str, Any]:
    """ "Place order": valid only while the signed time and theirs are no further apart."""
    return {
        "requestTime": str(asking.ms(order.created_at)),
        "receiveWindow": str(GOOD_FOR // asking.MILLISECOND),
    }


# A market buy takes what it may cost, not a quantity: bought with a collar instead.
STYLE = CreateStyle(more=good_for, market_buy=None)


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    return await _list(client, client.privateSpotGetV2SpotTradeUnfilledOrders, symbol, {})


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    """By their id when it is known. Ours names an order only while nothing of it is filled ("get order
    info"); later it stands in the list of those that have ended, or among the open ones."""
    asked = {"clientOid": id} if venue_order_id is None else {"orderId": venue_order_id}
    rows = await _told(client, asked)
    if rows:
        found = asking.orders(client, symbol, rows, FILLED)[0]
        return asking.checked(found, id, venue_order_id)
    for ask in (
        client.privateSpotGetV2SpotTradeUnfilledOrders,
        client.privateSpotGetV2SpotTradeHistoryOrders,
    ):
        newest = _data(await ask({"symbol": client.market(symbol)["id"], "limit": str(PAGE)}))
        ours = asking.ours(asking.orders(client, symbol, newest, FILLED), id)
        if ours is not None:
            return ours
    return None


async def _told(client: Client, asked: Row) -> list[Row]:
    """Of one order; empty when they say that there is none."""
    from ccxt.base.errors import BaseError

    try:
        return _data(await client.privateSpotGetV2SpotTradeOrderInfo(asked))
    except BaseError as error:
        if o.has_code(ERRORS, error, NO_SUCH_ORDER):
            return []
        raise


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    found = asking.ours(await find_open(client, symbol), id)
    if found is not None:
        return found
    history = client.privateSpotGetV2SpotTradeHistoryOrders
    for start, end in asking.ranges(client, created_at, LONGEST_RANGE):
        params = {"startTime": str(start), "endTime": str(end)}
        found = asking.ours(await _list(client, history, symbol, params), id)
        if found is not None:
            return found
    return None


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    rows = await _told(client, {"orderId": number})
    return asking.numbered(asking.orders(client, symbol, rows, FILLED), number)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    found: list[Row] = []
    pair = client.market(symbol)["id"]
    for start, end in asking.ranges(client, since, LONGEST_RANGE):
        params = {"symbol": pair, **asking.of_order("orderId", venue_order_id), "limit": str(PAGE)}
        params |= {"startTime": str(start), "endTime": str(end)}
        turn = partial(_turn, "tradeId")
        fills = client.privateSpotGetV2SpotTradeFills
        found += await asking.pages(fills, params, PAGE, _data, turn)
    rows = asking.each_once(found, "tradeId", "orderId")
    return [_with_fee(row) for row in asking.trades(client, symbol, rows)]


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    await asking.ask_cancel(client, symbol, {"clientOrderId": id}, venue_order_id)


async def permissions(client: Client) -> Permissions:
    """Their rights are short codes ("get account information"); only those whose meaning is certain are told
    apart. A wallet's transfer is feared like a withdrawal."""
    answer = asking.row_at(await client.privateSpotGetV2SpotAccountInfo(), "data")
    rights, ips = answer.get("authorities"), answer.get("ips")
    if not isinstance(rights, list):
        raise VenueUnavailable("an answer without permissions")
    named = {str(right).lower() for right in rights}
    return Permissions(
        can_trade=bool(named & {"stow", "stw", "spot_trade", "trade"}) or None,
        can_withdraw=any(right in WITHDRAWS or "withdraw" in right for right in named),
        can_transfer=any(right in MOVES or "transfer" in right for right in named),
        addresses=tuple(ip.strip() for ip in str(ips or "").split(",") if ip.strip()),
        # An unknown code may be a right that is feared: a person has to say what the key may do.
        readable=False,
    )


async def balances(client: Client) -> Row:
    rows = _data(await client.privateSpotGetV2SpotAccountAssets())
    found: Row = client.parse_balance(rows)
    return found


def limits(market: Row) -> Limits:
    """Their price bands limit buys above and sells below the market, where ours are not."""
    return Limits(max_open_orders=MOST_OPEN_ORDERS)


def _data(answer: Any) -> list[Row]:
    if asking.value_at(answer, "code") != SUCCESS:
        raise VenueUnavailable("an answer without data")
    return asking.rows_at(answer, "data")


def _turn(name: str, params: Row, answer: Any, rows: list[Row]) -> bool:
    ids = [str(row.get(name)) for row in rows]
    if not all(id.isdigit() for id in ids):
        return False
    params["idLessThan"] = min(ids, key=int)
    return True


async def _list(client: Client, ask: Any, symbol: str | None, params: Row) -> list[Row]:
    asked = {"limit": str(PAGE), **params}
    if symbol is not None:
        asked["symbol"] = client.market(symbol)["id"]
    rows = await asking.pages(ask, asked, PAGE, _data, partial(_turn, "orderId"))
    return asking.orders(client, symbol, rows, FILLED)


def _with_fee(row: Row) -> Row:
    """ccxt turns the sign of a fee that was paid in their coin as well, where it stands for itself."""
    detail = row["info"].get("feeDetail")
    if isinstance(detail, dict) and detail.get("deduction") == "yes" and row.get("fee"):
        paid = parse_decimal(detail.get("totalFee"))
        row["fee"] = {**row["fee"], "cost": None if paid is None else str(abs(paid))}
        row["fees"] = [row["fee"]]
    return row


BITGET = Adapter(
    exchange="bitget",
    request_window=WINDOW,
    good_for=GOOD_FOR,
    remembers=LONGEST_RANGE,  # "get history orders": ninety days
    index_lag=timedelta(seconds=10),
    counts_over=1.0,
    creates=(10, 1.0),  # "place order": 10 a second, per account
    options=spot(uta=False),  # told, so that no order asks for it first
    hosts=("api.bitget.com", "ws.bitget.com"),
    fee_currency=FeeCurrency.BASE,
    allowed_calls=frozenset(
        {
            ("public/common", "GET", "v2/public/time"),
            ("public/spot", "GET", "v2/spot/public/symbols"),
            ("private/spot", "POST", "v2/spot/trade/place-order"),
            ("private/spot", "POST", "v2/spot/trade/cancel-order"),
            ("private/spot", "GET", "v2/spot/trade/orderInfo"),
            ("private/spot", "GET", "v2/spot/trade/unfilled-orders"),
            ("private/spot", "GET", "v2/spot/trade/history-orders"),
            ("private/spot", "GET", "v2/spot/trade/fills"),
            ("private/spot", "GET", "v2/spot/account/assets"),
            ("private/spot", "GET", "v2/spot/account/info"),
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
