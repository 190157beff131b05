"""Sending what was committed, once each and with no transaction open. The answers come back as events."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from core.events import CancelOrder, PlaceOrder
from core.market import Side
from core.orders import Order
from worker.account_memory import AccountMemory
from worker.errors import OutcomeUnknown, VenueUnavailable
from worker.questions import Events, Questions
from worker.turn import Draft, Turn

log = logging.getLogger(__name__)


def _rank(draft: Draft) -> int:
    """Sales, then cancels that a sale waits for, then the others: their answers take time."""
    if any(isinstance(c, PlaceOrder) and c.order.side is Side.SELL for c in draft.commands):
        return 0
    return 1 if draft.cycle.exit is not None else 2


class Sending:
    """Orders and cancels of one account."""

    def __init__(self, memory: AccountMemory, questions: Questions) -> None:
        self.memory = memory
        self.questions = questions

    async def execute(self, turn: Turn) -> Events:
        """Send what was committed: whoever sells goes first, and of each its cancels before its orders, exits
        before buys. No transaction is open here."""
        events: Events = []
        for strategy_id, draft in sorted(turn.drafts.items(), key=lambda each: _rank(each[1])):
            symbol = self.memory.tracked[strategy_id].symbol
            cancels = [c.order for c in draft.commands if isinstance(c, CancelOrder)]
            places = [c.order for c in draft.commands if isinstance(c, PlaceOrder)]
            if cancels:
                events += await self._cancel(symbol, cancels)
            if places:
                events += await self._place(symbol, places)
        return events

    async def _cancel(self, symbol: str, orders: Sequence[Order]) -> Events:
        await self._ask_cancel(symbol, orders)
        return await self.questions.look_up(orders)

    async def _ask_cancel(self, symbol: str, orders: Sequence[Order]) -> None:
        try:
            await self.memory.desk.venue.cancel(self.memory.account_id, symbol, orders)
        except (OutcomeUnknown, VenueUnavailable) as error:
            log.warning("cancel not confirmed: %s", error)

    async def _place(self, symbol: str, orders: Sequence[Order]) -> Events:
        desk, proof = self.memory.desk, self.memory.proof
        for order in orders:
            proof.doubt(order.client_order_id, desk.monotonic())
        try:
            updates = await desk.venue.place(self.memory.account_id, symbol, orders)
        except (OutcomeUnknown, VenueUnavailable) as error:
            log.warning("orders sent, no answer: %s", error)
            return []
        for update in updates:
            proof.settle(update.client_order_id)
        return self.questions.reports(updates)

    async def cancel_again(self) -> None:
        """Repeat the cancels that are not proven."""
        live = self.memory.live
        by_symbol: dict[str, list[Order]] = {}
        for client_order_id in live.cancelling:
            order = self.memory.order(client_order_id)
            if order is not None:
                symbol = self.memory.tracked[live.owners[client_order_id]].symbol
                by_symbol.setdefault(symbol, []).append(order)
        for symbol, orders in by_symbol.items():
            await self._ask_cancel(symbol, orders)
