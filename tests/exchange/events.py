"""Events of the private stream, as Binance words them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.exchange.accounts import Books, VenueOrder, VenueTrade
from tests.exchange.wire import number


def execution_report(
    order: VenueOrder,
    kind: str,
    now: int,
    trade: VenueTrade | None = None,
    cancel_id: str | None = None,
) -> dict[str, Any]:
    """`kind`: NEW, TRADE, CANCELED, EXPIRED, REJECTED, TRADE_PREVENTION."""
    zero = number(Decimal(0))
    return {
        "e": "executionReport",
        "E": now,
        "s": order.symbol,
        "c": cancel_id or order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": number(order.quantity),
        "p": number(order.price),
        "P": zero,
        "F": zero,
        "g": -1,
        "C": order.client_order_id if cancel_id else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": number(trade.quantity) if trade else zero,
        "z": number(order.filled),
        "L": number(trade.price) if trade else zero,
        "n": number(trade.commission) if trade else "0",
        "N": trade.commission_asset if trade else None,
        "T": trade.time if trade else order.updated,
        "t": trade.trade_id if trade else -1,
        "I": order.order_id * 2,
        "w": order.is_open,
        "m": trade.is_maker if trade else False,
        "M": False,
        "O": order.time,
        "Z": number(order.quote_filled),
        "Y": number(trade.quote_quantity) if trade else zero,
        "Q": number(order.quote_quantity),
        "W": order.time,
        "V": "NONE",
    }


def account_position(account: Books, assets: list[str], now: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": now,
        "u": now,
        "B": [
            {
                "a": asset,
                "f": number(account.balance(asset).free),
                "l": number(account.balance(asset).locked),
            }
            for asset in assets
        ],
    }


def balance_update(asset: str, change: Decimal, now: int) -> dict[str, Any]:
    return {"e": "balanceUpdate", "E": now, "a": asset, "d": number(change), "T": now}


def stream_terminated(now: int) -> dict[str, Any]:
    return {"e": "eventStreamTerminated", "E": now}
