"""How long after a SIGKILL until all is well again, asked of the rows four times a second.

Proven or under resolution: another worker has the account and has read its rows in a fenced transaction
(from then on it asks about every order in doubt). Protected: each sellable position of before has been seen
with a resting take profit (or was closed, or is watched instead). None unknown: every order that was
`sending` when the worker died is something else.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, text

from core.accounting import position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState
from core.orders import OrderStatus
from core.wanted import is_sellable
from tests.crash_books import open_cycles

POLL = 0.25
LIMIT = 150.0
IN_DOUBT = "('sending', 'quarantined')"


@dataclass(frozen=True, slots=True)
class Lease:
    token: int
    beat: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """Seconds; None: not within the limit. `in_doubt`: orders that the dead worker left."""

    protected: float | None
    none_unknown: float | None
    in_doubt: int
    accounts: int


class Aftermath:
    """Made right after a kill, before anybody can have taken over."""

    def __init__(self, engine: Engine, pid: int) -> None:
        self.engine = engine
        self.killed_at = time.monotonic()
        self.before = {a: lease for a, lease in self._leases().items() if lease.pid == pid}
        self.pid = pid
        cycles = [c for c in open_cycles(engine) if c.identity.account_id in self.before]
        self.unprotected = {_name(cycle) for cycle in cycles if _is_held(cycle)}
        self.doubted = self._in_doubt(self.before)
        self.left = len(self.doubted)
        self.resumed: set[int] = set()

    def wait(self, living: Collection[int]) -> Recovered:
        """`living`: process ids of the workers that run now."""
        protected = none_unknown = None
        while time.monotonic() < self.killed_at + LIMIT:
            self._look(living)
            elapsed = time.monotonic() - self.killed_at
            if protected is None and self._is_protected():
                protected = elapsed
            if none_unknown is None and not self.doubted:
                none_unknown = elapsed
            if protected is not None and none_unknown is not None:
                break
            time.sleep(POLL)
        return Recovered(protected, none_unknown, self.left, len(self.before))

    def _is_protected(self) -> bool:
        return self.resumed >= self.before.keys() and not self.unprotected

    def _look(self, living: Collection[int]) -> None:
        for account, lease in self._leases().items():
            before = self.before.get(account)
            if before is None or lease.pid not in living:
                continue
            # One beat is the takeover itself, the second the fenced transaction that reads the rows.
            if lease.token > before.token and lease.beat >= before.beat + 2:
                self.resumed.add(account)
        if self.unprotected:
            cycles = {_name(cycle): cycle for cycle in open_cycles(self.engine)}
            self.unprotected = {
                name
                for name in self.unprotected
                if name[0] not in self.resumed
                or (name in cycles and _is_held(cycles[name]) and not _is_protected(cycles[name]))
            }
        if self.doubted:
            self.doubted &= self._in_doubt(self.before)

    def _leases(self) -> dict[int, Lease]:
        query = text(
            "SELECT l.account_id, l.token, l.beat, w.pid FROM leases l"
            " LEFT JOIN workers w ON w.name = l.owner"
        )
        with self.engine.connect() as connection:
            return {row[0]: Lease(*row[1:]) for row in connection.execute(query)}

    def _in_doubt(self, accounts: Collection[int]) -> set[str]:
        query = text(f"SELECT client_order_id, account_id FROM orders WHERE status IN {IN_DOUBT}")
        with self.engine.connect() as connection:
            return {row[0] for row in connection.execute(query) if row[1] in accounts}


def _name(cycle: Cycle) -> tuple[int, int, int]:
    return cycle.identity.account_id, cycle.identity.strategy_id, cycle.number


def _is_held(cycle: Cycle) -> bool:
    """A position that must not be without a take profit."""
    watched = cycle.parameters.trailing_deviation is not None or cycle.exit is not None
    stopped = cycle.wanted in (DesiredState.STOPPED, DesiredState.CLOSED)
    return not watched and not stopped and is_sellable(cycle, position(cycle))


def _is_protected(cycle: Cycle) -> bool:
    live = cycle.live_in(TAKE_PROFIT)
    return live is not None and live.status in (OrderStatus.OPEN, OrderStatus.CANCELLING)
