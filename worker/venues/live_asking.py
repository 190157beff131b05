"""Every question to an exchange for an account passes here: its deadline, its errors and what they say
beyond the question."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from worker.clock import monotonic
from worker.errors import KeyRefused, NotSent, Unaskable, VenueUnavailable
from worker.exchanges.adapter import Adapter, Outcome, Trouble
from worker.exchanges.budget import Urgency, urgent
from worker.exchanges.hub import LONG_ENOUGH, Hub
from worker.exchanges.outcomes import seen_address
from worker.venues.live_account import LiveAccount

log = logging.getLogger(__name__)
T = TypeVar("T")
DEADLINE = 120.0
"""For a whole question, waiting for its turn included; one request of it has 10 s (`clients.TIMEOUT_MS`)."""
ITS_OWN = (Trouble.NONE, Trouble.FILTER, Trouble.GONE)
"""With an error of the exchange, not of the way there: it is about the order or the symbol."""
KEY_PAUSE = 1.0
KEY_READS = 2


def check_silence(hub: Hub, account: LiveAccount) -> None:
    """Raises `NotSent` while this key is to be silent."""
    if monotonic() < account.calm_until:
        raise NotSent("ban", f"{hub.exchange}: it asked this key to wait")


class Asker:
    """Of one exchange; knows what follows from its answers for everybody."""

    def __init__(self, hub: Hub, adapter: Adapter) -> None:
        self.hub, self.adapter = hub, adapter

    async def ask(
        self,
        account: LiveAccount,
        question: Callable[[], Awaitable[T]],
        urgency: Urgency | None = None,
    ) -> T:
        """The answer. Raises `VenueUnavailable` with class and code (`Unaskable` when others may be
        answered), `KeyRefused` once that is sure."""
        if account.suspect:
            await self.confirm_key(account)
        try:
            return await self._once(account, question, urgency)
        except self.hub.faults as error:
            outcome = self.adapter.outcome(error)
            is_about_this = outcome.trouble in ITS_OWN and isinstance(
                error, self.hub.errors.ExchangeError
            )
        self.note(account, outcome)
        raise (Unaskable if is_about_this else VenueUnavailable)(outcome.code)

    async def _once(
        self, account: LiveAccount, question: Callable[[], Awaitable[T]], urgency: Urgency | None
    ) -> T:
        check_silence(self.hub, account)
        async with asyncio.timeout(DEADLINE):
            with contextlib.nullcontext() if urgency is None else urgent(urgency):
                return await question()

    def note(self, account: LiveAccount, outcome: Outcome) -> None:
        """What an answer says beyond the question."""
        if outcome.trouble is Trouble.KEY:
            account.suspect = True
        elif outcome.trouble is Trouble.CLOCK:
            self.hub.clock.doubt()
        elif outcome.trouble in (Trouble.FILTER, Trouble.GONE):
            self.hub.reload_soon()
        elif outcome.trouble is Trouble.BAN and monotonic() >= self.hub.calm_until:
            if self.adapter.shares_budget:
                self.hub.calm(LONG_ENOUGH)
            else:
                account.calm_until = monotonic() + LONG_ENOUGH

    async def confirm_key(self, account: LiveAccount) -> None:
        """Ask twice more before the account stops: one refusal may be the exchange's own fault."""
        seen: str | None = None
        for _ in range(KEY_READS):
            await asyncio.sleep(KEY_PAUSE)
            try:
                await self._once(account, lambda: self.adapter.balances(account.client), None)
            except self.hub.faults as error:
                outcome = self.adapter.outcome(error)
                if outcome.trouble is not Trouble.KEY:
                    raise VenueUnavailable(outcome.code) from None
                seen = seen_address(error) or seen
            else:
                account.suspect = False
                return
        where = (
            "this address" if seen is None else f"the address {seen}, where it sees this server now"
        )
        raise KeyRefused(
            f"{self.adapter.name} has refused the key of this account three times: it was revoked, has"
            f" expired, or may not be used from {where}. Until it works nothing is bought or sold here;"
            " orders that rest there stay. Enter a new key, or mend the old one there; it is tried again"
            " every 10 minutes."
        )
