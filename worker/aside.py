"""Accounts without a key that works: each stops alone, its orders stay, and it is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from db.accounts import Account
from db.errors import CommitUnknown, DatabaseUnavailable
from worker.errors import KeyAwaited, KeyRefused

log = logging.getLogger(__name__)
AGAIN_AFTER = 600.0


async def _nobody_is_told(account: Account, sentence: str) -> None:
    """Until somebody listens."""


class Aside:
    """`tell(account, sentence)`: lets its owner know why."""

    def __init__(self) -> None:
        self.tell: Callable[[Account, str], Awaitable[None]] = _nobody_is_told
        self._waiting: dict[int, asyncio.Event] = {}
        self._logged: dict[int, str] = {}

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._waiting

    async def stand(self, account: Account, refused: KeyRefused) -> None:
        """Returns when it is worth trying again. The same sentence is loud in the log once."""
        account_id, sentence = account.account_id, str(refused)
        level = logging.WARNING if isinstance(refused, KeyAwaited) else logging.ERROR
        if self._logged.get(account_id) == sentence:
            level = logging.INFO
        log.log(level, "account %s stands aside: %s", account_id, sentence)
        self._logged[account_id] = sentence
        event = self._waiting[account_id] = asyncio.Event()
        try:
            await self.tell(account, sentence)
            async with asyncio.timeout(AGAIN_AFTER):
                await event.wait()
        except TimeoutError:
            log.info("account %s is tried again", account_id)
        except (CommitUnknown, DatabaseUnavailable) as error:
            log.warning("account %s: %s", account_id, error)
        finally:
            self._waiting.pop(account_id, None)

    def served(self, account_id: int) -> None:
        """Its key works: what is wrong after this is news."""
        self._logged.pop(account_id, None)

    def try_again(self, account_id: int) -> None:
        """Its key, or what its person has confirmed, is another now."""
        if account_id in self._waiting:
            self._waiting[account_id].set()
