"""Orders whose outcome is unknown: what counts as proof that one was never accepted (DESIGN 5).

"Not found" counts only when the question was asked late enough, on this process's monotonic clock,
counted from when this worker first saw the row. Three such answers are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.orders import OrderStatus, OrderUpdate

ROUNDS = 3
MARGIN = timedelta(seconds=1)
GIVE_UP_AFTER = timedelta(minutes=15)


@dataclass(slots=True)
class Doubt:
    """`first_seen`: monotonic seconds. `negatives`: valid "not found" answers so far."""

    first_seen: float
    negatives: int = 0


class Proof:
    """All orders of one account in doubt."""

    def __init__(self, request_window: timedelta, index_lag: timedelta) -> None:
        self._wait = (request_window + MARGIN + index_lag).total_seconds()
        self._doubts: dict[str, Doubt] = {}

    def doubt(self, client_order_id: str, now: float) -> None:
        """The order may or may not exist; doubting it again changes nothing."""
        self._doubts.setdefault(client_order_id, Doubt(now))

    def settle(self, client_order_id: str) -> None:
        self._doubts.pop(client_order_id, None)

    @property
    def open(self) -> frozenset[str]:
        return frozenset(self._doubts)

    def not_found(self, client_order_id: str, asked: float) -> OrderUpdate | None:
        """A successful answer did not hold the order; `asked`: when the question was sent.

        The update that ends the doubt, or None while proof is still missing.
        """
        doubt = self._doubts.get(client_order_id)
        if doubt is None or asked - doubt.first_seen <= self._wait:
            return None
        doubt.negatives += 1
        if doubt.negatives < ROUNDS:
            return None
        self.settle(client_order_id)
        return OrderUpdate(client_order_id, OrderStatus.NOT_ACCEPTED, reason="not_accepted")

    def unanswered(self, client_order_id: str, now: float) -> OrderUpdate | None:
        """Asking failed. After 15 minutes without proof a person is asked."""
        doubt = self._doubts.get(client_order_id)
        if doubt is None or now - doubt.first_seen < GIVE_UP_AFTER.total_seconds():
            return None
        return OrderUpdate(client_order_id, OrderStatus.QUARANTINED, reason="quarantined")
