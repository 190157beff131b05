"""Asking the venue about orders of ours, and what its answers prove."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.events import Event, OrderReported
from core.market import Side
from core.orders import Order, OrderStatus, OrderUpdate
from worker.account_memory import DOUBTED, AccountMemory
from worker.errors import AccountLost, PartlyAnswered, VenueUnavailable
from worker.exchanges.budget import Urgency, urgent
from worker.live_orders import says_nothing_new
from worker.patience import Complaints
from worker.proof import ROUNDS
from worker.traces import Trace, Traces, suspicious

log = logging.getLogger(__name__)
STALE_FOR = 60.0
Events = list[tuple[int, Event]]
"""Each with the strategy that it is for."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Since when (monotonic) and how often in a row less of an order was shown than we hold, and how much
    last."""

    since: float
    count: int
    shown: Decimal


class Questions:
    """Answers come back as events; nothing is decided here.

    shrunk: orders of which answers show less than the trades that we hold. again: those about which a hint
    came and no answer; they are asked about again.
    """

    def __init__(self, memory: AccountMemory) -> None:
        self.memory = memory
        self.shrunk: dict[str, Shrunk] = {}
        self.again: set[str] = set()
        self.traces = Traces(memory)
        self._complaints = Complaints(memory.desk.monotonic)

    async def look_up(self, orders: Sequence[Order]) -> Events:
        """As `ask`; a question that is not answered concludes nothing, but the time in doubt goes on. One
        order about which nothing can be asked keeps no other waiting."""
        asked = self.memory.desk.monotonic()
        try:
            return await self.ask(orders)
        except AccountLost:
            raise
        except PartlyAnswered as part:
            level = self._complaints.level(str(part))
            log.log(level, "account %s: %s", self.memory.account_id, part)
            answered = [o for o in orders if o.client_order_id not in part.unasked]
            left = [o for o in orders if o.client_order_id in part.unasked]
            events = await self._look_last(answered, part.updates, asked)
            return events + self._unanswered(left, asked)
        except VenueUnavailable:
            return self._unanswered(orders, asked)

    def _unanswered(self, orders: Sequence[Order], asked: float) -> Events:
        proof = self.memory.proof
        doubted = [order for order in orders if order.status in DOUBTED]
        self.again |= {order.client_order_id for order in orders if order not in doubted}
        for order in doubted:
            if order.status is OrderStatus.QUARANTINED:
                proof.ask_later(order.client_order_id, asked)
        updates = [u for o in doubted if (u := proof.unanswered(o.client_order_id, asked))]
        return self.reports(updates)

    async def ask(self, orders: Sequence[Order]) -> Events:
        """Raises `VenueUnavailable` when there is no answer."""
        desk = self.memory.desk
        asked = desk.monotonic()
        with urgent(_urgency(orders)):
            updates = await desk.venue.look_up(self.memory.account_id, orders)
        return await self._look_last(orders, updates, asked)

    async def _look_last(
        self, orders: Sequence[Order], answer: Sequence[OrderUpdate], asked: float
    ) -> Events:
        """Before an order is taken for one that was never accepted, its trades are looked for too. While
        there are some that may be its own, nothing is concluded; after 15 minutes a person is asked."""
        proof, found = self.memory.proof, {update.client_order_id for update in answer}
        updates, left = list(answer), []
        for order in orders:
            name = order.client_order_id
            may_be_absent = order.status in DOUBTED and not order.was_seen and name not in found
            if not may_be_absent or not proof.is_last(name, asked):
                continue
            trace = await self._trace(order)
            if trace is None or suspicious(order, trace.strays):
                left.append(order)
                proof.ask_later(name, asked)
            elif trace.update is not None:
                updates.append(trace.update)
        rest = [order for order in orders if order not in left]
        return self._conclude(rest, updates, asked) + self._unanswered(left, asked)

    async def _trace(self, order: Order) -> Trace | None:
        """None: not all answered, or a list shows it after all: the next round will tell."""
        memory = self.memory
        tracked = memory.tracked.get(memory.live.owner(order.client_order_id) or 0)
        if tracked is None:
            return None
        try:
            asked = await memory.desk.venue.inquire(memory.account_id, order)
        except AccountLost:
            raise
        except VenueUnavailable:
            return None
        return None if asked.is_there else await self.traces.of(tracked, order, asked)

    def _conclude(
        self, orders: Sequence[Order], answer: Sequence[OrderUpdate], asked: float
    ) -> Events:
        """From an answer about all of these orders."""
        updates = list(answer)
        found = {update.client_order_id for update in updates}
        for order in orders:
            if order.client_order_id in found:
                self.memory.proof.settle(order.client_order_id)
                continue
            proven = self._not_found(order, asked)
            updates += [] if proven is None else [proven]
        for update in updates:
            self._compare_trades(update, asked)
        return self.reports(updates)

    def _not_found(self, order: Order, asked: float) -> OrderUpdate | None:
        """A successful answer does not hold it. Absence proves nothing about an order that was there."""
        proof, name = self.memory.proof, order.client_order_id
        proof.doubt(name, asked)
        if order.status is OrderStatus.QUARANTINED:
            proof.ask_later(name, asked)
        if order.status in DOUBTED and not order.was_seen:
            return proof.not_found(name, asked)
        log.error("order %s is known here and not shown by the venue", name)
        return proof.gone(name, asked)

    def _compare_trades(self, update: OrderUpdate, asked: float) -> None:
        """Trades that we hold and the venue does not list any more are never edited: a person is asked."""
        order = self.memory.order(update.client_order_id)
        if order is None:
            return
        name = order.client_order_id
        if update.status is OrderStatus.QUARANTINED:
            self.shrunk.pop(name, None)
        elif update.filled >= order.filled:
            self.shrunk.pop(name, None)
            self.memory.taken_back.turned_up(name, self.memory.desk.venue.now())
        else:
            before = self.shrunk.get(name, Shrunk(asked, 0, update.filled))
            self.shrunk[name] = Shrunk(before.since, before.count + 1, update.filled)

    def taken_back(self) -> list[tuple[Order, Decimal]]:
        """Orders, and how much the venue shows of them: less than we hold in each answer of a whole minute.
        For seconds an answer may simply be older than the trades."""
        now, late = self.memory.desk.monotonic(), self.memory.desk.venue.index_lag.total_seconds()
        found = []
        for name, shrunk in self.shrunk.items():
            order = self.memory.order(name)
            is_sure = shrunk.count >= ROUNDS and now - shrunk.since >= STALE_FOR + late
            if order is not None and is_sure:
                found.append((order, shrunk.shown))
        return found

    def reports(self, updates: Iterable[OrderUpdate]) -> Events:
        """Events of the updates that say something new."""
        desk, at = self.memory.desk, self.memory.desk.venue.now()
        events: Events = []
        for update in updates:
            order = self.memory.order(update.client_order_id)
            if order is None or says_nothing_new(order, update):
                continue
            strategy_id = self.memory.live.owners[update.client_order_id]
            quote = desk.fresh(self.memory.tracked[strategy_id].symbol)
            events.append((strategy_id, OrderReported(at, update, quote)))
        return events


def _urgency(orders: Sequence[Order]) -> Urgency:
    """While a cancelled sale is not proven to be gone, its position has nothing for sale."""
    is_exit = any(o.side is Side.SELL and o.status is OrderStatus.CANCELLING for o in orders)
    return Urgency.EXIT if is_exit else Urgency.PROOF
