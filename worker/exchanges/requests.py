"""What is known of a request while ccxt makes it: the time it is signed with, until when that may happen,
and whether it has happened. It belongs to the task that asks, so requests side by side don't mix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from worker.clock import monotonic


@dataclass(slots=True)
class Request:
    """`pinned`: signed with this time. `not_after`: on the exchange's clock; a request that could not leave
    before is not signed any more. `signed_at`: monotonic; None: it has surely not left this process."""

    pinned: datetime | None = None
    not_after: datetime | None = None
    signed_at: float | None = None

    def sign(self) -> None:
        self.signed_at = monotonic()


_current: ContextVar[Request | None] = ContextVar("request", default=None)


def current() -> Request | None:
    return _current.get()


@contextlib.contextmanager
def watched(request: Request) -> Iterator[Request]:
    """Everything that this task asks of an exchange meanwhile is this request."""
    token = _current.set(request)
    try:
        yield request
    finally:
        _current.reset(token)
