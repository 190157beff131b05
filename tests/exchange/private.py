"""Answers to signed requests: orders, trades, balances, rights."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tests.exchange.accounts import VenueOrder, VenueTrade
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.matching import Wanted
from tests.exchange.signatures import not_permitted
from tests.exchange.symbols import ORDER_TYPES
from tests.exchange.wire import Refusal, Request, missing, number

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

ID_PATTERN = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
DAY_MS = 86_400_000
ARCHIVED = (
    "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
)
Handler = Callable[["Exchange", ExchangeAccount, Request], Any]


# --- orders ---------------------------------------------


def create(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    if not account.rights.can_trade:
        raise not_permitted()
    wanted = read_wanted(exchange, request)
    exchange.count_order(account)
    order = exchange.matching.place(account, wanted)
    trades = account.trades_of(order)
    exchange.faults.accepted(account, order)
    kind = request.params.get("newOrderRespType", "FULL" if wanted.type != "LIMIT_MAKER" else "ACK")
    row = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
    }
    if kind == "ACK":
        return row
    row |= _state(order) | {"workingTime": order.time, "selfTradePreventionMode": "NONE"}
    if kind == "FULL":
        row["fills"] = [_fill(trade) for trade in trades]
    return row


def read_wanted(exchange: Exchange, request: Request) -> Wanted:
    given = request.params
    for name in ("symbol", "side", "type"):
        if not given.get(name):
            raise missing(name)
    if given["side"] not in ("BUY", "SELL"):
        raise Refusal(-1117, "Invalid side.")
    kind = given["type"]
    if kind not in ORDER_TYPES:
        raise Refusal(-1116, "Invalid orderType.")
    in_force = given.get("timeInForce", "")
    if kind == "LIMIT" and not in_force:
        raise missing("timeInForce")
    if in_force and (kind != "LIMIT" or in_force not in ("GTC", "IOC", "FOK")):
        raise Refusal(-1115, "Invalid timeInForce.")
    quote_quantity = _amount(given, "quoteOrderQty") if kind == "MARKET" else Decimal(0)
    quantity = Decimal(0) if quote_quantity else _amount(given, "quantity", needed=True)
    price = Decimal(0) if kind == "MARKET" else _amount(given, "price", needed=True)
    if kind == "MARKET" and "price" in given:
        raise Refusal(-1106, "Parameter 'price' sent when not required.")
    return Wanted(
        given["symbol"],
        given["side"],
        kind,
        in_force or "GTC",
        price,
        quantity,
        quote_quantity,
        _client_order_id(exchange, given.get("newClientOrderId")),
    )


def _client_order_id(exchange: Exchange, given: str | None) -> str:
    if given is None:
        return f"venue{exchange.matching.next_order_id:017d}"
    if not ID_PATTERN.fullmatch(given):
        raise Refusal(
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; "
            "legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'.",
        )
    return given


def _amount(given: Any, name: str, needed: bool = False) -> Decimal:
    text = given.get(name)
    if not text:
        if needed:
            raise missing(name)
        return Decimal(0)
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", text):
        raise Refusal(-1100, f"Illegal characters found in parameter '{name}'.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise missing(name) from None
    if -value.normalize().as_tuple().exponent > 8:  # type: ignore[operator]
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    if value <= 0:
        raise Refusal(-1013, f"Invalid {name}.")
    return value


def cancel(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    if not account.rights.can_trade:
        raise not_permitted()
    order = _asked_for(exchange, account, request)
    if order is not None:
        exchange.faults.cancelling(request, account, order)
    if order is None or not order.is_open:
        raise Refusal(-2011, "Unknown order sent.")
    cancel_id = request.params.get("newClientOrderId") or exchange.new_id()
    exchange.matching.end(account, order, "CANCELED", by="api", cancel_id=cancel_id)
    return cancelled_row(order, cancel_id)


def cancelled_row(order: VenueOrder, cancel_id: str) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.updated,
        **_state(order),
        "selfTradePreventionMode": "NONE",
    }


def cancel_all(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    symbol = _symbol(exchange, request)
    mine = [order for order in account.open.values() if order.symbol == symbol]
    if not mine:
        raise Refusal(-2011, "Unknown order sent.")
    for order in mine:
        exchange.matching.end(account, order, "CANCELED", by="api", cancel_id=exchange.new_id())
    return [cancelled_row(order, order.client_order_id) for order in mine]


def find(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    order = _asked_for(exchange, account, request)
    if order is None or not _is_visible(exchange, order):
        raise Refusal(-2013, "Order does not exist.")
    return order_row(order)


def open_orders(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    symbol = _symbol(exchange, request) if "symbol" in request.params else None
    return exchange.faults.rows(
        request,
        [
            order_row(order)
            for order in account.open.values()
            if symbol in (None, order.symbol) and _is_visible(exchange, order)
        ],
    )


def all_orders(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    """Upwards from `orderId` or `startTime`, else the newest."""
    symbol = _symbol(exchange, request)
    since, until, limit = _page(exchange, request)
    first = int(request.params.get("orderId", 0))
    rows = [
        order_row(order)
        for order in account.orders
        if order.symbol == symbol
        and order.order_id >= first
        and since <= order.time <= until
        and _is_visible(exchange, order)
    ]
    rows = rows[:limit] if first or since else rows[-limit:]
    return exchange.faults.rows(request, rows)


def _asked_for(exchange: Exchange, account: ExchangeAccount, request: Request) -> VenueOrder | None:
    """Its 'unknown' is None for purged orders as well."""
    symbol = _symbol(exchange, request)
    given = request.params
    if given.get("orderId", "").isdecimal():
        order = account.find(symbol, order_id=int(given["orderId"]))
        named = given.get("origClientOrderId")
        if order is not None and named and order.client_order_id != named:
            order = None
    elif given.get("origClientOrderId"):
        order = account.find(symbol, client_order_id=given["origClientOrderId"])
    else:
        raise Refusal(
            -1102,
            "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        )
    return None if order is not None and order.purged else order


def _is_visible(exchange: Exchange, order: VenueOrder) -> bool:
    return not order.purged and exchange.now() >= order.visible_at


def _symbol(exchange: Exchange, request: Request) -> str:
    name = request.params.get("symbol", "")
    if not name:
        raise missing("symbol")
    if name not in exchange.symbols:
        raise Refusal(-1121, "Invalid symbol.")
    return name


def _state(order: VenueOrder) -> dict[str, Any]:
    return {
        "price": number(order.price),
        "origQty": number(order.quantity),
        "executedQty": number(order.filled),
        "origQuoteOrderQty": number(order.quote_quantity),
        "cummulativeQuoteQty": number(order.quote_filled),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def order_row(order: VenueOrder) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": number(Decimal(0)),
        "icebergQty": number(Decimal(0)),
        "time": order.time,
        "updateTime": order.updated,
        "isWorking": True,
        "workingTime": order.time,
        "selfTradePreventionMode": "NONE",
    }


# --- trades, balances, rights ---------------------------------------------


def _fill(trade: VenueTrade) -> dict[str, Any]:
    return {
        "price": number(trade.price),
        "qty": number(trade.quantity),
        "commission": number(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.trade_id,
    }


def trade_row(trade: VenueTrade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": number(trade.price),
        "qty": number(trade.quantity),
        "quoteQty": number(trade.quote_quantity),
        "commission": number(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time,
        "isBuyer": trade.is_buyer,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def my_trades(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    """Upwards from `fromId` or `startTime`, else the newest. Only Binance's own combinations are taken."""
    symbol = _symbol(exchange, request)
    given = request.params
    timed = "startTime" in given or "endTime" in given
    if timed and ("orderId" in given or "fromId" in given):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    since, until, limit = _page(exchange, request)
    first = int(given.get("fromId", 0))
    source = (
        account.by_order.get(int(given["orderId"]), []) if "orderId" in given else account.trades
    )
    now = exchange.now()
    rows = [
        trade_row(trade)
        for trade in source
        if trade.symbol == symbol
        and trade.trade_id >= first
        and since <= trade.time <= until
        and trade.visible_at <= now
        and not account.by_id[trade.order_id].purged
    ]
    rows = rows[:limit] if "fromId" in given or "startTime" in given else rows[-limit:]
    return exchange.faults.rows(request, rows)


