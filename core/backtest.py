"""The exact backtest: candles through the same `step` as live trading, in Decimal (DESIGN 6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.accounting import Position, position
from core.candles import Candle, gaps
from core.cycle import Cycle
from core.engine import is_over, step
from core.equity import EquityTracker
from core.events import CancelOrder, Event, OrderReported, PlaceOrder, PriceSeen, last_price
from core.market import Market
from core.matching import FillRule
from core.money import ZERO, exact
from core.order_ids import Identity
from core.orders import Fill, Order, OrderStatus, OrderUpdate, Role, Slot
from core.paper_book import PaperBook
from core.parameters import Parameters
from core.succession import first_cycle, next_cycle
from core.triggers import Watch, watch
from core.walker import Leg, next_stop


@dataclass(frozen=True, slots=True)
class Settings:
    """`balance`: quote to spend, None without limit. `slippage`: what market orders lose, a fraction."""

    fill_rule: FillRule = FillRule.TOUCH
    slippage: Decimal = ZERO
    balance: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FillRecord:
    at: datetime
    cycle: int
    order: Order
    fill: Fill


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """PnL and fees in quote, quantities in base. `safety_orders_per_level[i]`: fills of level i + 1."""

    candles: int
    gaps: int
    missing_candles: int
    cycles: int
    stop_losses: int
    safety_orders_per_level: tuple[int, ...]
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    equity_change: Decimal
    max_drawdown: Decimal
    most_capital_used: Decimal
    seconds_in_trade: int
    open_quantity: Decimal
    dust: Decimal
    assumed_fills: int
    unaffordable_orders: int
    fills: tuple[FillRecord, ...]
    orders: tuple[tuple[int, Order], ...]


@exact
def backtest(
    parameters: Parameters, market: Market, candles: Iterable[Candle], settings: Settings
) -> BacktestResult:
    """Run `parameters` over `candles` (ascending). An open position is valued at the end, never sold."""
    run = Run(parameters, market, settings)
    opened = []
    for candle in candles:
        opened.append(candle.opened)
        run.candle(candle)
    return run.result(opened)


@dataclass(slots=True)
class Tally:
    """What a run counts."""

    cycles: int = 0
    stop_losses: int = 0
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    assumed: int = 0
    seconds_in_trade: int = 0
    unaffordable: set[tuple[int, Slot]] = field(default_factory=set)
    fills: list[FillRecord] = field(default_factory=list)
    orders: list[tuple[int, Order]] = field(default_factory=list)
    levels: dict[int, int] = field(default_factory=dict)


class Run:
    """One strategy walking through candles; commands are answered by a book in memory at once."""

    def __init__(self, parameters: Parameters, market: Market, settings: Settings) -> None:
        self.parameters, self.market, self.settings = parameters, market, settings
        self.cycle: Cycle = first_cycle(Identity("test", 0, 0), parameters, market)
        self.book = PaperBook(market, settings.slippage, settings.balance)
        self.equity = EquityTracker(market.taker_fee)
        self.tally = Tally()
        self.price: Decimal | None = None
        self.at: datetime | None = None
        self.started: datetime | None = None
        self.leg = 0
        self.legs_with_fills: dict[int, int] = {}
        self.watch = Watch()
        self.quiet: tuple[Decimal, Decimal] | None = None

    def candle(self, candle: Candle) -> None:
        self.at = candle.at
        if self._is_quiet(candle):
            self.equity.see(candle.open)
            for price in candle.path():
                self.equity.see(price)
            self.price = candle.close
            return
        self.legs_with_fills = {}
        self.watch = watch(self.cycle, self.at)
        self._move(candle.open, jump=True, leg=0)
        for leg, price in enumerate(candle.path(), start=1):
            self._move(price, jump=False, leg=leg)
        inside = {leg: count for leg, count in self.legs_with_fills.items() if leg > 0}
        if len(inside) > 1:
            self.tally.assumed += sum(inside.values())
        self._find_quiet_range()

    def _is_quiet(self, candle: Candle) -> bool:
        """Nothing can happen inside the range in which no order and no threshold lies."""
        return (
            self.quiet is not None
            and candle.low > self.quiet[0]
            and candle.high < self.quiet[1]
            and (self.watch.alarm is None or self.at is None or self.at < self.watch.alarm)
        )

    def _find_quiet_range(self) -> None:
        w = self.watch
        if w.entry or w.now or w.rises:
            self.quiet = None
            return
        rule, market = self.settings.fill_rule, self.market
        buys = [o.reach(rule, market) for o in self.book.resting.values() if o.side == "buy"]
        sells = [o.reach(rule, market) for o in self.book.resting.values() if o.side == "sell"]
        lows = buys + ([] if w.below is None else [w.below])
        highs = sells + ([] if w.above is None else [w.above])
        self.quiet = (max(lows, default=ZERO), min(highs, default=Decimal("Infinity")))

    def _move(self, to: Decimal, *, jump: bool, leg: int) -> None:
        """Walk from the current price to `to`, letting everything on the way happen."""
        self.leg = leg
        start = to if self.price is None else self.price
        shown = False
        assert self.at is not None
        while True:
            path = Leg(start, to, jump=jump, shown=shown)
            resting = self.book.resting.values()
            stop = next_stop(
                path, resting, self.watch, self.at, self.market, self.settings.fill_rule
            )
            if stop is None:
                break
            if not jump:
                start = stop.price
            self._see(stop.price)
            before = self.cycle
            if stop.order is not None and stop.fill_price is not None:
                self._report(self.book.fill_resting(stop.order, stop.fill_price, self.at))
                shown = False
            else:
                self._send(PriceSeen(self.at, self._quote()))
                shown = self.cycle is before or self.cycle == before
            self._see(stop.price)
        self._see(to)

    def _see(self, price: Decimal) -> None:
        self.price = price
        self.equity.see(price)

    def _quote(self):  # type: ignore[no-untyped-def]
        assert self.price is not None
        return last_price(self.price, self.settings.slippage)

    def _report(self, update: OrderUpdate) -> None:
        assert self.at is not None
        self._send(OrderReported(self.at, update, self._quote()))

    def _send(self, event: Event) -> None:
        """Step the cycle and answer its commands until there are none left."""
        assert self.at is not None and self.price is not None
        pending: deque[Event] = deque([event])
        while pending:
            now = pending.popleft()
            before = self.cycle
            self.cycle, commands = step(self.cycle, now)
            self._record(before, now)
            for command in commands:
                update = self._answer(command)
                pending.append(OrderReported(self.at, update, self._quote()))
            if not pending and self.cycle is not before and is_over(self.cycle):
                self._end_cycle()
                pending.append(PriceSeen(self.at, self._quote()))
        self.watch = watch(self.cycle, self.at)

    def _answer(self, command: PlaceOrder | CancelOrder) -> OrderUpdate:
        assert self.at is not None and self.price is not None
        if isinstance(command, CancelOrder):
            return self.book.cancel(command.order)
        order = command.order
        update = self.book.place(order, self.price, self.at)
        if update.status is OrderStatus.NOT_PLACED:
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
            self.started = event.at
        self.tally.fills.append(FillRecord(event.at, self.cycle.number, order, order.fills[-1]))
        self.legs_with_fills[self.leg] = self.legs_with_fills.get(self.leg, 0) + 1
        if order.slot.role is Role.SAFETY and order.slot.level is not None:
            self.tally.levels[order.slot.level] = self.tally.levels.get(order.slot.level, 0) + 1
        self.equity.hold(position(self.cycle))

    def _end_cycle(self) -> None:
        assert self.at is not None
        held = position(self.cycle)
        self.tally.cycles += 1
        self.tally.stop_losses += self.cycle.exit == "stop_loss"
        self.tally.realized += held.realized
        self.tally.fees += held.fees
        if self.started is not None:
            self.tally.seconds_in_trade += int((self.at - self.started).total_seconds())
        self.cycle = next_cycle(self.cycle, self.at, self.parameters, self.market)
        self.equity.close(held.realized, self.cycle.carried.quantity, self.cycle.carried.cost)

    def result(self, opened: list[int]) -> BacktestResult:
        held = position(self.cycle)
        realized = self.tally.realized + held.realized
        unrealized = ZERO
        if self.price is not None:
            unrealized = held.unrealized(self.price, self.market.taker_fee)
        found_gaps, missing = gaps(opened)
        levels = range(1, self.parameters.level_count + 1)
        in_trade = self.tally.seconds_in_trade
        if self.cycle.has_fills() and self.started is not None and self.at is not None:
            in_trade += int((self.at - self.started).total_seconds())
        open_quantity = held.quantity - self.cycle.carried.quantity if self.cycle.has_fills() else ZERO
        return BacktestResult(
            candles=len(opened),
            gaps=found_gaps,
            missing_candles=missing,
            cycles=self.tally.cycles,
            stop_losses=self.tally.stop_losses,
            safety_orders_per_level=tuple(self.tally.levels.get(level, 0) for level in levels),
            realized_pnl=realized,
            unrealized_pnl=unrealized,
            fees=self.tally.fees + held.fees,
            equity_change=realized + unrealized,
            max_drawdown=self.equity.max_drawdown,
            most_capital_used=self.equity.most_used,
            seconds_in_trade=in_trade,
            open_quantity=open_quantity,
            dust=self.cycle.carried.quantity,
            assumed_fills=self.tally.assumed,
            unaffordable_orders=len(self.tally.unaffordable),
            fills=tuple(self.tally.fills),
            orders=tuple(self.tally.orders),
        )
