"""Orders whose outcome is unknown: what counts as proof that one was never accepted (DESIGN 5).

"Not found" counts only when the question was asked late enough, on this process's monotonic clock,
counted from when this worker first saw the row. Three such answers are needed. An order that the venue had
and does not show any more is never taken for cancelled: after three such answers a person is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.orders import VANISHED, OrderStatus, OrderUpdate

ROUNDS = 3
MARGIN = timedelta(seconds=1)
GIVE_UP_AFTER = timedelta(minutes=15)
GONE_AFTER = timedelta(seconds=10)
"""An order that the venue had is not missed for a hiccup of its lists: buys are cancelled for it."""
LONGEST_PAUSE = 60.0


@dataclass(slots=True)
class Doubt:
    """`first_seen`: monotonic seconds. `negatives`: valid "not found" answers so far.

    given_up: a person is asked; from then on the venue is asked less and less often, from `not_before` on.
    """

    first_seen: float
    negatives: int = 0
    given_up: int = 0
    not_before: float = 0.0


class Proof:
    """All orders of one account in doubt: `sending`, quarantined, or known and not shown any more."""

    def __init__(self, request_window: timedelta, index_lag: timedelta) -> None:
        self._wait = (request_window + MARGIN + index_lag).total_seconds()
        self._gone = max(GONE_AFTER, MARGIN + index_lag).total_seconds()
        self._doubts: dict[str, Doubt] = {}

    def doubt(self, client_order_id: str, now: float) -> None:
        """The order may or may not exist; doubting it again changes nothing."""
        self._doubts.setdefault(client_order_id, Doubt(now))

    def settle(self, client_order_id: str) -> None:
        self._doubts.pop(client_order_id, None)

    @property
    def open(self) -> frozenset[str]:
        return frozenset(self._doubts)

    def due(self, now: float) -> set[str]:
        """Those to ask about now."""
        return {order for order, doubt in self._doubts.items() if now >= doubt.not_before}

    def is_last(self, client_order_id: str, asked: float) -> bool:
        """Whether one more "not found" answer to a question of then would prove it."""
        doubt = self._doubts.get(client_order_id)
        if doubt is None or asked - doubt.first_seen <= self._wait:
            return False
        return doubt.negatives >= ROUNDS - 1

    def not_found(self, client_order_id: str, asked: float) -> OrderUpdate | None:
        """A successful answer did not hold the order; `asked`: when the question was sent.

        The update that ends the doubt, or None while proof is still missing.
        """
        if not self._negative(client_order_id, asked, self._wait):
            return None
        self.settle(client_order_id)
        return OrderUpdate(client_order_id, OrderStatus.NOT_ACCEPTED, reason="not_accepted")

    def gone(self, client_order_id: str, asked: float) -> OrderUpdate | None:
        """The same for an order that the venue once had: it may have filled, so a person is asked."""
        if not self._negative(client_order_id, asked, self._gone):
            return None
        return OrderUpdate(client_order_id, OrderStatus.QUARANTINED, reason=VANISHED)

    def unanswered(self, client_order_id: str, now: float) -> OrderUpdate | None:
        """Asking failed. After 15 minutes without proof a person is asked."""
        doubt = self._doubts.get(client_order_id)
        if doubt is None or now - doubt.first_seen < GIVE_UP_AFTER.total_seconds():
            return None
        return OrderUpdate(client_order_id, OrderStatus.QUARANTINED, reason="quarantined")

    def ask_later(self, client_order_id: str, now: float) -> None:
        """A person is asked already: 1 s at first, then longer, at most a minute. Venues count questions."""
        doubt = self._doubts.get(client_order_id)
        if doubt is not None:
            doubt.given_up += 1
            doubt.not_before = now + min(LONGEST_PAUSE, 0.5 * 2 ** (doubt.given_up // 8))

    def _negative(self, client_order_id: str, asked: float, wait: float) -> bool:
        """Whether this was the last of the "not found" answers that are needed."""
        doubt = self._doubts.get(client_order_id)
        if doubt is None or asked - doubt.first_seen <= wait:
            return False
        doubt.negatives += 1
        return doubt.negatives >= ROUNDS
