"""Database calls from asyncio: each runs in a thread of its own pool, none is ever half cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from db.cycle_rows import Shared
from db.handles import Engine, Session
from db.transactions import run

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 8


class Database:
    """The engine and the threads that may use it. `shared`: while accounts are opened, what the worker's
    rows and a venue's rows both hold is one object in memory."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shared = Shared()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in a thread. Cancelling the caller does not cut it off half way."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(
            loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        )

    async def read(self, unit: Callable[[Session], R]) -> R:
        """One short reading transaction."""
        return await self.call(run, self.engine, unit, write=False)

    async def write(self, unit: Callable[[Session], R]) -> R:
        """One short writing transaction; see `db.transactions.run` for what it retries."""
        return await self.call(run, self.engine, unit, write=True)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()
