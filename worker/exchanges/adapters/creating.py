"""Our orders as create requests: what all exchanges have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.market import Side
from core.money import floor_to
from core.orders import Kind, Order
from worker.exchanges.adapter import Client, Create, Row
from worker.exchanges.outcomes import NotSendable
from worker.prices.markets import parse_decimal

COLLAR = Decimal("1.01")
"""A market buy without a limit of its own pays at most this much of the price it was planned with."""


@dataclass(frozen=True, slots=True)
class CreateStyle:
    """How one exchange takes orders. `id_param`: the parameter of ccxt that carries our id.
    `params`: with every order, `more(order)`: with this one. `resting`, `at_once`: with limit orders that
    stay or end immediately. `market_buy`: with a market buy by quantity; None: the exchange takes none."""

    id_param: str = "clientOrderId"
    params: Mapping[str, Any] = field(default_factory=dict)
    more: Callable[[Order], Mapping[str, Any]] = lambda order: {}
    resting: Mapping[str, Any] = field(default_factory=lambda: {"timeInForce": "GTC"})
    at_once: Mapping[str, Any] = field(default_factory=lambda: {"timeInForce": "IOC"})
    market_buy: Mapping[str, Any] | None = None

    def create(self, order: Order, symbol: str, market: Row) -> Create:
        return create_with(self, order, symbol, market)


def create_with(style: CreateStyle, order: Order, symbol: str, market: Row) -> Create:
    tick, lot = _step(market, "price"), _step(market, "amount")
    amount = _on_grid(order.quantity, lot, f"quantity of {symbol}")
    price, kind = order.price, style.resting
    if order.kind is Kind.MARKET:
        kind = style.at_once
        if price is None and order.side is Side.SELL:
            raise NotSendable(f"an exit of {symbol} without a collar")
        if price is None and style.market_buy is not None:
            params = _params(style, order, style.market_buy)
            return Create(symbol, "market", order.side.value, amount, None, params)
        if price is None:
            price = floor_to(order.planned_price * COLLAR, tick)
    if price is None:
        raise NotSendable(f"a limit order of {symbol} without a limit")
    text = _on_grid(price, tick, f"price of {symbol}")
    return Create(symbol, "limit", order.side.value, amount, text, _params(style, order, kind))


def check_exact(client: Client, request: Create) -> None:
    """Raises `NotSendable` unless ccxt would send amount and price as they are: it rounds in silence.
    To be called right before `create_order`."""
    amount = client.amount_to_precision(request.symbol, request.amount)
    price = request.price
    if price is not None:
        price = client.price_to_precision(request.symbol, price)
    if (amount, price) != (request.amount, request.price):
        raise NotSendable(f"an order of {request.symbol} would be rounded")


def plain(number: Decimal) -> str:
    """Without exponent and trailing zeros, as ccxt writes it."""
    return format(number.normalize(), "f")


def _params(style: CreateStyle, order: Order, kind: Mapping[str, Any]) -> dict[str, Any]:
    found = {**style.params, **kind, **style.more(order)}
    found[style.id_param] = order.client_order_id
    return found


def _step(market: Row, name: str) -> Decimal:
    step = parse_decimal((market.get("precision") or {}).get(name))
    if step is None or step <= 0:
        raise NotSendable(f"{market.get('symbol')} does not state its steps")
    return step


def _on_grid(number: Decimal, step: Decimal, what: str) -> str:
    if number <= 0 or number % step != 0:
        raise NotSendable(f"the {what} is not on its grid")
    return plain(number)
