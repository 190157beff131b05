"""An account of the exchange: balances, orders, trades, the rights of its key, its private stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.exchange.wire import Refusal

ZERO = Decimal(0)
OPEN = ("NEW", "PARTIALLY_FILLED")
Event = dict[str, Any]


@dataclass(slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


@dataclass(slots=True)
class Rights:
    """Of the key. `addresses`: from where it may be used, None: from anywhere."""

    revoked: bool = False
    can_read: bool = True
    can_trade: bool = True
    can_withdraw: bool = False
    can_transfer: bool = False
    address_bound: bool = True
    addresses: frozenset[str] | None = None
    expires_at: int | None = None


@dataclass(slots=True)
class VenueOrder:
    """One order that was ever accepted. Times in ms. `made_by`: api, hand or venue.

    `visible_at`: from when on queries find it. `purged`: queries never find it again. `archived`: purged,
    and asked for by its id the exchange says so (-2026)."""

    order_id: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    time: int
    updated: int
    locked: Decimal
    locked_asset: str
    status: str = "NEW"
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    visible_at: int = 0
    purged: bool = False
    archived: bool = False
    made_by: str = "api"
    ended_by: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_buy(self) -> bool:
        return self.side == "BUY"

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """One execution. `visible_at`: from when on queries find it."""

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    visible_at: int = 0


@dataclass(slots=True)
class Fees:
    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    mode: str = "base"


@dataclass(eq=False)
class Books:
    """`fees.mode`: "base" is Binance's way (buys pay in base, sells in quote, that is in what they
    receive), "quote" pays in quote on both sides, "bnb" in BNB while there is enough of it."""

    key: str
    secret: str
    balances: dict[str, Balance]
    fees: Fees
    rights: Rights = field(default_factory=Rights)
    orders: list[VenueOrder] = field(default_factory=list)
    trades: list[VenueTrade] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    open: dict[int, VenueOrder] = field(default_factory=dict)
    by_id: dict[int, VenueOrder] = field(default_factory=dict)
    by_client_id: dict[str, list[VenueOrder]] = field(default_factory=dict)
    by_order: dict[int, list[VenueTrade]] = field(default_factory=dict)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    keeps_events: int = 1000

    def balance(self, asset: str) -> Balance:
        return self.balances.setdefault(asset, Balance())

    def lock(self, asset: str, amount: Decimal) -> None:
        balance = self.balance(asset)
        if balance.free < amount:
            raise Refusal(-2010, "Account has insufficient balance for requested action.")
        balance.free -= amount
        balance.locked += amount

    def unlock(self, asset: str, amount: Decimal) -> None:
        balance = self.balance(asset)
        balance.locked -= amount
        balance.free += amount

    def add(self, order: VenueOrder) -> None:
        self.orders.append(order)
        self.by_id[order.order_id] = order
        self.open[order.order_id] = order
        self.by_client_id.setdefault(order.client_order_id, []).append(order)

    def book(self, trade: VenueTrade) -> None:
        self.trades.append(trade)
        self.by_order.setdefault(trade.order_id, []).append(trade)

    def unbook(self, trade: VenueTrade) -> None:
        self.trades.remove(trade)
        self.by_order[trade.order_id].remove(trade)

    def find(
        self, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> VenueOrder | None:
        """The newest one when several orders have borne the client order id."""
        if order_id is not None:
            order = self.by_id.get(order_id)
            return order if order is not None and order.symbol == symbol else None
        for order in reversed(self.by_client_id.get(client_order_id or "", [])):
            if order.symbol == symbol:
                return order
        return None

    def of(self, client_order_id: str) -> list[VenueOrder]:
        """All orders that ever bore this id: more than one means that something was sent twice."""
        return list(self.by_client_id.get(client_order_id, ()))

    def trades_of(self, order: VenueOrder) -> list[VenueTrade]:
        return list(self.by_order.get(order.order_id, ()))

    def tell(self, event: Event) -> None:
        """To everybody who listens to the private stream."""
        self.events.append(event)
        if len(self.events) > 2 * self.keeps_events:
            del self.events[: -self.keeps_events]
        for listener in list(self.listeners):
            listener(event)
