"""Creates and cancels, each sent once. What comes back is classified by a whitelist; the rest is unknown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import InvalidInput
from core.market import Side
from core.orders import Kind, Order, OrderStatus, OrderUpdate
from worker.errors import NotSent, OutcomeUnknown, VenueUnavailable
from worker.exchanges.adapter import Adapter, Create, Fate, Outcome, Row
from worker.exchanges.adapters.creating import check_exact
from worker.exchanges.budget import Urgency, urgent
from worker.exchanges.hub import Hub
from worker.exchanges.outcomes import accepted
from worker.exchanges.requests import Request, watched
from worker.venues.live_account import LiveAccount
from worker.venues.live_asking import Asker, check_silence

log = logging.getLogger(__name__)
AT_ONCE = 4
SEND_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """`update`: None when nobody knows. `look`: the exchange has it, and maybe more has happened."""

    order: Order
    update: OrderUpdate | None
    look: bool = False


class Sender:
    """Sends for the accounts of one exchange."""

    def __init__(self, hub: Hub, adapter: Adapter, asker: Asker) -> None:
        self.hub, self.adapter, self.asker = hub, adapter, asker

    async def place(self, account: LiveAccount, symbol: str, orders: Sequence[Order]) -> list[Sent]:
        """Exits leave first; then side by side where the exchange allows, so that one whose answer does
        not come makes no other too late."""
        account.changed()
        found = await self._side_by_side(account, symbol, sorted(orders, key=_rank))
        account.changed()
        return found

    async def _side_by_side(
        self, account: LiveAccount, symbol: str, orders: Sequence[Order]
    ) -> list[Sent]:
        """In that order. Each create is a task of the account: whoever asked for it may be cancelled, the
        send is not."""
        room = asyncio.Semaphore(1 if self.adapter.is_serial else AT_ONCE)
        tasks = [asyncio.create_task(self._in_turn(room, account, symbol, o)) for o in orders]
        for task in tasks:
            account.sends.add(task)
            task.add_done_callback(account.sends.discard)
        return await asyncio.shield(asyncio.gather(*tasks))

    async def _in_turn(
        self, room: asyncio.Semaphore, account: LiveAccount, symbol: str, order: Order
    ) -> Sent:
        async with room:
            return await self._create(account, symbol, order)

    async def _create(self, account: LiveAccount, symbol: str, order: Order) -> Sent:
        """Never raises: an exception that nobody hears would end in the log with what it holds."""
        request = Request(
            pinned=order.created_at if self.adapter.pins_time else None,
            not_after=order.created_at + min(self.adapter.good_for, self.adapter.request_window),
        )
        answer: Row | None = None
        try:
            if not self.hub.clock.is_known():
                raise NotSent("clock", "the exchange's time is not known")
            create = self.adapter.create(order, symbol, self.hub.row(symbol))
            answer = await self._send(account, create, request, order.side)
        except NotSent as unsent:
            return Sent(order, _ended(order, OrderStatus.NOT_PLACED, unsent.code))
        except InvalidInput:  # not traded just now
            return Sent(order, _ended(order, OrderStatus.NOT_PLACED, "symbol"))
        except self.hub.any_fault as error:
            outcome = self.adapter.outcome(error)
        else:
            outcome = accepted(self.hub.exchange, answer, order.client_order_id)
        self.asker.note(account, outcome)
        return self._classified(order, outcome, answer, request)

    async def _send(
        self, account: LiveAccount, create: Create, request: Request, side: Side
    ) -> Row:
        check_silence(self.hub, account)
        async with asyncio.timeout(SEND_DEADLINE):
            with watched(request), urgent(Urgency.EXIT if side is Side.SELL else Urgency.CREATE):
                check_exact(account.client, create)
                await account.pace()
                found: Row = await account.client.create_order(
                    create.symbol,
                    create.type,
                    create.side,
                    create.amount,
                    create.price,
                    dict(create.params),
                )
                return found

    def _classified(
        self, order: Order, outcome: Outcome, answer: Row | None, request: Request
    ) -> Sent:
        reason = outcome.word or outcome.code
        if outcome.fate is Fate.ACCEPTED and answer is not None:
            update = OrderUpdate(
                order.client_order_id, OrderStatus.OPEN, venue_order_id=str(answer["id"])
            )
            return Sent(order, update, look=_has_more(order, answer))
        if outcome.fate is Fate.EXISTS:
            return Sent(order, None, look=True)
        if outcome.fate is Fate.REFUSED:
            return Sent(order, _ended(order, OrderStatus.REFUSED, reason))
        if outcome.fate is Fate.NOT_PLACED:
            return Sent(order, _ended(order, OrderStatus.NOT_PLACED, reason))
        if request.signed_at is None:  # it broke before it was signed: it is nowhere
            return Sent(order, _ended(order, OrderStatus.NOT_PLACED, reason))
        log.warning("order %s: outcome unknown (%s)", order.client_order_id, outcome.code)
        return Sent(order, None)

    async def cancel(
        self, account: LiveAccount, symbol: str, wanted: Sequence[tuple[str, str | None]]
    ) -> None:
        """`wanted`: ids, ours and theirs. "Unknown order" is an answer like any other and proves nothing.

        Raises `OutcomeUnknown` after all were tried when an answer is missing."""
        account.changed()
        results = await asyncio.gather(
            *(self._cancel(account, symbol, ours, theirs) for ours, theirs in wanted)
        )
        missing = [code for code in results if code is not None]
        if missing:
            raise OutcomeUnknown(missing[0])

    async def _cancel(
        self, account: LiveAccount, symbol: str, ours: str, theirs: str | None
    ) -> str | None:
        """A code when there was no answer."""
        try:
            check_silence(self.hub, account)
            async with asyncio.timeout(SEND_DEADLINE):
                with urgent(Urgency.EXIT):
                    await self.adapter.cancel(account.client, symbol, ours, theirs)
        except VenueUnavailable as unsent:
            return str(unsent)
        except self.hub.errors.InvalidOrder:  # "unknown order" is one of these
            return None
        except self.hub.faults as error:
            outcome = self.adapter.outcome(error)
            self.asker.note(account, outcome)
            return outcome.code
        return None


def _rank(order: Order) -> tuple[bool, datetime]:
    return order.side is Side.BUY, order.created_at


def _ended(order: Order, status: OrderStatus, reason: str) -> OrderUpdate:
    return OrderUpdate(order.client_order_id, status, reason=reason)


def _has_more(order: Order, answer: Row) -> bool:
    """Half an answer is not read, but it says whether looking at once is worth a request."""
    filled = answer.get("filled")
    return (
        order.kind is Kind.MARKET
        or answer.get("status") != "open"
        or (filled is not None and str(filled).strip("0.") != "")
    )
