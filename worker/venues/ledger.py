"""Between a venue's books in memory and their rows: one commit for the changes of many accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from core.account_book import AccountBook, BookOrder, BookStatus, Changes, Money
from core.errors import StepladderError
from core.orders import Fill, OrderUpdate
from db import ledger as rows
from db.cycle_rows import Shared
from db.errors import CommitUnknown
from db.handles import Engine, Session
from db.ledger import (
    LedgerAccount,
    LedgerBalance,
    LedgerChange,
    LedgerOrder,
    LedgerStatus,
    LedgerTrade,
)
from db.transactions import run
from worker.database import Database
from worker.group_commit import GroupCommit
from worker.together import Together


@dataclass(frozen=True, slots=True)
class Entry:
    """What one account's book changed, under the revision it was read at."""

    venue: str
    account: LedgerAccount
    changes: Changes
    balances: tuple[tuple[str, Decimal, Decimal], ...]
    at: datetime


class Ledger:
    """The rows of every account that this worker serves; knows the revision each book stands on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revisions: dict[int, int] = {}
        engine = database.engine
        self._opened = Together[Opening, datetime | None](
            lambda some: database.call(_each, engine, database.shared, _open, some)
        )
        self._loaded = Together[int, Loaded](
            lambda some: database.call(_each, engine, database.shared, _load, some)
        )
        self.commits: GroupCommit[Entry, None] = GroupCommit(
            database, lambda entries: commit(database.engine, entries)
        )

    async def open(self, account_id: int, stated: dict[str, Decimal], at: datetime) -> datetime:
        """Give a new account its stated balance; returns up to when its orders have been walked."""
        return await self._opened((account_id, stated)) or at

    async def load(self, account_id: int) -> AccountBook:
        """The book as the rows have it."""
        account, book = await self._loaded(account_id)
        self._revisions[account_id] = account.rev
        return book

    async def write(self, venue: str, account_id: int, book: AccountBook, at: datetime) -> None:
        """Commit what the book changed. Raises what `db` raises; the book is then to be loaded again."""
        changes = book.take_changes()
        account = LedgerAccount(
            account_id, book.next_order, book.next_trade, at, self._revisions[account_id]
        )
        balances = tuple(
            (asset, book.balances[asset].free, book.balances[asset].used)
            for asset in sorted(changes.assets)
        )
        await self.commits.submit(Entry(venue, account, changes, balances, at))
        self._revisions[account_id] += 1

    async def walked(self, account_ids: Sequence[int], at: datetime) -> None:
        """The open orders of these accounts have met every price up to `at`."""
        revisions = {i: self._revisions[i] for i in account_ids if i in self._revisions}
        await self._database.write(lambda session: rows.walked(session, revisions, at))

    async def orders(self, account_id: int, client_order_ids: Sequence[str]) -> list[OrderUpdate]:
        """Snapshots of orders that are not in memory: finished ones. Absent: never accepted."""

        def unit(session: Session) -> list[OrderUpdate]:
            found = rows.find_orders(session, client_order_ids)
            trades = _by_order(rows.trades_of(session, list(found)))
            return [
                _book_order(order, trades, Shared()).update()
                for order in found.values()
                if order.account_id == account_id
            ]

        return await self._database.read(unit)


Opening = tuple[int, dict[str, Decimal]]
Loaded = tuple[LedgerAccount, AccountBook]
Q = TypeVar("Q")
A = TypeVar("A")


def _each(
    engine: Engine,
    share: Shared,
    answer: Callable[[Session, Shared, Sequence[Q]], list[A]],
    some: Sequence[Q],
) -> list[A | BaseException]:
    """The answers to all in one transaction; when that fails each is asked alone."""
    try:
        return list(run(engine, lambda session: answer(session, share, some)))
    except StepladderError as error:
        if len(some) == 1:
            return [error]
    return [_each(engine, share, answer, [one])[0] for one in some]


def _open(session: Session, _: Shared, some: Sequence[Opening]) -> list[datetime | None]:
    """Up to when the orders of each have been walked; an account that is new gets its balance.

    Each account moves on by one revision: a worker that held it before can accept nothing any more.
    """
    known = rows.accounts(session, [account_id for account_id, _ in some])
    rows.write(session, LedgerChange(accounts=list(known.values())))
    for account_id, stated in some:
        if account_id not in known:
            rows.open_account(session, account_id, stated)
    return [known[a].walked_until if a in known else None for a, _ in some]


def _load(session: Session, share: Shared, account_ids: Sequence[int]) -> list[Loaded]:
    found = {
        account_id: (account, AccountBook({}, account.next_order, account.next_trade))
        for account_id, account in rows.accounts(session, account_ids).items()
    }
    for row in rows.balances(session, account_ids):
        found[row.account_id][1].balances[row.asset] = Money(row.free, row.used)
    orders = rows.open_orders(session, account_ids)
    # Only an order that has filled in part is open and has trades.
    begun = [order.client_order_id for order in orders if order.filled]
    trades = _by_order(rows.trades_of(session, begun))
    for order in orders:
        book = found[order.account_id][1]
        book.orders[order.client_order_id] = _book_order(order, trades, share)
    return [found[account_id] for account_id in account_ids]


def commit(engine: Engine, entries: Sequence[Entry]) -> list[BaseException | None]:
    """One transaction for all entries; when it fails they run one by one, unless it may have happened."""
    try:
        run(engine, lambda session: rows.write(session, _change(entries)))
    except CommitUnknown as unknown:
        return [unknown for _ in entries]
    except StepladderError as error:
        if len(entries) == 1:
            return [error]
        return [commit(engine, [entry])[0] for entry in entries]
    return [None for _ in entries]


def _change(entries: Sequence[Entry]) -> LedgerChange:
    return LedgerChange(
        accounts=[entry.account for entry in entries],
        orders=[
            _ledger_order(order, entry)
            for entry in entries
            for order in entry.changes.orders.values()
        ],
        trades=[
            _ledger_trade(order, fill, entry)
            for entry in entries
            for order, fill in entry.changes.trades
        ],
        balances=[
            LedgerBalance(entry.account.account_id, asset, free, used)
            for entry in entries
            for asset, free, used in entry.balances
        ],
    )


def _ledger_order(order: BookOrder, entry: Entry) -> LedgerOrder:
    return LedgerOrder(
        client_order_id=order.client_order_id,
        account_id=entry.account.account_id,
        venue=entry.venue,
        symbol=order.symbol,
        venue_order_id=order.venue_order_id,
        side=order.side,
        kind=order.kind,
        price=order.price,
        quantity=order.quantity,
        filled=order.filled,
        status=LedgerStatus(order.status),
        locked=order.locked,
        created_at=order.created_at,
        updated_at=entry.at,
    )


def _ledger_trade(order: BookOrder, fill: Fill, entry: Entry) -> LedgerTrade:
    return LedgerTrade(
        account_id=entry.account.account_id,
        symbol=order.symbol,
        trade_id=fill.trade_id,
        seq=int(fill.trade_id),
        client_order_id=order.client_order_id,
        side=order.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_value=fill.fee_value,
        at=fill.at,
    )


def _by_order(trades: Sequence[LedgerTrade]) -> dict[str, list[Fill]]:
    found: dict[str, list[Fill]] = {}
    for t in trades:
        fill = Fill(t.trade_id, t.at, t.price, t.quantity, t.fee, t.fee_asset, t.fee_value)
        found.setdefault(t.client_order_id, []).append(fill)
    return found


def _book_order(order: LedgerOrder, trades: dict[str, list[Fill]], share: Shared) -> BookOrder:
    return BookOrder(
        client_order_id=share(order.client_order_id),
        venue_order_id=share(order.venue_order_id),
        symbol=share(order.symbol),
        side=order.side,
        kind=order.kind,
        price=share(order.price),
        quantity=share(order.quantity),
        status=BookStatus(order.status),
        locked=share(order.locked),
        created_at=share(order.created_at),
        fills=tuple(trades.get(order.client_order_id, ())),
    )
