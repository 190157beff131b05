"""What waits for an account's one consumer. Prices are state, not messages: nothing here can pile up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Waiting:
    """Strategies woken by a price or the clock, strategies whose wish changed, orders to look at.

    `since`: when the oldest price among what waits was received (monotonic); None: no price did it.
    repeat_cancels: cancels that are not proven are asked for again.
    """

    wakes: set[int] = field(default_factory=set)
    wishes: set[int] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    reconcile: bool = False
    repeat_cancels: bool = False
    since: float | None = None

    def __bool__(self) -> bool:
        return bool(
            self.wakes or self.wishes or self.orders or self.reconcile or self.repeat_cancels
        )


class Inbox:
    """Sets, so that a hint given twice is one; one consumer takes all at once."""

    def __init__(self) -> None:
        self._waiting = Waiting()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    def wake(self, strategy_ids: set[int], since: float | None = None) -> None:
        self._waiting.wakes |= strategy_ids
        self._date(since)
        self._ring()

    def wish(self, strategy_ids: set[int]) -> None:
        self._waiting.wishes |= strategy_ids
        self._ring()

    def look(self, client_order_ids: set[str], since: float | None = None) -> None:
        self._waiting.orders |= client_order_ids
        self._date(since)
        self._ring()

    def reconcile(self) -> None:
        self._waiting.reconcile = True
        self._ring()

    def cancel_again(self) -> None:
        self._waiting.repeat_cancels = True
        self._ring()

    def _date(self, since: float | None) -> None:
        known = self._waiting.since
        if since is not None and (known is None or since < known):
            self._waiting.since = since

    def _ring(self) -> None:
        if self._waiting and not self._closed:
            self._idle.clear()
            self._arrived.set()

    async def take(self) -> Waiting:
        """Everything that waits, as soon as there is something."""
        await self._arrived.wait()
        taken, self._waiting = self._waiting, Waiting()
        self._arrived.clear()
        return taken

    def finished(self) -> None:
        """The consumer is done with what it took."""
        if not self._waiting:
            self._idle.set()

    def close(self) -> None:
        """There is no consumer any more: nobody shall wait for it."""
        self._closed = True
        self._idle.set()

    @property
    def is_settled(self) -> bool:
        return self._idle.is_set()

    async def settled(self) -> None:
        """Returns when nothing waits and nothing is being worked on."""
        await self._idle.wait()
