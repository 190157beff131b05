"""One strategy on its way through candles: the walker says where something happens, `step` what to do,
a book in memory answers."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.accounting import position
from core.backtest_result import FillRecord, Settings, Tally
from core.candles import EPOCH, Candle
from core.cycle import BASE, Cycle, ExitReason
from core.engine import is_over, step
from core.equity import EquityTracker
from core.errors import Unavailable
from core.events import (
    CancelOrder,
    Command,
    Event,
    OrderReported,
    PlaceOrder,
    PriceSeen,
    Quote,
    last_price,
)
from core.market import Market, Side
from core.money import ZERO
from core.order_ids import Identity
from core.orders import OrderStatus, OrderUpdate
from core.paper_book import PaperBook
from core.parameters import Parameters
from core.succession import first_cycle, next_cycle
from core.triggers import Watch, watch
from core.walker import Leg, next_stop

INFINITE = Decimal("Infinity")


class Run:
    """Commands are answered at once, at the price and time where they were given."""

    def __init__(self, parameters: Parameters, market: Market, settings: Settings) -> None:
        self.parameters, self.market, self.settings = parameters, market, settings
        self.cycle: Cycle = first_cycle(Identity("test", 0, 0), parameters, market)
        self.book = PaperBook(market, settings.slippage, settings.balance)
        self.equity = EquityTracker(market.taker_fee)
        self.tally = Tally()
        self.price: Decimal | None = None
        self.at: datetime = EPOCH
        self.last: Candle | None = None
        self.leg = 0
        self.watch = Watch()
        self.short_at: Decimal | None = None
        self.quiet: tuple[Decimal, Decimal] | None = None

    def candle(self, candle: Candle) -> None:
        self.last = candle
        if self.quiet is not None and self._is_quiet(candle, *self.quiet):
            self.equity.see_candle(candle)
            self.price = candle.close
            return
        self.at = candle.at
        self._look()
        self._move(candle.open, jump=True, leg=0)
        for leg, price in enumerate(candle.path(), start=1):
            self._move(price, jump=False, leg=leg)
        self.tally.candle_ended()
        self._find_quiet_range()

    def last_at(self) -> datetime:
        return self.at if self.last is None else self.last.at

    def _is_quiet(self, candle: Candle, low: Decimal, high: Decimal) -> bool:
        """Nothing happens in a candle that stays off every order and every threshold."""
        wait = self.watch
        if wait.entry:
            return (
                candle.low > high
                or candle.high < low
                or (wait.not_before is not None and candle.at < wait.not_before)
            )
        return (
            candle.low > low
            and candle.high < high
            and (wait.alarm is None or candle.at < wait.alarm)
        )

    def _find_quiet_range(self) -> None:
        """Open ends between which nothing waits; for an entry the closed range in which it starts."""
        wait = self.watch
        if wait.now:
            self.quiet = None
            return
        if wait.entry:
            self.quiet = (wait.above or ZERO, wait.below or INFINITE)
            return
        lows = [] if wait.below is None else [wait.below]
        highs = [price for price in (wait.above, wait.peak) if price is not None]
        for order in self.book.resting.values():
            reach = order.reach(self.settings.fill_rule, self.market)
            (lows if order.side is Side.BUY else highs).append(reach)
        self.quiet = (max(lows, default=ZERO), min(highs, default=INFINITE))

    def _move(self, to: Decimal, *, jump: bool, leg: int) -> None:
        """Walk from the current price to `to`, letting everything on the way happen."""
        self.leg = leg
        start = to if self.price is None else self.price
        shown = False
        while True:
            path = Leg(start, to, jump=jump, shown=shown)
            resting = self.book.resting.values()
            rule = self.settings.fill_rule
            stop = next_stop(path, resting, self.watch, self.at, self.market, rule)
            if stop is None:
                break
            if not jump:
                start = stop.price
            self._see(stop.price)
            before = self.cycle
            if stop.order is not None and stop.fill_price is not None:
                update = self.book.fill_resting(stop.order, stop.fill_price, self.at)
                self._send(OrderReported(self.at, update, self._quote()))
                shown = False
            else:
                self._send(PriceSeen(self.at, self._quote()))
                shown = self.cycle is before or self.cycle == before
            self._see(stop.price)
        self._see(to)

    def _see(self, price: Decimal) -> None:
        self.price = price
        self.equity.see(price)

    def _price(self) -> Decimal:
        if self.price is None:
            raise Unavailable("No price has been seen yet.")
        return self.price

    def _quote(self) -> Quote:
        return last_price(self._price(), self.settings.slippage)

    def _send(self, event: Event) -> None:
        """Step the cycle and answer its commands until there are none left."""
        pending: deque[Event] = deque([event])
        while pending:
            now = pending.popleft()
            before = self.cycle
            self.cycle, commands = step(self.cycle, now)
            self._record(before, now)
            for command in commands:
                pending.append(OrderReported(self.at, self._answer(command), self._quote()))
            if not pending and self.cycle is not before and is_over(self.cycle):
                self._end_cycle()
                pending.append(PriceSeen(self.at, self._quote()))
        self._look()

    def _look(self) -> None:
        """What the cycle waits for. Funds that are short do not come back by waiting: only more of them
        is worth another try."""
        self.watch = watch(self.cycle, self.at)
        free = self.book.free
        if self.short_at is None or free is None:
            return
        if free > self.short_at:
            self.short_at = None
        elif not self.watch.entry:
            self.watch = replace(self.watch, alarm=None)
        elif self.cycle.attempts(BASE):
            self.watch = Watch()

    def _answer(self, command: Command) -> OrderUpdate:
        if isinstance(command, CancelOrder):
            return self.book.cancel(command.order)
        return self._place(command)

    def _place(self, command: PlaceOrder) -> OrderUpdate:
        order = command.order
        update = self.book.place(order, self._price(), self.at)
        if update.status is OrderStatus.NOT_PLACED:
            self.short_at = self.book.free
            self.tally.unaffordable.add((self.cycle.number, order.slot))
        else:
            self.tally.orders.append((self.cycle.number, order))
        return update

    def _record(self, before: Cycle, event: Event) -> None:
        """Book what the event brought into the results."""
        if not isinstance(event, OrderReported) or not event.update.fills:
            return
        order = self.cycle.find(event.update.client_order_id)
        known = before.find(event.update.client_order_id)
        if order is None or known is None or len(order.fills) == len(known.fills):
            return
        if not before.has_fills():
            self.tally.started = event.at
        record = FillRecord(event.at, self.cycle.number, order, order.fills[-1])
        self.tally.filled(record, self.leg)
        self.equity.hold(position(self.cycle))

    def _end_cycle(self) -> None:
        held = position(self.cycle)
        self.tally.cycles += 1
        self.tally.stop_losses += self.cycle.exit is ExitReason.STOP_LOSS
        self.tally.realized += held.realized
        self.tally.fees += held.fees
        self.tally.cycle_ended(self.at)
        self.cycle = next_cycle(self.cycle, self.at, self.parameters, self.market)
        self.equity.close(held.realized, self.cycle.carried.quantity, self.cycle.carried.cost)
