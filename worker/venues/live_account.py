"""One live account as this process holds it while it has the lease."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from worker.exchanges.adapter import Client
from worker.exchanges.budget import Budget
from worker.venues.protocol import Balance, OpenOrder

REMEMBERED = 500


def pace_of(creates: tuple[int, float]) -> Budget:
    """`creates`: how many orders a key may create in how many seconds; 80 % of that is used."""
    most, seconds = creates
    return Budget(seconds / most, seconds)


@dataclass(slots=True)
class LiveAccount:
    """`symbols`: of the orders met so far.

    rounds: per order in doubt, how often it was looked for in vain: the sources alternate. suspect: the
    exchange has refused the key once; two more reads decide. calm_until: monotonic; this key alone is to
    be silent. elsewhere: what rested on symbols that no strategy trades; whole_at: when that is looked at
    again. sends: creates on their way, owned here and not by whoever asked.
    """

    account_id: int
    client: Client
    pace: Budget = field(default_factory=lambda: pace_of((100, 10.0)))
    symbols: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    sends: set[asyncio.Task[Any]] = field(default_factory=set)
    stream: asyncio.Task[None] | None = None
    suspect: bool = False
    calm_until: float = 0.0
    balances: tuple[float, dict[str, Balance]] | None = None
    elsewhere: list[OpenOrder] = field(default_factory=list)
    whole_at: float = 0.0

    version: int = 0

    def remember(self, client_order_id: str, symbol: str) -> None:
        """For as long as somebody may ask; what has a row is known by its row."""
        self.symbols[client_order_id] = symbol
        if len(self.symbols) > REMEMBERED:
            del self.symbols[next(iter(self.symbols))]

    def missed(self, client_order_id: str) -> None:
        """It was looked for in vain once more."""
        self.rounds[client_order_id] = self.rounds.get(client_order_id, 0) + 1
        if len(self.rounds) > REMEMBERED:
            del self.rounds[next(iter(self.rounds))]

    def changed(self) -> None:
        """What was known of its money may be wrong now, and what is being asked as well."""
        self.balances = None
        self.version += 1
