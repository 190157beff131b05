"""The only place that rounds for people: half-up, always with a unit. Fractions become percent here."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.money import half_up

MINUS = "\u2212"
NARROW = "\u202f"
NONE = "–"
TWO_PLACES = frozenset({"USD", "EUR", "GBP", "USDT", "USDC", "FDUSD", "DAI", "BUSD", "TUSD"})
MOST_PLACES = 8
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def escape(text: str) -> str:
    """`text` typed by a person or sent by an exchange, safe inside Markdown."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def _digits(value: Decimal, places: int, *, signed: bool = False, trim: bool = False) -> str:
    rounded = half_up(value, places)
    text = f"{abs(rounded):,.{places}f}"
    if trim and "." in text:
        text = text.rstrip("0").rstrip(".")
    if rounded == 0:
        return text
    return (MINUS if rounded < 0 else "+" if signed else "") + text


def _places(value: Decimal, usual: int, significant: int) -> int:
    """`usual` places, more where the number is so small that they would show nothing."""
    if value == 0 or abs(value) >= Decimal("0.1"):
        return usual
    return min(MOST_PLACES, max(usual, significant - 1 - value.adjusted()))


def money(value: Decimal | None, coin: str, *, signed: bool = False) -> str:
    """An amount of a quote coin: "1,234.50 USDT"."""
    return NONE if value is None else f"{amount(value, coin, signed=signed)}{NARROW}{coin}"


def amount(value: Decimal, coin: str, *, signed: bool = False) -> str:
    """As `money`, for columns whose heading or caption names the coin."""
    usual, significant = (2, 2) if coin in TWO_PLACES else (6, 4)
    return _digits(value, _places(value, usual, significant), signed=signed)


def quantity(value: Decimal | None, coin: str) -> str:
    """An amount of a base coin, as many places as it has, at most eight."""
    if value is None:
        return NONE
    return f"{_digits(value, MOST_PLACES, trim=True)}{NARROW}{coin}"


def price(value: Decimal | None, tick_size: Decimal | None = None) -> str:
    """A price with the places of its tick size, else with as many as its size calls for."""
    if value is None:
        return NONE
    return _digits(value, price_places(value, tick_size))


def price_places(value: Decimal, tick_size: Decimal | None = None) -> int:
    if tick_size:
        exponent = tick_size.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 2
    if abs(value) >= 100:
        return 2
    if value == 0:
        return 2
    return min(12, max(4, 3 - value.adjusted()))


def percent(fraction: Decimal | None, places: int = 2, *, signed: bool = False) -> str:
    """A fraction as people read it: 0.015 is "1.50 %"."""
    if fraction is None:
        return NONE
    return f"{_digits(fraction * 100, places, signed=signed)}{NARROW}%"


def short_percent(fraction: Decimal) -> str:
    """As few digits as it needs: "2 %", "1.5 %"."""
    return f"{_digits(fraction * 100, 2, trim=True)}{NARROW}%"


def percent_done(fraction: float) -> str:
    return f"{int(fraction * 100)}{NARROW}%"


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def duration(seconds: float) -> str:
    """The two largest units: "3 min 20 s", "1 day 4 h"."""
    whole = max(0, int(seconds))
    parts: list[str] = []
    for size, one, many in (
        (86_400, " day", " days"), (3_600, " h", " h"), (60, " min", " min"), (1, " s", " s"),
    ):  # fmt: skip
        number, whole = divmod(whole, size)
        if number:
            parts.append(f"{number}{one if number == 1 else many}")
    return " ".join(parts[:2]) or "0 s"


def ago(at: datetime, now: datetime) -> str:
    seconds = (now - at).total_seconds()
    return "just now" if seconds < 2 else f"{duration(seconds)} ago"


def zone(name: str) -> ZoneInfo:
    """A person's time zone; UTC where the name is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def when(at: datetime | None, time_zone: str = "UTC") -> str:
    """A moment in the person's time zone, which is named: "22 Nov 2026, 17:18:03 UTC"."""
    if at is None:
        return NONE
    there = at.astimezone(zone(time_zone))
    return f"{there.day} {there:%b %Y, %H:%M:%S %Z}"


def short_when(at: datetime | None, time_zone: str = "UTC") -> str:
    """For tables whose heading names the time zone: "22 Nov, 17:18:03"."""
    if at is None:
        return NONE
    there = at.astimezone(zone(time_zone))
    return f"{there.day} {there:%b, %H:%M:%S}"


def utc_now() -> datetime:
    return datetime.now(UTC)
