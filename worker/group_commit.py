"""Many small units, one commit. Whatever arrives while a commit runs goes into the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from worker.database import Database

U = TypeVar("U")
R = TypeVar("R")


class GroupCommit(Generic[U, R]):
    """`work(units)` runs in a thread and answers one result or exception per unit, in order.

    It never raises for one unit what belongs to another: a batch that fails as a whole is run again
    unit by unit by `work` itself.
    """

    def __init__(
        self,
        database: Database,
        work: Callable[[Sequence[U]], Sequence[R | BaseException]],
        largest: int = 2_000,
    ) -> None:
        self._database = database
        self._work = work
        self._largest = largest
        self._waiting: list[tuple[U, asyncio.Future[R]]] = []
        self._arrived = asyncio.Event()
        self.commits = 0

    async def submit(self, unit: U) -> R:
        """The unit's result once it is committed; raises what happened to it otherwise."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        self._arrived.set()
        return await asyncio.shield(future)

    async def run(self) -> None:
        """For ever: one batch after the other."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(0)  # whoever was woken by the same price gets on board
            batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            if not self._waiting:
                self._arrived.clear()
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: list[tuple[U, asyncio.Future[R]]]) -> None:
        units = [unit for unit, _ in batch]
        try:
            results = await self._database.call(self._work, units)
        except Exception as error:  # whoever waits must learn of it; the next batch may go well
            results = [error for _ in units]
        self.commits += 1
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
