"""The simulated and the paper venue: real or made-up prices, orders filled by core's rules, a ledger in
rows of its own. The worker sees it only through `Venue`, so a crash test compares two books.

Accepting an order *is* the ledger's commit. Everything that touches an account's book holds its lock
until that commit, so nobody ever sees what is not committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from core.account_book import AccountBook, BookOrder
from core.candles import Candle
from core.errors import InvalidInput, StepladderError
from core.events import Quote
from core.market import Market, Side
from core.matching import Resting
from core.orders import Order, OrderStatus, OrderUpdate
from db.errors import CommitUnknown, Conflict, DatabaseUnavailable, Stale
from worker.errors import AccountLost, OutcomeUnknown, VenueUnavailable
from worker.prices.source import PriceSource
from worker.venues.crossing import Crossing
from worker.venues.ledger import Ledger
from worker.venues.protocol import Asked, Balance, OpenOrder

log = logging.getLogger(__name__)
WINDOW = timedelta(seconds=5)
CONTINUOUS = timedelta(seconds=10)
REMEMBERED = 20_000
LOST = (CommitUnknown, Conflict, DatabaseUnavailable, Stale)

Hint = Callable[[int, set[str]], None]


class LedgerVenue:
    """`hint(account_id, client_order_ids)` is called after orders have changed by themselves."""

    request_window = WINDOW
    index_lag = timedelta(0)
    checks_balances = False

    def __init__(self, name: str, source: PriceSource, ledger: Ledger) -> None:
        self.name = name
        self.source = source
        self.ledger = ledger
        self.hint: Hint = lambda account_id, orders: None
        self._books: dict[int, AccountBook] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._markets: dict[str, Market] = {}
        self._crossing: dict[str, Crossing] = {}
        self._quotes: dict[str, tuple[datetime, Quote]] = {}
        self._finished: OrderedDict[str, OrderUpdate] = OrderedDict()

    def now(self) -> datetime:
        return self.source.now()

    async def market(self, symbol: str) -> Market:
        if symbol not in self._markets:
            self._markets[symbol] = await self.source.market(symbol)
            self._crossing.setdefault(symbol, Crossing())
        return self._markets[symbol]

    def renew(self, market: Market) -> None:
        """The exchange has changed its rules."""
        if market.symbol in self._markets:
            self._markets[market.symbol] = market

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        return await self.source.candles(symbol, since, until)

    # --- accounts

    async def attach(self, account_id: int, stated: dict[str, Decimal]) -> datetime:
        self._locks.setdefault(account_id, asyncio.Lock())
        async with self._locks[account_id]:
            try:
                walked_until = await self.ledger.open(account_id, stated, self.now())
                await self._load(account_id)
            except LOST as error:
                raise VenueUnavailable("the ledger does not answer") from error
        await self._catch_up(account_id, walked_until)
        return walked_until

    async def detach(self, account_id: int) -> None:
        book = self._books.pop(account_id, None)
        for order in [] if book is None else book.orders.values():
            if order.symbol in self._crossing:
                self._crossing[order.symbol].remove(order.client_order_id)

    async def _load(self, account_id: int) -> None:
        """Read the account's book again; what was in memory is forgotten."""
        await self.detach(account_id)
        book = await self.ledger.load(account_id)
        self._books[account_id] = book
        for order in book.orders.values():
            try:
                await self.market(order.symbol)
            except InvalidInput as problem:  # it waits until its symbol is traded again
                log.warning("order %s: %s", order.client_order_id, problem)
                continue
            self._rest(account_id, order)

    def _rest(self, account_id: int, order: BookOrder) -> None:
        if order.price is not None:
            self._crossing[order.symbol].add(
                account_id, order.client_order_id, order.side, order.price
            )

    async def _catch_up(self, account_id: int, since: datetime) -> None:
        """Walk the time in which no worker ran, before anything new is sent: all of it or, when that is
        interrupted, all of it again."""
        until = self.now()
        async with self._locks[account_id]:
            book = self._book(account_id)
            filled: dict[str, list[OrderUpdate]] = {}
            for symbol in sorted({order.symbol for order in book.orders.values()}):
                if symbol in self._markets:
                    pieces = await self.source.path(symbol, since, until)
                    filled[symbol] = self._walk(account_id, symbol, pieces)
            updates = [update for some in filled.values() for update in some]
            if updates:
                await self._commit(account_id, updates, until)
            for symbol, some in filled.items():
                self._leave(symbol, some)
        await self.ledger.walked([account_id], until)

    def _walk(
        self, account_id: int, symbol: str, pieces: Sequence[tuple[datetime, Candle]]
    ) -> list[OrderUpdate]:
        """Fill what the pieces reach; the way to the first, and any way of more than 10 s, is a jump."""
        book, market = self._books[account_id], self._markets[symbol]
        crossing = self._crossing[symbol]
        updates: list[OrderUpdate] = []
        before: datetime | None = None
        for ended, piece in pieces:
            jump = before is None or piece.at - before > CONTINUOUS
            for price in dict.fromkeys((piece.open, *piece.path())):
                for client_order_id in crossing.reached(price, price, account_id).get(
                    account_id, ()
                ):
                    order = book.orders.get(client_order_id)
                    if order is None or order.price is None:
                        continue
                    at = price if jump else order.price
                    updates.append(book.fill(market, order, at, ended, taker=False))
                jump = False
            before = ended
        return updates

    def _leave(self, symbol: str, updates: Sequence[OrderUpdate]) -> None:
        """These orders rest no more."""
        for update in updates:
            self._crossing[symbol].remove(update.client_order_id)

    async def walked(self, at: datetime) -> None:
        """Write down up to when the open orders of the attached accounts have been walked."""
        accounts = [account_id for account_id, book in self._books.items() if book.orders]
        if accounts:
            await self.ledger.walked(accounts, at)

    # --- prices

    async def see(self, symbol: str, at: datetime, quote: Quote) -> None:
        """The market moved: fill what the path from the quote before has reached."""
        before = self._quotes.get(symbol)
        self._quotes[symbol] = (at, quote)
        jump = before is None or at - before[0] > CONTINUOUS
        crossing = self._crossing.get(symbol)
        reached = {} if crossing is None else crossing.reached(quote.bid, quote.ask)
        if reached:
            jumped_to = (quote.bid, quote.ask) if jump else None
            await asyncio.gather(
                *(
                    self._fill(account_id, symbol, orders, jumped_to, at)
                    for account_id, orders in reached.items()
                )
            )

    async def _fill(
        self, account_id: int, symbol: str, orders: Sequence[str],
        jumped_to: tuple[Decimal, Decimal] | None, at: datetime,
    ) -> None:  # fmt: skip
        """Fill the resting orders: at their own price, or at the price that the market jumped to."""
        async with self._locks[account_id]:
            book = self._books.get(account_id)
            market, updates = self._markets[symbol], []
            for client_order_id in orders:
                order = None if book is None else book.orders.get(client_order_id)
                if book is None or order is None or order.price is None:
                    self._crossing[symbol].remove(client_order_id)  # it went another way
                    continue
                price = order.price
                if jumped_to is not None:
                    price = jumped_to[1] if order.side is Side.BUY else jumped_to[0]
                updates.append(book.fill(market, order, price, at, taker=False))
            try:
                if updates:
                    await self._commit(account_id, updates, at)
                    self._leave(symbol, updates)
            finally:
                # Also when nobody knows: whoever looks the orders up learns what is true.
                self.hint(account_id, {update.client_order_id for update in updates})

    async def _commit(self, account_id: int, updates: Sequence[OrderUpdate], at: datetime) -> None:
        """Make the book's changes true; when that fails the book is read again as it is."""
        book = self._books[account_id]
        try:
            await self.ledger.write(self.name, account_id, book, at)
        except StepladderError as error:
            log.warning("ledger of account %s: %s", account_id, type(error).__name__)
            try:
                await self._load(account_id)
            except StepladderError as again:
                await self.detach(account_id)
                raise OutcomeUnknown("the ledger does not answer") from again
            raise OutcomeUnknown("the ledger did not confirm") from error
        for update in updates:
            if update.status is not OrderStatus.OPEN:
                self._remember(update)

    def _remember(self, update: OrderUpdate) -> None:
        self._finished[update.client_order_id] = update
        if len(self._finished) > REMEMBERED:
            self._finished.popitem(last=False)

    def show(self, symbol: str, at: datetime, quote: Quote) -> None:
        """The market stands here now; nothing fills by itself (lockstep)."""
        self._quotes[symbol] = (at, quote)

    def resting(self, symbol: str) -> list[Resting]:
        """Every open limit order of the symbol, over all accounts."""
        return [
            order.resting()
            for book in self._books.values()
            for order in book.orders.values()
            if order.symbol == symbol
        ]

    async def fill_at(
        self, symbol: str, client_order_id: str, price: Decimal, at: datetime
    ) -> None:
        """Fill that resting order at `price` (lockstep)."""
        account_id = self._crossing[symbol].account_of(client_order_id)
        await self._fill(account_id, symbol, [client_order_id], (price, price), at)

    # --- orders

    async def place(
        self, account_id: int, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        market = await self.market(symbol)
        async with self._locks[account_id]:
            # Only now: who waited for the lock may have become too late.
            at, quote, book = self.now(), self._quote(symbol), self._book(account_id)
            updates = []
            for order in orders:
                refusal = _refusal(order, market, at, quote)
                if refusal is not None or quote is None:
                    updates.append(refusal or _not_placed(order, "no_price"))
                    continue
                if order.client_order_id in book.orders or order.client_order_id in self._finished:
                    continue  # a duplicate id means: it exists
                updates.append(book.place(market, order, quote.bid, quote.ask, at))
            if book.changes:
                await self._commit(account_id, updates, at)
            for update in updates:
                if update.client_order_id in book.orders:
                    self._rest(account_id, book.orders[update.client_order_id])
        return updates

    async def cancel(self, account_id: int, symbol: str, orders: Sequence[Order]) -> None:
        await self._cancel(account_id, symbol, [order.client_order_id for order in orders])

    async def cancel_by_id(self, account_id: int, symbol: str, client_order_id: str) -> None:
        await self._cancel(account_id, symbol, [client_order_id])

    async def _cancel(self, account_id: int, symbol: str, ids: Sequence[str]) -> None:
        market = await self.market(symbol)
        async with self._locks[account_id]:
            book = self._book(account_id)
            ended = [book.cancel(market, client_order_id) for client_order_id in ids]
            updates = [update for update in ended if update is not None]
            if updates:
                await self._commit(account_id, updates, self.now())
                self._leave(symbol, updates)

    async def look_up(self, account_id: int, orders: Sequence[Order]) -> list[OrderUpdate]:
        async with self._locks[account_id]:
            book = self._book(account_id)
            found, missing = [], []
            for order in orders:
                known = book.orders.get(order.client_order_id)
                if known is not None:
                    found.append(known.update())
                elif order.client_order_id in self._finished:
                    found.append(self._finished[order.client_order_id])
                else:
                    missing.append(order.client_order_id)
            if missing:
                try:
                    found += await self.ledger.orders(account_id, missing)
                except LOST as error:
                    raise VenueUnavailable("the ledger does not answer") from error
        return found

    async def inquire(self, account_id: int, order: Order) -> Asked:
        """The ledger is the only source, and whole."""
        found = await self.look_up(account_id, [order])
        return Asked(bool(found), None, ())

    async def by_number(self, account_id: int, order: Order, number: str) -> OrderUpdate | None:
        """Nobody else trades there."""
        return None

    async def open_orders(self, account_id: int) -> list[OpenOrder]:
        async with self._locks[account_id]:
            orders = self._book(account_id).orders.values()
            return [
                OpenOrder(o.client_order_id, o.symbol, o.side, o.price, o.quantity)
                for o in orders
                if o.price is not None
            ]

    async def everything(self, account_id: int) -> list[OpenOrder]:
        return await self.open_orders(account_id)

    async def balances(self, account_id: int) -> dict[str, Balance]:
        async with self._locks[account_id]:
            balances = self._book(account_id).balances
            return {asset: Balance(m.free, m.used) for asset, m in balances.items()}

    def _book(self, account_id: int) -> AccountBook:
        book = self._books.get(account_id)
        if book is None:
            raise AccountLost("the account's ledger is not in memory")
        return book

    def _quote(self, symbol: str) -> Quote | None:
        """The market at this moment, at most 10 s old."""
        seen = self._quotes.get(symbol)
        if seen is None or self.now() - seen[0] > CONTINUOUS:
            return None
        return seen[1]


def _refusal(order: Order, market: Market, at: datetime, quote: Quote | None) -> OrderUpdate | None:
    """What an exchange would answer to an order that it does not take."""
    if at > order.created_at + WINDOW:
        return _not_placed(order, "too_late")
    if quote is None:
        return _not_placed(order, "no_price")
    price = order.planned_price if order.price is None else order.price
    if not market.is_tradable(order.quantity, price):
        return OrderUpdate(order.client_order_id, OrderStatus.REFUSED, reason="below_minimum")
    if market.round_quantity(order.quantity) != order.quantity:
        return OrderUpdate(order.client_order_id, OrderStatus.REFUSED, reason="lot_size")
    if order.price is not None and market.round_price(order.side, order.price) != order.price:
        return OrderUpdate(order.client_order_id, OrderStatus.REFUSED, reason="tick_size")
    return None


def _not_placed(order: Order, reason: str) -> OrderUpdate:
    return OrderUpdate(order.client_order_id, OrderStatus.NOT_PLACED, reason=reason)
