"""Answers to signed requests about trades, balances and the rights of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.exchange.accounts import VenueTrade
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.wire import Refusal, Request, missing, number

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

DAY_MS = 86_400_000


def symbol_of(exchange: Exchange, request: Request) -> str:
    name = request.params.get("symbol", "")
    if not name:
        raise missing("symbol")
    if name not in exchange.symbols:
        raise Refusal(-1121, "Invalid symbol.")
    return name


def page_of(exchange: Exchange, request: Request) -> tuple[int, int, int]:
    given = request.params
    since = int(given.get("startTime", 0))
    until = int(given.get("endTime", exchange.now() + 1))
    if "startTime" in given and "endTime" in given and until - since > DAY_MS:
        raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    limit = min(1000, int(given.get("limit", 500)))
    return since, until, exchange.faults.page(request, limit)


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
    symbol = symbol_of(exchange, request)
    given = request.params
    timed = "startTime" in given or "endTime" in given
    if timed and ("orderId" in given or "fromId" in given):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    since, until, limit = page_of(exchange, request)
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
