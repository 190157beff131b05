"""One account as a worker holds it: real rows, real runners and writer, and a venue that obeys the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, select, update

from core.cycle import Cycle, DesiredState
from core.events import last_price
from core.market import Side
from core.orders import Kind, Order, OrderStatus, Role, Slot
from db import accounts, cycles, exchange_proofs, halt, leases, strategies, wanted
from db import status as statuses
from db.accounts import Account, AccountKind
from db.errors import CommitUnknown
from db.handles import Session
from db.statements import table_of
from db.tables import ExchangeAccount, JournalRow, OrderRow
from db.transactions import run
from tests.db.people import a_user, an_administrator
from tests.worker.fakes import FakeClock, FakeVenue
from worker.account import AccountRunner
from worker.database import Database
from worker.desk import Desk
from worker.group_commit import GroupCommit
from worker.runners import Runners
from worker.units import Unit, Writer
from worker.venues.protocol import TimedQuote

T = TypeVar("T")
SYMBOL = "BTC/USDT"
PATIENCE = 10.0
LADDER = {
    "base_order_size": "100",
    "safety_order_size": "100",
    "max_safety_orders": 3,
    "price_deviation": "0.01",
    "step_scale": "1",
    "volume_scale": "1",
    "take_profit": "0.01",
}
Commit = Callable[[Sequence[Unit]], Sequence[BaseException | None]]


class House:
    """`before_commit`: what happens just before the next commits, one each. `unknown`: for the next
    commits, whether they happened although nobody knows."""

    def __init__(self, engine: Engine, clock: FakeClock, venue: FakeVenue) -> None:
        self.engine, self.clock, self.venue = engine, clock, venue
        self.database = Database(engine)
        self.desk = Desk("simulated", venue, monotonic=clock.monotonic)
        self.before_commit: deque[Callable[[], None]] = deque()
        self.unknown: deque[bool] = deque()
        self.worker = "w1"
        self.person = a_user(engine)
        self.account = self.add_account("10000")
        run(engine, lambda s: leases.register_worker(s, self.worker, "here", 1, "now", "test"))
        self.write: Commit = Writer(engine).commit
        self.writer: GroupCommit[Unit, None] = GroupCommit(self.database, self._commit)
        self.runners = self._new_runners()
        self._writing: asyncio.Task[None] | None = None

    def _new_runners(self) -> Runners:
        return Runners(self.database, lambda account: self.desk, self.writer)

    def _commit(self, units: Sequence[Unit]) -> Sequence[BaseException | None]:
        if self.before_commit:
            self.before_commit.popleft()()
        if not self.unknown:
            return self.write(units)
        happened = self.unknown.popleft()
        if happened:
            self.write(units)
        return [CommitUnknown("lost") for _ in units]

    # --- rows

    def run(self, unit: Callable[[Session], T]) -> T:
        return run(self.engine, unit)

    def add_account(self, balance: str, name: str = "Test") -> int:
        return run(
            self.engine,
            lambda s: accounts.add_simulated_account(
                s, self.person, name=name, balance={"USDT": balance}, at=self.clock.now()
            ),
        )

    def go_live(self, **caps: str) -> None:
        """The account is a real one from now on, with these caps; its venue counts coins."""
        self.venue.checks_balances = True
        self.set_caps(caps or None)

    def set_caps(self, caps: Mapping[str, str] | None) -> None:
        """The person changes them; the worker does not know yet."""
        row = table_of(ExchangeAccount)
        values = {
            "kind": AccountKind.LIVE,
            "exchange": "binance",
            "caps": caps,
            "rev": row.c.rev + 1,
        }
        change = update(row).where(row.c.id == self.account).values(values)
        self.run(lambda s: s.execute(change))
        at = self.clock.now()
        self.run(lambda s: exchange_proofs.save_proof(s, "binance", self.account, at=at))

    def strategy(self, symbol: str = SYMBOL, account: int | None = None, **changes: Any) -> int:
        return self.run(
            lambda s: strategies.create_strategy(
                s,
                self.person,
                account_id=account or self.account,
                name=f"On {symbol}",
                symbol=symbol,
                parameters=LADDER | changes,
                at=self.clock.now(),
            )
        )

    def set_wish(self, strategy_id: int, state: DesiredState, **choices: Any) -> None:
        """The person presses a button; the worker does not know yet."""
        self.run(
            lambda s: strategies.set_desired(
                s, self.person, strategy_id, state, at=self.clock.now(), rev=None, **choices
            )
        )

    def edit(self, strategy_id: int, version: int, **changes: Any) -> None:
        self.run(
            lambda s: strategies.edit_parameters(
                s,
                self.person,
                strategy_id,
                parameters=LADDER | changes,
                version=version,
                at=self.clock.now(),
            )
        )

    def set_halt(self, on: bool) -> None:
        root = self.run(_administrator) or an_administrator(self.engine)
        self.run(lambda s: halt.set_halt(s, root, on=on, reason="drill", at=self.clock.now()))

    def status(self, strategy_id: int) -> statuses.StrategyStatus:
        return self.run(lambda s: statuses.load(s, [self.account]))[strategy_id]

    def state(self, strategy_id: int) -> str:
        return str(self.status(strategy_id).actual_state)

    def journal(self, code: str | None = None) -> list[str]:
        """Codes in order, or the sentences of one code."""
        query = select(JournalRow.code, JournalRow.sentence).order_by(JournalRow.id)
        rows = self.run(lambda s: list(s.execute(query)))
        return [row.sentence if code else row.code for row in rows if code in (None, row.code)]

    def rows(self, strategy_id: int) -> list[Any]:
        """Every order that the strategy ever had, as written."""
        query = select(OrderRow).where(OrderRow.strategy_id == strategy_id)
        ordered = query.order_by(OrderRow.cycle_number, OrderRow.position)
        return list(self.run(lambda s: s.scalars(ordered).all()))

    def stored(self, strategy_id: int) -> Cycle:
        """The open cycle as the rows have it."""
        found = self.run(lambda s: cycles.load_open(s, [self.account]))
        cycle = next(row.cycle for row in found if row.strategy_id == strategy_id)
        assert cycle is not None
        return cycle

    def attempts(self, strategy_id: int, role: Role, level: int | None = None) -> list[Order]:
        return [
            order
            for order in self.stored(strategy_id).orders
            if order.slot.role is role and (level is None or order.slot.level == level)
        ]

    def attempts_of_take_profit(self, strategy_id: int) -> list[Order]:
        return self.attempts(strategy_id, Role.TAKE_PROFIT)

    @staticmethod
    def level(number: int) -> Slot:
        return Slot(Role.SAFETY, number)

    def live(self, strategy_id: int) -> list[Order]:
        return list(self.stored(strategy_id).live())

    # --- the worker

    async def start(self) -> None:
        """Take the leases of all accounts and serve them."""
        if self._writing is None:
            self._writing = asyncio.create_task(self.writer.run())
        found = self.run(accounts.trading_accounts)
        mine = [a for a in found if a.user_id == self.person and a.account_id >= self.account]
        await self.take(mine)
        await self.settle()

    async def take(self, mine: Sequence[Account]) -> None:
        ids = [account.account_id for account in mine]
        tokens: Mapping[int, int] = self.run(lambda s: leases.take_all(s, self.worker, ids))
        for account in mine:
            self.runners.start(account, tokens[account.account_id])
        self.expected = set(ids)

    async def settle(self) -> None:
        """Until every account is open and nothing waits in it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                runners = self.runners.running
                if runners.keys() >= self.expected - self.runners.lost and all(
                    runner.inbox.is_settled for runner in runners.values()
                ):
                    return
                await asyncio.sleep(0.001)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  (what is waited for sets no event)
                await asyncio.sleep(0.001)

    def steal_lease(self) -> None:
        """Another worker takes the account; this one does not know yet."""
        self.run(lambda s: leases.register_worker(s, "w2", "there", 1, "now", "test"))
        self.run(lambda s: leases.release(s, self.worker, [self.account]))
        self.run(lambda s: leases.take_all(s, "w2", [self.account]))

    async def crash(self) -> None:
        """What was in memory is gone; nothing is finished and nothing is said."""
        for task in list(self.runners._tasks.values()):
            task.cancel()
        await asyncio.gather(*self.runners._tasks.values(), return_exceptions=True)
        self.runners = self._new_runners()

    async def close(self) -> None:
        await self.crash()
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self.database.close()

    @property
    def runner(self) -> AccountRunner:
        return self.runners.running[self.account]

    async def price(self, price: object, symbol: str = SYMBOL, seconds: float = 1) -> None:
        """One second later the price is there: orders fill, whoever it wakes decides."""
        self.clock.advance(seconds)
        await self.show(price, symbol)
        await self.settle()

    async def show(self, price: object, symbol: str = SYMBOL) -> None:
        number = Decimal(str(price))
        filled = self.venue.move(symbol, number)
        seen = TimedQuote(self.clock.now(), last_price(number), self.clock.monotonic())
        self.desk.take(symbol, seen)
        if filled:
            for account in self.runners.running:
                self.runners.hint(account, filled)
        self.runners.wake(self.desk.woken(symbol, self.clock.now()))

    async def stand(self, price: object, symbol: str = SYMBOL) -> None:
        """Two quotes a second apart: now the price is believed."""
        await self.price(price, symbol)
        await self.price(price, symbol)

    async def second(self, seconds: int = 1, price: object | None = None) -> None:
        """The clock goes on; with `price` a fresh quote comes each second."""
        for _ in range(seconds):
            self.clock.advance(1)
            if price is not None:
                await self.show(price)
            self.runners.wake(self.runners.alarms.due(self.clock.now()))
            for runner in list(self.runners.running.values()):
                await runner.each_second()
            await self.settle()

    async def learn(self) -> None:
        """The poller has read what people want."""
        ids = [account for account in self.runners.running]
        rows = self.run(lambda s: wanted.all_wanted(s, ids))
        found = self.run(halt.read_halt)
        await self.runners.learn(rows, found)
        await self.settle()

    async def learn_accounts(self) -> None:
        """The worker has read the rows of the accounts."""
        self.runners.know(self.run(accounts.trading_accounts))
        await self.settle()

    async def learn_of(self, *strategy_ids: int) -> None:
        """The poller has read these rows, archived or not."""
        rows = self.run(lambda s: wanted.wanted(s, strategy_ids))
        await self.runners.learn(rows, self.run(halt.read_halt))
        await self.settle()

    async def want(self, strategy_id: int, state: DesiredState, **choices: Any) -> None:
        self.set_wish(strategy_id, state, **choices)
        await self.learn()

    async def reconcile(self) -> None:
        for runner in self.runners.running.values():
            runner.inbox.reconcile()
        await self.settle()

    # --- what should not happen

    def forget_orders(self, client_order_ids: set[str]) -> None:
        """The database was set back: these rows are gone."""
        gone = delete(OrderRow).where(OrderRow.client_order_id.in_(client_order_ids))
        self.run(lambda s: s.execute(gone))

    def put_on_venue(self, client_order_id: str) -> None:
        """An order that no row of ours explains."""
        book = self.venue.books[self.account]
        order = replace(
            next(iter(self.runner.tracked.values())).cycle.orders[-1],
            client_order_id=client_order_id,
            kind=Kind.LIMIT,
            side=Side.BUY,
            price=Decimal(50),
        )
        market = self.venue.traded[SYMBOL]
        book.place(market, order, Decimal(100), Decimal(100), self.clock.now())

    # --- what must always hold

    def nothing_was_sent_twice(self) -> bool:
        return len(set(self.venue.sent)) == len(self.venue.sent)

    def open_on_venue(self, account: int | None = None) -> set[str]:
        return set(self.venue.books[account or self.account].orders)

    def open_in_rows(self, strategy_id: int) -> set[str]:
        known = (OrderStatus.OPEN, OrderStatus.CANCELLING)
        return {o.client_order_id for o in self.live(strategy_id) if o.status in known}


def _administrator(session: Session) -> int | None:
    from db.users import find_user

    found = find_user(session, "root")
    return None if found is None else found.user_id
