"""Decimal rules: one precision, one way in, one way to round for a market and one for people.

Sums and products of stored values (at most 18 + 18 digits) are exact at this precision; only a division
is ever inexact, and the places that divide say which side takes the rest.
"""

from __future__ import annotations

import decimal
import functools
import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ZERO = Decimal(0)
ONE = Decimal(1)
PLACES = 18
"""Digits after the point that the database keeps: DECIMAL(36, 18)."""
QUANTUM = Decimal(1).scaleb(-PLACES)
LARGEST = Decimal(10) ** (36 - PLACES)

EXACT = decimal.Context(
    prec=80,
    rounding=ROUND_HALF_EVEN,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)

# Threads started later copy the default context: 28 digits would round sums of money silently.
decimal.DefaultContext.prec = EXACT.prec
decimal.setcontext(EXACT.copy())

PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` at our precision whatever the calling thread's context is."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if decimal.getcontext().prec == EXACT.prec:
            return function(*args, **kwargs)
        with decimal.localcontext(EXACT):
            return function(*args, **kwargs)

    return run


def floor_to(value: Decimal, step: Decimal | None) -> Decimal:
    """The largest multiple of `step` that is not above `value` (`None`: nothing is rounded)."""
    return value if step is None else _multiple(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal | None) -> Decimal:
    """The smallest multiple of `step` that is not below `value` (`None`: nothing is rounded)."""
    return value if step is None else _multiple(value, step, ROUND_CEILING)


def _multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).quantize(ONE, rounding=rounding, context=EXACT) * step


def stored(value: Decimal) -> Decimal:
    """`value` at the 18 places that the database keeps (half-even); the caller accounts for the rest."""
    return value.quantize(QUANTUM, rounding=ROUND_HALF_EVEN, context=EXACT)


def half_up(value: Decimal, places: int) -> Decimal:
    """For people: `value` at `places` digits after the point, ties away from zero."""
    return value.quantize(ONE.scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)


def plain(value: Decimal, digits: int = 28) -> str:
    """`value` as plain digits without an exponent, at most `digits` significant ones, no trailing zeros."""
    short = decimal.Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)
    if short == 0:
        return "0"
    text = format(short, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
