"""One account: one inbox, one consumer, so no locks in the trading code.

A turn: look up what was hinted at -> step the strategies -> one commit -> send what was committed ->
the answers are the next events, until nothing is left to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from core.errors import InvalidInput
from core.events import (
    CancelOrder,
    Event,
    OrderReported,
    PlaceOrder,
    PriceSeen,
    TimePassed,
    last_price,
)
from core.orders import Order, OrderStatus, OrderUpdate
from db.errors import Conflict, Stale
from db.wanted import Revision
from worker.account_rows import AccountFacts, AccountRows
from worker.desk import Desk
from worker.errors import AccountLost, OutcomeUnknown, VenueUnavailable
from worker.group_commit import GroupCommit
from worker.inbox import Inbox, Waiting
from worker.lags import Lags
from worker.live_orders import LiveOrders, says_nothing_new
from worker.orphans import paperwork, sort_out
from worker.proof import Proof
from worker.tracked import Shown, Tracked
from worker.turn import Turn
from worker.units import Unit
from worker.wakes import TimeWakes
from worker.wishes import wish_event

log = logging.getLogger(__name__)
DOUBTED = (OrderStatus.SENDING, OrderStatus.QUARANTINED)


class AccountRunner:
    """Holds the account's strategies in memory while it holds the lease `token`."""

    def __init__(
        self,
        facts: AccountFacts,
        token: int,
        desk: Desk,
        writer: GroupCommit[Unit, None],
        alarms: TimeWakes,
        lags: Lags,
        installation: str | None = None,
    ) -> None:
        self.facts = facts
        self.token = token
        self.desk = desk
        self.writer = writer
        self.alarms = alarms
        self.lags = lags
        self.installation = installation
        self.rows = AccountRows(facts, token)
        self.inbox = Inbox()
        self.tracked: dict[int, Tracked] = {}
        self.live = LiveOrders()
        self.unanswered: set[int] = set()
        self.missed_highs: dict[int, Decimal] = {}
        self.proof = Proof(desk.venue.request_window, desk.venue.index_lag)
        self.halt_rev = 0
        self.newest_halt_rev = 0
        self.foreign = 0
        self.closing = False
        self.again: set[int] = set()
        self.reconcile_soon = False
        self.reconciled = False
        self.unreadable: dict[int, Revision] = {}
        self._since: float | None = None
        self._outdated = False

    # --- taking strategies in

    def track(self, tracked: Tracked) -> None:
        """Take a strategy over as its rows say it; orders in doubt are doubted from now on."""
        self.tracked[tracked.strategy_id] = tracked
        now = self.desk.monotonic()
        self.live.know(tracked.strategy_id, tracked.cycle)
        self._note_answer(tracked)
        for order in tracked.cycle.live():
            if order.status in DOUBTED:
                self.proof.doubt(order.client_order_id, now)

    def _note_answer(self, tracked: Tracked) -> None:
        if tracked.answered_rev != tracked.wish.desired_rev:
            self.unanswered.add(tracked.strategy_id)
        else:
            self.unanswered.discard(tracked.strategy_id)

    def untrack(self, strategy_id: int) -> None:
        tracked = self.tracked.pop(strategy_id, None)
        if tracked is None:
            return
        self.live.forget(tracked.cycle)
        self.unanswered.discard(strategy_id)
        self.alarms.drop(strategy_id)
        self.desk.unfollow(tracked.symbol, strategy_id)

    # --- the consumer

    async def serve(self) -> None:
        """One turn after the other until it is told to close."""
        try:
            while True:
                waiting = await self.inbox.take()
                if self.closing:
                    return
                if self._outdated:
                    raise Stale("its rows are read again")
                await self.work(waiting)
                self.inbox.finished()
        finally:
            self.inbox.close()

    def read_again(self) -> None:
        """Before the next turn everything is read from its rows anew."""
        self._outdated = True
        self.inbox.reconcile()

    async def work(self, waiting: Waiting) -> None:
        """Everything that waits, until nothing is left to do. Without a reconciliation nothing is done."""
        self._adopt_wishes(waiting.wakes)
        self._since = waiting.since
        try:
            if waiting.reconcile or not self.reconciled:
                events = await self._reconcile()
            else:
                events = await self._observe(waiting)
            events += self._wakes(waiting.wakes)
            while events:
                events = await self._decide_or_isolate(events)
            for strategy_id in waiting.wakes:
                self.missed_highs.pop(strategy_id, None)
        except Stale:
            # The poller brings the new wish within a second; whoever was woken is asked again then.
            self.again |= waiting.wakes
            self.reconcile_soon = True
        except AccountLost:
            raise
        except VenueUnavailable as error:
            log.warning("account %s: %s", self.facts.account_id, error)
            self.again |= waiting.wakes
            self.reconcile_soon = True

    def _adopt_wishes(self, woken: set[int]) -> None:
        """Only here does a wish change: a turn plans and is checked under one and the same."""
        concerned = woken if self.halt_rev == self.newest_halt_rev else set(self.tracked)
        self.halt_rev = self.newest_halt_rev
        for strategy_id in concerned & self.tracked.keys():
            tracked = self.tracked[strategy_id]
            tracked.wish = tracked.newest_wish

    async def _sort_out_orphans(self) -> None:
        """Orders on the venue that no row explains: adopt, cancel, or count what is foreign."""
        if self.installation is None:
            return
        venue, account_id = self.desk.venue, self.facts.account_id
        open_orders, at = await venue.open_orders(account_id), venue.now()
        found = sort_out(open_orders, self.tracked, self.installation, at)
        if self.unreadable:
            # While rows of a strategy cannot be read, an order that seems to be nobody's may be its.
            found = replace(found, cancel=())
        changes, entries = paperwork(found, self.rows, found.foreign > self.foreign, at)
        self.foreign = found.foreign
        if entries:
            await self.writer.submit(self.rows.plain_unit(at, changes, entries))
        for tracked, cycle, _ in found.adopted:
            tracked.cycle, tracked.is_stored = cycle, True
            self.live.know(tracked.strategy_id, cycle)
        for order in found.cancel:
            log.error("order %s is ours and belongs to no strategy", order.client_order_id)
            await venue.cancel_by_id(account_id, order.symbol, order.client_order_id)

    async def _reconcile(self) -> list[tuple[int, Event]]:
        """Everything on the venue against everything here. Raises when a question is not answered;
        an order in doubt that cannot be asked about blocks its own slot only."""
        self.reconciled = False
        await self._sort_out_orphans()
        live = [order for tracked in self.tracked.values() for order in tracked.cycle.live()]
        known = [order for order in live if order.status not in DOUBTED]
        doubted = [order for order in live if order.status in DOUBTED]
        events = await self._ask(known) if known else []
        self.reconciled = True
        return events + (await self._look_up(doubted) if doubted else [])

    async def _observe(self, waiting: Waiting) -> list[tuple[int, Event]]:
        """Ask the venue about hinted orders and those in doubt."""
        wanted = {i for i in waiting.orders if self.live.owner(i) is not None} | set(
            self.proof.open
        )
        orders = [order for order in map(self._order, wanted) if order is not None]
        if not orders:
            return []
        return await self._look_up(orders)

    async def _look_up(self, orders: Sequence[Order]) -> list[tuple[int, Event]]:
        asked = self.desk.monotonic()
        try:
            return await self._ask(orders)
        except AccountLost:
            raise
        except VenueUnavailable:
            updates = [u for o in orders if (u := self.proof.unanswered(o.client_order_id, asked))]
            return self._reports(updates)

    async def _ask(self, orders: Sequence[Order]) -> list[tuple[int, Event]]:
        asked = self.desk.monotonic()
        updates = await self.desk.venue.look_up(self.facts.account_id, orders)
        found = {update.client_order_id for update in updates}
        for order in orders:
            if order.client_order_id in found:
                self.proof.settle(order.client_order_id)
            elif order.status in DOUBTED:
                self.proof.doubt(order.client_order_id, asked)
                proven = self.proof.not_found(order.client_order_id, asked)
                updates += [] if proven is None else [proven]
            else:
                log.error("order %s is open here and unknown to the venue", order.client_order_id)
        return self._reports(updates)

    def _reports(self, updates: Iterable[OrderUpdate]) -> list[tuple[int, Event]]:
        """Events of the updates that say something new."""
        at, events = self.desk.venue.now(), []
        for update in updates:
            order = self._order(update.client_order_id)
            if order is None or says_nothing_new(order, update):
                continue
            strategy_id = self.live.owners[update.client_order_id]
            quote = self.desk.fresh(self.tracked[strategy_id].symbol)
            events.append((strategy_id, OrderReported(at, update, quote)))
        return [(strategy_id, event) for strategy_id, event in events]

    def _wakes(self, woken: set[int]) -> list[tuple[int, Event]]:
        at = self.desk.venue.now()
        events: list[tuple[int, Event]] = []
        for strategy_id in sorted(woken):
            tracked = self.tracked.get(strategy_id)
            if tracked is None:
                continue
            quote = self.desk.fresh(tracked.symbol)
            high = self.missed_highs.get(strategy_id)
            if high is not None:
                events.append((strategy_id, PriceSeen(at, last_price(high))))
            wish = wish_event(tracked, quote, at)
            events += [] if wish is None else [(strategy_id, wish)]
            events.append((strategy_id, TimePassed(at) if quote is None else PriceSeen(at, quote)))
        return events

    # --- deciding, writing, sending

    async def _decide_or_isolate(self, events: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
        """A value that the database refuses must stop the strategy that it is of, and no other."""
        try:
            return await self._decide(events)
        except (InvalidInput, Conflict) as refused:
            concerned = sorted({strategy_id for strategy_id, _ in events})
            if len(concerned) == 1:
                await self._give_up(concerned[0], refused)
                return []
        left: list[tuple[int, Event]] = []
        for strategy_id in concerned:
            own = [event for event in events if event[0] == strategy_id]
            left += await self._decide_or_isolate(own)
        return left

    async def _give_up(self, strategy_id: int, refused: InvalidInput | Conflict) -> None:
        """Leave the strategy alone, and say so: its orders stay as they are until it is read again."""
        log.error("strategy %s cannot be written: %s", strategy_id, refused)
        tracked = self.tracked[strategy_id]
        shown = Shown(
            "needs_attention",
            f"This strategy cannot go on: {refused} Its orders on the exchange stay as they are.",
            tracked.answered_rev,
        )
        await self.writer.submit(self.rows.status_unit(tracked, shown, self.desk.venue.now()))
        self.unreadable[strategy_id] = tracked.wish.revision
        self.untrack(strategy_id)

    async def _decide(self, events: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
        venue = self.desk.venue
        balances = await venue.balances(self.facts.account_id)
        free = {asset: balance.free for asset, balance in balances.items()}
        turn = Turn(
            self.tracked,
            venue.now(),
            self.desk.fresh,
            self.desk.markets.get,
            free,
            venue.request_window,
        )
        for strategy_id, event in events:
            turn.feed(strategy_id, event)
        unit = self.rows.unit_of(turn, self.halt_rev)
        if unit is not None:
            await self.writer.submit(unit)
            if self._since is not None and unit.changes:
                self.lags.record(self.desk.monotonic() - self._since, len(unit.changes))
        self._since = None
        self._take_over(turn)
        return await self._execute(turn)

    def _take_over(self, turn: Turn) -> None:
        """The turn is committed: it is what we hold in memory now, and what we wait for next."""
        for strategy_id, draft in turn.drafts.items():
            tracked = self.tracked[strategy_id]
            self.live.forget(tracked.cycle)
            tracked.cycle, tracked.is_stored = draft.cycle, draft.is_stored
            tracked.answered_rev = draft.answered_rev
            tracked.shown = turn.shown(strategy_id)
            self.live.know(strategy_id, draft.cycle)
            self._note_answer(tracked)
            watch = turn.watch_of(strategy_id)
            later = watch.not_before if watch.not_before and watch.not_before > turn.at else None
            self.alarms.wait(strategy_id, (watch.alarm, later))
            self.desk.wait_for(tracked.symbol, strategy_id, watch, turn.at)

    async def _execute(self, turn: Turn) -> list[tuple[int, Event]]:
        """Send what was committed: cancels first, exits before buys. No transaction is open here."""
        events: list[tuple[int, Event]] = []
        for strategy_id, draft in turn.drafts.items():
            symbol = self.tracked[strategy_id].symbol
            cancels = [c.order for c in draft.commands if isinstance(c, CancelOrder)]
            places = [c.order for c in draft.commands if isinstance(c, PlaceOrder)]
            if cancels:
                events += await self._cancel(symbol, cancels)
            if places:
                events += await self._place(symbol, places)
        return events

    async def _cancel(self, symbol: str, orders: Sequence[Order]) -> list[tuple[int, Event]]:
        try:
            await self.desk.venue.cancel(self.facts.account_id, symbol, orders)
        except (OutcomeUnknown, VenueUnavailable) as error:
            log.warning("cancel not confirmed: %s", error)
        return await self._look_up(orders)

    async def _place(self, symbol: str, orders: Sequence[Order]) -> list[tuple[int, Event]]:
        for order in orders:
            self.proof.doubt(order.client_order_id, self.desk.monotonic())
        try:
            updates = await self.desk.venue.place(self.facts.account_id, symbol, orders)
        except (OutcomeUnknown, VenueUnavailable) as error:
            log.warning("orders sent, no answer: %s", error)
            return []
        for update in updates:
            self.proof.settle(update.client_order_id)
        return self._reports(updates)

    # --- the clock

    async def each_second(self) -> None:
        """Ask again about orders in doubt, repeat cancels that are not proven, retry open wishes."""
        if self.live.cancelling:
            await self._cancel_again()
        if self.proof.open or self.live.cancelling:
            self.inbox.look(set(self.proof.open) | self.live.cancelling)
        if self.reconcile_soon:
            self.reconcile_soon = False
            self.inbox.reconcile()
        if self.unanswered or self.again:
            again, self.again = self.again, set()
            self.inbox.wake(self.unanswered | again)

    async def _cancel_again(self) -> None:
        by_symbol: dict[str, list[Order]] = {}
        for client_order_id in self.live.cancelling:
            order = self._order(client_order_id)
            if order is not None:
                symbol = self.tracked[self.live.owners[client_order_id]].symbol
                by_symbol.setdefault(symbol, []).append(order)
        for symbol, orders in by_symbol.items():
            try:
                await self.desk.venue.cancel(self.facts.account_id, symbol, orders)
            except (OutcomeUnknown, VenueUnavailable) as error:
                log.warning("cancel not confirmed: %s", error)

    def price_received(self, client_order_ids: Iterable[str]) -> float | None:
        """When the price that changed these orders came: the latest one of their symbol."""
        owners = (self.live.owner(order) for order in client_order_ids)
        tracked = next((self.tracked[owner] for owner in owners if owner is not None), None)
        seen = None if tracked is None else self.desk.latest.get(tracked.symbol)
        return None if seen is None else seen.received

    def _order(self, client_order_id: str) -> Order | None:
        strategy_id = self.live.owner(client_order_id)
        tracked = None if strategy_id is None else self.tracked.get(strategy_id)
        return None if tracked is None else tracked.cycle.find(client_order_id)
