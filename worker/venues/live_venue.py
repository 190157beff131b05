"""Real accounts on a real exchange, through ccxt: the `Venue` that other people's money rests on.

It keeps no books. What an order is, is what the exchange says when asked; hints of the private stream
only say when to ask. Nothing is ever sent twice here, whatever happens to the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core.candles import Candle
from core.events import Quote
from core.market import Market
from core.orders import Order, OrderStatus, OrderUpdate
from worker.clock import monotonic
from worker.errors import AccountLost, PartlyAnswered, VenueUnavailable
from worker.exchanges.answers import SeenOrder, read_balances
from worker.exchanges.budget import Urgency, urgent
from worker.exchanges.clients import client_for, retire
from worker.exchanges.hub import Hub
from worker.exchanges.stream import PrivateStream
from worker.prices.source import PriceSource
from worker.venues.ledger_venue import Hint
from worker.venues.live_account import LiveAccount, pace_of
from worker.venues.live_asking import Asker
from worker.venues.live_fills import Fees
from worker.venues.live_inquiry import Inquirer
from worker.venues.live_looking import Looker
from worker.venues.live_sending import Sender
from worker.venues.protocol import Asked, Balance, OpenOrder

if TYPE_CHECKING:
    from worker.keys.opening import ExchangeKey

log = logging.getLogger(__name__)
BALANCES_LAST = 2.0
WHOLE_ACCOUNT_EACH = 600.0
FIRST_WHOLE = 30.0
WHOLE_APART = 8.0
"""Seconds between two such questions, of whichever accounts: on Binance a tenth of the request limit. With a
thousand accounts every comparison would ask it otherwise, and buys would wait until they are too late."""
CONGESTED = 4
DEAR = 10
"""Asking for the whole account costs as much as asking for so many symbols."""
LAST_SENDS = 5.0
DOUBTED = (OrderStatus.SENDING, OrderStatus.QUARANTINED)

Keys = Callable[[int], Awaitable["ExchangeKey"]]
"""The opened and checked key of an account. Raises `KeyRefused` with a sentence for its owner."""
SeenUntil = Callable[[int], Awaitable[datetime | None]]
SymbolOf = Callable[[int, str], str | None]


async def _never(account_id: int) -> datetime | None:
    return None


class LiveVenue:
    """`hint(account_id, client_order_ids)`: these orders may have changed; none named: anything may have.

    symbol_of(account_id, client_order_id): where an order that has a row belongs. symbols_of(account_id):
    what its strategies trade. seen_until(account_id): up to when the account was watched before.
    """

    checks_balances = True

    def __init__(
        self,
        hub: Hub,
        keys: Keys,
        source: PriceSource,
        *,
        hint: Hint = lambda account_id, orders: None,
        seen_until: SeenUntil = _never,
        with_streams: bool = True,
    ) -> None:
        assert hub.adapter is not None
        self.hub, self.adapter = hub, hub.adapter
        self.keys, self.source, self.hint, self.seen_until = keys, source, hint, seen_until
        self.symbol_of: SymbolOf = lambda account_id, order: None
        self.symbols_of: Callable[[int], set[str]] = lambda account_id: set()
        self.with_streams = with_streams
        self.request_window = self.adapter.request_window
        self.index_lag = self.adapter.index_lag
        self.fees = Fees(source, self.adapter.worth)
        self._asker = Asker(hub, self.adapter)
        self._sender = Sender(hub, self.adapter, self._asker)
        self._looker = Looker(self.adapter, self._asker, self.fees)
        self._inquirer = Inquirer(self.adapter, self._asker, self.fees, self._looker)
        self._accounts: dict[int, LiveAccount] = {}
        self._last_sends: set[asyncio.Task[object]] = set()
        self._next_whole = 0.0

    def now(self) -> datetime:
        return self.hub.now()

    async def see(self, symbol: str, at: datetime, quote: Quote) -> None:
        """The exchange knows its market itself."""

    async def walked(self, at: datetime) -> None:
        """Orders rest there whether we look or not."""

    async def market(self, symbol: str) -> Market:
        return await self.source.market(symbol)

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        return await self.source.candles(symbol, since, until)

    # --- accounts

    async def attach(self, account_id: int, stated: dict[str, Decimal]) -> datetime:
        await self.detach(account_id)
        await self.hub.ready()
        key = await self.keys(account_id)
        client = client_for(self.hub, self.adapter, key)
        account = LiveAccount(account_id, client, pace_of(self.adapter.creates))
        since = await self.seen_until(account_id)
        # Soon, but not at once: after a restart what rests on symbols in use comes first, for everybody.
        account.whole_at = monotonic() + FIRST_WHOLE + account_id * 7 % FIRST_WHOLE
        self._accounts[account_id] = account
        if self.with_streams and PrivateStream.is_possible(client):
            stream = PrivateStream(client, lambda orders: self._hinted(account, orders))
            account.stream = asyncio.create_task(stream.run(), name=f"stream-{account_id}")
        return self.now() if since is None else min(since, self.now())

    async def detach(self, account_id: int) -> None:
        """Sends that are on their way go on: they are the account's no more, but nobody cuts them off."""
        account = self._accounts.pop(account_id, None)
        if account is None:
            return
        self._last_sends |= account.sends
        if account.stream is not None:
            account.stream.cancel()
            await asyncio.gather(account.stream, return_exceptions=True)
        if account.sends:
            await asyncio.wait(account.sends, timeout=LAST_SENDS)
        retire(account.client)

    async def close(self) -> None:
        for account_id in list(self._accounts):
            await self.detach(account_id)

    def _account(self, account_id: int) -> LiveAccount:
        account = self._accounts.get(account_id)
        if account is None:
            raise AccountLost("the account is not attached")
        return account

    def _hinted(self, account: LiveAccount, orders: set[str]) -> None:
        account.changed()
        self.hint(account.account_id, orders)

    # --- orders

    async def place(
        self, account_id: int, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        account = self._account(account_id)
        for order in orders:
            account.remember(order.client_order_id, symbol)
        sent = await self._sender.place(account, symbol, orders)
        known = {each.order.client_order_id: each.update for each in sent if each.update}
        looked = [each.order for each in sent if each.look]
        if looked:
            for update in await self._look_at_once(account, symbol, looked):
                known[update.client_order_id] = update
        return list(known.values())

    async def _look_at_once(
        self, account: LiveAccount, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        """They were accepted; what became of those that nothing is said of is asked again."""
        try:
            with urgent(Urgency.PROOF):
                return await self._looker.look_up(account, symbol, orders)
        except VenueUnavailable as error:
            log.warning("account %s: %s", account.account_id, error)
            return error.updates if isinstance(error, PartlyAnswered) else []

    async def cancel(self, account_id: int, symbol: str, orders: Sequence[Order]) -> None:
        wanted = [(order.client_order_id, order.venue_order_id) for order in orders]
        await self._sender.cancel(self._account(account_id), symbol, wanted)

    async def cancel_by_id(self, account_id: int, symbol: str, client_order_id: str) -> None:
        account = self._account(account_id)
        await self._sender.cancel(account, symbol, [(client_order_id, None)])
        left = [order for order in account.elsewhere if order.client_order_id != client_order_id]
        account.elsewhere = left

    async def look_up(self, account_id: int, orders: Sequence[Order]) -> list[OrderUpdate]:
        account = self._account(account_id)
        by_symbol: dict[str | None, list[Order]] = {}
        for order in orders:
            by_symbol.setdefault(self._symbol(account, order), []).append(order)
        found: list[OrderUpdate] = []
        unasked: set[str] = set()
        why = ""
        for symbol, some in by_symbol.items():
            try:
                if symbol is not None and self.hub.knows(symbol):
                    found += await self._looker.look_up(account, symbol, some)
                else:
                    found += _unchanged(some, symbol)
            except PartlyAnswered as part:
                found, unasked, why = found + part.updates, unasked | part.unasked, str(part)
        if unasked:
            raise PartlyAnswered(why, found, unasked)
        return found

    async def inquire(self, account_id: int, order: Order) -> Asked:
        account = self._account(account_id)
        symbol = self._symbol(account, order)
        if symbol is None or not self.hub.knows(symbol):
            raise VenueUnavailable("nothing can be asked about an order on an unknown symbol")
        with urgent(Urgency.PROOF):
            return await self._inquirer.inquire(account, symbol, order)

    async def by_number(self, account_id: int, order: Order, number: str) -> OrderUpdate | None:
        account = self._account(account_id)
        symbol = self._symbol(account, order)
        if symbol is None or not self.hub.knows(symbol):
            raise VenueUnavailable("nothing can be asked about an order on an unknown symbol")
        return await self._inquirer.by_number(account, symbol, order, number)

    def know(self, account_id: int, client_order_id: str, symbol: str) -> None:
        """Where an order belongs that has no row and was not placed by this process: a self-test's."""
        self._account(account_id).remember(client_order_id, symbol)

    def _symbol(self, account: LiveAccount, order: Order) -> str | None:
        ours = order.client_order_id
        return account.symbols.get(ours) or self.symbol_of(account.account_id, ours)

    async def open_orders(self, account_id: int) -> list[OpenOrder]:
        """The symbols in use each time; the whole account, which costs much, now and then. What rested
        elsewhere then is taken to rest there until it is looked at again."""
        account = self._account(account_id)
        symbols = self.symbols_of(account_id)
        if self.adapter.lists_all_open and (len(symbols) >= DEAR or self._is_due(account)):
            return await self.everything(account_id)
        found = [order for order in account.elsewhere if order.symbol not in symbols]
        for symbol in sorted(filter(self.hub.knows, symbols)):
            found += [_open(seen) for seen in await self._looker.resting(account, symbol)]
        return found

    async def everything(self, account_id: int) -> list[OpenOrder]:
        """What rests on the whole account now."""
        account = self._account(account_id)
        found = [_open(seen) for seen in await self._looker.resting(account, None)]
        symbols = self.symbols_of(account_id)
        account.elsewhere = [order for order in found if order.symbol not in symbols]
        self._next_whole = monotonic() + WHOLE_APART
        account.whole_at = monotonic() + WHOLE_ACCOUNT_EACH
        return found

    def _is_due(self, account: LiveAccount) -> bool:
        """A dear question waits for a quiet moment."""
        budget = self.hub.budget
        is_quiet = budget.waiting < CONGESTED and not budget.is_held(Urgency.LATER)
        return monotonic() >= max(account.whole_at, self._next_whole) and is_quiet

    def has_room(self, urgency: Urgency) -> bool:
        """Whether a question that urgent would be asked at once."""
        return self.hub.budget.has_room(urgency)

    async def balances(self, account_id: int) -> dict[str, Balance]:
        """At most 2 s old, and never older than the last order that was sent or was seen to fill."""
        account = self._account(account_id)
        if account.balances is None or monotonic() - account.balances[0] > BALANCES_LAST:
            asked, version = monotonic(), account.version
            row = await self._asker.ask(account, lambda: self.adapter.balances(account.client))
            found = read_balances(row)
            if account.version != version:
                return found
            account.balances = (asked, found)
        return account.balances[1]


def _unchanged(orders: Sequence[Order], symbol: str | None) -> list[OrderUpdate]:
    """Orders on a symbol that the exchange has never heard of since we started: nothing can be asked, and
    that must not keep others waiting. Raises `PartlyAnswered` for those in doubt, and where the symbol of an
    order is not known."""
    unasked = {o.client_order_id for o in orders if symbol is None or o.status in DOUBTED}
    same = [
        OrderUpdate(
            order.client_order_id,
            order.status,
            order.reported_filled,
            order.fills,
            order.venue_order_id,
        )
        for order in orders
        if order.client_order_id not in unasked
    ]
    if unasked:
        why = "the symbol of an order is not known" if symbol is None else f"{symbol} is not listed"
        raise PartlyAnswered(f"{why}: nothing can be asked about it", same, unasked)
    return same


def _open(seen: SeenOrder) -> OpenOrder:
    return OpenOrder(
        seen.client_order_id or "", seen.symbol, seen.side, seen.price or Decimal(0), seen.quantity
    )
