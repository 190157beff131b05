"""A small venue that fails on command: it loses, delays, hides, fills in part, expires and refuses.

It keeps its own book in exact decimals, so that tests compare two books instead of trusting one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.market import Market, Side
from core.matching import make_fill
from core.money import ZERO
from core.orders import Fill, Kind, Order, OrderStatus, OrderUpdate


@dataclass
class VenueOrder:
    """`status`: OPEN, FILLED or CANCELLED, as the venue sees it."""

    order: Order
    status: OrderStatus = OrderStatus.OPEN
    expired: bool = False
    fills: list[Fill] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def rest(self) -> Decimal:
        return self.order.quantity - self.filled

    @property
    def is_open(self) -> bool:
        return self.status is OrderStatus.OPEN


class FakeVenue:
    """`price` is bid and ask. Orders are filled only when the test says so, or at once when marketable."""

    def __init__(self, market: Market, price: Decimal) -> None:
        self.market = market
        self.price = price
        self.orders: dict[str, VenueOrder] = {}
        self.trades = 0
        self.base = ZERO
        self.quote = ZERO
        self.other_fees = ZERO

    def accept(self, order: Order, at: datetime, share: Decimal = Decimal(1)) -> None:
        """The order exists from now on. What is marketable fills `share` of itself at once."""
        assert order.client_order_id not in self.orders, "an id was used twice"
        made = self.orders[order.client_order_id] = VenueOrder(order)
        if order.kind is Kind.MARKET:
            if order.price is None or self.price >= order.price:
                self.fill(made, at, share, self.price)
            if made.is_open:
                made.status, made.expired = OrderStatus.CANCELLED, True
        elif self.is_reached(made):
            self.fill(made, at, share, self.price)

    def is_reached(self, made: VenueOrder) -> bool:
        limit = made.order.price
        if limit is None or not made.is_open:
            return False
        return self.price <= limit if made.order.side is Side.BUY else self.price >= limit

    def reached(self) -> list[VenueOrder]:
        """Open orders that the price has met, in the order in which a path meets them."""
        met = [made for made in self.orders.values() if self.is_reached(made)]
        return sorted(
            met, key=lambda made: abs((made.order.price or ZERO) - self.price), reverse=True
        )

    def fill(self, made: VenueOrder, at: datetime, share: Decimal, price: Decimal) -> None:
        """`share` of what is left, rounded to lots; at least one lot."""
        lot = self.market.lot_size or made.rest
        quantity = max(self.market.round_quantity(made.rest * share), min(lot, made.rest))
        self.trades += 1
        fill = make_fill(
            self.market, made.order.side, made.order.kind, price, quantity, at,
            str(self.trades), taker=made.order.kind is Kind.MARKET,
        )  # fmt: skip
        made.fills.append(fill)
        if made.rest == 0:
            made.status = OrderStatus.FILLED
        self._book(made.order.side, fill)

    def _book(self, side: Side, fill: Fill) -> None:
        sign = 1 if side is Side.BUY else -1
        self.base += sign * fill.quantity
        self.quote -= sign * fill.cost
        if fill.fee_asset == self.market.base:
            self.base -= fill.fee
        elif fill.fee_asset == self.market.quote:
            self.quote -= fill.fee
        else:
            self.other_fees += fill.fee_value

    def cancel(self, client_order_id: str) -> None:
        made = self.orders[client_order_id]
        if made.is_open:
            made.status = OrderStatus.CANCELLED

    def snapshot(self, client_order_id: str, hidden_trades: int = 0) -> OrderUpdate:
        """What the venue shows of an order; its newest trades may still be missing."""
        made = self.orders[client_order_id]
        shown = tuple(
            made.fills[: len(made.fills) - hidden_trades] if hidden_trades else made.fills
        )
        return OrderUpdate(
            client_order_id, made.status, made.filled, shown, f"v{client_order_id}", made.expired
        )

    def open_orders(self) -> Iterator[VenueOrder]:
        return (made for made in self.orders.values() if made.is_open)
