"""How long people's strategies wait: from a price received to the COMMIT of the plan that it led to.

Counted in buckets that grow by 5 %, so it costs the same after a year as after a minute.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

log = logging.getLogger(__name__)
SHORTEST = 1e-4
STEP = math.log(1.05)
BUCKETS = 300
WRITE_EACH = 1.0
SAY_EACH = 60


@dataclass(slots=True)
class Lags:
    """Plans by bucket; `largest` in seconds, exactly."""

    counts: dict[int, int] = field(default_factory=dict)
    largest: float = 0.0

    def record(self, seconds: float, plans: int) -> None:
        """`plans` strategies were committed `seconds` after their price had been received."""
        bucket = math.ceil(math.log(max(seconds, SHORTEST) / SHORTEST) / STEP)
        bucket = min(bucket, BUCKETS)
        self.counts[bucket] = self.counts.get(bucket, 0) + plans
        self.largest = max(self.largest, seconds)

    def take(self) -> Lags:
        """Everything since it was last taken."""
        taken = Lags(self.counts, self.largest)
        self.counts, self.largest = {}, 0.0
        return taken

    def add(self, other: Lags) -> None:
        for bucket, plans in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + plans
        self.largest = max(self.largest, other.largest)

    @property
    def plans(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float:
        """Seconds within which that share of the plans was committed, to 5 %; 0 when there was none."""
        wanted, seen = share * self.plans, 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return min(SHORTEST * math.exp(bucket * STEP), self.largest)
        return 0.0


class LagReport:
    """Each minute a line in the log. With `file` each second a line of JSON, for whoever measures.

    `source`: where the runners count. `gauges()`: what else belongs into a line of the file.
    `largest`: since the worker's row was last renewed."""

    def __init__(
        self, source: Lags, file: Path | None, gauges: Callable[[], dict[str, int]]
    ) -> None:
        self.source, self.file, self.gauges = source, file, gauges
        self._largest = 0.0

    async def run(self) -> None:
        minute, rounds = Lags(), 0
        while True:
            await asyncio.sleep(WRITE_EACH)
            rounds += 1
            taken = self.source.take()
            minute.add(taken)
            self._largest = max(self._largest, taken.largest)
            if self.file is not None:
                self._write(self.file, taken)
            if rounds % SAY_EACH == 0 and minute.plans:
                self._say(minute.take())

    def take_largest(self) -> float:
        """In seconds, since it was last asked for."""
        largest = max(self._largest, self.source.largest)
        self._largest = 0.0
        return largest

    def _write(self, file: Path, taken: Lags) -> None:
        line = {
            "counts": {str(bucket): plans for bucket, plans in taken.counts.items()},
            "largest": taken.largest,
            **self.gauges(),
        }
        with file.open("ab") as lines:
            lines.write(orjson.dumps(line) + b"\n")

    def _say(self, minute: Lags) -> None:
        log.info(
            "%s plans in the last minute, from price to commit: median %.0f ms, 99th %.0f ms,"
            " slowest %.0f ms",
            minute.plans,
            minute.quantile(0.5) * 1000,
            minute.quantile(0.99) * 1000,
            minute.largest * 1000,
        )
