"""Everything outside of a simulation's reach that reads a clock, a process or luck, replaced and put back."""

from __future__ import annotations

import importlib
import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

from db import clock as db_clock
from tests.simulation.life import Lives
from tests.simulation.loop import Clock
from worker import clock as worker_clock

CCXT_CLOCKS = ("ccxt.base.exchange", "ccxt.async_support.base.throttler")


@contextmanager
def virtual(clock: Clock, lives: Lives, luck: Random) -> Iterator[None]:
    """Within it this process lives in the simulation's time."""
    names = Random(luck.random())
    changes: list[tuple[str, str, Any]] = [
        ("worker.ownership", "os", SimpleNamespace(getpid=lives.current_pid)),
        ("worker.ownership", "process_started", lives.process_started),
        ("worker.ownership", "secrets", _Tokens(names)),
        ("worker.ownership", "socket", SimpleNamespace(gethostname=lambda: "simulation")),
        ("worker.memory", "settle", lambda: None),
        ("db.transactions", "time", SimpleNamespace(sleep=lambda seconds: None)),
        ("db.transactions", "random", Random(names.random())),
        # What has nothing to do with orders comes less often: it took most of the time.
        ("worker.ownership", "CLAIM_EACH", 4.0),
        ("worker.candle_keeper", "PERIOD", 600.0),
        ("worker.supervisor", "CHAIN_EACH", 20.0),
        # People answer within the minutes of a seed; every order is in quarantine for a while before.
        ("core.doubt", "FIRST_ANSWER_AFTER", timedelta(seconds=30)),
        ("db.doubts", "FIRST_ANSWER_AFTER", timedelta(seconds=30)),
    ]
    put_back = [_replace(*change) for change in changes]
    before = worker_clock.monotonic
    db_clock.use_clock(lambda: clock.wall(lives.offset()))
    worker_clock.use_monotonic(lambda: clock.seconds)
    try:
        yield
    finally:
        db_clock.use_clock(None)
        worker_clock.use_monotonic(real_time.monotonic)
        assert before is not None
        for restore in reversed(put_back):
            restore()


@contextmanager
def replaced(module_name: str, attribute: str, value: Any) -> Iterator[None]:
    """That attribute of that module is `value` within."""
    restore = _replace(module_name, attribute, value)
    try:
        yield
    finally:
        restore()


def _replace(module_name: str, attribute: str, value: Any) -> Any:
    module = importlib.import_module(module_name)
    old = getattr(module, attribute)
    setattr(module, attribute, value)
    return lambda: setattr(module, attribute, old)


class _Tokens:
    """`secrets` of a world in which everything happens again the same way."""

    def __init__(self, luck: Random) -> None:
        self._luck = luck

    def token_hex(self, length: int) -> str:
        return self._luck.randbytes(length).hex()
