"""Everything on the venue against everything here (FAULTS 3.4). REST is the truth; hints only say "look"."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.engine import BUYING
from core.events import CoinsMissing, Event, OrderReported, TimePassed
from core.market import Side
from core.money import plain
from core.order_ids import is_self_test
from core.slots import FUNDS
from db.account_status import AccountStatus
from worker.account_memory import DOUBTED, AccountMemory
from worker.coins import APART, Coins, Known
from worker.exchanges.budget import Urgency, urgent
from worker.group_commit import GroupCommit
from worker.orphans import (
    ADDED_TWICE,
    Orphans,
    RowsOf,
    halted_entry,
    paperwork,
    sort_out,
    unexplained,
)
from worker.questions import Events, Questions
from worker.tracked import Tracked
from worker.turn import GOING_ON
from worker.units import Unit
from worker.venues.protocol import Balance, OpenOrder

log = logging.getLogger(__name__)
ADDED_TWICE_FOR = timedelta(hours=1)
"""Between its cycles another account on the same money has no order there, and yet it goes on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The balances of a live account, and what was known just before they were asked for."""

    before: Mapping[int, Known]
    balances: Mapping[str, Balance]
    asked: float


class Reconciliation:
    """`done`: the last one was answered whole; nothing is decided before. `foreign`: orders of others,
    those of another account of this installation among them.

    installation: by whose prefix our orders are known; None: they are not sorted out.
    unwatched_buys: resting buys of ours whose strategies cannot be read; None: nobody has looked since.
    done_at: when the last one was done, on the venue's clock.
    balances: as that one read them; None: none was read.
    """

    def __init__(
        self,
        memory: AccountMemory,
        questions: Questions,
        writer: GroupCommit[Unit, None],
        rows_of: RowsOf,
    ) -> None:
        self.memory = memory
        self.questions = questions
        self.writer = writer
        self.rows_of = rows_of
        self.installation: str | None = None
        self.done = False
        self.done_at: datetime | None = None
        self.balances: Mapping[str, Balance] | None = None
        self.foreign = 0
        self.unwatched_buys: int | None = None
        lag = memory.desk.venue.index_lag.total_seconds()
        self.coins = Coins(max(APART, lag))
        self._reading: Reading | None = None
        self._tests: set[str] = set()
        self._strangers = 0
        self._others_seen_at: datetime | None = None

    async def run(self, halted: bool = False) -> Events:
        """Raises when a question is not answered; an order in doubt that cannot be asked about blocks
        its own slot only. Under a halt resting buys that nobody watches are cancelled."""
        async with self.memory.desk.reconciling:
            # It begins when there is room for it (`worker.rounds`), or because nothing may be decided before.
            # Its account's exits wait until it ends, so that it must not wait behind others.
            with urgent(Urgency.PROOF):
                return await self._run(halted)

    async def _run(self, halted: bool) -> Events:
        self.done = False
        self._reading = await self._read_balances()
        await self._sort_out_orphans(halted)
        tracked = self.memory.tracked.values()
        live = [order for each in tracked for order in each.cycle.live()]
        known = [order for order in live if order.status not in DOUBTED]
        doubted = [order for order in live if order.status in DOUBTED]
        events = await self.questions.ask(known) if known else []
        self.done, self.done_at = True, self.memory.desk.venue.now()
        self.balances = self._reading.balances if self._reading else None
        await self.tell_what_was_taken_back()
        events += await self.questions.look_up(doubted) if doubted else []
        return events + self._rules_that_changed()

    def note_refusals(self, answers: Events) -> None:
        """A sale for which the coins are not there is the first sign that they have left the account."""
        if self.memory.desk.venue.checks_balances and any(map(self._lacks_coins, answers)):
            self.coins.is_doubted = True

    def _lacks_coins(self, answer: tuple[int, Event]) -> bool:
        event = answer[1]
        if not isinstance(event, OrderReported) or event.update.reason != FUNDS:
            return False
        order = self.memory.order(event.update.client_order_id)
        return order is not None and order.side is Side.SELL

    def is_due(self, now: float) -> bool:
        """A second reading of the balances decides about the first. A refused sale asks for a first one that
        waits for room: the same sale may be refused again and again."""
        if self.coins.is_unsure and now >= self.coins.again_at:
            return True
        if not self.coins.extra_is_due(now):
            return False
        desk = self.memory.desk
        return not desk.reconciling.locked() and desk.has_room(Urgency.SOON)

    async def _read_balances(self) -> Reading | None:
        memory, venue = self.memory, self.memory.desk.venue
        if not venue.checks_balances:
            return None
        before, asked = self.coins.before(memory.tracked.values()), memory.desk.monotonic()
        self.coins.begin(asked)
        return Reading(before, await venue.balances(memory.account_id), asked)

    @property
    def reading(self) -> Reading | None:
        """Until it is compared; None: the venue's balances say nothing."""
        return self._reading

    def compare_balances(self) -> Events:
        """To be asked when all that `run` found has been taken in: coins that are missing, or back."""
        reading, self._reading = self._reading, None
        if reading is None:
            return []
        memory = self.memory
        at = memory.desk.venue.now()
        found = self.coins.compare(reading.before, reading.balances, memory.tracked, reading.asked)
        events: Events = []
        for strategy_id, missing in sorted(found.items()):
            log.error("strategy %s misses %s coins", strategy_id, missing)
            quote = memory.desk.fresh(memory.tracked[strategy_id].symbol)
            events.append((strategy_id, CoinsMissing(at, missing, quote)))
        return events

    def _rules_that_changed(self) -> Events:
        """Running cycles take other trading rules on without waiting for a price that wakes them."""
        desk, at = self.memory.desk, self.memory.desk.venue.now()
        return [
            (strategy_id, TimePassed(at, desk.fresh(tracked.symbol)))
            for strategy_id, tracked in self.memory.tracked.items()
            if self._must_look(tracked)
        ]

    def _must_look(self, tracked: Tracked) -> bool:
        """Its rules are others now, or its symbol is not traded any more and it does not say so yet."""
        desk = self.memory.desk
        if tracked.symbol in desk.problems:
            return tracked.shown is not None and tracked.shown.actual_state in GOING_ON
        market = desk.markets.get(tracked.symbol, tracked.rules)
        return tracked.rules is not None and market is not tracked.rules

    async def tell_what_was_taken_back(self) -> None:
        """Written at once: whoever owns the account next must know before it decides anything."""
        memory, at = self.memory, self.memory.desk.venue.now()
        entries = []
        for order, shown in self.questions.taken_back():
            told = memory.taken_back.note(order, shown, at)
            if told is not None:
                owner = memory.live.owner(order.client_order_id)
                number = None if owner is None else memory.tracked[owner].cycle.number
                entries.append(memory.rows.entry(owner, number, told, at))
        if not memory.taken_back.is_changed:
            return
        entries += [memory.rows.entry(None, None, told, at) for told in memory.holds.take_told()]
        status = self.status(at)
        await self.writer.submit(memory.rows.plain_unit(at, journal=entries, account=status))
        memory.taken_back.is_changed = False

    # --- orders that no row explains

    async def _sort_out_orphans(self, halted: bool) -> None:
        """Orders on the venue that no row explains: adopt, cancel, or count what is foreign."""
        if self.installation is None:
            return
        memory, venue = self.memory, self.memory.desk.venue
        open_orders, at = await venue.open_orders(memory.account_id), venue.now()
        # A self-test takes seconds; its order is an orphan only when it is met a second time.
        tests = {
            order.client_order_id
            for order in open_orders
            if is_self_test(order.client_order_id, self.installation)
        }
        spared, self._tests = tests - self._tests, tests
        strays = unexplained(open_orders, memory.tracked, self.installation, spared)
        rows = await self.rows_of(strays) if strays else {}
        found = sort_out(
            open_orders,
            memory.tracked,
            self.installation,
            rows,
            memory.account_id,
            at,
            spared,
        )
        self._hold_what_was_added_twice(found, at)
        unwatched: list[OpenOrder] = []
        if memory.unreadable:
            # While rows of a strategy cannot be read, an order that seems to be nobody's may be its.
            unwatched = [order for order in found.cancel if order.side is Side.BUY]
            found = replace(found, cancel=())
        await self._write_and_adopt(found, at)
        for order in found.cancel:
            log.error("order %s is ours and belongs to no strategy", order.client_order_id)
            await venue.cancel_by_id(memory.account_id, order.symbol, order.client_order_id)
        if halted and unwatched:
            await self._cancel_unwatched(unwatched, at)
        self.unwatched_buys = len(unwatched)

    def _hold_what_was_added_twice(self, found: Orphans, at: datetime) -> None:
        """Whoever holds back says so in the journal, as an alarm."""
        holds = self.memory.holds
        if found.others:
            self._others_seen_at = at
            if holds.begin("added_twice", ADDED_TWICE, at):
                log.error("account %s is on the money of another one here", self.memory.account_id)
        elif self._others_seen_at and at - self._others_seen_at >= ADDED_TWICE_FOR:
            self._others_seen_at = None
            holds.end("added_twice")

    async def _write_and_adopt(self, found: Orphans, at: datetime) -> None:
        memory = self.memory
        gone = {
            order.client_order_id
            for tracked in memory.tracked.values()
            for order in tracked.cycle.orders
            if order.was_said_gone
        }
        is_new = found.foreign > self._strangers
        changes, entries = paperwork(found, memory.rows, is_new, at, gone)
        self._strangers = found.foreign
        self.foreign = found.foreign + len(found.others)
        if entries:
            await self.writer.submit(memory.rows.plain_unit(at, changes, entries))
        for tracked, cycle, _ in found.adopted:
            tracked.cycle, tracked.is_stored = cycle, True
            memory.live.know(tracked.strategy_id, cycle)

    async def _cancel_unwatched(self, orders: list[OpenOrder], at: datetime) -> None:
        """A halt means no buys, of strategies too whose records cannot be read."""
        memory = self.memory
        entries = [memory.rows.entry(None, None, halted_entry(order), at) for order in orders]
        await self.writer.submit(memory.rows.plain_unit(at, journal=entries))
        for order in orders:
            await memory.desk.venue.cancel_by_id(
                memory.account_id, order.symbol, order.client_order_id
            )

    # --- what is said of the account

    def status(self, at: datetime) -> AccountStatus:
        """For the accounts' page; the key and the self-test are said by others."""
        memory = self.memory
        lacking: dict[str, str] = {}
        for tracked in memory.tracked.values():
            if tracked.cycle.lacks_coins:
                lacking[tracked.symbol] = plain(tracked.cycle.missing, 18)
        buying = [t for t in memory.tracked.values() if t.cycle.wanted in BUYING]
        holds = [memory.no_buys(tracked.symbol) for tracked in buying]
        sentences = dict.fromkeys([hold.sentence for hold in holds if hold is not None])
        return AccountStatus(
            account_id=memory.account_id,
            user_id=memory.facts.user_id,
            foreign_orders=self.foreign,
            mismatch=lacking or None,
            balances=None if self.balances is None else _said_of(self.balances),
            reconciled_at=self.done_at,
            hold=" ".join(sentences)[:1000] or None,
            taken_back=memory.taken_back.written(),
            updated_at=at,
        )


def _said_of(balances: Mapping[str, Balance]) -> dict[str, dict[str, str]]:
    """As `AccountStatus.balances`."""
    return {
        asset: {"free": plain(balance.free, 36), "locked": plain(balance.used, 36)}
        for asset, balance in balances.items()
        if balance.free or balance.used
    }
