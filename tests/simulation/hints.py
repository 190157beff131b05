"""A stand-in for the private stream of an account: the exchange's events as hints, late or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.exchange_place import ExchangePlace

LOST = 0.1
LATE = 0.1


def hint_stream(place: ExchangePlace) -> type:
    """A class with the face of `worker.exchanges.stream.PrivateStream`."""

    class HintStream:
        def __init__(self, client: Any, hint: Callable[[set[str]], None]) -> None:
            self._client, self._hint = client, hint

        @staticmethod
        def is_possible(client: Any) -> bool:
            return True

        async def run(self) -> None:
            loop = asyncio.get_running_loop()
            account = place.exchange.accounts[self._client.apiKey]

            def listen(event: dict[str, Any]) -> None:
                if event.get("e") != "executionReport" or place.luck.random() < LOST:
                    return
                cid = event["C"] or event["c"] if event.get("X") == "CANCELED" else event["c"]
                late = place.luck.random() < LATE
                loop.call_later(place.luck.uniform(1, 30) if late else 0.02, self._hint, {cid})

            account.listeners.append(listen)
            try:
                await asyncio.Event().wait()
            finally:
                account.listeners.remove(listen)

    return HintStream
