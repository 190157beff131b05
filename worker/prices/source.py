"""`PriceSource`: markets, quotes and history of one market place, and its clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.candles import Candle
from core.market import Market
from worker.venues.protocol import TimedQuote


class PriceSource(Protocol):
    """Methods raise `VenueUnavailable` when the source does not answer.

    `period`: seconds between two quotes of a symbol.
    """

    period: float

    def now(self) -> datetime:
        """The place's own time."""

    async def market(self, symbol: str) -> Market:
        """Raises `core.errors.InvalidInput` when the symbol is not traded there."""

    async def markets(self) -> Sequence[Market]:
        """Every spot market that can be traded there now."""

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        """The latest quote of each symbol that has one; a missing price is missing."""

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        """Closed 1-minute candles that open in [since, until), oldest first."""

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        """How the price moved in (since, until]: pieces in order, each with the time it ended."""

    async def close(self) -> None:
        """Give connections back."""
