"""Numbers, times and order names as they stand in sentences for people: half-up, with their unit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.market import Market
from core.money import half_up, plain
from core.orders import Role, Slot

MONEY_PLACES = 2
LEAST_SHOWN = Decimal("0.1")


def places_of(step: Decimal) -> int:
    """Digits after the point that a multiple of `step` can have."""
    exponent = step.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def price_words(market: Market, price: Decimal) -> str:
    """A price at the digits of the tick: "97.50"."""
    if market.tick_size is None:
        return plain(price, 8)
    return f"{half_up(price, places_of(market.tick_size)):f}"


def quantity_words(market: Market, quantity: Decimal) -> str:
    """A quantity with its coin: "0.512 BTC"."""
    if market.lot_size is None:
        return f"{plain(quantity, 8)} {market.base}"
    places = places_of(market.lot_size)
    shown = half_up(quantity, places)
    if shown == 0 and quantity != 0:
        return f"less than {plain(market.lot_size)} {market.base}"
    return f"{plain(shown)} {market.base}"


def money_words(market: Market, amount: Decimal) -> str:
    """An amount of the quote coin: "1.23 USDT"; small amounts keep two digits that say something."""
    shown = half_up(amount, MONEY_PLACES)
    if amount != 0 and abs(shown) < LEAST_SHOWN:
        shown = half_up(amount, min(1 - amount.adjusted(), 18))
    return f"{shown:f} {market.quote}"


def percent_words(fraction: Decimal) -> str:
    """A fraction as "2.50 %"."""
    return f"{half_up(fraction * 100, 2):f} %"


def result_words(market: Market, amount: Decimal) -> str:
    """ "earned 1.23 USDT" or "lost 1.23 USDT"."""
    return f"{'lost' if amount < 0 else 'earned'} {money_words(market, abs(amount))}"


def time_words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def duration_words(seconds: int) -> str:
    """The two largest units: "2 h 5 min"."""
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    words: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or words:
            words.append((count, name))
    shown = [f"{count} {name}" for count, name in words[:2] if count]
    return " ".join(shown) or "0 s"


def order_words(slot: Slot) -> str:
    """ "first buy", "extra buy 3", "take profit", "stop loss sale", "closing sale"."""
    match slot.role:
        case Role.BASE:
            return "first buy"
        case Role.SAFETY:
            return f"extra buy {slot.level}"
        case Role.TAKE_PROFIT:
            return "take profit"
        case Role.STOP_LOSS:
            return "stop loss sale"
        case Role.CLOSE:
            return "closing sale"


def count_words(count: int, one: str, many: str = "") -> str:
    """ "1 extra buy", "3 extra buys"."""
    return f"{count} {one if count == 1 else many or one + 's'}"
