"""A cycle, a venue and a network between them that loses, doubles, delays and reorders.

After every step each rule at the end of DESIGN 2.2 is checked, and the books of both sides compared.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

from core.accounting import position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState, PassedLevels
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
from core.money import ZERO
from core.orders import Kind, Order, OrderStatus, OrderUpdate
from core.parameters import Parameters
from core.slots import attention
from core.succession import first_cycle, next_cycle, totals
from core.triggers import watch
from core.wanted import SETTLE_AFTER, is_sellable
from tests.builders import IDENTITY, NOON
from tests.core.fake_venue import FakeVenue

NO_BUYS = (DesiredState.PAUSED, DesiredState.STOPPED, DesiredState.CLOSED)
OUTCOMES = (
    ["accept"] * 50 + ["lose request"] * 4 + ["lose answer"] * 4 + ["not placed"] * 3 + ["refuse"]
)


class World:
    def __init__(self, parameters: Parameters, market: Market, price: Decimal) -> None:
        self.parameters, self.market = parameters, market
        self.venue = FakeVenue(market, price)
        self.previous = price
        self.cycle = first_cycle(IDENTITY, parameters, market)
        self.now: datetime = NOON
        self.stepped_at = NOON
        self.network: list[OrderUpdate] = []
        self.luck = Random(0)
        self.faults = True
        self.realized = Fraction(0)
        self.released_quantity = Fraction(0)
        self.released_value = Fraction(0)
        self.cycles = 0

    # What happens to the cycle.

    def quote(self) -> Quote:
        price = self.venue.price
        return Quote(price, price, self.previous, self.previous)

    def price_seen(self) -> None:
        event = PriceSeen(self.now, self.quote())
        waits = watch(self.cycle, self.stepped_at)
        before = self.cycle
        self.step(event)
        if before != self.cycle:
            assert waits.is_due(self.venue.price, self.now), "acted on a price nobody woke it for"

    def step(self, event: Event) -> None:
        before = self.cycle
        after, commands = step(before, event)
        assert (after, commands) == step(copy.deepcopy(before), event), "step must be deterministic"
        assert copy.deepcopy(after) == after
        self.cycle, self.stepped_at = after, event.at
        self.check(before, commands)
        for command in commands:
            if isinstance(command, PlaceOrder):
                self.send(command.order)
            else:
                self.send_cancel(command.order)
        self.check_books()
        if is_over(self.cycle):
            self.succeed()

    def succeed(self) -> None:
        over = self.cycle
        held, closed = position(over), totals(over)
        assert closed.realized_pnl == held.realized
        self.realized += Fraction(closed.realized_pnl)
        if over.released_at_price is not None:
            self.released_quantity += Fraction(self._released(over))
            self.released_value += Fraction(self._released(over)) * Fraction(over.released_at_price)
        self.cycle = next_cycle(over, self.now, self.parameters, self.market)
        self.cycles += 1
        assert self.cycle.carried == closed.dust
        self.check_books()
        self.price_seen()

    @staticmethod
    def _released(over: Cycle) -> Decimal:
        held = position(over)
        base_fees = held.bought - held.kept
        return over.carried.quantity + held.bought - base_fees - held.sold

    # The network.

    def send(self, order: Order) -> None:
        outcome = self.luck.choice(OUTCOMES) if self.faults else "accept"
        if outcome == "lose request":
            return
        price = self.venue.price if order.kind is Kind.MARKET else order.price
        if price is None or not self.market.is_tradable(order.quantity, price):
            outcome = "refuse"
        if outcome in ("refuse", "not placed"):
            status = OrderStatus.REFUSED if outcome == "refuse" else OrderStatus.NOT_PLACED
            self.network.append(OrderUpdate(order.client_order_id, status, reason="filter"))
            return
        share = Decimal(self.luck.choice(["1", "1", "0.5", "0.01"])) if self.faults else Decimal(1)
        self.venue.accept(order, self.now, share)
        if outcome == "accept":
            self.tell(order.client_order_id)

    def send_cancel(self, order: Order) -> None:
        if self.faults and self.luck.random() < 0.2:
            return
        if order.client_order_id not in self.venue.orders:
            return
        made = self.venue.orders[order.client_order_id]
        if self.faults and made.is_open and self.luck.random() < 0.25:
            share = Decimal(self.luck.choice(["1", "0.5"]))
            self.venue.fill(made, self.now, share, order.price or self.venue.price)
        self.venue.cancel(order.client_order_id)
        self.tell(order.client_order_id)

    def tell(self, client_order_id: str) -> None:
        """Put what the venue shows now into the network, its newest trade perhaps not yet."""
        made = self.venue.orders[client_order_id]
        hides = self.faults and len(made.fills) > 0 and self.luck.random() < 0.3
        self.network.append(self.venue.snapshot(client_order_id, hidden_trades=int(hides)))

    def deliver(self) -> None:
        """One update arrives: any of them, perhaps again later, perhaps never."""
        if not self.network:
            return
        update = self.network.pop(self.luck.randrange(len(self.network)))
        if self.faults and self.luck.random() < 0.15:
            return
        if self.faults and self.luck.random() < 0.15:
            self.network.append(update)
        quote = self.quote() if self.luck.random() < 0.5 else None
        self.step(OrderReported(self.now, update, quote))

    def reconcile(self) -> None:
        """The worker looks: every live order is read, proven absent, or its cancel sent again."""
        for order in tuple(self.cycle.orders):
            known = self.cycle.find(order.client_order_id)
            if known is None or (not known.is_live and known.is_settled):
                continue
            if order.client_order_id not in self.venue.orders:
                update = OrderUpdate(order.client_order_id, OrderStatus.NOT_ACCEPTED)
                self._forget(order.client_order_id)
            else:
                if known.status is OrderStatus.CANCELLING:
                    self.venue.cancel(order.client_order_id)
                update = self.venue.snapshot(order.client_order_id)
            self.step(OrderReported(self.now, update))

    def _forget(self, client_order_id: str) -> None:
        """What is proven never to have existed has no update on the way either."""
        self.network = [u for u in self.network if u.client_order_id != client_order_id]

    # The market, time and the person.

    def move(self, factor: Decimal) -> None:
        """The price moves and orders it meets fill, perhaps in part."""
        self.previous = self.venue.price
        self.venue.price = self.market.round_price(Side.BUY, self.venue.price * factor)
        for made in self.venue.reached():
            share = (
                Decimal(self.luck.choice(["1", "1", "0.5", "0.1"])) if self.faults else Decimal(1)
            )
            self.venue.fill(made, self.now, share, made.order.price or self.venue.price)
            self.tell(made.order.client_order_id)

    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.previous = self.venue.price
        self.step(TimePassed(self.now, self.quote() if self.luck.random() < 0.5 else None))

    def want(self, wanted: DesiredState, passed: PassedLevels, *, release: bool = False) -> None:
        release = release and self.cycle.wanted is DesiredState.STOPPED
        at_price = self.venue.price if release else None
        quote = self.quote() if self.luck.random() < 0.8 else None
        self.step(WantedChanged(self.now, wanted, quote, passed, at_price))

    def cancel_by_hand(self) -> None:
        opened = [made.order.client_order_id for made in self.venue.open_orders()]
        if opened:
            chosen = self.luck.choice(opened)
            self.venue.cancel(chosen)
            self.tell(chosen)

    # The rules.

    def check(self, before: Cycle, commands) -> None:
        live = [order.slot for order in self.cycle.live()]
        assert len(live) == len(set(live)), "two live orders in one slot"
        ids = [order.client_order_id for order in self.cycle.orders]
        assert len(ids) == len(set(ids)), "an id was used twice"
        for command in commands:
            if isinstance(command, CancelOrder):
                self.check_cancel(command.order)
            else:
                self.check_place(before, command.order)

    def check_place(self, before: Cycle, order: Order) -> None:
        cycle = self.cycle
        earlier = [o for o in cycle.attempts(order.slot) if o is not order]
        assert not any(o.is_live for o in earlier)
        assert order.quantity > 0
        for old in earlier:
            if old.status is OrderStatus.REFUSED or old.cancelled_by_hand:
                assert cycle.forgiven_at is not None, "tried again without being asked"
                assert old.finished_at is not None
                assert old.finished_at <= cycle.forgiven_at, "tried again without being asked"
        if order.side is Side.BUY:
            assert cycle.wanted not in NO_BUYS
            assert cycle.exit is None
            assert cycle.released_at_price is None
            assert attention(cycle) is None, "bought while the person is needed"
            return
        assert cycle.wanted is not DesiredState.STOPPED
        assert cycle.is_settled(), "sold on a guess"
        assert order.quantity <= position(cycle).quantity, "sells more than it holds"
        others = [o for o in cycle.live() if o.side is Side.SELL and o is not order]
        assert not others, "two live sells"

    def check_cancel(self, order: Order) -> None:
        keeps_selling = (DesiredState.RUNNING, DesiredState.FINISHING, DesiredState.PAUSED)
        if order.slot != TAKE_PROFIT or self.cycle.exit is not None:
            return
        if self.cycle.wanted not in keeps_selling or self.cycle.released_at_price is not None:
            return
        assert self.cycle.is_settled(), "replaces a take profit on a guess"
        for other in self.cycle.live():
            if other.side is Side.BUY and other.fills:
                quiet_since = other.fills[-1].at + SETTLE_AFTER
                assert self.stepped_at >= quiet_since, "replaces the take profit for a partial fill"

    def check_books(self) -> None:
        slots = [
            (made.order.slot, made.order.client_order_id)
            for made in self.venue.open_orders()
            if self.cycle.find(made.order.client_order_id) is not None
        ]
        assert len({slot for slot, _ in slots}) == len(slots), "two open orders in one slot"
        to_sell = sum((m.rest for m in self.venue.open_orders() if m.order.side is Side.SELL), ZERO)
        assert to_sell <= self.venue.base, "more on sale than there is"
        self.check_conservation()

    def check_conservation(self) -> None:
        """Exact: what core knows of is what the venue booked, less the trades that are on their way."""
        held = position(self.cycle)
        venue_base, venue_quote = Fraction(self.venue.base), Fraction(self.venue.quote)
        for made in self.venue.orders.values():
            known = self.cycle.find(made.order.client_order_id)
            if known is None:
                continue
            told = {fill.trade_id for fill in known.fills}
            for fill in made.fills:
                if fill.trade_id in told:
                    continue
                sign = 1 if made.order.side is Side.BUY else -1
                in_base = fill.fee_asset == self.market.base
                in_quote = fill.fee_asset == self.market.quote
                venue_base -= sign * Fraction(fill.quantity) - (
                    Fraction(fill.fee) if in_base else 0
                )
                venue_quote += sign * Fraction(fill.cost) + (Fraction(fill.fee) if in_quote else 0)
                self_other = Fraction(0) if in_base or in_quote else Fraction(fill.fee_value)
                venue_quote += self_other
        venue_quote -= Fraction(self.venue.other_fees)
        released_now = Fraction(0), Fraction(0)
        if self.cycle.released_at_price is not None:
            quantity = Fraction(self._released(self.cycle))
            released_now = quantity, quantity * Fraction(self.cycle.released_at_price)
        let_go = self.released_quantity + released_now[0]
        value = self.released_value + released_now[1]
        assert Fraction(held.quantity) == venue_base - let_go
        booked = self.realized + Fraction(held.realized) - Fraction(held.cost)
        assert booked == venue_quote + value

    # The end.

    def settle(self) -> None:
        """Faults stop; the worker reconciles and the person tries again."""
        self.faults = False
        self.network.clear()
        self.reconcile()
        self.want(DesiredState.RUNNING, PassedLevels.BUY)
        for _ in range(12):
            self.now += timedelta(seconds=400)
            self.price_seen()
            self.reconcile()
            while self.network:
                self.deliver()
            for made in self.venue.reached():
                self.venue.fill(made, self.now, Decimal(1), self.venue.price)
        self.reconcile()
        assert self.cycle.is_settled()
        assert not any(o.status is OrderStatus.CANCELLING for o in self.cycle.orders)
        held = position(self.cycle)
        if self.cycle.has_fills() and self.parameters.trailing_deviation is None:
            assert is_sellable(self.cycle, held)
            resting = self.cycle.live_in(TAKE_PROFIT)
            assert resting is not None, "coins without a take profit"
            assert resting.quantity - resting.filled == self.market.round_quantity(held.quantity)

    def close(self) -> None:
        """Everything is sold on request, and what is left is dust."""
        number = self.cycle.number
        was_open = self.cycle.has_fills()
        self.want(DesiredState.CLOSED, PassedLevels.WAIT)
        for _ in range(6):
            self.now += timedelta(seconds=60)
            self.price_seen()
            self.reconcile()
            while self.network:
                self.deliver()
        self.reconcile()
        assert self.cycle.is_idle() or not was_open, "closing does not end"
        assert self.cycle.number == number + 1 or not was_open
        assert not list(self.venue.open_orders())
