"""An account's private stream: it only says "look sooner". What it tells is never believed, what it keeps to
itself is found by the reconciliation of each minute.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from worker.exchanges.adapter import Client
from worker.exchanges.budget import Urgency, urgent

log = logging.getLogger(__name__)
SILENT_FOR = 1800.0
"""A subscription that the exchange has ended waits for ever (EXCHANGES 2, trap 3): it is made anew."""
SUBSCRIBING = 0.8
"""What connecting and subscribing count of the request limit, in ccxt's units (binance: a weight of 4)."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
CLOSING = 5.0
_spread = random.Random(1)  # noqa: S311  (keeps reconnects apart, hides nothing)


class PrivateStream:
    """`hint(client_order_ids)`: these may have changed; none: the stream was away, anything may have."""

    def __init__(self, client: Client, hint: Callable[[set[str]], None]) -> None:
        self._client = client
        self._hint = hint

    @staticmethod
    def is_possible(client: Client) -> bool:
        return bool(client.has.get("watchOrders")) and client.line.turn is None

    async def run(self) -> None:
        """One permanent loop; nothing that happens to it reaches anybody else."""
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    await self._listen()
                    pause = FIRST_PAUSE
                except self._client.hub.faults as error:
                    log.info("private stream of %s: %s", self._client.id, type(error).__name__)
                await self._leave()
                await asyncio.sleep(pause * _spread.uniform(0.5, 1.5))
                pause = min(pause * 2, LONGEST_PAUSE)
                self._hint(set())
        finally:
            await self._leave()

    async def _listen(self) -> None:
        """Until the stream says nothing for too long. Raises what ccxt raises when it breaks."""
        hub = self._client.hub
        await hub.connects()
        # Behind a thousand starts and comparisons it would hear nothing while it is needed most.
        with urgent(Urgency.PROOF):
            await hub.budget(SUBSCRIBING)
        while True:
            try:
                async with asyncio.timeout(SILENT_FOR):
                    rows = await self._client.watch_orders()
            except TimeoutError:
                return
            # The rows are ccxt's own and go on changing: only ids are taken, at once.
            self._hint({str(row.get("clientOrderId")) for row in rows if row.get("clientOrderId")})

    async def _leave(self) -> None:
        """Close the sockets; the next question to the stream opens them anew."""
        sockets: list[Any] = list(self._client.clients.values())
        self._client.clients.clear()
        for socket in sockets:
            socket.on_close_callback = _nothing
            for awaited in list(socket.futures.values()):
                awaited.cancel()  # unheard errors end in the log, and some hold a token's address
            socket.futures.clear()
            if socket.ping_looper is not None:
                socket.ping_looper.cancel()
            if socket.connection is not None and not socket.connection.closed:
                closing = asyncio.ensure_future(socket.connection.close())
                await asyncio.wait({closing}, timeout=CLOSING)


def _nothing(*_: object) -> None:
    """ccxt's own clearing up has been done here."""
