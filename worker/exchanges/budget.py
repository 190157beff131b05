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
    PROOF = (
        1  # what became of our orders, and prices: nothing is decided or sold before they are known
    )
    CREATE = 2
    SOON = 3  # what else a decision waits for
    LATER = 4  # history, and what can wait for a quiet moment


RESERVED = {
    Urgency.EXIT: 0.0,
    Urgency.PROOF: 0.05,
    Urgency.CREATE: 0.1,
    Urgency.SOON: 0.2,
    Urgency.LATER: 0.4,
}
"""The share of a full bucket that is left for what is more urgent."""
SHARES = {Urgency.LATER: 60, Urgency.CREATE: 75, Urgency.SOON: 79, Urgency.PROOF: 79}
"""Percent of the exchange's limit. Once an address has used as much, by whomever, nothing of that urgency
goes out until it is counted anew: two processes behind one address would else spend on new orders and on
comparing what the proof of orders in doubt needs. The last percent is for what is on its way when the
exchange says so: 80 is the most. Exits always go."""

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
        self._held_until = dict.fromkeys(Urgency, 0.0)
        self._waiting: tuple[deque[Waiter], ...] = tuple(deque() for _ in Urgency)
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, cost: float | None = None) -> None:
        """Returns when a request of this cost may go."""
        self.gate()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        urgency = _urgency.get()
        is_first = self._is_next(urgency)
        self._waiting[urgency].append((future, 1.0 if cost is None else cost))
        if is_first:  # whoever waits already is less urgent: the clock is set for this one
            if self._timer is not None:
                self._timer.cancel()
            self._release()
        await future
        self.gate()

    def used(self, percent: float, seconds: float) -> None:
        """The exchange says that this address has used so much of its limit; it counts anew in so long."""
        until = self.monotonic() + seconds
        for urgency, share in SHARES.items():
            if percent > share:
                self._held_until[urgency] = max(self._held_until[urgency], until)

    def has_room(self, urgency: Urgency) -> bool:
        """Whether a small request that urgent would not have to wait now."""
        self._refill()
        is_next = not self.is_held(urgency) and self._is_next(urgency)
        return is_next and self._missing(urgency, 1.0) <= 0

    def is_held(self, urgency: Urgency) -> bool:
        """Too much of the limit is used for anything that urgent."""
        return self._held_until[urgency] > self.monotonic()

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting)

    def _release(self) -> None:
        """Let go whoever can go, most urgent first, and look again when the next one can."""
        self._timer = None
        self._refill()
        waits = []
        for urgency in Urgency:
            queue, held = self._waiting[urgency], self._held_until[urgency] - self._at
            if held > 0:  # for a reason of its own: those behind it need not wait for that
                waits += [held] if queue else []
                continue
            while queue:
                future, cost = queue[0]
                if not future.done():
                    missing = self._missing(urgency, cost)
                    if missing > 0:
                        self._look_again(min([missing, *waits]))
                        return
                    self._tokens -= cost
                    self.spent += cost
                    future.set_result(None)
                queue.popleft()
        if waits:
            self._look_again(min(waits))

    def _is_next(self, urgency: Urgency) -> bool:
        """Nobody waits who has to go before."""
        return not any(
            self._waiting[each] for each in Urgency if each <= urgency and not self.is_held(each)
        )

    def _missing(self, urgency: Urgency, cost: float) -> float:
        """Seconds until there is enough for such a request."""
        needed = min(cost + self.capacity * RESERVED[urgency], self.capacity)
        return (needed - self._tokens) / self.rate

    def _look_again(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(seconds, 0.001), self._release)

    def _refill(self) -> None:
        now = self.monotonic()
        self._tokens = min(self.capacity, self._tokens + max(0.0, now - self._at) * self.rate)
        self._at = now
