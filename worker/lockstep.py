"""Replaying candles in lockstep: each limit and threshold is handed over, and the worker's commit awaited.

The venue walks each candle with core's walker, as the backtest does, so both see the same events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from core.candles import Candle
from core.cycle import Cycle
from core.events import last_price
from core.matching import FillRule, Resting
from core.triggers import Watch, watch
from core.walker import Leg, Stop, next_stop
from worker.clock import monotonic
from worker.desk import Desk
from worker.prices.replay import ReplayPrices
from worker.venues.ledger_venue import LedgerVenue
from worker.venues.protocol import TimedQuote

log = logging.getLogger(__name__)


class Lockstep:
    """`cycles()`: what the strategies on the symbol hold now; `settled()`: returns when the worker has
    acted and committed; `wake(ids)`: hands the price over."""

    def __init__(
        self,
        desk: Desk,
        venue: LedgerVenue,
        prices: ReplayPrices,
        cycles: Callable[[], dict[int, Cycle]],
        settled: Callable[[], Awaitable[None]],
        wake: Callable[[set[int]], None],
    ) -> None:
        self.desk, self.venue, self.prices = desk, venue, prices
        self.cycles, self.settled, self.wake = cycles, settled, wake
        self.symbol = prices.traded.symbol
        self.price: Decimal | None = None
        self.watches: dict[int, tuple[Cycle, Watch]] = {}

    async def run(self) -> None:
        """Once through the file. Returns when the last candle has been walked."""
        while not self.cycles():  # noqa: ASYNC110  (strategies come from rows: nobody can set an event)
            await asyncio.sleep(0.05)
        await self.settled()
        for candle in self.prices.series:
            await self.walk(candle)
        log.info("replayed %s candles of %s", len(self.prices.series), self.symbol)

    async def walk(self, candle: Candle) -> None:
        self.prices.moment = candle.at
        self.watches.clear()
        await self._move(candle.open, jump=True)
        for price in candle.path():
            await self._move(price, jump=False)
        # Where nothing happens nothing is awaited: beats and signals must get their turn.
        await asyncio.sleep(0)

    async def _move(self, to: Decimal, *, jump: bool) -> None:
        start = to if self.price is None else self.price
        shown: set[int] = set()
        while True:
            found = self._next(start, to, jump, shown)
            if found is None:
                break
            strategy_ids, stop = found
            if not jump:
                if stop.price != start:
                    shown = set()
                start = stop.price
            self._show(stop.price)
            if stop.order is not None and stop.fill_price is not None:
                shown = set()
                await self.venue.fill_at(
                    self.symbol, stop.order.client_order_id, stop.fill_price, self.prices.now()
                )
            else:
                before = {i: self.cycles().get(i) for i in strategy_ids}
                self.wake(set(strategy_ids))
                await self.settled()
                after = self.cycles()
                shown |= {i for i in strategy_ids if after.get(i) == before[i]}
            await self.settled()
        self._show(to)

    def _show(self, price: Decimal) -> None:
        self.price = price
        seen = TimedQuote(self.prices.now(), last_price(price), monotonic())
        self.desk.latest[self.symbol] = seen
        self.venue.show(self.symbol, seen.at, seen.quote)

    def _next(
        self, start: Decimal, to: Decimal, jump: bool, shown: set[int]
    ) -> tuple[Sequence[int], Stop] | None:
        """The first stop over all strategies. Each sees its own orders only, as in a backtest of its own:
        in a jump another's order would hide what is due first."""
        resting = {order.client_order_id: order for order in self.venue.resting(self.symbol)}
        best: tuple[list[int], Stop] | None = None
        for strategy_id, cycle in self.cycles().items():
            leg = Leg(start, to, jump=jump, shown=strategy_id in shown)
            own = [
                resting[order.client_order_id]
                for order in cycle.live()
                if order.client_order_id in resting
            ]
            stop = self._stop(leg, own, strategy_id, cycle)
            if stop is not None and (best is None or _is_earlier(leg, stop, best[1])):
                best = ([strategy_id], stop)
        return best

    def _stop(
        self, leg: Leg, resting: Sequence[Resting], strategy_id: int, cycle: Cycle
    ) -> Stop | None:
        at = self.prices.now()
        known = self.watches.get(strategy_id)
        if known is None or known[0] is not cycle:
            known = self.watches[strategy_id] = (cycle, watch(cycle, at))
        return next_stop(leg, resting, known[1], at, self.prices.traded, FillRule.TOUCH)


def _is_earlier(leg: Leg, first: Stop, second: Stop) -> bool:
    if first.price == second.price:
        return first.order is not None and second.order is None
    return first.price > second.price if leg.falls else first.price < second.price
