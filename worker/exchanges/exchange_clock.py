"""The exchange's time: this host's clock and how far it is off, measured, and doubted after a jump."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from core.candles import EPOCH
from worker.clock import monotonic, wall_clock
from worker.errors import VenueUnavailable
from worker.exchanges.budget import Urgency, urgent
from worker.exchanges.requests import Request, watched
from worker.prices.markets import parse_decimal

log = logging.getLogger(__name__)
MEASURE_EACH = 600.0
TRY_AGAIN = 5.0
ASKED_ANEW = 1.0
KNOWN_FOR = 3 * MEASURE_EACH
TOLERATED = timedelta(seconds=1)
JUMP = timedelta(milliseconds=500)
SLOWEST = 2.0
"""An answer that took longer says too little about the time."""
FIRST_TIME = 1_230_768_000_000  # 2009, before any exchange
LAST_TIME = 4_102_444_800_000  # 2100


def is_time(milliseconds: int) -> bool:
    """Whether an exchange can mean that; others cannot even be reckoned with."""
    return FIRST_TIME < milliseconds < LAST_TIME


class ExchangeClock:
    """Unknown until the first measurement, after a jump of this host's clock, when the last one is old."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.offset = timedelta(0)
        self._measured: float | None = None
        self._tried: float | None = None
        self._doubted = False
        self._anchor = EPOCH

    def now(self) -> datetime:
        return wall_clock() + self.offset

    def is_known(self) -> bool:
        """Orders are signed only with a time that is."""
        if self._measured is None or monotonic() - self._measured > KNOWN_FOR:
            return False
        return abs(_anchor() - self._anchor) <= JUMP

    def is_due(self) -> bool:
        now = monotonic()
        if self._doubted and (self._tried is None or now - self._tried >= ASKED_ANEW):
            return True
        if self._tried is not None and now - self._tried < TRY_AGAIN:
            return False
        return not self.is_known() or now - (self._measured or 0.0) >= MEASURE_EACH

    def doubt(self) -> None:
        """The exchange says that a request's time was wrong. Perhaps that one was only slow: it is measured
        at once, and others go on meanwhile; a wrong time places nothing."""
        self._doubted = True

    def tried(self) -> None:
        self._tried = monotonic()

    def problem(self) -> str | None:
        if not self.is_known():
            return (
                f"The time of {self.exchange} is not known just now, so nothing new is bought."
                " It is asked for again by itself."
            )
        if abs(self.offset) <= TOLERATED:
            return None
        ahead = "behind" if self.offset > timedelta(0) else "ahead"
        seconds = abs(self.offset).total_seconds()
        return (
            f"The clock of the worker's computer is {seconds:.1f} s {ahead} of {self.exchange}, so nothing"
            " new is bought. Whoever runs it sets it right (time synchronization). What is held can still be"
            " sold, by the exchange's time."
        )

    async def measure(self, ask: Callable[[], Awaitable[Any]]) -> None:
        """`ask()` answers the exchange's time in ms. Raises `VenueUnavailable`."""
        with watched(Request()) as request, urgent(Urgency.EXIT):
            said = parse_decimal(await ask())
        arrived, wall, anchor = monotonic(), wall_clock(), _anchor()
        took = arrived - (request.signed_at or arrived)
        if said is None or not is_time(int(said)) or took > SLOWEST:
            raise VenueUnavailable(f"{self.exchange}: its time could not be measured")
        there = EPOCH + timedelta(milliseconds=int(said)) + timedelta(seconds=took / 2)
        self.offset, self._anchor, self._measured = there - wall, anchor, arrived
        self._doubted = False
        if abs(self.offset) > TOLERATED:
            log.error(
                "this host's clock is %.3f s off %s", -self.offset.total_seconds(), self.exchange
            )


def _anchor() -> datetime:
    """What the wall clock showed when the monotonic clock was 0: it moves only when the wall clock jumps."""
    return wall_clock() - timedelta(seconds=monotonic())
