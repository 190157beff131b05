"""The accounts that this worker holds: opening each from its rows, keeping it running, letting it go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from core.cycle import Cycle
from core.errors import InvalidInput, StepladderError
from core.market import Market
from db.accounts import Account
from db.clock import utc_now
from db.cycles import StoredCycle
from db.doubts import Answer
from db.errors import LeaseLost
from db.halt import Halt
from db.known_orders import KnownOrder, known_orders
from db.status import ActualState, StrategyStatus
from db.status import save as save_statuses
from db.wanted import Revision, Wanted
from worker.account import AccountRunner
from worker.account_rows import facts_of
from worker.aside import Aside
from worker.database import Database
from worker.desk import FRESH, Desk
from worker.errors import KeyRefused, VenueUnavailable
from worker.group_commit import GroupCommit
from worker.lags import Lags
from worker.live_orders import may_buy
from worker.patience import BackOff, Complaints
from worker.stored import Held, Stored, read_stored
from worker.together import Together
from worker.tracked import Tracked, Wish, shown_of
from worker.units import Unit
from worker.wakes import TimeWakes
from worker.wishes import WishReader, first_of, obeys

log = logging.getLogger(__name__)
AGAIN_AFTER = 1.0
OPENED_AT_ONCE = 16


async def _see_missed_highs(runner: AccountRunner, since: datetime) -> None:
    """After an outage a trailing strategy is shown the highest price that nobody showed it."""
    now = runner.desk.venue.now()
    if now - since <= FRESH:
        return
    for tracked in runner.tracked.values():
        cycle = tracked.cycle
        if cycle.parameters.trailing_deviation is None or not cycle.has_fills():
            continue
        try:
            missed = await runner.desk.venue.candles(tracked.symbol, since, now)
        except InvalidInput:  # not traded any more: there is nothing to miss
            continue
        if missed:
            runner.missed_highs[tracked.strategy_id] = max(candle.high for candle in missed)


def _answered(cycle: Cycle | None, status: StrategyStatus | None, wish: Wish) -> int:
    """The wish that the cycle has been told. A new one is made under the newest wish."""
    if cycle is None:
        return wish.desired_rev
    return 0 if status is None else status.observed_rev


class Runners:
    """`accounts`: as their rows say now. `tokens`: of the leases taken. `aside`: whose key is refused."""

    def __init__(
        self,
        database: Database,
        desk_of: Callable[[Account], Desk],
        writer: GroupCommit[Unit, None],
    ) -> None:
        self.database = database
        self.desk_of = desk_of
        self.writer = writer
        self.alarms = TimeWakes()
        self.lags = Lags()
        self.reader = WishReader()
        self.running: dict[int, AccountRunner] = {}
        self.home: dict[int, AccountRunner] = {}
        self.lost: set[int] = set()
        self.accounts: dict[int, Account] = {}
        self.tokens: dict[int, int] = {}
        self.aside = Aside()
        # Of accounts aside: whether a buy of theirs may still rest on the exchange.
        self._may_buy: dict[int, bool] = {}
        self.halt: Halt | None = None
        self._stored = Together[Held, Stored](
            lambda held: database.call(read_stored, database.engine, database.shared, held)
        )
        # By market place: an exchange that does not answer holds up nobody else's accounts.
        self._opening: dict[str, asyncio.Semaphore] = {}
        self.opened = 0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._pausing: set[int] = set()
        self._installation: str | None = None

    # --- accounts

    def start(self, account: Account, token: int) -> None:
        """Serve an account whose lease was just committed."""
        self.accounts[account.account_id] = account
        self.tokens[account.account_id] = token
        task = asyncio.create_task(
            self._serve(account, token), name=f"account-{account.account_id}"
        )
        self._tasks[account.account_id] = task

    async def stop(self, account_id: int) -> None:
        """Finish the current turn, then let go. The lease is not touched here."""
        runner, task = self.running.get(account_id), self._tasks.pop(account_id, None)
        if runner is not None:
            runner.closing = True
            runner.inbox.reconcile()
        if task is not None:
            if account_id not in self.aside and account_id not in self._pausing:
                await asyncio.wait({task}, timeout=10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def held(self) -> set[int]:
        return set(self._tasks)

    def know(self, accounts: Iterable[Account]) -> None:
        """The accounts as their rows say now. One that stands aside is tried again when its row changed."""
        for account in accounts:
            known = self.accounts.get(account.account_id)
            self.accounts[account.account_id] = account
            if known is not None and known.rev != account.rev:
                self.aside.try_again(account.account_id)
                runner = self.running.get(account.account_id)
                if runner is not None:
                    runner.newest_facts = facts_of(account)
                    runner.inbox.wake(set(runner.tracked))

    @property
    def are_all_open(self) -> bool:
        """There are accounts, and each has all its strategies in memory."""
        return bool(self._tasks) and self._all_serve()

    def _all_serve(self) -> bool:
        return all(i in self.running or i in self.aside for i in self._tasks)

    async def _serve(self, account: Account, token: int) -> None:
        """Open and serve; after an unknown COMMIT or a lost database, forget everything and read again.

        A database is asked again each second, an exchange that does not answer less and less often.
        """
        account_id = account.account_id
        back_off, complaints = BackOff(AGAIN_AFTER), Complaints()

        def opened() -> None:
            back_off.succeeded()
            complaints.succeeded()
            self.aside.served(account_id)

        while True:
            pause = AGAIN_AFTER
            try:
                await self._open_and_serve(account, token, opened)
                return
            except LeaseLost:
                log.warning("account %s: the lease is lost", account_id)
                self.lost.add(account_id)
                return
            except KeyRefused as refused:
                await self.aside.stand(account, refused)
                continue
            except StepladderError as error:
                level = complaints.level(str(error))
                log.log(level, "account %s is read again: %s", account_id, error)
                if isinstance(error, VenueUnavailable):
                    pause = back_off.pause()
            except Exception:  # one account's fault must not end the others; it is loud in the log
                log.exception("account %s failed and is read again", account_id)
            await self._pause(account_id, pause)

    async def _pause(self, account_id: int, seconds: float) -> None:
        """Whoever stops the account then need not wait for it."""
        self._pausing.add(account_id)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pausing.discard(account_id)

    async def _open_and_serve(
        self, account: Account, token: int, opened: Callable[[], None]
    ) -> None:
        account = self.accounts.get(account.account_id, account)
        desk = self.desk_of(account)
        facts = facts_of(account)
        runner = AccountRunner(
            facts, token, desk, self.writer, self.alarms, self.lags, self._known_orders
        )
        try:
            room = self._opening.setdefault(desk.name, asyncio.Semaphore(OPENED_AT_ONCE))
            async with room:
                await self._open(runner)
            self.opened += 1
            opened()
            await runner.serve()
        finally:
            self._close(runner)
            await desk.venue.detach(account.account_id)

    async def _open(self, runner: AccountRunner) -> None:
        """The account as its rows say it, read in a fenced transaction, walked and reconciled.

        Nobody else sees the runner before all of its strategies are in it.
        """
        account_id = runner.facts.account_id
        stored = await self._stored((account_id, runner.token))
        self.halt, self._installation = stored.halt, stored.installation
        runner.reconciliation.installation = stored.installation
        runner.halt_rev = runner.newest_halt_rev = stored.halt.rev
        runner.halted = stored.halt.on
        runner.memory.taken_back.take_up(stored.taken_back, runner.desk.venue.now())
        runner.doubts.take_up(stored.inquiries)
        self._may_buy[account_id] = any(
            known.cycle is None or may_buy(known.cycle) for known in stored.cycles.values()
        )
        since = await runner.desk.venue.attach(account_id, runner.facts.stated)
        for row in stored.wishes:
            await self._take_in(runner, row, stored)
        await _see_missed_highs(runner, since)
        self.running[account_id] = runner
        runner.inbox.reconcile()
        runner.inbox.wake(set(runner.tracked))

    async def _known_orders(self, client_order_ids: Collection[str]) -> dict[str, KnownOrder]:
        return await self.database.read(lambda session: known_orders(session, client_order_ids))

    def _close(self, runner: AccountRunner) -> None:
        if runner.tracked:
            cycles = [tracked.cycle for tracked in runner.tracked.values()]
            self._may_buy[runner.facts.account_id] = any(map(may_buy, cycles))
        self.running.pop(runner.facts.account_id, None)
        for strategy_id in list(runner.tracked):
            runner.untrack(strategy_id)
            self.home.pop(strategy_id, None)

    # --- strategies

    async def _take_in(self, runner: AccountRunner, row: Wanted, stored: Stored) -> None:
        """Hold a strategy in memory as its rows say. One whose cycle cannot be read is left alone: its
        orders stay, and no other cycle is started beside it."""
        known = stored.cycles.get(row.strategy_id)
        if known is not None and known.cycle is None:
            runner.unreadable[row.strategy_id] = Revision(row.desired_rev, row.parameters_version)
            await self._say_unreadable(row, known)
            return
        wish = await self._followed(runner, row, self.reader.wish(row, stored.halt))
        market = runner.desk.markets.get(row.symbol, Market(symbol=row.symbol))
        cycle = None if known is None else known.cycle
        status = stored.statuses.get(row.strategy_id)
        runner.track(
            Tracked(
                strategy_id=row.strategy_id,
                user_id=row.user_id,
                account_id=row.account_id,
                symbol=row.symbol,
                cycle=cycle or first_of(row, wish, stored.installation, market),
                is_stored=cycle is not None,
                wish=wish,
                newest_wish=wish,
                answered_rev=_answered(cycle, status, wish),
                shown=None if status is None else shown_of(status),
            )
        )
        self.home[row.strategy_id] = runner

    async def _followed(self, runner: AccountRunner, row: Wanted, wish: Wish) -> Wish:
        """The strategy gets the prices of its symbol; where there are none its wish says so."""
        if row.strategy_id in runner.desk.users(row.symbol):
            return wish
        try:
            await runner.desk.follow(row.symbol, row.strategy_id)
        except InvalidInput as problem:
            runner.desk.gone(row.symbol, str(problem))
            return wish.unusable(f"{problem} Nothing is started.")
        return wish

    async def _say_unreadable(self, row: Wanted, known: StoredCycle) -> None:
        at = utc_now()
        status = StrategyStatus(
            strategy_id=row.strategy_id,
            account_id=row.account_id,
            actual_state=ActualState.NEEDS_ATTENTION,
            observed_rev=row.desired_rev,
            reason=f"{known.fault} Its orders stay as they are; nothing new is started.",
            missing=None,
            checked_at=at,
            updated_at=at,
        )
        await self.database.write(lambda session: save_statuses(session, [status]))

    async def learn(self, rows: list[Wanted], halt: Halt) -> None:
        """Wishes that the poller read: new strategies come in, changed ones are woken."""
        halted_anew = self.halt is None or self.halt.rev != halt.rev
        self.halt = halt
        for row in rows:
            runner = self.running.get(row.account_id)
            if runner is None:
                continue
            try:
                await self._learn_one(runner, row, halt)
            except VenueUnavailable as error:
                log.warning("strategy %s is taken in later: %s", row.strategy_id, error)
        if halted_anew:
            await self._apply_halt(halt)

    def hear(self, answers: Sequence[Answer]) -> None:
        """What people say about orders that nobody can prove: it is weighed at once."""
        for account_id, runner in self.running.items():
            if runner.doubts.hear([one for one in answers if one.account_id == account_id]):
                runner.inbox.reconcile()

    async def _learn_one(self, runner: AccountRunner, row: Wanted, halt: Halt) -> None:
        tracked = runner.tracked.get(row.strategy_id)
        if tracked is None:
            await self._learn_new(runner, row, halt)
            return
        wish = await self._followed(runner, row, self.reader.wish(row, halt))
        if wish != tracked.newest_wish:
            tracked.newest_wish = wish
            runner.unanswered.add(row.strategy_id)
            runner.inbox.wake({row.strategy_id})
        if row.archived and tracked.cycle.is_idle():
            runner.let_go(row.strategy_id)
            self.home.pop(row.strategy_id, None)

    async def _learn_new(self, runner: AccountRunner, row: Wanted, halt: Halt) -> None:
        """A strategy that is new, or one that was given up and that the person has touched since."""
        if row.strategy_id in runner.unreadable:
            revision = Revision(row.desired_rev, row.parameters_version)
            if runner.unreadable[row.strategy_id] != revision:
                runner.read_again()
        elif not row.archived:
            fresh = Stored({}, {}, [row], halt, self._installation or "")
            await self._take_in(runner, row, fresh)
            runner.inbox.wake({row.strategy_id})

    async def _apply_halt(self, halt: Halt) -> None:
        for runner in self.running.values():
            runner.newest_halt_rev = halt.rev
            runner.halted = halt.on
            if runner.unreadable:
                runner.inbox.reconcile()
            for tracked in runner.tracked.values():
                tracked.newest_wish = self.reader.under_halt(tracked.newest_wish, halt)
            runner.inbox.wake(set(runner.tracked))

    def obey(self, halt: Halt) -> bool:
        """Every account that is held knows of this change; under a halt nothing of it can buy."""
        if halt.on and any(self._may_buy.get(i) for i in self._tasks if i in self.aside):
            return False
        return self._all_serve() and all(
            runner.newest_halt_rev == halt.rev
            and all(map(obeys, runner.tracked.values()))
            and not (halt.on and runner.may_buy_unwatched)
            for runner in self.running.values()
        )

    def wake(self, strategy_ids: set[int], since: float | None = None) -> None:
        """Hand woken strategies to the consumers of their accounts; `since`: their price was received."""
        by_runner: dict[AccountRunner, set[int]] = {}
        for strategy_id in strategy_ids:
            runner = self.home.get(strategy_id)
            if runner is not None:
                by_runner.setdefault(runner, set()).add(strategy_id)
        for runner, ids in by_runner.items():
            runner.inbox.wake(ids, since)

    def hint(self, account_id: int, client_order_ids: set[str]) -> None:
        """The venue says that these orders have changed; none named: any may have."""
        runner = self.running.get(account_id)
        if runner is None:
            return
        if client_order_ids:
            runner.inbox.look(client_order_ids, runner.price_received(client_order_ids))
        else:
            runner.inbox.reconcile()

    def symbol_of(self, account_id: int, client_order_id: str) -> str | None:
        """Where a live order of the account belongs."""
        runner = self.running.get(account_id)
        owner = None if runner is None else runner.live.owner(client_order_id)
        return None if runner is None or owner is None else runner.tracked[owner].symbol

    def symbols_of(self, account_id: int) -> set[str]:
        """What the account's strategies trade."""
        runner = self.running.get(account_id)
        return set() if runner is None else {t.symbol for t in runner.tracked.values()}
