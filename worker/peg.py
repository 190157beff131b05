"""Is a dollar coin still worth a dollar? A ladder in a coin that falls buys all the way down with it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from core.money import ONE, half_up
from worker.clock import monotonic
from worker.venues.protocol import TimedQuote

DOLLARS = ("USDT", "USDC", "FDUSD", "DAI", "TUSD", "BUSD", "USDE")
REFERENCES = (*DOLLARS, "USD")
TOLERATED = Decimal("0.02")
FRESH = 60.0


class Peg:
    """Of one exchange. `markets()`: symbol -> ccxt's market, empty before they are known."""

    def __init__(
        self,
        markets: Callable[[], Mapping[str, Any]],
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._markets = markets
        self._monotonic = monotonic
        self._seen: dict[str, tuple[Decimal, float]] = {}

    def symbols(self) -> list[str]:
        """The pairs of dollars that are traded here, to be asked for with the other prices."""
        markets = self._markets()
        pairs = (f"{base}/{quote}" for base in REFERENCES for quote in REFERENCES if base != quote)
        return [pair for pair in pairs if _is_traded(markets.get(pair))]

    def take(self, quotes: Mapping[str, TimedQuote]) -> None:
        now = self._monotonic()
        for pair in self.symbols():
            seen = quotes.get(pair)
            if seen is not None:
                self._seen[pair] = ((seen.quote.bid + seen.quote.ask) / 2, now)

    def worth(self, coin: str) -> Decimal | None:
        """The middle of what other dollars give for one; None: nothing to compare with."""
        oldest = self._monotonic() - FRESH
        found = []
        for pair, (price, at) in self._seen.items():
            base, _, quote = pair.partition("/")
            if at >= oldest and coin in (base, quote):
                found.append(price if coin == base else ONE / price)
        return statistics.median(found) if found else None

    def problem(self, coin: str) -> str | None:
        """Why nothing is bought for `coin` now, in a sentence; None: it may be, or nobody can say."""
        worth = self.worth(coin) if coin in DOLLARS else None
        if worth is None or abs(worth - ONE) <= TOLERATED:
            return None
        return (
            f"{coin} is worth {half_up(worth, 3)} dollars here, more than 2 % off. Nothing is bought with it"
            " until its price is back; what is held can still be sold."
        )


def _is_traded(market: Any) -> bool:
    return bool(market) and bool(market.get("spot")) and market.get("active") is not False
