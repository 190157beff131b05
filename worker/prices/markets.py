"""From ccxt's description of a market to ours: the one entrance of its numbers."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from core.market import Market
from core.money import LARGEST, ONE, ZERO

DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
DEFAULT_FEE = Decimal("0.001")


def parse_decimal(value: Any) -> Decimal | None:
    """A finite decimal, or None: missing is missing, never 0. One that is too large to be kept is none."""
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except decimal.InvalidOperation:
        return None
    return number if number.is_finite() and number.copy_abs() < LARGEST else None


def read_ccxt_market(found: dict[str, Any], precision_mode: int) -> Market:
    """The trading rules of a spot market. Raises `InvalidInput` where its steps cannot be known."""
    precision, limits = found.get("precision") or {}, found.get("limits") or {}
    amount, cost = limits.get("amount") or {}, limits.get("cost") or {}
    market_limits = limits.get("market") or {}
    return Market(
        symbol=found["symbol"],
        tick_size=_step(found["symbol"], precision.get("price"), precision_mode),
        lot_size=_step(found["symbol"], precision.get("amount"), precision_mode),
        min_quantity=parse_decimal(amount.get("min")) or ZERO,
        min_notional=parse_decimal(cost.get("min")) or ZERO,
        maker_fee=_fee(found.get("maker")),
        taker_fee=_fee(found.get("taker")),
        max_market_quantity=parse_decimal(market_limits.get("max")) or None,
    )


def _step(symbol: str, value: Any, precision_mode: int) -> Decimal:
    number = parse_decimal(value)
    if number is None or precision_mode == SIGNIFICANT_DIGITS:
        raise InvalidInput("symbol", f"{symbol}: the exchange does not state its price steps.")
    if precision_mode == DECIMAL_PLACES:
        return ONE.scaleb(-int(number))
    return number


def _fee(value: Any) -> Decimal:
    rate = parse_decimal(value)
    return DEFAULT_FEE if rate is None else rate
