"""Answers to signed requests about orders."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tests.exchange.accounts import VenueOrder, VenueTrade
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.holdings import page_of, symbol_of
from tests.exchange.matching import Wanted
from tests.exchange.signatures import not_permitted
from tests.exchange.symbols import ORDER_TYPES
from tests.exchange.wire import Refusal, Request, missing, number

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

ID_PATTERN = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
ARCHIVED = (
    "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
)


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
    symbol = symbol_of(exchange, request)
    mine = [order for order in account.open.values() if order.symbol == symbol]
    if not mine:
        raise Refusal(-2011, "Unknown order sent.")
    for order in mine:
        exchange.matching.end(account, order, "CANCELED", by="api", cancel_id=exchange.new_id())
    return [cancelled_row(order, order.client_order_id) for order in mine]


def find(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    order = _asked_for(exchange, account, request, archived=True)
    if order is not None and order.archived:
        raise Refusal(-2026, ARCHIVED)
    if order is None or not _is_visible(exchange, order):
        raise Refusal(-2013, "Order does not exist.")
    return order_row(order)


def open_orders(exchange: Exchange, account: ExchangeAccount, request: Request) -> Any:
    symbol = symbol_of(exchange, request) if "symbol" in request.params else None
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
    symbol = symbol_of(exchange, request)
    since, until, limit = page_of(exchange, request)
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


def _asked_for(
    exchange: Exchange, account: ExchangeAccount, request: Request, archived: bool = False
) -> VenueOrder | None:
    """None: unknown, or purged."""
    symbol = symbol_of(exchange, request)
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
    if order is not None and order.purged and not (archived and order.archived):
        return None
    return order


def _is_visible(exchange: Exchange, order: VenueOrder) -> bool:
    return not order.purged and exchange.now() >= order.visible_at


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


def _fill(trade: VenueTrade) -> dict[str, Any]:
    return {
        "price": number(trade.price),
        "qty": number(trade.quantity),
        "commission": number(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.trade_id,
    }
