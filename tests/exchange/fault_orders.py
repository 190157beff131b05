"""Faults of the engine: what happens to an order when it is accepted, executed or cancelled.

Each function gets the exchange, the options, the account and the order; None: does not apply here.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from tests.exchange.accounts import VenueOrder
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.wire import Refusal

if TYPE_CHECKING:
    from tests.exchange.exchange import Exchange

Options = dict[str, Any]


def _lots(exchange: Exchange, order: VenueOrder, quantity: Decimal) -> Decimal:
    lot = exchange.symbols[order.symbol].rules.lot
    return (quantity / lot).to_integral_value(ROUND_DOWN) * lot


def _fill(
    exchange: Exchange, account: ExchangeAccount, order: VenueOrder, quantity: Decimal
) -> None:
    exchange.matching.execute(account, order, quantity, order.price, is_maker=True)


# --- when it is accepted (before the answer) ---------------------------------------------


def ends_at_once(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E35. status: EXPIRED, EXPIRED_IN_MATCH, REJECTED; `fraction` of it is executed before."""
    if not order.is_open:
        return None
    fraction = Decimal(how.get("fraction", 0))
    if fraction:
        _fill(exchange, account, order, _lots(exchange, order, order.left * fraction))
    account.expire(order, how.get("status", "EXPIRED"))
    return True


def index_lag(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E11: queries do not find it for `ms`."""
    order.visible_at = exchange.now() + how.get("ms", 3_000)
    return True


# --- after the answer has left ---------------------------------------------


def partly_then_cancelled(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E7: `fraction` is executed, then the venue ends it (`status`)."""
    if not order.is_open:
        return None
    part = _lots(exchange, order, order.left * Decimal(how.get("fraction", "0.5")))
    if not 0 < part < order.left:
        return None
    _fill(exchange, account, order, part)
    account.expire(order, how.get("status", "CANCELED"))
    return True


def dust(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E20: all but `lots` lots are executed, then it ends: the rest is below the minima."""
    lot = exchange.symbols[order.symbol].rules.lot
    part = order.left - lot * how.get("lots", 1)
    if not order.is_open or part <= 0:
        return None
    _fill(exchange, account, order, part)
    account.expire(order, "CANCELED")
    return True


def near_trade(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E30: the person trades the same symbol the other way, moments after our order."""
    symbol = exchange.symbols[order.symbol]
    quantity = _lots(exchange, order, symbol.rules.min_notional * 2 / symbol.last)
    try:
        account.trade_by_hand(order.symbol, how.get("side", "BUY"), quantity)
    except Refusal:
        return None
    return True


# --- when it is executed ---------------------------------------------


def trade_lag(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> int | None:
    """E6: the order shows the execution at once, its trade is found `ms` later."""
    return int(how.get("ms", 5_000))


def fee_taken_in(
    exchange: Exchange,
    how: Options,
    account: ExchangeAccount,
    order: VenueOrder,
    quantity: Decimal,
) -> list[tuple[Decimal, str]] | None:
    """E18: this execution's fee is taken in base, quote or bnb (`mode`)."""
    return [(quantity, how.get("mode", "base"))]


def several_fees(
    exchange: Exchange,
    how: Options,
    account: ExchangeAccount,
    order: VenueOrder,
    quantity: Decimal,
) -> list[tuple[Decimal, str]] | None:
    """E19 how=several: one execution as two trades, one fee in BNB and one in the coin received."""
    half = _lots(exchange, order, quantity / 2)
    if how.get("how") != "several" or half <= 0 or account.balance("BNB").free <= 0:
        return None
    return [(half, "bnb"), (quantity - half, "base")]


def overfill(
    exchange: Exchange,
    how: Options,
    account: ExchangeAccount,
    order: VenueOrder,
    quantity: Decimal,
) -> Decimal | None:
    """E34: more than ordered, by `fraction` but at least one lot, where the money is there."""
    if quantity < order.left:
        return None
    symbol = exchange.symbols[order.symbol]
    more = max(
        symbol.rules.lot,
        _lots(exchange, order, order.quantity * Decimal(how.get("fraction", "0.001"))),
    )
    price = order.price or symbol.ask or symbol.last
    free = account.balance(symbol.quote if order.is_buy else symbol.base).free
    if free < (more * price * Decimal("1.01") if order.is_buy else more):
        return None
    return quantity + more


# --- when it is to be cancelled ---------------------------------------------


def fill_during_cancel(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> bool | None:
    """E8: `fraction` is executed just before the cancel; 1: all of it, and the cancel finds nothing."""
    if not order.is_open:
        return None
    fraction = Decimal(how.get("fraction", 1))
    part = order.left if fraction == 1 else _lots(exchange, order, order.left * fraction)
    if part <= 0:
        return None
    _fill(exchange, account, order, part)
    return True


def unknown_order(
    exchange: Exchange, how: Options, account: ExchangeAccount, order: VenueOrder
) -> Refusal | None:
    """E9: cancel says "unknown order". how: filled (it is), open (it still rests), cancelled (just now)."""
    if not order.is_open:
        return None
    match how.get("how", "filled"):
        case "filled":
            _fill(exchange, account, order, order.left)
        case "cancelled":
            exchange.matching.end(account, order, "CANCELED", by="api", cancel_id=exchange.new_id())
    return Refusal(-2011, "Unknown order sent.")
