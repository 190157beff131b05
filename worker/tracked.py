"""What the worker holds in memory of one strategy. The rows are the truth; this is a copy of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.cycle import Cycle, DesiredState, PassedLevels
from core.market import Market
from core.parameters import Parameters
from db.status import StrategyStatus
from db.wanted import Revision


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person wants, as read from the strategy's row; during a halt, what that comes to.

    `row_state`: what the row says, before a halt. `problem`: why its parameters cannot be used."""

    desired_state: DesiredState
    row_state: DesiredState
    revision: Revision
    desired_at: datetime
    passed_levels: PassedLevels
    release: bool
    parameters: Parameters | None
    problem: str | None

    @property
    def desired_rev(self) -> int:
        return self.revision.desired_rev

    def unusable(self, problem: str) -> Wish:
        """Nothing can be started under this wish, because of `problem`."""
        return replace(self, parameters=None, problem=problem)


@dataclass(frozen=True, slots=True)
class Shown:
    """What `strategy_status` says: written only when it changes."""

    actual_state: str
    sentence: str
    observed_rev: int
    missing: Decimal | None = None


@dataclass(slots=True)
class Tracked:
    """`is_stored`: the cycle has a row. `answered_rev`: the wish that the cycle has been told.

    `newest_wish`: what the poller has read; the consumer makes it `wish` at the start of a turn.
    rules: the venue's rules that the cycle was last compared with; rules_problem: why its ladder does not
    fit them.
    """

    strategy_id: int
    user_id: int
    account_id: int
    symbol: str
    cycle: Cycle
    is_stored: bool
    wish: Wish
    newest_wish: Wish
    answered_rev: int
    shown: Shown | None = None
    rules: Market | None = None
    rules_problem: str | None = None


def shown_of(status: StrategyStatus) -> Shown:
    """What the status row says already."""
    return Shown(str(status.actual_state), status.reason, status.observed_rev, status.missing)
