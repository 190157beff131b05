"""The resting orders of one symbol over all accounts, by price: a tick touches only what it reaches."""

from __future__ import annotations

import heapq
from decimal import Decimal

from core.market import Side
from core.money import PLACES

Entry = tuple[int, str, int]


def _rank(price: Decimal) -> int:
    """The price in units of its last stored digit: exact, and a third of a Decimal in memory."""
    return int(price.scaleb(PLACES))


class Crossing:
    """Two heaps; an order that is gone is skipped when it surfaces."""

    def __init__(self) -> None:
        self._buys: list[Entry] = []
        self._sells: list[Entry] = []
        self._resting: dict[str, int] = {}

    def add(self, account_id: int, client_order_id: str, side: Side, price: Decimal) -> None:
        if client_order_id in self._resting:
            return
        self._resting[client_order_id] = account_id
        if side is Side.BUY:
            heapq.heappush(self._buys, (-_rank(price), client_order_id, account_id))
        else:
            heapq.heappush(self._sells, (_rank(price), client_order_id, account_id))

    def account_of(self, client_order_id: str) -> int:
        return self._resting[client_order_id]

    def remove(self, client_order_id: str) -> None:
        self._resting.pop(client_order_id, None)
        if len(self._buys) + len(self._sells) > 2 * len(self._resting) + 64:
            self._buys = self._living(self._buys)
            self._sells = self._living(self._sells)

    def reached(self, bid: Decimal, ask: Decimal, only: int | None = None) -> dict[int, list[str]]:
        """Orders that the market has reached, best price first, by account; they stay until removed.

        `only`: of this account alone (its time is walked after an outage).
        """
        found: dict[int, list[str]] = {}
        for heap, limit in ((self._buys, -_rank(ask)), (self._sells, _rank(bid))):
            kept: list[Entry] = []
            while heap and heap[0][0] <= limit:
                entry = heapq.heappop(heap)
                if entry[1] in self._resting:
                    kept.append(entry)
                    if only is None or entry[2] == only:
                        found.setdefault(entry[2], []).append(entry[1])
            for entry in kept:
                heapq.heappush(heap, entry)
        return found

    def _living(self, heap: list[Entry]) -> list[Entry]:
        living = [entry for entry in heap if entry[1] in self._resting]
        heapq.heapify(living)
        return living
