"""The exchange's books as plain text, to be compared exactly with the database."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.exchange.accounts import VenueOrder, VenueTrade
    from tests.exchange.by_hand import ExchangeAccount
    from tests.exchange.exchange import Exchange


def text(value: Decimal) -> str:
    """The shortest plain text: equal amounts are equal text."""
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def ledger(exchange: Exchange) -> dict[str, Any]:
    """By key: orders, trades, balances. Everything that ever was, purged, hidden and foreign included."""
    return {key: books(exchange, account) for key, account in exchange.accounts.items()}


def books(exchange: Exchange, account: ExchangeAccount) -> dict[str, Any]:
    return {
        "orders": [order_row(exchange, order) for order in account.orders],
        "trades": [trade_row(exchange, trade) for trade in account.trades],
        "balances": {
            asset: {"free": text(one.free), "locked": text(one.locked)}
            for asset, one in sorted(account.balances.items())
        },
    }


def order_row(exchange: Exchange, order: VenueOrder) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "venue_order_id": str(order.order_id),
        "symbol": exchange.symbols[order.symbol].unified,
        "side": order.side.lower(),
        "type": order.type,
        "price": text(order.price),
        "quantity": text(order.quantity),
        "filled": text(order.filled),
        "quote_filled": text(order.quote_filled),
        "status": order.status,
        "time": order.time,
        "updated": order.updated,
        "made_by": order.made_by,
        "ended_by": order.ended_by,
        "purged": order.purged,
    }


def trade_row(exchange: Exchange, trade: VenueTrade) -> dict[str, Any]:
    return {
        "trade_id": str(trade.trade_id),
        "client_order_id": trade.client_order_id,
        "venue_order_id": str(trade.order_id),
        "symbol": exchange.symbols[trade.symbol].unified,
        "side": "buy" if trade.is_buyer else "sell",
        "price": text(trade.price),
        "quantity": text(trade.quantity),
        "quote_quantity": text(trade.quote_quantity),
        "fee": text(trade.commission),
        "fee_asset": trade.commission_asset,
        "time": trade.time,
        "is_maker": trade.is_maker,
    }
