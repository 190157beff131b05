"""What all clients with the same key share in this process: an account's own, and the one that its key is
looked at with while the account is served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from worker.exchanges.budget import Budget

_paid: ContextVar[bool] = ContextVar("paid", default=False)


@dataclass(slots=True)
class KeyLine:
    """`budget`: of the requests with this key; of all of them where the exchange counts by address. `turn`:
    one request at a time where they are numbered, else None. `last_nonce`: the highest number so far."""

    budget: Budget
    turn: asyncio.Lock | None = None
    last_nonce: int = 0

    def next_nonce(self, proposed: int) -> int:
        """Larger than the one before it, whatever the clock does and whichever client asks."""
        if self.turn is not None:
            proposed = self.last_nonce = max(proposed, self.last_nonce + 1)
        return proposed


@contextlib.contextmanager
def paid() -> Iterator[None]:
    """The next request of this task has waited for the budget already."""
    token = _paid.set(True)
    try:
        yield
    finally:
        _paid.reset(token)


def is_paid() -> bool:
    return _paid.get()
