"""Values of core for tests: sensible defaults, and the test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.candles import Candle
from core.cycle import BASE, Cycle
from core.engine import step
from core.events import Command, Event, OrderReported, PlaceOrder, PriceSeen, Quote, last_price
from core.market import FeeCurrency, Market
from core.matching import make_fill
from core.order_ids import Identity
from core.orders import Fill, Order, OrderStatus, OrderUpdate, Slot
from core.parameter_reading import read_parameters
from core.parameters import Parameters
from core.succession import first_cycle

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDENTITY = Identity("test", 1, 2)
MINUTE = 60_000


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_market(**changes) -> Market:
    """BTC-like rules; no fees unless the test is about them."""
    known: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(5),
        "maker_fee": Decimal(0),
        "taker_fee": Decimal(0),
        "fee_currency": FeeCurrency.QUOTE,
    }
    return Market(**(known | changes))


def some_parameters(**changes) -> Parameters:
    """Base 100 and three levels of 100 at -1, -2, -3 %, take profit 1 %."""
    known: dict[str, Any] = {
        "base_order_size": "100",
        "safety_order_size": "100",
        "max_safety_orders": 3,
        "price_deviation": "0.01",
        "step_scale": "1",
        "volume_scale": "1",
        "take_profit": "0.01",
    }
    if "custom_levels" in changes:
        del known["max_safety_orders"]
    return read_parameters(known | changes)


def a_cycle(market: Market | None = None, **parameters) -> Cycle:
    return first_cycle(IDENTITY, some_parameters(**parameters), market or a_market())


def a_quote(bid: object, ask: object | None = None, **changes) -> Quote:
    bid = Decimal(str(bid))
    ask = bid if ask is None else Decimal(str(ask))
    return replace(Quote(bid, ask, bid, ask), **changes)


def price(value: object, seconds: float = 0) -> PriceSeen:
    return PriceSeen(at(seconds), last_price(Decimal(str(value))))


def report(
    order: Order,
    status: OrderStatus = OrderStatus.OPEN,
    seconds: float = 0,
    quote: Quote | None = None,
    **changes,
) -> OrderReported:
    return OrderReported(at(seconds), OrderUpdate(order.client_order_id, status, **changes), quote)


def a_fill(
    order: Order,
    market: Market,
    quantity: object | None = None,
    price: object | None = None,
    seconds: float = 0,
    trade_id: str | None = None,
) -> Fill:
    done = order.quantity if quantity is None else Decimal(str(quantity))
    paid = (order.price or order.planned_price) if price is None else Decimal(str(price))
    number = trade_id or f"{order.client_order_id}-{len(order.fills)}-{done}"
    return make_fill(market, order.side, order.kind, paid, done, at(seconds), number, taker=False)


def filled(order: Order, market: Market, *, seconds: float = 0, price=None) -> OrderReported:
    """The whole order filled by one trade."""
    fill = a_fill(order, market, order.quantity - order.filled, price, seconds)
    fills = (*order.fills, fill)
    return report(order, OrderStatus.FILLED, seconds, filled=order.quantity, fills=fills)


def candles(*rows, step: int = MINUTE, first: int = 1_700_000_000_000) -> list[Candle]:
    """Rows of open, high, low, close, one step apart."""
    return [
        Candle(first + number * step, *(Decimal(str(value)) for value in row))
        for number, row in enumerate(rows)
    ]


class Play:
    """Steps one cycle and remembers the commands; orders are looked up by slot."""

    def __init__(self, cycle: Cycle) -> None:
        self.cycle = cycle
        self.commands: tuple[Command, ...] = ()

    def __call__(self, event: Event) -> tuple[Command, ...]:
        self.cycle, self.commands = step(self.cycle, event)
        return self.commands

    def order(self, slot: Slot) -> Order:
        return self.cycle.attempts(slot)[-1]

    def placed(self) -> list[Order]:
        return [command.order for command in self.commands if isinstance(command, PlaceOrder)]

    def fill(self, slot: Slot, *, seconds: float = 0, price=None) -> tuple[Command, ...]:
        return self(filled(self.order(slot), self.cycle.market, seconds=seconds, price=price))

    def open_all(self, seconds: float = 0) -> None:
        """The venue accepts whatever is being sent."""
        for order in self.cycle.orders:
            if order.status is OrderStatus.SENDING:
                self(report(order, OrderStatus.OPEN, seconds))

    def cancel_all(self, seconds: float = 0) -> None:
        """The venue confirms every cancel that was asked for."""
        for order in self.cycle.orders:
            if order.status is OrderStatus.CANCELLING:
                done: dict[str, Any] = {"filled": order.filled, "fills": order.fills}
                self(report(order, OrderStatus.CANCELLED, seconds, **done))


def started(market: Market | None = None, base_price: object = 100, **parameters) -> Play:
    """A cycle whose base order has filled at `base_price`, with everything else resting."""
    play = Play(a_cycle(market, **parameters))
    play(price(base_price))
    play.fill(BASE, price=base_price)
    play.open_all()
    return play
