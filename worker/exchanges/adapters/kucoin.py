"""KuCoin spot, through the addresses that they call high-frequency and that serve every spot account.
Not for unified accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.market import FeeCurrency
from core.money import ZERO
from core.orders import Order
from worker.errors import VenueUnavailable
from worker.exchanges import outcomes as o
from worker.exchanges.adapter import Adapter, Client, Limits, Permissions, Row, spot
from worker.exchanges.adapters import asking
from worker.exchanges.adapters.creating import CreateStyle
from worker.prices.markets import parse_decimal

WINDOW = timedelta(seconds=5)
"""How far a signed time may be from theirs ("types", timestamps: less than five seconds)."""
GOOD_FOR = timedelta(seconds=5)
PAGE = 100
FILLED = "dealSize"
LONGEST_RANGE = timedelta(days=7) - timedelta(seconds=1)
SUCCESS = "200000"
NO_SUCH_ORDER = ("order_not_exist", "order not exist", "order does not exist")
TRADING = ("trade", "trade_hf")
MOST_OPEN_ORDERS = 200

# From the pages "spot errors code" and "gateway error code" of their documents, and ccxt's table.
ERRORS = o.ErrorTable(
    exchange="kucoin",
    read=o.read_code_and_message("code", "msg"),
    codes={
        "400100": (
            o.with_text(o.EXISTS, "duplicate"),
            o.with_text(o.FUNDS, "balance insufficient"),
            o.with_text(o.FUNDS, "account.available.amount"),
            o.with_text(o.FILTER, "below the minimum"),
            o.with_text(o.FILTER, "increment invalid"),
            o.with_text(o.FILTER, "increment is invalid"),
            o.with_text(o.FILTER, "not in the given range"),
            o.with_text(o.GONE, "unsupported trading pair"),
        ),
        "600100": (
            o.with_text(o.FILTER, "increment invalid"),
            o.with_text(o.FILTER, "below the minimum"),
        ),
        **o.rules(o.EXISTS, "126033", "126044", "102426"),
        **o.rules(o.FUNDS, "200004", "210021", "230003", "126013"),
        **o.rules(o.FILTER, "600101", "400330", "400370", "400760", "126003", "126029", "126030"),
        **o.rules(o.GONE, "400600", "900001", "126004"),
        **o.rules(o.HALTED, "126006", "126007", "126009", "200001", "600203"),
        **o.rules(o.LATER, "126011", "200003"),
        **o.rules(o.REFUSED, "400200", "400303", "400350", "400500", "126005", "126037", "126047"),
        **o.rules(o.REFUSED, "200009", "400301", "400700"),
        **o.rules(o.CLOCK, "400002"),
        **o.rules(o.KEY, "400001", "400003", "400004", "400005", "400006", "400007", "411100"),
        **o.rules(o.KEY, "400008", "400009"),
        **o.rules(o.BUSY, "500000", "503"),
        **o.rules(o.BAN, "429", "429000"),
    },
)


def good_for(order: Order) -> Mapping[str, Any]:
    """What arrives later fails. The time is the one that the request is signed with."""
    return {
        "clientTimestamp": asking.ms(order.created_at),
        "allowMaxTimeWindow": GOOD_FOR // asking.MILLISECOND,
    }


STYLE = CreateStyle(more=good_for, market_buy={})


async def find_open(client: Client, symbol: str | None) -> list[Row]:
    """Their list is by symbol; another list names the symbols."""
    if symbol is not None:
        return await _resting(client, client.market(symbol)["id"], symbol)
    answer = _said_yes(await client.privateGetHfOrdersActiveSymbols({"tradeType": "TRADE"}))
    ids = [] if answer in (None, {"symbols": None}) else asking.value_at(answer, "symbols")
    if not isinstance(ids, list):
        raise VenueUnavailable("an answer that is no list of symbols")
    found: list[Row] = []
    for id in ids:
        found += await _resting(client, id, None)
    return found


async def _resting(client: Client, id: str, symbol: str | None) -> list[Row]:
    """Where nothing rests, null stands for it."""
    answer = _said_yes(await client.privateGetHfOrdersActive({"symbol": id}))
    rows = asking.rows_at({"data": [] if answer is None else answer}, "data")
    return asking.orders(client, symbol, rows, FILLED)


async def find(client: Client, symbol: str, id: str, venue_order_id: str | None) -> Row | None:
    from ccxt.base.errors import BaseError

    market = client.market(symbol)
    ask = client.privateGetHfOrdersClientOrderClientOid
    try:
        row = _said_yes(await ask({"clientOid": id, "symbol": market["id"]}))
    except BaseError as error:
        if any(
            text in one.message for one in o.complaints(ERRORS, error) for text in NO_SUCH_ORDER
        ):
            return None
        raise
    if row is None:
        return None
    rows = [asking.row_at(row)]
    return asking.checked(asking.orders(client, symbol, rows, FILLED)[0], id, venue_order_id)


async def find_again(client: Client, symbol: str, id: str, created_at: datetime) -> Row | None:
    found = asking.ours(await find_open(client, symbol), id)
    if found is not None:
        return found
    market = client.market(symbol)
    for start, end in asking.ranges(client, created_at, LONGEST_RANGE):
        params = {"symbol": market["id"], "startAt": start, "endAt": end, "limit": PAGE}
        rows = await asking.pages(client.privateGetHfOrdersDone, params, PAGE, _items, _turn)
        found = asking.ours(asking.orders(client, symbol, rows, FILLED), id)
        if found is not None:
            return found
    return None


async def by_number(client: Client, symbol: str, number: str) -> Row | None:
    asked = {"orderId": number, "symbol": client.market(symbol)["id"]}
    row = _said_yes(await client.privateGetHfOrdersOrderId(asked))
    if row is None:
        return None
    return asking.numbered(asking.orders(client, symbol, [asking.row_at(row)], FILLED), number)


async def trades(
    client: Client, symbol: str, venue_order_id: str | None, since: datetime
) -> list[Row]:
    """With an order id they look at no range."""
    params = {"symbol": client.market(symbol)["id"], "limit": PAGE}
    which: list[Row]
    if venue_order_id is not None:
        which = [{"orderId": venue_order_id}]
    else:
        cut = asking.ranges(client, since, LONGEST_RANGE)
        which = [{"startAt": start, "endAt": end} for start, end in cut]
    found: list[Row] = []
    for each in which:
        asked = {**params, **each}
        found += await asking.pages(client.privateGetHfFills, asked, PAGE, _items, _turn)
    return asking.trades(client, symbol, asking.each_once(found, "tradeId", "orderId"))


async def cancel(client: Client, symbol: str, id: str, venue_order_id: str | None) -> None:
    await asking.ask_cancel(client, symbol, {"clientOrderId": id}, venue_order_id)


async def permissions(client: Client) -> Permissions:
    answer = asking.row_at(_said_yes(await client.privateGetUserApiKey()))
    rights, ips = answer.get("permission"), answer.get("ipWhitelist")
    if not isinstance(rights, str):
        raise VenueUnavailable("an answer without permissions")
    named = {right.strip().lower() for right in rights.split(",")}
    return Permissions(
        can_trade=bool(named & {"spot", "trade"}),
        can_withdraw=any("withdraw" in right for right in named),
        can_transfer=any("transfer" in right for right in named),
        addresses=tuple(ip.strip() for ip in (ips or "").split(",") if ip.strip()),
    )


async def balances(client: Client) -> Row:
    """Of the trading account, which some accounts show under its older name; not of the main account."""
    rows = asking.rows_at({"data": _said_yes(await client.privateGetAccounts())}, "data")
    found: dict[str, dict[str, Decimal]] = {"free": {}, "used": {}, "total": {}}
    names = {"free": "available", "used": "holds", "total": "balance"}
    for row in rows:
        if row.get("type") not in TRADING:
            continue
        asset = client.safe_currency_code(row.get("currency"))
        for name, theirs in names.items():
            number = parse_decimal(row.get(theirs))
            if number is None or asset is None:
                raise VenueUnavailable("a balance that cannot be read")
            found[name][asset] = found[name].get(asset, ZERO) + number
    return {"info": rows, **found}


def limits(market: Row) -> Limits:
    return Limits(max_open_orders=MOST_OPEN_ORDERS)


def _said_yes(answer: Any) -> Any:
    if not isinstance(answer, dict) or answer.get("code") != SUCCESS or "data" not in answer:
        raise VenueUnavailable("an answer without data")
    return answer["data"]


def _items(answer: Any) -> list[Row]:
    return asking.rows_at(_said_yes(answer), "items")


def _turn(params: Row, answer: Any, rows: list[Row]) -> bool:
    last = asking.value_at(answer, "data", "lastId")
    if not o.is_id(last):
        return False
    params["lastId"] = last
    return True


KUCOIN = Adapter(
    exchange="kucoin",
    request_window=WINDOW,
    good_for=GOOD_FOR,
    remembers=timedelta(days=2),  # "get order details": cancelled ones two days, filled ones a week
    index_lag=timedelta(seconds=25),
    counts_over=30.0,  # "rate limit": a quota for each 30 s, per account
    # Told, so that no order asks for it first: high-frequency addresses, no unified account.
    options=spot(hf=True, uta=False, partner={"spot": {"id": None, "key": None}}),
    hosts=("api.kucoin.com", "ws-api-spot.kucoin.com"),
    fee_currency=FeeCurrency.QUOTE,
    allowed_calls=frozenset(
        {
            ("public", "GET", "timestamp"),
            ("public", "GET", "symbols"),
            ("private", "POST", "hf/orders"),
            ("private", "DELETE", "hf/orders/client-order/{clientOid}"),
            ("private", "GET", "hf/orders/client-order/{clientOid}"),
            ("private", "GET", "hf/orders/{orderId}"),
            ("private", "GET", "hf/orders/active"),
            ("private", "GET", "hf/orders/active/symbols"),
            ("private", "GET", "hf/orders/done"),
            ("private", "GET", "hf/fills"),
            ("private", "GET", "accounts"),
            ("private", "GET", "user/api-key"),
            ("private", "POST", "bullet-private"),
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
