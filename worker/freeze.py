"""A freeze that people see: while reconciliation fails nothing is decided (DESIGN 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.words import time_words
from db.status import StrategyStatus
from worker.account_memory import AccountMemory
from worker.reconciliation import Reconciliation
from worker.tracked import Shown
from worker.units import Unit

SAID_AFTER = 10.0
"""Seconds; a question that is answered at the second try is nobody's business."""
CODE = "reconcile"
WISHED = ("paused", "stopping")
SAY_ENOUGH = ("stopped", "closed", "needs_attention")


class Freeze:
    """From the first reconciliation that fails to the next that succeeds."""

    def __init__(self, memory: AccountMemory, reconciliation: Reconciliation) -> None:
        self.memory = memory
        self.reconciliation = reconciliation
        self._since: float | None = None
        self._is_said = False

    def end(self) -> bool:
        """The venue answers again. Whether the freeze had been said, so that everybody is woken."""
        self._since, was_said, self._is_said = None, self._is_said, False
        if was_said:
            self.memory.holds.end(CODE)
        return was_said

    def unit(self, now: float, at: datetime) -> Unit | None:
        """What to write after a question was not answered; None: nothing, or it is written already."""
        if self.reconciliation.done:
            return None
        self._since = now if self._since is None else self._since
        if self._is_said or now - self._since < SAID_AFTER:
            return None
        self._is_said = True
        memory = self.memory
        sentence = (
            "The exchange does not answer, so nothing is decided on this account until it does. Orders"
            f" there stay as they are, and go on by themselves. It began before {time_words(at)}."
        )
        memory.holds.begin(CODE, sentence, at)
        entries = [memory.rows.entry(None, None, entry, at) for entry in memory.holds.take_told()]
        account = None
        if memory.facts.caps is not None:
            account = replace(self.reconciliation.status(at), hold=sentence)
        return memory.rows.plain_unit(at, (), entries, self._statuses(sentence, at), account)

    def _statuses(self, sentence: str, at: datetime) -> list[StrategyStatus]:
        """`checked_at` does not advance: nobody has looked."""
        memory, found = self.memory, []
        for tracked in memory.tracked.values():
            state = "starting" if tracked.shown is None else tracked.shown.actual_state
            if state in SAY_ENOUGH:
                continue
            state = state if state in WISHED else "waiting"
            tracked.shown = Shown(state, sentence, tracked.answered_rev)
            looked = self.reconciliation.done_at
            found.append(memory.rows.status(tracked, tracked.shown, at, looked))
        return found
