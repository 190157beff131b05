"""From what a file held to values of core. Each refusal is a sentence that names the field."""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.candles import Candle, check_candles
from core.errors import InvalidInput
from core.market import FeeCurrency, Market
from core.money import ZERO
from core.parameter_reading import read_number
from core.parameter_table import Number

POSITIVE = Number(ZERO, Decimal(10) ** 12, open_low=True)
AMOUNT = Number(ZERO, Decimal(10) ** 12)
RATE = Number(ZERO, Decimal("0.5"))
STEPS = ("tick_size", "lot_size")
MINIMA = ("min_quantity", "min_notional")
FEES = ("fee_rate", "maker_fee", "taker_fee")
MARKET_NAMES = (*STEPS, *MINIMA, *FEES, "fee_currency")
COLUMNS = ("timestamp", "open", "high", "low", "close")


def read_market(source: object) -> tuple[Market, bool]:
    """(the market, whether it states its fees). What is absent is not limited and not rounded."""
    if not isinstance(source, Mapping):
        raise InvalidInput("market", 'must be an object such as {"tick_size": "0.01"}.')
    for name in source:
        if name not in MARKET_NAMES:
            known = ", ".join(MARKET_NAMES)
            raise InvalidInput(str(name)[:60], f"is not a market rule; use some of {known}.")
    market = Market(
        tick_size=_step("tick_size", source),
        lot_size=_step("lot_size", source),
        min_quantity=_minimum("min_quantity", source),
        min_notional=_minimum("min_notional", source),
        fee_currency=_fee_currency(source.get("fee_currency", "quote")),
    )
    fees = _fees(source)
    if fees is None:
        return market, False
    return replace(market, maker_fee=fees[0], taker_fee=fees[1]), True


def _step(name: str, source: Mapping[str, Any]) -> Decimal | None:
    return None if source.get(name) is None else read_number(name, source[name], POSITIVE)


def _minimum(name: str, source: Mapping[str, Any]) -> Decimal:
    return ZERO if source.get(name) is None else read_number(name, source[name], AMOUNT)


def _fees(source: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    given = [name for name in FEES if name in source]
    if not given:
        return None
    rates = {name: read_number(name, source[name], RATE) for name in given}
    if given == ["fee_rate"]:
        return rates["fee_rate"], rates["fee_rate"]
    if given == ["maker_fee", "taker_fee"]:
        return rates["maker_fee"], rates["taker_fee"]
    raise InvalidInput("fee_rate", "stands alone, or maker_fee and taker_fee together without it.")


def _fee_currency(value: object) -> FeeCurrency:
    if not isinstance(value, str) or value not in list(FeeCurrency):
        raise InvalidInput("fee_currency", f"must be one of: {', '.join(FeeCurrency)}.")
    return FeeCurrency(value)


def read_candles(columns: Mapping[str, Sequence[Any]]) -> list[Candle]:
    """Candles from columns of numbers or of text; floats become the decimal that they print as."""
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise InvalidInput(
            "candles",
            f"has no column {missing[0]}; it needs timestamp (ms UTC), open, high, low, close, volume.",
        )
    known: dict[Any, Decimal] = {}
    times = [_timestamp(row, value) for row, value in enumerate(columns["timestamp"], start=1)]
    prices = [_prices(name, columns[name], known) for name in COLUMNS[1:]]
    candles = [Candle(*row) for row in zip(times, *prices, strict=True)]
    if not candles:
        raise InvalidInput("candles", "holds no candles; give at least one row.")
    check_candles(candles)
    return candles


def _timestamp(row: int, value: object) -> int:
    if type(value) is int:
        return value
    text = str(value).strip().removesuffix(".0")
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise InvalidInput("candles", f"row {row} has no timestamp in whole milliseconds.")
    return int(text)


def _prices(name: str, values: Sequence[Any], known: dict[Any, Decimal]) -> list[Decimal]:
    """One column. Most prices repeat, so each is read once."""
    found = []
    for row, value in enumerate(values, start=1):
        price = known.get(value)
        if price is None:
            price = known[value] = _price(name, row, value)
        found.append(price)
    return found


def _price(name: str, row: int, value: object) -> Decimal:
    text = value.strip() if isinstance(value, str) else repr(value)
    if isinstance(value, Decimal):
        return value
    try:
        if not text.isascii() or "_" in text:
            raise decimal.InvalidOperation
        return Decimal(text)
    except decimal.InvalidOperation:
        raise InvalidInput("candles", f"row {row} has no number in column {name}.") from None
