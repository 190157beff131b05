"""From the strategies' rows to `Wish`: nothing in a row is trusted, and a halt is applied here."""

from __future__ import annotations

from dataclasses import replace

from core.cycle import Cycle
from core.errors import InvalidInput
from core.market import Market
from core.money import ONE
from core.order_ids import Identity
from core.parameters import Parameters
from core.succession import first_cycle
from db.halt import Halt, effective_state
from db.wanted import Revision, Wanted, parameters_from_text
from worker.tracked import Wish


class WishReader:
    """Equal parameter texts become one object: thousands of strategies share a few."""

    def __init__(self) -> None:
        self._read: dict[str, Parameters | str] = {}

    def wish(self, row: Wanted, halt: Halt) -> Wish:
        parameters = self._parameters(row.parameters_text)
        problem = row.fault
        if isinstance(parameters, str):
            problem = parameters
        return Wish(
            desired_state=effective_state(row.desired_state, row.desired_at, halt),
            row_state=row.desired_state,
            revision=Revision(row.desired_rev, row.parameters_version),
            desired_at=row.desired_at,
            passed_levels=row.passed_levels,
            release=row.release,
            parameters=None if isinstance(parameters, str) else parameters,
            problem=problem,
        )

    def under_halt(self, wish: Wish, halt: Halt) -> Wish:
        """The same wish after a halt was called or lifted."""
        return replace(wish, desired_state=effective_state(wish.row_state, wish.desired_at, halt))

    def _parameters(self, text: str) -> Parameters | str:
        """The parameters, or the sentence that says why they are none."""
        known = self._read.get(text)
        if known is None:
            if len(self._read) > 5_000:
                self._read.clear()
            try:
                known = parameters_from_text(text)
            except InvalidInput as problem:
                known = str(problem)
            self._read[text] = known
        return known


# Stands in a row that nobody can start: the gate holds a strategy without readable parameters back.
UNREADABLE = Parameters(base_order_size=ONE, safety_order_size=ONE)


def first_of(row: Wanted, wish: Wish, installation: str, market: Market) -> Cycle:
    """The cycle of a strategy that has none yet. Without usable parameters it can only wait."""
    identity = Identity(installation, row.account_id, row.strategy_id)
    cycle = first_cycle(identity, wish.parameters or UNREADABLE, market)
    return replace(cycle, wanted=wish.desired_state)
