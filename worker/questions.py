"""Asking the venue about orders of ours, and what its answers prove."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from core.events import Event, OrderReported
from core.orders import Order, OrderUpdate
from worker.account_memory import DOUBTED, AccountMemory
from worker.errors import AccountLost, VenueUnavailable
from worker.live_orders import says_nothing_new

log = logging.getLogger(__name__)
Events = list[tuple[int, Event]]
"""Each with the strategy that it is for."""


class Questions:
    """Answers come back as events; nothing is decided here."""

    def __init__(self, memory: AccountMemory) -> None:
        self.memory = memory

    async def look_up(self, orders: Sequence[Order]) -> Events:
        """As `ask`; a question that is not answered concludes nothing, but the time in doubt goes on."""
        proof = self.memory.proof
        asked = self.memory.desk.monotonic()
        try:
            return await self.ask(orders)
        except AccountLost:
            raise
        except VenueUnavailable:
            updates = [u for o in orders if (u := proof.unanswered(o.client_order_id, asked))]
            return self.reports(updates)

    async def ask(self, orders: Sequence[Order]) -> Events:
        """Raises `VenueUnavailable` when there is no answer."""
        desk, proof = self.memory.desk, self.memory.proof
        asked = desk.monotonic()
        updates = await desk.venue.look_up(self.memory.account_id, orders)
        found = {update.client_order_id for update in updates}
        for order in orders:
            if order.client_order_id in found:
                proof.settle(order.client_order_id)
            elif order.status in DOUBTED:
                proof.doubt(order.client_order_id, asked)
                proven = proof.not_found(order.client_order_id, asked)
                updates += [] if proven is None else [proven]
            else:
                log.error("order %s is open here and unknown to the venue", order.client_order_id)
        return self.reports(updates)

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
