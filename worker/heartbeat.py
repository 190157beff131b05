"""A ping each minute to an address of the operator's, so that a dead host is noticed elsewhere."""

from __future__ import annotations

import asyncio
import logging

import aiohttp

log = logging.getLogger(__name__)
EACH = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=10)


class Heartbeat:
    """Nothing depends on it: a ping that fails is logged and forgotten."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as web:
            while True:
                await self.ping(web)
                await asyncio.sleep(EACH)

    async def ping(self, web: aiohttp.ClientSession) -> bool:
        try:
            async with web.get(self.url) as answer:
                if answer.status < 400:
                    return True
                log.warning("heartbeat: the address answered %s", answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("heartbeat: %s", type(error).__name__)
        return False
