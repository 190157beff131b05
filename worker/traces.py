"""Orders that no list shows, looked for in the account's trades: a list may have lost what was taken."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from core.doubt import OwnTrade, may_be_of, unexplained
from core.orders import Order, OrderUpdate
from worker.account_memory import AccountMemory
from worker.errors import AccountLost, VenueUnavailable
from worker.tracked import Tracked
from worker.venues.protocol import Asked

log = logging.getLogger(__name__)
NUMBERS_AT_ONCE = 5
REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Trace:
    """`update`: the order has turned up. strays: trades that nobody else explains; None: not known."""

    update: OrderUpdate | None
    strays: tuple[OwnTrade, ...] | None


class Traces:
    """Of one account. Remembers which numbers are orders of others."""

    def __init__(self, memory: AccountMemory) -> None:
        self.memory = memory
        self._others: dict[str, None] = {}

    async def of(self, tracked: Tracked, order: Order, asked: Asked) -> Trace:
        """What `asked` says of it, after the question whose each trade is that may be its own."""
        if asked.update is not None or asked.trades is None:
            return Trace(asked.update, None if asked.trades is None else ())
        strays = [
            trade
            for trade in unexplained(tracked.cycle, order, asked.trades)
            if trade.venue_order_id not in self._others
        ]
        suspects = dict.fromkeys(t.venue_order_id for t in strays if may_be_of(order, t))
        for number in list(suspects)[:NUMBERS_AT_ONCE]:
            update = await self._of_number(order, number)
            if update is not None:
                return Trace(update, ())
        left = (trade for trade in strays if trade.venue_order_id not in self._others)
        return Trace(None, tuple(left))

    async def _of_number(self, order: Order, number: str) -> OrderUpdate | None:
        memory = self.memory
        try:
            update = await memory.desk.venue.by_number(memory.account_id, order, number)
        except AccountLost:
            raise
        except VenueUnavailable as error:
            log.warning("whose order %s is cannot be asked: %s", number, error)
            return None
        if update is None:
            self._others[number] = None
            while len(self._others) > REMEMBERED:
                del self._others[next(iter(self._others))]
        return update


def suspicious(order: Order, strays: Iterable[OwnTrade] | None) -> bool:
    """One of them may be its own."""
    return any(may_be_of(order, trade) for trade in strays or ())
