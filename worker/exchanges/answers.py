"""What exchanges answer, in ccxt's unified form, as values of ours: the one entrance of their numbers.

A number that is needed and missing, or cannot be, raises `VenueUnavailable`: that row counts as not yet
arrived. Nothing is guessed and nothing missing becomes 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.market import Side
from core.money import ZERO, stored
from core.orders import OrderStatus
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import Row
from worker.exchanges.exchange_clock import is_time
from worker.exchanges.outcomes import is_id
from worker.prices.markets import parse_decimal
from worker.venues.protocol import Balance

ADDED_BY_GATE = "t-"
HIGHEST_FEE = Decimal("0.05")
"""Of the trade, in base or quote. No exchange takes more on spot: the answer was misread."""
OPEN = frozenset({"open", "canceling"})
ENDED_BY_EXCHANGE = frozenset({"expired", "rejected"})
CANCELLED = frozenset({"canceled", "cancelled"})
"""ccxt writes both."""
AT_ONCE = frozenset({"IOC", "FOK"})


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as the exchange shows it. `status`: OPEN, FILLED or CANCELLED, which may hold fills.

    `price`: the limit, None for a market order. `filled` is the order's own cumulative figure.
    `expired`: it ended by itself (an immediate-or-cancel remainder, rejected after it was accepted).
    """

    client_order_id: str | None
    venue_order_id: str
    symbol: str
    side: Side
    price: Decimal | None
    quantity: Decimal
    filled: Decimal
    status: OrderStatus
    expired: bool


@dataclass(frozen=True, slots=True)
class SeenTrade:
    """One trade. `fees`: (asset, amount) of each; an amount below 0 is a rebate. `side`: None: not told."""

    trade_id: str
    venue_order_id: str
    at: datetime
    price: Decimal
    quantity: Decimal
    fees: tuple[tuple[str, Decimal], ...]
    side: Side | None = None


def read_client_order_id(row: Row) -> str | None:
    """Ours as it was given, whatever else the row holds; None where there is none."""
    found = row.get("clientOrderId")
    return str(found).removeprefix(ADDED_BY_GATE) if is_id(found) else None


def read_order(row: Row, market_symbol: str | None) -> SeenOrder:
    """`market_symbol`: what was asked for, None when all symbols were."""
    status, expired = _status(row)
    quantity, filled = _positive(row, "amount"), _number(row, "filled")
    if filled < ZERO:
        raise VenueUnavailable("an order with less than nothing filled")
    if status is OrderStatus.FILLED and filled < quantity:
        # "closed" with a remainder: the exchange ended it, nobody cancelled it.
        status, expired = OrderStatus.CANCELLED, True
    side = row.get("side")
    if side not in ("buy", "sell"):
        raise VenueUnavailable("an order without a side")
    price = parse_decimal(row.get("price"))
    return SeenOrder(
        client_order_id=read_client_order_id(row),
        venue_order_id=_id(row, "id"),
        symbol=_symbol(row, market_symbol),
        side=Side(side),
        price=price if price is not None and price > ZERO else None,
        quantity=quantity,
        filled=filled,
        status=status,
        expired=expired,
    )


def read_trade(row: Row, market_symbol: str | None = None) -> SeenTrade:
    price, quantity = _positive(row, "price"), _positive(row, "amount")
    at = row.get("timestamp")
    if not isinstance(at, int) or not is_time(at):
        raise VenueUnavailable("a trade without a time")
    fees = _fees(row)
    _check_fees(fees, _symbol(row, market_symbol), price, quantity)
    return SeenTrade(
        trade_id=_id(row, "id"),
        venue_order_id=_id(row, "order"),
        at=datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000),
        price=price,
        quantity=quantity,
        fees=fees,
        side=Side(row["side"]) if row.get("side") in tuple(Side) else None,
    )


def read_balances(row: Row) -> dict[str, Balance]:
    """By asset. One that cannot be read raises: left out, it would look as if it had been sold."""
    names = ("free", "used", "total")
    tables = {name: row.get(name) for name in names}
    if not all(isinstance(table, dict) for table in tables.values()):
        raise VenueUnavailable("an answer without balances")
    assets = sorted({asset for table in tables.values() if table for asset in table})
    found = {}
    for asset in assets:
        free, used, total = (parse_decimal((tables[name] or {}).get(asset)) for name in names)
        if free is None and total is not None and used is not None:
            free = total - used
        if used is None and total is not None and free is not None:
            used = total - free
        if free is None or used is None or used < ZERO:
            raise VenueUnavailable("a balance that cannot be read")
        found[asset] = Balance(free, used)
    return found


def _status(row: Row) -> tuple[OrderStatus, bool]:
    status = row.get("status")
    if status in OPEN:
        return OrderStatus.OPEN, False
    if status == "closed":
        return OrderStatus.FILLED, False
    if status in ENDED_BY_EXCHANGE:
        return OrderStatus.CANCELLED, True
    if status in CANCELLED:
        at_once = row.get("timeInForce") in AT_ONCE or row.get("type") == "market"
        return OrderStatus.CANCELLED, at_once
    raise VenueUnavailable("an order in an unknown state")


def _fees(row: Row) -> tuple[tuple[str, Decimal], ...]:
    """Summed by asset. Raises when a fee is not stated: one that is 0 is stated as 0."""
    stated = row.get("fees") or ([row["fee"]] if row.get("fee") else [])
    if not isinstance(stated, list) or not stated:
        raise VenueUnavailable("a trade whose fee is not known yet")
    sums: dict[str, Decimal] = {}
    for asset, amount in _each_fee(stated):
        sums[asset] = sums.get(asset, ZERO) + amount
    return tuple(sums.items())


def _each_fee(stated: Iterable[Any]) -> Iterable[tuple[str, Decimal]]:
    for fee in stated:
        amount = parse_decimal(fee.get("cost")) if isinstance(fee, dict) else None
        if amount is None:
            raise VenueUnavailable("a trade whose fee is not known yet")
        asset = fee.get("currency")
        if is_id(asset):
            yield str(asset), amount
        elif amount != ZERO:
            raise VenueUnavailable("a fee in an unknown coin")


def _check_fees(
    fees: Iterable[tuple[str, Decimal]], symbol: str, price: Decimal, quantity: Decimal
) -> None:
    base, _, quote = symbol.partition("/")
    traded = {base: quantity, quote: price * quantity}
    for asset, amount in fees:
        if asset in traded and abs(amount) > traded[asset] * HIGHEST_FEE:
            raise VenueUnavailable("fee absurd")


def _symbol(row: Row, market_symbol: str | None) -> str:
    found = row.get("symbol") or market_symbol
    if not isinstance(found, str) or "/" not in found:
        raise VenueUnavailable("an answer without a symbol")
    if market_symbol is not None and found != market_symbol:
        raise VenueUnavailable("an answer for another symbol")
    return found


def _id(row: Row, name: str) -> str:
    if not is_id(row.get(name)):
        raise VenueUnavailable(f"an answer without {name}")
    return str(row[name])


def _number(row: Row, name: str) -> Decimal:
    number = parse_decimal(row.get(name))
    if number is None or stored(number) != number:  # nobody has a part of 10^-18
        raise VenueUnavailable(f"an answer without {name}")
    return number


def _positive(row: Row, name: str) -> Decimal:
    number = _number(row, name)
    if number <= ZERO:
        raise VenueUnavailable(f"an answer without {name}")
    return number
