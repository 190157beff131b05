"""The venue of a backtest: a book of resting orders and a balance, both in memory."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.market import FeeCurrency, Market, Side
from core.matching import Resting, is_marketable, make_fill, market_price, within_collar
from core.money import ONE, ZERO
from core.orders import Fill, Kind, Order, OrderStatus, OrderUpdate

UNAFFORDABLE = "funds"


class PaperBook:
    """Answers place and cancel at once, as a venue with unlimited liquidity would.

    `balance`: quote to spend; a resting buy locks its cost and fee. None: unlimited.
    """

    def __init__(self, market: Market, slippage: Decimal, balance: Decimal | None) -> None:
        self.market = market
        self.slippage = slippage
        self.free = balance
        self.resting: dict[str, Resting] = {}
        self.locked: dict[str, Decimal] = {}
        self.trades = 0

    def place(self, order: Order, price: Decimal, at: datetime) -> OrderUpdate:
        """The answer to a new order while the market stands at `price`."""
        reached = price
        if order.kind is Kind.MARKET:
            reached = market_price(order.side, price, price, self.slippage)
            if not within_collar(order.side, order.price, reached):
                return OrderUpdate(order.client_order_id, OrderStatus.CANCELLED, expired=True)
            now = True
        else:
            assert order.price is not None
            now = is_marketable(order.side, order.price, price, price)
        if not self._lock(order, reached if now or order.price is None else order.price, now):
            return OrderUpdate(order.client_order_id, OrderStatus.NOT_PLACED, reason=UNAFFORDABLE)
        if now:
            return self._fill(order.client_order_id, order.side, order.kind, order.quantity,
                              reached, at, taker=True)  # fmt: skip
        assert order.price is not None
        self.resting[order.client_order_id] = Resting(
            order.client_order_id, order.side, order.price, order.quantity
        )
        return OrderUpdate(order.client_order_id, OrderStatus.OPEN)

    def fill_resting(self, order: Resting, price: Decimal, at: datetime) -> OrderUpdate:
        del self.resting[order.client_order_id]
        return self._fill(order.client_order_id, order.side, Kind.LIMIT, order.quantity,
                          price, at, taker=False)  # fmt: skip

    def cancel(self, order: Order) -> OrderUpdate:
        if self.resting.pop(order.client_order_id, None) is None:
            status = OrderStatus.FILLED if order.fills else OrderStatus.CANCELLED
            return OrderUpdate(order.client_order_id, status)
        self._unlock(order.client_order_id)
        return OrderUpdate(order.client_order_id, OrderStatus.CANCELLED)

    def _lock(self, order: Order, price: Decimal, taker: bool) -> bool:
        if self.free is None or order.side is Side.SELL:
            return True
        rate = ZERO
        if self.market.fee_currency is not FeeCurrency.BASE:
            rate = self.market.taker_fee if taker else self.market.maker_fee
        needed = order.quantity * price * (ONE + rate)
        if needed > self.free:
            return False
        self.free -= needed
        self.locked[order.client_order_id] = needed
        return True

    def _unlock(self, client_order_id: str) -> None:
        if self.free is not None:
            self.free += self.locked.pop(client_order_id, ZERO)

    def _fill(
        self, client_order_id: str, side: Side, kind: Kind, quantity: Decimal,
        price: Decimal, at: datetime, *, taker: bool,
    ) -> OrderUpdate:  # fmt: skip
        self.trades += 1
        fill = make_fill(
            self.market, side, kind, price, quantity, at, str(self.trades), taker=taker
        )
        self._unlock(client_order_id)
        self._pay(side, fill)
        return OrderUpdate(client_order_id, OrderStatus.FILLED, quantity, (fill,))

    def _pay(self, side: Side, fill: Fill) -> None:
        if self.free is None:
            return
        fee = ZERO if fill.fee_asset == self.market.base else fill.fee_value
        self.free += -fill.cost - fee if side is Side.BUY else fill.cost - fee