def _page(exchange: Exchange, request: Request) -> tuple[int, int, int]:
    given = request.params
    since = int(given.get("startTime", 0))
    until = int(given.get("endTime", exchange.now() + 1))
    if "startTime" in given and "endTime" in given and until - since > DAY_MS:
        raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    limit = min(1000, int(given.get("limit", 500)))
    return since, until, exchange.faults.page(request, limit)


def balances(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    zeros_too = request.params.get("omitZeroBalances") != "true"
    return {
        "makerCommission": int(account.fees.maker * 10_000),
        "takerCommission": int(account.fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": number(account.fees.maker),
            "taker": number(account.fees.taker),
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.now(),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": number(one.free), "locked": number(one.locked)}
            for asset, one in account.balances.items()
            if zeros_too or one.total
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def order_rates(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": "SECOND",
            "intervalNum": 10,
            "limit": exchange.orders_per_ten_seconds,
            "count": exchange.orders_counted(account),
        }
    ]


def restrictions(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    rights = account.rights
    row = {
        "ipRestrict": rights.address_bound,
        "createTime": 1_600_000_000_000,
        "enableReading": rights.can_read,
        "enableSpotAndMarginTrading": rights.can_trade,
        "enableWithdrawals": rights.can_withdraw,
        "enableInternalTransfer": rights.can_transfer,
        "permitsUniversalTransfer": rights.can_transfer,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }
    if rights.expires_at is not None:
        row["tradingAuthorityExpirationTime"] = rights.expires_at
    return row


def trade_fee(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    names = [request.params["symbol"]] if "symbol" in request.params else list(exchange.symbols)
    return [
        {
            "symbol": name,
            "makerCommission": str(account.fees.maker),
            "takerCommission": str(account.fees.taker),
        }
        for name in names
    ]


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/api/v3/order"): create,
    ("GET", "/api/v3/order"): find,
    ("DELETE", "/api/v3/order"): cancel,
    ("GET", "/api/v3/openOrders"): open_orders,
    ("DELETE", "/api/v3/openOrders"): cancel_all,
    ("GET", "/api/v3/allOrders"): all_orders,
    ("GET", "/api/v3/myTrades"): my_trades,
    ("GET", "/api/v3/account"): balances,
    ("GET", "/api/v3/rateLimit/order"): order_rates,
    ("GET", "/sapi/v1/account/apiRestrictions"): restrictions,
    ("GET", "/sapi/v1/asset/tradeFee"): trade_fee,
}
