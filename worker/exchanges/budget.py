"""One request budget for everybody behind an address: at most 80 % of what the exchange allows, and the
urgent ones first. Called like ccxt's own throttler, which it replaces: that one has no order but arrival
and wakes every millisecond while anything waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from enum import IntEnum

from worker.clock import monotonic

BURST, STEADY = 0.2, 0.6
"""Shares of the exchange's limit. A full bucket and a window of refilling make 80 %, never more."""


class Urgency(IntEnum):
    """Whose turn it is when not all can go."""

    EXIT = 0  # cancels and sales
    CREATE = 1
    SOON = 2  # prices, and what a decision waits for
    LATER = 3  # reconciliations and history


RESERVED = {Urgency.EXIT: 0.0, Urgency.CREATE: 0.1, Urgency.SOON: 0.2, Urgency.LATER: 0.4}
"""The share of a full bucket that is left for what is more urgent."""

_urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.SOON)
Waiter = tuple[asyncio.Future[None], float]


@contextlib.contextmanager
def urgent(urgency: Urgency) -> Iterator[None]:
    """Requests of this task are that urgent."""
    token = _urgency.set(urgency)
    try:
        yield
    finally:
        _urgency.reset(token)


class Budget:
    """`unit`: seconds that a request of cost 1 takes of the exchange's limit (ccxt's rateLimit). `window`:
    over how many seconds the exchange counts. `gate()` raises when nothing may be sent at all.

    `spent`: everything let through so far, in units.
    """

    def __init__(
        self,
        unit: float,
        window: float,
        gate: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        limit = window / unit
        self.capacity = max(1.0, limit * BURST)
        self.rate = limit * STEADY / window
        self.gate = gate
        self.monotonic = monotonic
        self.loop: asyncio.AbstractEventLoop | None = None  # ccxt sets it; the running loop is used
        self.spent = 0.0
        # A process that is started again and again must not begin with a full bucket each time.
        self._tokens = self.capacity / 2
        self._at = monotonic()
        self._held_until = 0.0
        self._waiting: tuple[deque[Waiter], ...] = (deque(), deque(), deque(), deque())
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, cost: float | None = None) -> None:
        """Returns when a request of this cost may go."""
        self.gate()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        urgency = _urgency.get()
        is_first = not any(self._waiting[: urgency + 1])
        self._waiting[urgency].append((future, 1.0 if cost is None else cost))
        if is_first:  # whoever waits already is less urgent: the clock is set for this one
            if self._timer is not None:
                self._timer.cancel()
            self._release()
        await future
        self.gate()

    def hold(self, seconds: float) -> None:
        """Only exits for so long: others behind this address use it up."""
        self._held_until = max(self._held_until, self.monotonic() + seconds)

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting)

    def _release(self) -> None:
        """Let go whoever can go, most urgent first, and look again when the next one can."""
        self._timer = None
        self._refill()
        for urgency in Urgency:
            queue = self._waiting[urgency]
            while queue:
                future, cost = queue[0]
                if not future.done():
                    missing = self._missing(urgency, cost)
                    if missing > 0:
                        self._look_again(missing)
                        return
                    self._tokens -= cost
                    self.spent += cost
                    future.set_result(None)
                queue.popleft()

    def _missing(self, urgency: Urgency, cost: float) -> float:
        """Seconds until such a request can go."""
        needed = min(cost + self.capacity * RESERVED[urgency], self.capacity)
        held = 0.0 if urgency is Urgency.EXIT else self._held_until - self._at
        return max((needed - self._tokens) / self.rate, held)

    def _look_again(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(seconds, 0.001), self._release)

    def _refill(self) -> None:
        now = self.monotonic()
        self._tokens = min(self.capacity, self._tokens + max(0.0, now - self._at) * self.rate)
        self._at = now
