"""The clocks of the worker: the one place that reads them, and where a simulation puts its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from db.clock import utc_now

_monotonic: Callable[[], float] = time.monotonic


def wall_clock() -> datetime:
    return utc_now()


def monotonic() -> float:
    """Seconds that never jump; only differences mean something."""
    return _monotonic()


def use_monotonic(source: Callable[[], float]) -> None:
    """For simulations; `db.clock.use_clock` is the other half."""
    global _monotonic  # noqa: PLW0603  (one process, one clock)
    _monotonic = source
