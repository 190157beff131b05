"""One account: one inbox, one consumer, so no locks in the trading code.

A turn: look up what was hinted at -> step the strategies -> one commit -> send what was committed ->
the answers are the next events, until nothing is left to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.cycle import Cycle
from core.events import (
    CancelOrder,
    Event,
    OrderReported,
    PlaceOrder,
    PriceSeen,
    Quote,
    TimePassed,
    WantedChanged,
)
from core.orders import Order, OrderStatus, OrderUpdate
from db.cycles import CycleChange
from db.errors import Stale
from db.journal import JournalEntry, JournalLevel
from db.status import ActualState, StrategyStatus
from worker.desk import Desk
from worker.errors import OutcomeUnknown, VenueUnavailable
from worker.group_commit import GroupCommit
from worker.inbox import Inbox, Waiting
from worker.proof import Proof
from worker.tracked import Shown, Tracked
from worker.turn import Turn
from worker.units import Unit
from worker.wakes import TimeWakes

log = logging.getLogger(__name__)
DOUBTED = (OrderStatus.SENDING, OrderStatus.QUARANTINED)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The account as its row says it."""

    account_id: int
    user_id: int
    stated: dict[str, Decimal]


class AccountRunner:
    """Holds the account's strategies in memory while it holds the lease `token`."""

    def __init__(
        self,
        facts: AccountFacts,
        token: int,
        desk: Desk,
        writer: GroupCommit[Unit, None],
        alarms: TimeWakes,
    ) -> None:
        self.facts = facts
        self.token = token
        self.desk = desk
        self.writer = writer
        self.alarms = alarms
        self.inbox = Inbox()
        self.tracked: dict[int, Tracked] = {}
        self.by_order: dict[str, int] = {}
        self.cancelling: set[str] = set()
        self.unanswered: set[int] = set()
        self.proof = Proof(desk.venue.request_window, desk.venue.index_lag)
        self.halt_rev = 0
        self.closing = False
        self.again: set[int] = set()
        self.reconcile_soon = False
        self.unreadable: set[int] = set()
        self._lag = 0.0

    # --- taking strategies in

    def track(self, tracked: Tracked) -> None:
        """Take a strategy over as its rows say it; orders in doubt are doubted from now on."""
        self.tracked[tracked.strategy_id] = tracked
        now = self.desk.monotonic()
        self._index(tracked)
        for order in tracked.cycle.live():
            if order.status in DOUBTED:
                self.proof.doubt(order.client_order_id, now)

    def _index(self, tracked: Tracked) -> None:
        for order in tracked.cycle.orders:
            self._forget(order.client_order_id)
        for order in tracked.cycle.live():
            self.by_order[order.client_order_id] = tracked.strategy_id
            if order.status is OrderStatus.CANCELLING:
                self.cancelling.add(order.client_order_id)
        if tracked.answered_rev != tracked.wish.desired_rev:
            self.unanswered.add(tracked.strategy_id)
        else:
            self.unanswered.discard(tracked.strategy_id)

    def _forget(self, client_order_id: str) -> None:
        self.by_order.pop(client_order_id, None)
        self.cancelling.discard(client_order_id)

    def untrack(self, strategy_id: int) -> None:
        tracked = self.tracked.pop(strategy_id, None)
        if tracked is None:
            return
        for order in tracked.cycle.orders:
            self._forget(order.client_order_id)
        self.unanswered.discard(strategy_id)
        self.alarms.drop(strategy_id)
        self.desk.unfollow(tracked.symbol, strategy_id)

    # --- the consumer

    async def serve(self) -> None:
        """One turn after the other until it is told to close."""
        while not self.closing:
            waiting = await self.inbox.take()
            await self.work(waiting)
            self.inbox.finished()

    async def work(self, waiting: Waiting) -> None:
        """Everything that waits, until nothing is left to do."""
        try:
            events = await self._observe(waiting)
            events += self._wakes(waiting.wakes)
            while events:
                events = await self._decide(events)
        except Stale:
            # The poller brings the new wish within a second; whoever was woken is asked again then.
            self.again |= waiting.wakes
            self.reconcile_soon = True
        except VenueUnavailable as error:
            log.warning("account %s: %s", self.facts.account_id, error)
            self.again |= waiting.wakes
            self.reconcile_soon = True

    async def _observe(self, waiting: Waiting) -> list[tuple[int, Event]]:
        """Ask the venue about hinted orders, and on a reconciliation about every live one."""
        wanted = {i for i in waiting.orders if i in self.by_order} | set(self.proof.open)
        if waiting.reconcile:
            wanted |= {o.client_order_id for t in self.tracked.values() for o in t.cycle.live()}
        orders = [order for order in map(self._order, wanted) if order is not None]
        if not orders:
            return []
        return await self._look_up(orders)

    async def _look_up(self, orders: Sequence[Order]) -> list[tuple[int, Event]]:
        asked = self.desk.monotonic()
        try:
            updates = await self.desk.venue.look_up(self.facts.account_id, orders)
        except VenueUnavailable:
            updates = [u for o in orders if (u := self.proof.unanswered(o.client_order_id, asked))]
            return self._reports(updates)
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
            if order is None or _says_nothing_new(order, update):
                continue
            strategy_id = self.by_order[update.client_order_id]
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
            wish = self._wish_event(tracked, quote)
            events += [] if wish is None else [(strategy_id, wish)]
            events.append((strategy_id, TimePassed(at) if quote is None else PriceSeen(at, quote)))
        return events

    def _wish_event(self, tracked: Tracked, quote: Quote | None) -> Event | None:
        """The wish as an event; letting coins go waits for a fresh price."""
        wish = tracked.wish
        if tracked.answered_rev == wish.desired_rev and tracked.cycle.wanted is wish.desired_state:
            return None
        if wish.release and quote is None:
            return None
        return WantedChanged(
            at=self.desk.venue.now(),
            wanted=wish.desired_state,
            quote=quote,
            passed_levels=wish.passed_levels,
            release_at=quote.bid if wish.release and quote is not None else None,
        )

    # --- deciding, writing, sending

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
        unit = self._unit(turn)
        if unit is not None:
            await self.writer.submit(unit)
            self._measure(turn)
        self._take_over(turn)
        return await self._execute(turn)

    def _measure(self, turn: Turn) -> None:
        """From the price received to the commit of what it led to."""
        now = self.desk.monotonic()
        for strategy_id in turn.drafts:
            seen = self.desk.latest.get(self.tracked[strategy_id].symbol)
            if seen is not None:
                self._lag = max(self._lag, now - seen.received)

    def take_lag(self) -> float:
        """The largest lag in seconds since it was last asked for."""
        lag, self._lag = self._lag, 0.0
        return lag

    def _unit(self, turn: Turn) -> Unit | None:
        changes: list[CycleChange] = []
        closed: list[Cycle] = []
        statuses: list[StrategyStatus] = []
        journal: list[JournalEntry] = []
        for strategy_id, draft in turn.drafts.items():
            changes += draft.changes
            closed += draft.closed
            tracked = self.tracked[strategy_id]
            shown = turn.shown(strategy_id)
            if shown != tracked.shown:
                statuses.append(self._status_row(tracked, shown, turn))
            journal += [
                JournalEntry(
                    at=turn.at,
                    user_id=self.facts.user_id,
                    account_id=self.facts.account_id,
                    strategy_id=strategy_id,
                    cycle_number=number,
                    client_order_id=entry.client_order_id,
                    level=JournalLevel(entry.level),
                    code=entry.code,
                    sentence=entry.sentence,
                )
                for number, entry in draft.journal
            ]
        if not (changes or statuses or journal):
            return None
        planning = {
            sid: self.tracked[sid].wish.revision for sid in turn.drafts if turn.places_orders(sid)
        }
        return Unit(
            self.facts.account_id, self.token, turn.at, tuple(changes), tuple(closed),
            tuple(statuses), tuple(journal), planning, self.halt_rev,
        )  # fmt: skip

    def _status_row(self, tracked: Tracked, shown: Shown, turn: Turn) -> StrategyStatus:
        return StrategyStatus(
            strategy_id=tracked.strategy_id,
            account_id=self.facts.account_id,
            actual_state=ActualState(shown.actual_state),
            observed_rev=shown.observed_rev,
            reason=shown.sentence,
            missing=shown.missing,
            checked_at=turn.at,
            updated_at=turn.at,
        )

    def _take_over(self, turn: Turn) -> None:
        """The turn is committed: it is what we hold in memory now, and what we wait for next."""
        for strategy_id, draft in turn.drafts.items():
            tracked = self.tracked[strategy_id]
            for order in tracked.cycle.orders:
                self._forget(order.client_order_id)
            tracked.cycle, tracked.is_stored = draft.cycle, draft.is_stored
            tracked.answered_rev = draft.answered_rev
            tracked.shown = turn.shown(strategy_id)
            self._index(tracked)
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
        if self.cancelling:
            await self._cancel_again()
        if self.proof.open or self.cancelling:
            self.inbox.look(set(self.proof.open) | self.cancelling)
        if self.reconcile_soon:
            self.reconcile_soon = False
            self.inbox.reconcile()
        if self.unanswered or self.again:
            again, self.again = self.again, set()
            self.inbox.wake(self.unanswered | again)

    async def _cancel_again(self) -> None:
        by_symbol: dict[str, list[Order]] = {}
        for client_order_id in self.cancelling:
            order = self._order(client_order_id)
            if order is not None:
                symbol = self.tracked[self.by_order[client_order_id]].symbol
                by_symbol.setdefault(symbol, []).append(order)
        for symbol, orders in by_symbol.items():
            try:
                await self.desk.venue.cancel(self.facts.account_id, symbol, orders)
            except (OutcomeUnknown, VenueUnavailable) as error:
                log.warning("cancel not confirmed: %s", error)

    def _order(self, client_order_id: str) -> Order | None:
        strategy_id = self.by_order.get(client_order_id)
        tracked = None if strategy_id is None else self.tracked.get(strategy_id)
        return None if tracked is None else tracked.cycle.find(client_order_id)


def _says_nothing_new(order: Order, update: OrderUpdate) -> bool:
    return (
        (
            update.status is order.status
            or (order.status is OrderStatus.CANCELLING and update.status is OrderStatus.OPEN)
        )
        and update.filled == order.reported_filled
        and len(update.fills) <= len(order.fills)
    )
