"""When each account is compared with its exchange: every 45 s, or later where the exchange's request limit
does not allow that for so many. Turns must never wait behind a thousand reconciliations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from worker.account import AccountRunner
from worker.clock import monotonic
from worker.desk import Desk
from worker.exchanges.budget import Urgency

EACH = 45.0
"""Less than a minute: what somebody did by hand is known within one, a second reading included."""
AT_ONCE = 8
"""Of one live desk a second, and under way at a time."""


class Rounds:
    """Remembers when an account had its turn last."""

    def __init__(self, monotonic: Callable[[], float] = monotonic) -> None:
        self._monotonic = monotonic
        self._last: dict[int, float] = {}

    def due(self, runners: Iterable[AccountRunner]) -> list[AccountRunner]:
        """Those whose turn it is now, who waited longest first; they count as begun."""
        now = self._monotonic()
        waiting = []
        for runner in runners:
            account_id = runner.facts.account_id
            # Spread over that time, so that no second carries all of them.
            last = self._last.setdefault(account_id, now - account_id * 7 % EACH)
            if now - last >= EACH:
                waiting.append((last, account_id, runner))
        begun: Counter[str] = Counter()
        chosen = []
        for _, account_id, runner in sorted(waiting, key=lambda each: each[:2]):
            desk = runner.desk
            if desk.reconciles_few and not self._may_begin(desk, begun[desk.name]):
                continue
            begun[desk.name] += 1
            self._last[account_id] = now
            chosen.append(runner)
        return chosen

    @staticmethod
    def _may_begin(desk: Desk, begun: int) -> bool:
        return begun < AT_ONCE and not desk.reconciling.locked() and desk.has_room(Urgency.LATER)

    def forget(self, account_ids: Iterable[int]) -> None:
        """They are not held here any more."""
        for account_id in account_ids:
            self._last.pop(account_id, None)
