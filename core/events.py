"""What can happen to a cycle and what it can answer. Each event carries `at` (aware UTC)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.cycle import DesiredState, PassedLevels
from core.market import Market
from core.money import ONE, ZERO
from core.orders import Order, OrderUpdate


@dataclass(frozen=True, slots=True)
class Quote:
    """The market now, and the quote at least a second before it: exits and entries want both to agree.

    `slippage`: what a market order is expected to lose, a fraction (backtests only).
    """

    bid: Decimal
    ask: Decimal
    previous_bid: Decimal
    previous_ask: Decimal
    slippage: Decimal = ZERO

    @property
    def market_buy_price(self) -> Decimal:
        return self.ask * (ONE + self.slippage)

    @property
    def higher_bid(self) -> Decimal:
        """Below a stop only when both quotes are."""
        return max(self.bid, self.previous_bid)

    @property
    def lower_bid(self) -> Decimal:
        return min(self.bid, self.previous_bid)

    @property
    def higher_ask(self) -> Decimal:
        return max(self.ask, self.previous_ask)

    @property
    def lower_ask(self) -> Decimal:
        return min(self.ask, self.previous_ask)


def last_price(price: Decimal, slippage: Decimal = ZERO) -> Quote:
    """A quote where there is one price only and it is certain (candles)."""
    return Quote(price, price, price, price, slippage)


@dataclass(frozen=True, slots=True)
class PriceSeen:
    at: datetime
    quote: Quote


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The venue (or the proof that it never had it) says something about one order."""

    at: datetime
    update: OrderUpdate
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class WantedChanged:
    """The person changed what is wanted, or pressed "try again" (then `wanted` may be unchanged).

    `passed_levels`: on resuming. `release_at`: on starting again after a stop, let the coins go,
    booked at this price.
    """

    at: datetime
    wanted: DesiredState
    quote: Quote | None = None
    passed_levels: PassedLevels = PassedLevels.WAIT
    release_at: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TimePassed:
    at: datetime
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class CoinsMissing:
    """The account's balances prove that `missing` base coins of the position are not there; zero: all are."""

    at: datetime
    missing: Decimal
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """The venue trades the symbol under other rules now. `market`: what `core.rules.under` makes of them."""

    at: datetime
    market: Market
    quote: Quote | None = None


Event = PriceSeen | OrderReported | WantedChanged | TimePassed | CoinsMissing | RulesChanged


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The order is in the cycle already, as `sending`: it is written before it is sent."""

    order: Order


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """The order is in the cycle already, as `cancelling`."""

    order: Order


Command = PlaceOrder | CancelOrder
