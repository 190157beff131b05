"""One account on a venue that fills at the given price: balances, locks, orders, trades.

The ledger of the simulated and paper venues keeps it in rows, a backtest keeps it in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.market import FeeCurrency, Market, Side
from core.matching import Resting, is_marketable, make_fill, market_price, within_collar
from core.money import ONE, ZERO, exact, stored
from core.orders import Fill, Kind, Order, OrderStatus, OrderUpdate

FUNDS = "funds"


class BookStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order as the venue keeps it. `locked`: of the quote (buy) or base (sell) asset."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    kind: Kind
    price: Decimal | None
    quantity: Decimal
    status: BookStatus
    locked: Decimal
    created_at: datetime
    fills: tuple[Fill, ...] = ()

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    def resting(self) -> Resting:
        assert self.price is not None
        return Resting(self.client_order_id, self.side, self.price, self.quantity - self.filled)

    def update(self) -> OrderUpdate:
        """The snapshot that a client sees."""
        return OrderUpdate(
            self.client_order_id,
            _SEEN_AS[self.status],
            self.filled,
            self.fills,
            self.venue_order_id,
            expired=self.status is BookStatus.EXPIRED,
        )


_SEEN_AS = {
    BookStatus.OPEN: OrderStatus.OPEN,
    BookStatus.FILLED: OrderStatus.FILLED,
    BookStatus.CANCELLED: OrderStatus.CANCELLED,
    BookStatus.EXPIRED: OrderStatus.CANCELLED,
}


@dataclass(slots=True)
class Money:
    free: Decimal = ZERO
    used: Decimal = ZERO


@dataclass(slots=True)
class Changes:
    """What has been touched since the changes were last taken, for whoever writes it down."""

    orders: dict[str, BookOrder] = field(default_factory=dict)
    trades: list[tuple[BookOrder, Fill]] = field(default_factory=list)
    assets: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.orders)


class AccountBook:
    """Open orders and balances of one account; finished orders leave `orders` at once."""

    def __init__(
        self, balances: dict[str, Money], next_order: int = 1, next_trade: int = 1
    ) -> None:
        self.balances = balances
        self.orders: dict[str, BookOrder] = {}
        self.next_order, self.next_trade = next_order, next_trade
        self.changes = Changes()

    def take_changes(self) -> Changes:
        taken, self.changes = self.changes, Changes()
        return taken

    def money(self, asset: str) -> Money:
        return self.balances.setdefault(asset, Money())

    @exact
    def place(
        self, market: Market, order: Order, bid: Decimal, ask: Decimal, at: datetime,
        slippage: Decimal = ZERO,
    ) -> OrderUpdate:  # fmt: skip
        """Accept `order`, filling it at once where it is marketable, or answer why not."""
        reached, now = order.price, False
        if order.kind is Kind.MARKET:
            reached = market_price(order.side, bid, ask, slippage)
            if not within_collar(order.side, order.price, reached):
                return self._expire(market, order, at)
            now = True
        elif order.price is not None and is_marketable(order.side, order.price, bid, ask):
            reached, now = (ask if order.side is Side.BUY else bid), True
        assert reached is not None
        locked = self._lock(market, order, reached, taker=now)
        if locked is None:
            return OrderUpdate(order.client_order_id, OrderStatus.NOT_PLACED, reason=FUNDS)
        accepted = self._accept(market, order, at, BookStatus.OPEN, locked)
        if now:
            return self.fill(market, accepted, reached, at, taker=True)
        return accepted.update()

    @exact
    def fill(
        self, market: Market, order: BookOrder, price: Decimal, at: datetime, *, taker: bool
    ) -> OrderUpdate:
        """Fill the rest of an open order at `price`."""
        rest = order.quantity - order.filled
        trade = make_fill(
            market, order.side, order.kind, price, rest, at, str(self.next_trade), taker=taker
        )
        self.next_trade += 1
        self._unlock(market, order)
        done = replace(order, status=BookStatus.FILLED, locked=ZERO, fills=(*order.fills, trade))
        self._pay(market, done.side, trade)
        self._finish(done)
        self.changes.trades.append((done, trade))
        return done.update()

    @exact
    def cancel(self, market: Market, client_order_id: str) -> OrderUpdate | None:
        """The order's last snapshot, or None when it is not open here."""
        order = self.orders.get(client_order_id)
        if order is None:
            return None
        self._unlock(market, order)
        done = replace(order, status=BookStatus.CANCELLED, locked=ZERO)
        self._finish(done)
        return done.update()

    def _accept(
        self, market: Market, order: Order, at: datetime, status: BookStatus, locked: Decimal
    ) -> BookOrder:
        accepted = BookOrder(
            client_order_id=order.client_order_id,
            venue_order_id=str(self.next_order),
            symbol=market.symbol,
            side=order.side,
            kind=order.kind,
            price=order.price,
            quantity=order.quantity,
            status=status,
            locked=locked,
            created_at=at,
        )
        self.next_order += 1
        self.orders[order.client_order_id] = accepted
        self.changes.orders[order.client_order_id] = accepted
        return accepted

    def _expire(self, market: Market, order: Order, at: datetime) -> OrderUpdate:
        """A market order beyond its collar: accepted and ended without a fill."""
        done = self._accept(market, order, at, BookStatus.EXPIRED, ZERO)
        del self.orders[order.client_order_id]
        return done.update()

    def _finish(self, done: BookOrder) -> None:
        self.orders.pop(done.client_order_id, None)
        self.changes.orders[done.client_order_id] = done

    def _locks(self, market: Market, side: Side) -> str:
        return market.quote if side is Side.BUY else market.base

    def _lock(self, market: Market, order: Order, price: Decimal, *, taker: bool) -> Decimal | None:
        """Set aside what the order may take; None when there is not enough."""
        needed = order.quantity
        if order.side is Side.BUY:
            needed *= price
            if market.fee_currency is not FeeCurrency.BASE:
                needed *= ONE + (market.taker_fee if taker else market.maker_fee)
        needed = stored(needed)
        asset = self._locks(market, order.side)
        money = self.money(asset)
        if needed > money.free:
            return None
        money.free -= needed
        money.used += needed
        self.changes.assets.add(asset)
        return needed

    def _unlock(self, market: Market, order: BookOrder) -> None:
        asset = self._locks(market, order.side)
        money = self.money(asset)
        money.free += order.locked
        money.used -= order.locked
        self.changes.assets.add(asset)

    def _pay(self, market: Market, side: Side, fill: Fill) -> None:
        """Move what the trade bought, sold and cost; a fee in a third coin is taken in quote."""
        base, quote = self.money(market.base), self.money(market.quote)
        in_base = fill.fee_asset == market.base
        fee_base = fill.fee if in_base else ZERO
        fee_quote = ZERO if in_base else fill.fee_value
        sign = ONE if side is Side.BUY else -ONE
        base.free += sign * fill.quantity - fee_base
        quote.free += -sign * fill.cost - fee_quote
        self.changes.assets |= {market.base, market.quote}
