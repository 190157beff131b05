"""Whom a price wakes: two heaps per symbol and one of times, so that idle strategies cost nothing."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from core.events import Quote
from core.triggers import Watch


class Heap:
    """Prices at which strategies wake; entries that were replaced are skipped when they surface."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.entries: list[tuple[Decimal, int, int]] = []

    def push(self, price: Decimal, strategy_id: int, version: int) -> None:
        heapq.heappush(self.entries, (self.sign * price, strategy_id, version))

    def pop(self, price: Decimal, versions: dict[int, int]) -> Iterator[int]:
        """Everyone whose price has been met."""
        limit = self.sign * price
        while self.entries and self.entries[0][0] <= limit:
            _, strategy_id, version = heapq.heappop(self.entries)
            if versions.get(strategy_id) == version:
                yield strategy_id

    def keep_living(self, versions: dict[int, int]) -> None:
        self.entries = [entry for entry in self.entries if versions.get(entry[1]) == entry[2]]
        heapq.heapify(self.entries)


class PriceWakes:
    """Thresholds of one symbol. A new watch of a strategy replaces its old one.

    Exits look at the bid, entries at the ask. Only strategies that act on any price, or start inside
    a band, are looked at on every tick.
    """

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self._version: dict[int, int] = {}
        self._exit = (Heap(-1), Heap(1))
        self._entry = (Heap(-1), Heap(1))
        self._always: dict[int, Watch] = {}

    def wait(self, strategy_id: int, watch: Watch, at: datetime) -> None:
        """From now on `strategy_id` waits for `watch`. Its alarms are the business of `TimeWakes`."""
        version = self._version[strategy_id] = next(self._count)
        self._always.pop(strategy_id, None)
        if watch.entry and watch.not_before is not None and watch.not_before > at:
            return
        upper = min((p for p in (watch.above, watch.peak) if p is not None), default=None)
        bounds = (watch.below, upper)
        if watch.now or (watch.entry and bounds.count(None) != 1):
            self._always[strategy_id] = watch
            return
        heaps = self._entry if watch.entry else self._exit
        for heap, price in zip(heaps, bounds, strict=True):
            if price is not None:
                heap.push(price, strategy_id, version)
        self._shrink()

    def drop(self, strategy_id: int) -> None:
        self._always.pop(strategy_id, None)
        self._version.pop(strategy_id, None)

    def due(self, quote: Quote, at: datetime) -> set[int]:
        """The strategies that this quote wakes; each stays silent until its watch is set again."""
        woken: set[int] = set()
        for heaps, price in ((self._exit, quote.bid), (self._entry, quote.ask)):
            for heap in heaps:
                woken.update(heap.pop(price, self._version))
        for strategy_id, watch in self._always.items():
            if watch.is_due(quote.ask if watch.entry else quote.bid, at):
                woken.add(strategy_id)
        return woken

    def _shrink(self) -> None:
        """Forget replaced entries before they outnumber the living by far."""
        heaps = (*self._exit, *self._entry)
        if sum(len(heap.entries) for heap in heaps) > 4 * len(self._version) + 64:
            for heap in heaps:
                heap.keep_living(self._version)


class TimeWakes:
    """Alarms of all strategies of the process."""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self._version: dict[int, int] = {}
        self._heap: list[tuple[datetime, int, int]] = []

    def wait(self, strategy_id: int, times: Iterable[datetime | None]) -> None:
        """Replace the strategy's alarm by the earliest of `times`."""
        version = self._version[strategy_id] = next(self._count)
        at = min((time for time in times if time is not None), default=None)
        if at is not None:
            heapq.heappush(self._heap, (at, strategy_id, version))
        if len(self._heap) > 4 * len(self._version) + 64:
            self._heap = [e for e in self._heap if self._version.get(e[1]) == e[2]]
            heapq.heapify(self._heap)

    def drop(self, strategy_id: int) -> None:
        self._version.pop(strategy_id, None)

    def due(self, at: datetime) -> set[int]:
        woken = set()
        while self._heap and self._heap[0][0] <= at:
            _, strategy_id, version = heapq.heappop(self._heap)
            if self._version.get(strategy_id) == version:
                woken.add(strategy_id)
        return woken
