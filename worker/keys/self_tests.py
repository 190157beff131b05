"""Runs the self-tests that people have asked for, and finishes those that a crash has interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal

from core.errors import InvalidInput
from core.market import Market
from core.order_ids import self_test_id
from core.orders import Order
from db import account_status, installation
from db.account_status import AccountStatus, KeyState, SelfTest
from db.accounts import Account, AccountKind
from db.errors import CommitUnknown, DatabaseUnavailable, LeaseLost
from worker.clock import monotonic
from worker.database import Database
from worker.errors import VenueError, VenueUnavailable
from worker.keys.self_test import Bench, finish_self_test, left_over, run_self_test, say
from worker.keys.self_test_order import candidates, smallest_order
from worker.runners import Runners
from worker.venues.live_venue import LiveVenue

log = logging.getLogger(__name__)
LOOK_EACH = 5.0
AGAIN_EACH = 60.0
TRIED = 5
NO_MARKET = "Failed: no market on {exchange} fits the account's caps for a test order{why}. Nothing was sent."


def is_wanted(account: Account, status: AccountStatus | None) -> bool:
    """Asked for and not answered, or begun and not finished; only with a key in use."""
    if status is None or status.key_state is not KeyState.ACTIVE:
        return False
    return account.self_test_rev > status.self_test_rev or status.self_test is SelfTest.RUNNING


class SelfTests:
    """`venue_of(exchange)`: where the account's orders are placed; None: not opened yet."""

    def __init__(
        self,
        database: Database,
        runners: Callable[[], Runners],
        venue_of: Callable[[str], LiveVenue | None],
    ) -> None:
        self.database, self.runners, self.venue_of = database, runners, venue_of
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._tried: dict[tuple[int, int], float] = {}

    async def keep(self) -> None:
        """For ever."""
        try:
            while True:
                await asyncio.sleep(LOOK_EACH)
                try:
                    await self.look()
                except (CommitUnknown, DatabaseUnavailable) as error:
                    log.warning("self-tests: %s", error)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def look(self) -> None:
        """Begins what is wanted; one test at a time for each account."""
        for account_id, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[account_id]
                task.result()
        runners, now = self.runners(), monotonic()
        held = {
            account_id: account
            for account_id in runners.running
            if (account := runners.accounts.get(account_id)) is not None
            and account.kind is AccountKind.LIVE
            and account_id not in self._tasks
        }
        if not held:
            return
        ids = list(held)
        statuses = await self.database.read(lambda s: account_status.load(s, ids))
        for account_id, account in held.items():
            status = statuses.get(account_id)
            if status is None or not is_wanted(account, status):
                continue
            attempt = account_id, account.self_test_rev
            if now - self._tried.get(attempt, -AGAIN_EACH) < AGAIN_EACH:
                continue
            self._tried[attempt] = now
            self._tasks[account_id] = asyncio.create_task(
                self._test(account, status), name=f"self-test-{account_id}"
            )

    async def _test(self, account: Account, status: AccountStatus) -> None:
        try:
            await self._run(account, status)
        except (CommitUnknown, DatabaseUnavailable, LeaseLost, VenueError) as error:
            log.warning("account %s: self-test: %s", account.account_id, error)

    async def _run(self, account: Account, status: AccountStatus) -> None:
        venue = self.venue_of(account.exchange)
        if venue is None:
            return
        token = self.runners().tokens.get(account.account_id)
        bench = Bench(self.database, venue, account, token)
        code = await self.database.read(installation.code)
        is_begun = status.self_test is SelfTest.RUNNING
        request = status.self_test_rev if is_begun else account.self_test_rev
        order_id = self_test_id(code, account.account_id, request)
        try:
            symbol, order = await self._plan(venue, account, order_id)
        except InvalidInput as problem:
            if is_begun:
                raise VenueUnavailable(f"no market to look on: {problem.field}") from None
            sentence = NO_MARKET.format(exchange=account.exchange, why=f": {problem.sentence}")
            await say(bench, request, SelfTest.FAILED, sentence, order_id)
            return
        if not is_begun:
            result = await run_self_test(bench, request, symbol, order)
        else:
            for rest in await left_over(venue, account.account_id, code):
                if rest.client_order_id == order_id:
                    symbol = rest.symbol
            venue.know(account.account_id, order_id, symbol)
            result = await finish_self_test(bench, request, symbol, order, code)
        log.info("account %s: self-test %s", account.account_id, result)

    async def _plan(self, venue: LiveVenue, account: Account, order_id: str) -> tuple[str, Order]:
        """Raises InvalidInput with the last thing that stood in the way."""
        found: Exception = InvalidInput("self-test", "no coin of the caps is traded there.")
        for market in candidates(venue.hub.markets(), account.caps or {})[:TRIED]:
            try:
                return market.symbol, await self._order(venue, account, market, order_id)
            except (InvalidInput, VenueUnavailable) as problem:
                found = problem
        raise found

    async def _order(
        self, venue: LiveVenue, account: Account, market: Market, order_id: str
    ) -> Order:
        quotes = await venue.source.quotes([market.symbol])
        if market.symbol not in quotes:
            raise VenueUnavailable(f"{market.symbol} has no price now")
        quote = quotes[market.symbol].quote
        limits = venue.adapter.limits(venue.hub.row(market.symbol))
        caps: dict[str, Decimal] = account.caps or {}
        return smallest_order(
            market,
            order_id,
            last=quote.bid,
            lowest_buy=limits.lowest_buy,
            cap=caps[market.quote],
            at=venue.now(),
        )
