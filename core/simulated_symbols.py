"""The symbols of the simulated market: how each one moves, and its trading rules. All of it is made up.

PRACTICE symbols are lively, so that a newcomer sees whole cycles within minutes. CALM ones move like a
large coin: quiet minutes, and two falls of 40 % or more in any year.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal

from core.errors import InvalidInput
from core.market import Market
from core.noise import OCTAVES

MOST = 99
NAME = re.compile(r"(PRACTICE|CALM)([1-9][0-9]?)/USDT", re.ASCII)
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Falls:
    """One fall in every `cell` seconds: it starts up to `jitter` after the cell does.

    `down`, `up`: shortest and longest time in seconds that it falls and recovers; `depth`: in the
    logarithm of the price, from and to.
    """

    cell: int
    jitter: int
    down: tuple[int, int]
    up: tuple[int, int]
    depth: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SimulatedSymbol:
    """`middle`: the price around which it moves, in ticks."""

    symbol: str
    name: str
    note: str
    is_practice: bool
    market: Market
    tick_size: Decimal
    middle: int
    amplitudes: tuple[float, ...]
    falls: Falls


CALM_STEP = 6.6e-5
CALM_AMPLITUDES = tuple(CALM_STEP * 2.0 ** (octave / 2) for octave in range(OCTAVES))
CALM_FALLS = Falls(
    cell=140 * DAY,
    jitter=20 * DAY,
    down=(2 * DAY, 6 * DAY),
    up=(15 * DAY, 40 * DAY),
    depth=(0.78, 1.0),
)
"""Of three falls the first and the last start at most 300 days apart: each year holds two whole ones."""

PRACTICE_AMPLITUDES = (
    *(0.0004, 0.0008, 0.0012, 0.002, 0.004, 0.009, 0.012, 0.006, 0.003),
    *(0.003,) * (22 - 9),
    *(0.0,) * (OCTAVES - 22),
)
PRACTICE_FALLS = Falls(cell=2700, jitter=900, down=(60, 150), up=(150, 360), depth=(0.10, 0.16))

PRACTICE_MIDDLES = (Decimal(100), Decimal(2000), Decimal("0.5"))
CALM_MIDDLES = (
    Decimal(30_000), Decimal(1_800), Decimal(140), Decimal(25), Decimal("0.6"),
)  # fmt: skip
"""Large and small prices, so that rounding to ticks and lots is met in practice."""


@functools.lru_cache(maxsize=2 * MOST)
def find_symbol(symbol: str) -> SimulatedSymbol:
    """Any of PRACTICE1/USDT .. PRACTICE99/USDT and CALM1/USDT .. CALM99/USDT."""
    match = NAME.fullmatch(symbol)
    if match is None:
        raise InvalidInput(
            "symbol", "is not a symbol of the simulated market; choose one such as PRACTICE1/USDT."
        )
    kind, number = match.group(1), int(match.group(2))
    if kind == "PRACTICE":
        return _practice(symbol, number)
    return _calm(symbol, number)


def market_of(symbol: str) -> Market:
    return find_symbol(symbol).market


def calm_symbols(count: int) -> tuple[str, ...]:
    """CALM1/USDT, CALM2/USDT ... for benchmarks."""
    return tuple(find_symbol(f"CALM{number}/USDT").symbol for number in range(1, count + 1))


def _practice(symbol: str, number: int) -> SimulatedSymbol:
    market, tick, middle = _market(symbol, PRACTICE_MIDDLES[(number - 1) % len(PRACTICE_MIDDLES)])
    return SimulatedSymbol(
        symbol=symbol,
        name=f"Practice coin {number}",
        note="Made up and lively: a cycle every minute or two, and a deep fall about every 45 minutes.",
        is_practice=True,
        market=market,
        tick_size=tick,
        middle=middle,
        amplitudes=PRACTICE_AMPLITUDES,
        falls=PRACTICE_FALLS,
    )


def _calm(symbol: str, number: int) -> SimulatedSymbol:
    market, tick, middle = _market(symbol, CALM_MIDDLES[(number - 1) % len(CALM_MIDDLES)])
    return SimulatedSymbol(
        symbol=symbol,
        name=f"Calm coin {number}",
        note="Made up: moves like a large coin, with two falls of 40 % or more a year.",
        is_practice=False,
        market=market,
        tick_size=tick,
        middle=middle,
        amplitudes=CALM_AMPLITUDES,
        falls=CALM_FALLS,
    )


def _market(symbol: str, middle: Decimal) -> tuple[Market, Decimal, int]:
    """Steps as exchanges choose them: a tick of about 0.001 %, a lot worth one to ten cents."""
    tick = Decimal(1).scaleb(middle.adjusted() - 5)
    lot = Decimal(1).scaleb(-2 - middle.adjusted())
    market = Market(
        symbol=symbol,
        tick_size=tick,
        lot_size=lot,
        min_quantity=lot,
        min_notional=Decimal(5),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
        max_market_quantity=lot * 10**8,
        max_open_orders=200,
    )
    return market, tick, int(middle / tick)


SYMBOLS = tuple(
    find_symbol(f"{kind}{number}/USDT")
    for kind, most in (("PRACTICE", 3), ("CALM", 5))
    for number in range(1, most + 1)
)
"""What the form offers; the other numbers work as well."""
