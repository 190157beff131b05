"""A strategy on a stage: its cycle, a venue that does what the test says, and the story so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.cycle import Cycle, DesiredState, PassedLevels
from core.engine import is_over, step
from core.events import (
    CancelOrder,
    Event,
    OrderReported,
    PlaceOrder,
    PriceSeen,
    Quote,
    TimePassed,
    WantedChanged,
)
from core.market import Market, Side
from core.matching import make_fill
from core.order_ids import Identity
from core.orders import Kind, Order, OrderStatus, OrderUpdate, Role
from core.parameter_reading import read_parameters
from core.parameters import Parameters
from core.story import Entry, tell
from core.succession import first_cycle, next_cycle

D = Decimal
START = datetime(2025, 3, 1, 12, tzinfo=UTC)


def a_market(**changes: object) -> Market:
    rules = Market(
        symbol="BTC/USDT",
        tick_size=D("0.01"),
        lot_size=D("0.001"),
        min_quantity=D("0.001"),
        min_notional=D(5),
    )
    return replace(rules, **changes)  # type: ignore[arg-type]


def some_parameters(**changes: object) -> Parameters:
    values: dict[str, object] = {
        "base_order_size": "100",
        "safety_order_size": "50",
        "max_safety_orders": 4,
        "price_deviation": "0.025",
    }
    return read_parameters({**values, **changes})


class Stage:
    """The venue accepts at once and fills when told to; `bid` = `ask` = the last price seen."""

    def __init__(self, parameters: Parameters | None = None, market: Market | None = None) -> None:
        self.market = market or a_market()
        parameters = parameters or some_parameters()
        self.cycle: Cycle = first_cycle(Identity("test", 1, 2), parameters, self.market)
        self.at = START
        self.price: Decimal | None = None
        self.told: list[Entry] = []
        self.closed: list[Cycle] = []
        self.answer: OrderUpdate | None = None
        self.trades = 0

    @property
    def quote(self) -> Quote | None:
        return None if self.price is None else Quote(self.price, self.price, self.price, self.price)

    def feed(self, event: Event) -> list[Entry]:
        """Step and let the venue accept or cancel; returns what this event alone had told."""
        before = self.cycle
        self.cycle, commands = step(before, event)
        told = list(tell(before, self.cycle, event))
        self.told += told
        for command in commands:
            self._answer(command)
        if is_over(self.cycle):
            self.closed.append(self.cycle)
            self.cycle = next_cycle(self.cycle, self.at, self.cycle.parameters, self.market)
        return told

    def _answer(self, command: PlaceOrder | CancelOrder) -> None:
        order = command.order
        if isinstance(command, CancelOrder):
            self.report(order, OrderStatus.CANCELLED, filled=order.filled)
        elif self.answer is not None:
            update = replace(self.answer, client_order_id=order.client_order_id)
            self.feed(OrderReported(self.at, update, self.quote))
        elif order.kind is Kind.MARKET:
            self.fill(order)
        else:
            self.report(order, OrderStatus.OPEN)

    def report(self, order: Order, status: OrderStatus, **more: object) -> list[Entry]:
        update = OrderUpdate(order.client_order_id, status, **more)  # type: ignore[arg-type]
        return self.feed(OrderReported(self.at, update, self.quote))

    def fill(self, order: Order, quantity: Decimal | None = None) -> list[Entry]:
        """Fill `order` (or a part of it) at its own price, or at the market's."""
        assert self.price is not None
        quantity = quantity or order.quantity - order.filled
        price = self.price if order.kind is Kind.MARKET else order.planned_price
        self.trades += 1
        trade = make_fill(
            self.market, order.side, order.kind, price, quantity, self.at, str(self.trades),
            taker=order.kind is Kind.MARKET,
        )  # fmt: skip
        filled = order.filled + quantity
        whole = filled >= order.quantity
        status = OrderStatus.FILLED if whole else OrderStatus.OPEN
        return self.report(order, status, filled=filled, fills=(trade,))

    def see(self, price: Decimal | str | int, seconds: int = 1) -> list[Entry]:
        """The price moves there; resting orders on the way fill, best price first."""
        self.at += timedelta(seconds=seconds)
        self.price = D(price)
        told: list[Entry] = []
        while (order := self._met()) is not None:
            told += self.fill(order)
        return told + self.feed(PriceSeen(self.at, self.quote or self._no_quote()))

    def _no_quote(self) -> Quote:
        raise AssertionError("a price was just seen")

    def _met(self) -> Order | None:
        assert self.price is not None
        for order in sorted(self.cycle.live(), key=lambda each: -each.planned_price):
            if order.kind is Kind.MARKET or order.status is not OrderStatus.OPEN:
                continue
            buys = order.side is Side.BUY
            if order.planned_price >= self.price if buys else order.planned_price <= self.price:
                return order
        return None

    def want(
        self, wanted: DesiredState, passed: PassedLevels = PassedLevels.WAIT, **more: object
    ) -> list[Entry]:
        self.at += timedelta(seconds=1)
        event = WantedChanged(self.at, wanted, self.quote, passed, **more)  # type: ignore[arg-type]
        return self.feed(event)

    def wait(self, seconds: int) -> list[Entry]:
        self.at += timedelta(seconds=seconds)
        return self.feed(TimePassed(self.at, self.quote))

    def live(self, role: Role, level: int | None = None) -> Order:
        return next(
            order
            for order in self.cycle.live()
            if order.slot.role is role and order.slot.level == level
        )

    def codes(self) -> list[str]:
        return [entry.code for entry in self.told]

    def last(self, code: str) -> Entry:
        return next(entry for entry in reversed(self.told) if entry.code == code)
