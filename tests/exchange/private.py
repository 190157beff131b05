"""Which signed requests there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.holdings import balances, my_trades, order_rates, restrictions, trade_fee
from tests.exchange.orders import all_orders, cancel, cancel_all, create, find, open_orders
from tests.exchange.wire import Request

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

Handler = Callable[["Exchange", ExchangeAccount, Request], Any]

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
