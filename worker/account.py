"""One account: one inbox, one consumer, so no locks in the trading code.

A turn: look up what was hinted at -> step the strategies -> one commit -> send what was committed ->
the answers are the next events, until nothing is left to do. Its rooms: `questions` (what the venue says
of our orders), `reconciliation` (the whole account against the venue), `sending`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

from core.errors import InvalidInput
from core.events import PriceSeen, TimePassed, last_price
from db.errors import Conflict, Stale
from worker.account_memory import AccountMemory
from worker.account_rows import AccountFacts
from worker.allowance import lacks_free_coins
from worker.desk import Desk
from worker.doubts import Doubts
from worker.errors import AccountLost, VenueUnavailable
from worker.exchanges.budget import Urgency, urgent
from worker.freeze import Freeze
from worker.group_commit import GroupCommit
from worker.inbox import Inbox, Waiting
from worker.lags import Lags
from worker.orphans import RowsOf
from worker.patience import Complaints
from worker.questions import Events, Questions
from worker.reconciliation import Reconciliation
from worker.sending import Sending
from worker.taken_back import CODE
from worker.tracked import Shown, Tracked
from worker.turn import Turn
from worker.units import Unit
from worker.wakes import TimeWakes
from worker.wishes import has_read, wish_event

log = logging.getLogger(__name__)


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
        rows_of: RowsOf,
    ) -> None:
        self.facts = facts
        self.token = token
        self.desk = desk
        self.writer = writer
        self.alarms = alarms
        self.lags = lags
        self.memory = AccountMemory(facts, token, desk)
        self.tracked = self.memory.tracked
        self.live = self.memory.live
        self.proof = self.memory.proof
        self.rows = self.memory.rows
        self.unreadable = self.memory.unreadable
        self.questions = Questions(self.memory)
        self.reconciliation = Reconciliation(self.memory, self.questions, writer, rows_of)
        self.sending = Sending(self.memory, self.questions)
        self.doubts = Doubts(self.memory, self.questions, writer)
        self.inbox = Inbox()
        self.unanswered: set[int] = set()
        self.missed_highs: dict[int, Decimal] = {}
        self.halt_rev = 0
        self.newest_halt_rev = 0
        self.halted = False
        self.newest_facts = facts
        self.closing = False
        self.again: set[int] = set()
        self.reconcile_soon = False
        self._leaving: set[int] = set()
        self._since: float | None = None
        self._outdated = False
        self._freeze = Freeze(self.memory, self.reconciliation)
        self._complaints = Complaints(desk.monotonic)

    @property
    def foreign(self) -> int:
        """Open orders on the account that are not ours."""
        return self.reconciliation.foreign

    @property
    def may_buy_unwatched(self) -> bool:
        """A strategy that cannot be read may still have resting buys on the venue."""
        return bool(self.unreadable) and self.reconciliation.unwatched_buys != 0

    def hold(self, code: str, sentence: str, quote: str | None = None) -> None:
        """No buys from now on (paid in `quote`, or at all), for a reason that is shown; exits go on."""
        if self.memory.holds.begin(code, sentence, self.desk.venue.now(), quote):
            self.inbox.wake(set(self.tracked))

    def lift(self, code: str, quote: str | None = None) -> None:
        """That reason is over."""
        if self.memory.holds.end(code, quote):
            self.inbox.wake(set(self.tracked))

    # --- taking strategies in

    def track(self, tracked: Tracked) -> None:
        """Take a strategy over as its rows say it; orders in doubt are doubted from now on."""
        self.memory.track(tracked)
        self._note_answer(tracked)

    def _note_answer(self, tracked: Tracked) -> None:
        if tracked.answered_rev != tracked.wish.desired_rev:
            self.unanswered.add(tracked.strategy_id)
        else:
            self.unanswered.discard(tracked.strategy_id)

    def untrack(self, strategy_id: int) -> None:
        if self.memory.untrack(strategy_id) is not None:
            self.unanswered.discard(strategy_id)
            self.alarms.drop(strategy_id)

    def let_go(self, strategy_id: int) -> None:
        """It was archived. A turn of it may be on its way to the database: it goes before the next one."""
        self._leaving.add(strategy_id)
        self.inbox.wake({strategy_id})

    def _drop_those_who_leave(self) -> None:
        for strategy_id in list(self._leaving):
            tracked = self.tracked.get(strategy_id)
            if tracked is None or tracked.cycle.is_idle():
                self._leaving.discard(strategy_id)
                self.untrack(strategy_id)

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
        self._drop_those_who_leave()
        self._adopt_wishes(waiting.wakes)
        self._since = waiting.since
        try:
            if waiting.reconcile or not self.reconciliation.done:
                await self._reconcile(waiting)
            else:
                await self._act(await self._observe(waiting), waiting.wakes)
            if self.memory.holds.told:
                await self._tell_holds()
        except Stale:
            # The poller brings the new wish within a second; whoever was woken is asked again then.
            self.again |= waiting.wakes
            self.reconcile_soon = True
        except AccountLost:
            raise
        except VenueUnavailable as error:
            level = self._complaints.level(str(error))
            log.log(level, "account %s: %s", self.facts.account_id, error)
            self.again |= waiting.wakes
            self.reconcile_soon = True
            await self._say_frozen()

    async def _act(self, events: Events, woken: set[int]) -> None:
        await self._accept_what_was_taken_back(woken)
        events += self._wakes(woken)
        while events:
            events = await self._decide_or_isolate(events)
        for strategy_id in woken:
            self.missed_highs.pop(strategy_id, None)

    async def _reconcile(self, waiting: Waiting) -> None:
        """The whole account against the venue, and then what its balances say about our coins."""
        before = self.memory.holds.find(CODE)
        events = await self.reconciliation.run(self.halted)
        if self._freeze.end() or self.memory.holds.find(CODE) is not before:
            waiting.wakes |= self.tracked.keys()
        if self.halted and self.reconciliation.unwatched_buys:
            self.reconcile_soon = True
        await self._act(events, waiting.wakes)
        await self._act(await self.doubts.look(self.reconciliation.reading), set())
        await self._act(self.reconciliation.compare_balances(), set())
        if self.facts.caps is not None:
            at = self.desk.venue.now()
            status = self.reconciliation.status(at)
            await self.writer.submit(self.rows.plain_unit(at, account=status))

    async def _say_frozen(self) -> None:
        """Nothing is decided while reconciliation fails: seen by whoever looks, and `checked_at` stands."""
        unit = self._freeze.unit(self.desk.monotonic(), self.desk.venue.now())
        if unit is not None:
            await self.writer.submit(unit)

    async def _tell_holds(self) -> None:
        """What began or ended to hold buys back stands in the journal."""
        at = self.desk.venue.now()
        entries = [self.rows.entry(None, None, e, at) for e in self.memory.holds.take_told()]
        await self.writer.submit(self.rows.plain_unit(at, journal=entries))

    async def _accept_what_was_taken_back(self, woken: set[int]) -> None:
        """Try again, pressed since it was said that trades are gone and what pressing it means."""
        hold = self.memory.holds.find(CODE)
        concerned = [self.tracked[i] for i in woken & self.tracked.keys()] if hold else []
        if hold is not None and any(has_read(tracked, hold) for tracked in concerned):
            self.memory.taken_back.accept(self.desk.venue.now())
            await self.reconciliation.tell_what_was_taken_back()
            woken |= self.tracked.keys()

    def _adopt_wishes(self, woken: set[int]) -> None:
        """Only here does a wish change: a turn plans and is checked under one and the same."""
        concerned = woken if self.halt_rev == self.newest_halt_rev else set(self.tracked)
        self.halt_rev = self.newest_halt_rev
        if self.newest_facts is not self.facts:
            self.facts = self.newest_facts
            self.memory.take_facts(self.facts)
        for strategy_id in concerned & self.tracked.keys():
            tracked = self.tracked[strategy_id]
            tracked.wish = tracked.newest_wish

    async def _observe(self, waiting: Waiting) -> Events:
        """Ask the venue about hinted orders and those in doubt."""
        if waiting.repeat_cancels:
            await self.sending.cancel_again()
        due = self.proof.due(self.desk.monotonic())
        wanted = {i for i in waiting.orders if self.live.owner(i) is not None} | due
        orders = [order for order in map(self.memory.order, wanted) if order is not None]
        if not orders:
            return []
        return await self.questions.look_up(orders)

    def _wakes(self, woken: set[int]) -> Events:
        at = self.desk.venue.now()
        events: Events = []
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

    async def _decide_or_isolate(self, events: Events) -> Events:
        """A value that the database refuses must stop the strategy that it is of, and no other."""
        try:
            return await self._decide(events)
        except (InvalidInput, Conflict) as refused:
            concerned = sorted({strategy_id for strategy_id, _ in events})
            if len(concerned) == 1:
                await self._give_up(concerned[0], refused)
                return []
        left: Events = []
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
            f"This strategy cannot go on: {refused} Its orders on the exchange stay as they are, and no stop"
            " loss is watched. Press Try again; if that does not help, tell your administrator.",
            tracked.answered_rev,
        )
        await self.writer.submit(self.rows.status_unit(tracked, shown, self.desk.venue.now()))
        self.unreadable[strategy_id] = tracked.wish.revision
        self.reconciliation.unwatched_buys = None
        self.reconcile_soon = True
        self.untrack(strategy_id)

    async def _decide(self, events: Events) -> Events:
        venue = self.desk.venue
        free = await self._free({strategy_id for strategy_id, _ in events})
        turn = Turn(
            self.tracked,
            venue.now(),
            self.desk.fresh,
            self.desk.markets.get,
            free,
            venue.request_window,
            self.memory.no_buys,
            self.facts.caps,
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
        answers = await self.sending.execute(turn)
        self.reconciliation.note_refusals(answers)
        return answers

    async def _free(self, concerned: set[int]) -> dict[str, Decimal] | None:
        """Free balance by asset. A real exchange counts questions: only who is about to start needs it, and
        whoever could not sell because coins are locked elsewhere. Starting can wait; exits that are in the
        same turn, or come meanwhile, must not wait until there is room to ask."""
        venue = self.desk.venue
        cycles = [self.tracked[strategy_id].cycle for strategy_id in concerned]
        urgency = Urgency.PROOF if any(map(lacks_free_coins, cycles)) else Urgency.SOON
        if venue.checks_balances:
            starts = any(c.is_idle() for c in cycles) and self.desk.has_room(Urgency.SOON)
            if not starts and urgency is Urgency.SOON:
                return None
        with urgent(urgency):
            balances = await venue.balances(self.facts.account_id)
        return {asset: balance.free for asset, balance in balances.items()}

    def _take_over(self, turn: Turn) -> None:
        """The turn is committed: it is what we hold in memory now, and what we wait for next."""
        for strategy_id, draft in turn.drafts.items():
            tracked = self.tracked[strategy_id]
            self.live.forget(tracked.cycle)
            tracked.cycle, tracked.is_stored = draft.cycle, draft.is_stored
            tracked.answered_rev = draft.answered_rev
            tracked.rules, tracked.rules_problem = draft.rules, draft.rules_problem
            tracked.shown = turn.shown(strategy_id)
            self.live.know(strategy_id, draft.cycle)
            self._note_answer(tracked)
            watch = turn.watch_of(strategy_id)
            later = watch.not_before if watch.not_before and watch.not_before > turn.at else None
            self.alarms.wait(strategy_id, (watch.alarm, later))
            self.desk.wait_for(tracked.symbol, strategy_id, watch, turn.at)

    # --- the clock

    async def each_second(self) -> None:
        """Ask again about orders in doubt, repeat cancels that are not proven, retry open wishes."""
        now = self.desk.monotonic()
        if self.live.cancelling:
            self.inbox.cancel_again()
        again, self.questions.again = self.questions.again, set()
        if self.proof.open or self.live.cancelling or again:
            self.inbox.look(self.proof.due(now) | self.live.cancelling | again)
        if self.reconcile_soon or self.reconciliation.is_due(now):
            self.reconcile_soon = False
            self.inbox.reconcile()
        if self.unanswered or self.again:
            woken, self.again = self.again, set()
            self.inbox.wake(self.unanswered | woken)

    def price_received(self, client_order_ids: Iterable[str]) -> float | None:
        """When the price that changed these orders came: the latest one of their symbol."""
        owners = (self.live.owner(order) for order in client_order_ids)
        tracked = next((self.tracked[owner] for owner in owners if owner is not None), None)
        seen = None if tracked is None else self.desk.latest.get(tracked.symbol)
        return None if seen is None else seen.received
