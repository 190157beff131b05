"""Many questions of the same kind, one trip to the database. Whatever is asked while one is under way goes
into the next; so hundreds of accounts are opened in a few transactions, and one alone does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")
LARGEST = 8


class Together(Generic[Q, A]):
    """`ask(questions)` answers each, in order, or says what went wrong with it."""

    def __init__(
        self,
        ask: Callable[[Sequence[Q]], Awaitable[Sequence[A | BaseException]]],
        largest: int = LARGEST,
    ) -> None:
        self._ask = ask
        self._largest = largest
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._turn = asyncio.Lock()

    async def __call__(self, question: Q) -> A:
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        try:
            async with self._turn:
                # Turns come in the order of the questions, so ours is among the first that wait.
                if not future.done():
                    await self._answer_some()
            return await future
        except BaseException:
            future.cancel()
            raise

    async def _answer_some(self) -> None:
        batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
        batch = [(question, future) for question, future in batch if not future.done()]
        try:
            answers = await self._ask([question for question, _ in batch])
        except BaseException:
            self._waiting = batch + self._waiting  # the next in turn asks for them again
            raise
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
