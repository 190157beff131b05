"""Orders in quarantine: the exchange is asked by every source, and a person's word is weighed against that.

Part of a reconciliation, so nothing is weighed while the account cannot be compared with the exchange. An
order that ended on a person's word is looked for as long as its cycle lasts: it may turn up.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from core.doubt import Evidence, contradiction, evidence_words, too_early
from core.events import OrderReported
from core.money import ZERO, exact
from core.orders import Order, OrderStatus, said_gone
from core.story_entry import Entry, EntryLevel
from core.words import order_words
from db.doubts import Answer, Inquiry
from worker.account_memory import DOUBTED, AccountMemory
from worker.coins import beyond
from worker.errors import AccountLost, VenueUnavailable
from worker.group_commit import GroupCommit
from worker.questions import Events, Questions
from worker.reconciliation import Reading
from worker.traces import Trace
from worker.tracked import Tracked
from worker.units import Unit

log = logging.getLogger(__name__)
AGAIN_AFTER = 600.0
"""Seconds after which every source is asked again; each reconciliation asks the cheap ones."""
AT_ONCE = 5
"""Orders about which one reconciliation asks: every source is dear."""


class Doubts:
    """Of one account. `said`: answers of its person that are not dealt with, by client order id."""

    def __init__(
        self, memory: AccountMemory, questions: Questions, writer: GroupCommit[Unit, None]
    ) -> None:
        self.memory, self.questions, self.writer = memory, questions, writer
        self.said: dict[str, Answer] = {}
        self._noted: dict[str, Inquiry] = {}
        self._asked: dict[str, float] = {}
        self._coins: dict[str, Decimal] = {}

    def take_up(self, inquiries: Iterable[Inquiry]) -> None:
        """What was found out before this process held the account."""
        self._noted = {one.client_order_id: one for one in inquiries}

    def hear(self, answers: Collection[Answer]) -> bool:
        """All that nobody has dealt with, as the rows say now. Whether one of them is new."""
        new = [one for one in answers if self.said.get(one.client_order_id) != one]
        self.said = {one.client_order_id: one for one in answers}
        return bool(new)

    async def look(self, reading: Reading | None) -> Events:
        """After everything that the reconciliation found was taken in. `reading`: its balances."""
        if reading is not None:
            self._note_coins(reading)
        if self.memory.unreadable:
            return []  # nobody knows what their strategies hold
        events: Events = []
        for tracked, order in list(self._due())[:AT_ONCE]:
            try:
                events += await self._inquire(tracked, order, reading)
            except AccountLost:
                raise
            except VenueUnavailable as error:
                log.warning("order %s cannot be asked about: %s", order.client_order_id, error)
        return events + await self._look_for_gone()

    def _note_coins(self, reading: Reading) -> None:
        """How many coins lie there beyond those of strategies, while no order on them is in doubt."""
        memory = self.memory
        doubted = memory.proof.open
        by_base: dict[str, list[Tracked]] = {}
        for tracked in memory.tracked.values():
            by_base.setdefault(tracked.cycle.market.base, []).append(tracked)
        for base, owners in by_base.items():
            live = (order for each in owners for order in each.cycle.live())
            if not any(order.client_order_id in doubted for order in live):
                least, most = beyond(base, reading.before, reading.balances, owners)
                if least == most:
                    self._coins[base] = least

    def _due(self) -> Iterator[tuple[Tracked, Order]]:
        """Those whose person waits come first."""
        found = []
        for tracked in self.memory.tracked.values():
            for order in tracked.cycle.live():
                if order.status is OrderStatus.QUARANTINED and self._is_due(order):
                    found.append((tracked, order))
        return iter(sorted(found, key=lambda one: self._answer(one[1]) is None))

    def _is_due(self, order: Order) -> bool:
        now = self.memory.desk.monotonic()
        asked = self._asked.get(order.client_order_id)
        return asked is None or now - asked >= AGAIN_AFTER or self._answer(order) is not None

    def _answer(self, order: Order) -> Answer | None:
        """What the person has said, and nobody has weighed."""
        answer, noted = self.said.get(order.client_order_id), self._noted.get(order.client_order_id)
        weighed = 0 if noted is None else noted.answered_rev
        if answer is None or answer.rev <= weighed:
            return None
        return None if too_early(order, self.memory.desk.venue.now()) else answer

    async def _inquire(self, tracked: Tracked, order: Order, reading: Reading | None) -> Events:
        memory, name = self.memory, order.client_order_id
        asked = await memory.desk.venue.inquire(memory.account_id, order)
        self._asked[name] = memory.desk.monotonic()
        if asked.is_there:
            return await self.questions.look_up([order])
        trace = await self.questions.traces.of(tracked, order, asked)
        events = [] if trace.update is None else self.questions.reports([trace.update])
        if events:
            return events  # it filled further: what is left is weighed in the next reconciliation
        return await self._weigh(tracked, order, self._evidence(tracked, order, trace, reading))

    @exact
    def _evidence(
        self, tracked: Tracked, order: Order, trace: Trace, reading: Reading | None
    ) -> Evidence:
        strays = trace.strays
        if reading is None:
            return Evidence(strays, None, None)
        base, owners = tracked.cycle.market.base, self.memory.tracked.values()
        least, most = beyond(base, reading.before, reading.balances, owners, as_recorded=True)
        was = self._coins_before(tracked, order)
        missing = [-each.cycle.missing for each in owners if each.cycle.market.base == base]
        expected = sum(missing, ZERO) if was is None else was
        return Evidence(
            strays,
            more=None if was is None else max(least - was, ZERO),
            fewer=max(expected - most, ZERO),
            is_alone=not any(
                each.status in DOUBTED and each.client_order_id != order.client_order_id
                for owner in owners
                if owner.cycle.market.base == base
                for each in owner.cycle.live()
            ),
        )

    def _coins_before(self, tracked: Tracked, order: Order) -> Decimal | None:
        noted = self._noted.get(order.client_order_id)
        if noted is not None:
            return noted.coins_before
        return self._coins.get(tracked.cycle.market.base)

    async def _weigh(self, tracked: Tracked, order: Order, evidence: Evidence) -> Events:
        memory, market = self.memory, tracked.cycle.market
        at, name = memory.desk.venue.now(), order.client_order_id
        answer, noted = self._answer(order), self._noted.get(name)
        against = contradiction(order, market, evidence)
        refused = answer is not None and against is not None
        weighed = 0 if noted is None else noted.answered_rev
        if answer is not None and refused:
            weighed = answer.rev
        note = Inquiry(
            client_order_id=name,
            account_id=memory.account_id,
            asked_at=at,
            sentence=evidence_words(order, market, evidence)[:1000],
            contradicts=against is not None,
            coins_before=self._coins_before(tracked, order),
            answered_rev=weighed,
        )
        entries = []
        if refused:
            told = _not_believed(order, str(against))
            entries.append(memory.rows.entry(tracked.strategy_id, tracked.cycle.number, told, at))
        await self.writer.submit(memory.rows.plain_unit(at, journal=entries, inquiries=[note]))
        self._noted[name] = note
        if answer is None or refused:
            return []
        log.warning("order %s is taken for gone, as its person says", name)
        memory.proof.settle(name)
        quote = memory.desk.fresh(tracked.symbol)
        return [(tracked.strategy_id, OrderReported(at, said_gone(order), quote))]

    async def _look_for_gone(self) -> Events:
        """What it traded after all is booked. If it rests, it is nobody's and is being cancelled
        (`worker.orphans`)."""
        memory = self.memory
        gone = {
            order.client_order_id: (tracked, order)
            for tracked in memory.tracked.values()
            for order in tracked.cycle.orders
            if order.was_said_gone and order.filled < order.quantity
        }
        if not gone:
            return []
        orders = [order for _, order in gone.values()]
        try:
            updates = await memory.desk.venue.look_up(memory.account_id, orders)
        except AccountLost:
            raise
        except VenueUnavailable as error:
            log.warning("orders that were said to be gone cannot be asked about: %s", error)
            return []
        at = memory.desk.venue.now()
        events: Events = []
        for update in updates:
            tracked, order = gone[update.client_order_id]
            known = {fill.trade_id for fill in order.fills}
            if any(fill.trade_id not in known for fill in update.fills):
                log.error("order %s, said to be gone, has traded", order.client_order_id)
                quote = memory.desk.fresh(tracked.symbol)
                events.append((tracked.strategy_id, OrderReported(at, update, quote)))
        return events


def _not_believed(order: Order, against: str) -> Entry:
    return Entry(
        EntryLevel.WARNING,
        "answer_not_believed",
        f"You said that the {order_words(order.slot)} is not on the exchange and did not fill. {against}"
        " The order stays as it is.",
        order.client_order_id,
    )
