"""How long to wait before something is tried again, and how often its failing is said."""

from __future__ import annotations

import logging
from collections.abc import Callable

from worker.clock import monotonic

LONGEST = 30.0
SAY_EACH = 300.0


class BackOff:
    """Twice as long after each failure, from `first` seconds to `longest`; a success begins anew."""

    def __init__(self, first: float, longest: float = LONGEST) -> None:
        self.first, self.longest = first, longest
        self._next = first

    def pause(self) -> float:
        """Seconds to wait after this failure."""
        now, self._next = self._next, min(self.longest, 2 * self._next)
        return now

    def succeeded(self) -> None:
        self._next = self.first


class Complaints:
    """The same reason is a warning once, and again each five minutes."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._said: tuple[str, float] | None = None

    def level(self, reason: str) -> int:
        """At which this failure belongs in the log."""
        now = self._clock()
        if self._said is not None and self._said[0] == reason and now - self._said[1] < SAY_EACH:
            return logging.DEBUG
        self._said = (reason, now)
        return logging.WARNING

    def succeeded(self) -> None:
        """A failure after this is news."""
        self._said = None
