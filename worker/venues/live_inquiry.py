"""One order, asked about by every source there is: before a person's word about it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.doubt import OwnTrade
from core.money import ZERO
from core.orders import Order, OrderUpdate
from worker.errors import Unaskable, VenueUnavailable
from worker.exchanges.adapter import Adapter, Row
from worker.exchanges.adapters.asking import ours
from worker.exchanges.answers import SeenTrade, read_order, read_trade
from worker.venues.live_account import LiveAccount
from worker.venues.live_asking import Asker
from worker.venues.live_fills import Fees
from worker.venues.live_looking import Looker
from worker.venues.protocol import Asked

CLOCKS_DIFFER = timedelta(seconds=2)


class Inquirer:
    """Asks for the accounts of one exchange."""

    def __init__(self, adapter: Adapter, asker: Asker, fees: Fees, looker: Looker) -> None:
        self.adapter, self.asker, self.fees, self.looker = adapter, asker, fees, looker

    async def inquire(self, account: LiveAccount, symbol: str, order: Order) -> Asked:
        """By its id, among open and finished orders, and in the account's trades. Raises `VenueUnavailable`
        unless each of them answered."""
        if await self._is_listed(account, symbol, order):
            return Asked(True, None, ())
        ask, client = self.adapter.trades, account.client
        rows: list[Row] = await self.asker.ask(
            account, lambda: ask(client, symbol, None, order.created_at)
        )
        # One that cannot be read may be the one that is sought: then there is no answer.
        trades = [read_trade(row, symbol) for row in rows]
        since = [trade for trade in trades if trade.at >= order.created_at - CLOCKS_DIFFER]
        update = await self._from_trades(symbol, order, since)
        told = None if self._is_forgotten(order) else tuple(map(_own_trade, since))
        return Asked(False, update, told)

    def _is_forgotten(self, order: Order) -> bool:
        """Lists that do not reach back to the order say nothing about its trades."""
        remembers = self.adapter.remembers
        age = self.asker.hub.now() - order.created_at
        return remembers is not None and age + CLOCKS_DIFFER > remembers

    async def by_number(
        self, account: LiveAccount, symbol: str, order: Order, number: str
    ) -> OrderUpdate | None:
        """Of the order that they number so, if it is this one."""
        row = await self.asker.ask(
            account, lambda: self.adapter.by_number(account.client, symbol, number)
        )
        if row is None:
            raise Unaskable("it does not tell whose order that is")
        if ours([row], order.client_order_id) is None:
            return None
        return await self.looker.as_seen(account, symbol, order, read_order(row, symbol))

    async def _is_listed(self, account: LiveAccount, symbol: str, order: Order) -> bool:
        name, theirs, client = order.client_order_id, order.venue_order_id, account.client
        adapter, ask = self.adapter, self.asker.ask
        by_id = await ask(account, lambda: adapter.find(client, symbol, name, theirs))
        if by_id is not None:
            return True
        listed = await ask(
            account, lambda: adapter.find_again(client, symbol, name, order.created_at)
        )
        if listed is not None:
            return True
        for row in await ask(account, lambda: adapter.find_open(client, symbol)):
            try:
                if read_order(row, symbol).client_order_id == name:
                    return True
            except VenueUnavailable as error:
                raise Unaskable(str(error)) from None
        return False

    async def _from_trades(
        self, symbol: str, order: Order, trades: Sequence[SeenTrade]
    ) -> OrderUpdate | None:
        """An order that no list shows, by its trades: they carry its number there, where that is known."""
        theirs = order.venue_order_id
        own = [trade for trade in trades if theirs is not None and trade.venue_order_id == theirs]
        filled = sum((trade.quantity for trade in own), ZERO)
        if filled <= order.filled:
            return None
        fills = tuple(await self.fees.fills(symbol, own))
        return OrderUpdate(
            order.client_order_id, order.status, filled=filled, fills=fills, venue_order_id=theirs
        )


def _own_trade(seen: SeenTrade) -> OwnTrade:
    return OwnTrade(
        seen.trade_id, seen.venue_order_id, seen.at, seen.side, seen.price, seen.quantity
    )
