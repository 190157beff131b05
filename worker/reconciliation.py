"""Everything on the venue against everything here (FAULTS 3.4). REST is the truth; hints only say "look"."""

from __future__ import annotations

import logging
from dataclasses import replace

from worker.account_memory import DOUBTED, AccountMemory
from worker.group_commit import GroupCommit
from worker.orphans import paperwork, sort_out
from worker.questions import Events, Questions
from worker.units import Unit

log = logging.getLogger(__name__)


class Reconciliation:
    """`done`: the last one was answered whole; nothing is decided before. `foreign`: orders of others.

    installation: by whose prefix our orders are known; None: they are not sorted out."""

    def __init__(
        self,
        memory: AccountMemory,
        questions: Questions,
        writer: GroupCommit[Unit, None],
    ) -> None:
        self.memory = memory
        self.questions = questions
        self.writer = writer
        self.installation: str | None = None
        self.done = False
        self.foreign = 0

    async def run(self) -> Events:
        """Raises when a question is not answered; an order in doubt that cannot be asked about blocks
        its own slot only."""
        self.done = False
        await self._sort_out_orphans()
        tracked = self.memory.tracked.values()
        live = [order for each in tracked for order in each.cycle.live()]
        known = [order for order in live if order.status not in DOUBTED]
        doubted = [order for order in live if order.status in DOUBTED]
        events = await self.questions.ask(known) if known else []
        self.done = True
        return events + (await self.questions.look_up(doubted) if doubted else [])

    async def _sort_out_orphans(self) -> None:
        """Orders on the venue that no row explains: adopt, cancel, or count what is foreign."""
        if self.installation is None:
            return
        memory, venue = self.memory, self.memory.desk.venue
        open_orders, at = await venue.open_orders(memory.account_id), venue.now()
        found = sort_out(open_orders, memory.tracked, self.installation, at)
        if memory.unreadable:
            # While rows of a strategy cannot be read, an order that seems to be nobody's may be its.
            found = replace(found, cancel=())
        changes, entries = paperwork(found, memory.rows, found.foreign > self.foreign, at)
        self.foreign = found.foreign
        if entries:
            await self.writer.submit(memory.rows.plain_unit(at, changes, entries))
        for tracked, cycle, _ in found.adopted:
            tracked.cycle, tracked.is_stored = cycle, True
            memory.live.know(tracked.strategy_id, cycle)
        for order in found.cancel:
            log.error("order %s is ours and belongs to no strategy", order.client_order_id)
            await venue.cancel_by_id(memory.account_id, order.symbol, order.client_order_id)
