"""Reading orders: what rests, what has ended, and which trades belong to it. Only answers count."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from core.orders import Kind, Order, OrderStatus, OrderUpdate
from worker.errors import PartlyAnswered, Unaskable, VenueUnavailable
from worker.exchanges.adapter import Adapter, Row
from worker.exchanges.answers import SeenOrder, SeenTrade, read_order, read_trade
from worker.venues.live_account import LiveAccount
from worker.venues.live_asking import Asker
from worker.venues.live_fills import Fees

log = logging.getLogger(__name__)
FEW = 2
BEFORE = timedelta(minutes=1)


class Looker:
    """Looks for the accounts of one exchange."""

    def __init__(self, adapter: Adapter, asker: Asker, fees: Fees) -> None:
        self.adapter, self.asker, self.fees = adapter, asker, fees

    async def look_up(
        self, account: LiveAccount, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        """Those that are there, all of one symbol. One question for what rests when they are many.

        Raises `PartlyAnswered` for those about which the exchange says nothing that can be read.
        """
        found: list[OrderUpdate] = []
        problems: dict[str, str] = {}
        try:
            resting = await self._resting(account, symbol) if len(orders) > FEW else {}
        except Unaskable as error:
            raise PartlyAnswered(str(error), [], {o.client_order_id for o in orders}) from None
        for order in orders:
            try:
                update = await self._look_for(account, symbol, order, resting)
            except Unaskable as error:
                problems[order.client_order_id] = str(error)
            else:
                found += [] if update is None else [update]
        if problems:
            raise PartlyAnswered(_said(problems), found, problems)
        return found

    async def _look_for(
        self, account: LiveAccount, symbol: str, order: Order, resting: Mapping[str, SeenOrder]
    ) -> OrderUpdate | None:
        seen = resting.get(order.client_order_id) or await self._find(account, symbol, order)
        if seen is None:
            return None
        account.rounds.pop(order.client_order_id, None)
        return await self.as_seen(account, symbol, order, seen)

    async def resting(self, account: LiveAccount, symbol: str | None) -> list[SeenOrder]:
        """Everything that rests on the symbol; on the account for None."""
        rows = await self.asker.ask(account, lambda: self.adapter.find_open(account.client, symbol))
        return list(_readable_orders(rows, symbol))

    async def _resting(self, account: LiveAccount, symbol: str) -> dict[str, SeenOrder]:
        seen = await self.resting(account, symbol)
        return {each.client_order_id: each for each in seen if each.client_order_id}

    async def _find(self, account: LiveAccount, symbol: str, order: Order) -> SeenOrder | None:
        """In a source that lists finished orders too. For one that is not there two sources take turns, so
        that both have said so before it is believed."""
        ours = order.client_order_id
        rounds = account.rounds.get(ours, 0)
        if rounds % 2:
            since = order.created_at - BEFORE
            row = await self.asker.ask(
                account,
                lambda: self.adapter.find_again(account.client, symbol, ours, since),
            )
        else:
            row = await self.asker.ask(
                account,
                lambda: self.adapter.find(account.client, symbol, ours, order.venue_order_id),
            )
        if row is None:
            account.missed(ours)
            self._check_memory(order)
            return None
        try:
            return read_order(row, symbol)
        except VenueUnavailable as error:
            raise Unaskable(str(error)) from None

    def _check_memory(self, order: Order) -> None:
        """An order that was never shown and is older than their lists reach may have been filled and
        forgotten: that they do not show it proves nothing."""
        remembers = self.adapter.remembers
        is_old = (
            remembers is not None and self.asker.hub.now() - order.created_at + BEFORE > remembers
        )
        if is_old and not order.was_seen:
            raise Unaskable("older than what the exchange remembers")

    async def as_seen(
        self, account: LiveAccount, symbol: str, order: Order, seen: SeenOrder
    ) -> OrderUpdate:
        """The order as it is there, with its trades where they say more than is known."""
        fills = order.fills
        if seen.filled != order.filled:
            account.changed()
            rows: list[Row] = await self.asker.ask(
                account,
                lambda: self.adapter.trades(
                    account.client, symbol, seen.venue_order_id, order.created_at - BEFORE
                ),
            )
            fills = tuple(await self.fees.fills(symbol, list(_readable(rows, symbol))))
        return OrderUpdate(
            order.client_order_id,
            seen.status,
            filled=seen.filled,
            fills=fills,
            venue_order_id=seen.venue_order_id,
            expired=seen.expired or _ends_at_once(order, seen),
        )


def _ends_at_once(order: Order, seen: SeenOrder) -> bool:
    """What is left of an immediate order is cancelled by the exchange; some do not say how it was sent."""
    return order.kind is Kind.MARKET and seen.status is OrderStatus.CANCELLED


def _said(problems: Mapping[str, str]) -> str:
    first, reason = next(iter(problems.items()))
    return f"order {first}: {reason}" + (" (and others)" if len(problems) > 1 else "")


def _readable_orders(rows: Sequence[Row], symbol: str | None) -> Iterator[SeenOrder]:
    """One of somebody else's that cannot be read hides no other; ours is then asked for by its id."""
    for row in rows:
        try:
            yield read_order(row, symbol)
        except VenueUnavailable as error:
            log.warning("an open order cannot be read: %s", error)


def _readable(rows: Sequence[Row], symbol: str) -> Iterator[SeenTrade]:
    """A trade that cannot be read counts as not arrived yet: the order waits for it."""
    for row in rows:
        try:
            yield read_trade(row, symbol)
        except VenueUnavailable as error:
            log.warning("a trade on %s cannot be read: %s", symbol, error)
