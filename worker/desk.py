"""One market place as the worker sees it: its venue, its prices and whom they wake."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from decimal import Decimal

from core.events import Quote
from core.market import Market
from core.triggers import Watch
from worker.clock import monotonic
from worker.exchanges.budget import Urgency
from worker.venues.protocol import TimedQuote, Venue
from worker.wakes import PriceWakes

FRESH = timedelta(seconds=10)
LIVE = ":live"
FEW, MANY = 8, 1_000_000
APART = timedelta(seconds=1)
FAR = Decimal("0.2")
"""A quote that differs by more than this part from the one before needs the next one beside it."""


class Desk:
    """`name`: "simulated", "binance" (paper) or "binance:live". `stored_as`: under which its prices, markets
    and candles are kept; both desks of an exchange share them.

    quote_problem(coin): why nothing is bought for that quote coin now (it is off its dollar); None: it may
    be. clock_problem(): the same because of this host's clock. problems: sentences about symbols that are
    not traded here (any more). reconciling: how many accounts may be compared with the exchange at a time;
    reconciles_few: that this is a limit. has_room(urgency): whether a question that urgent would go out now.
    """

    def __init__(self, name: str, venue: Venue, monotonic: Callable[[], float] = monotonic) -> None:
        self.name = name
        self.stored_as = name.removesuffix(LIVE)
        self.quote_problem: Callable[[str], str | None] = lambda coin: None
        self.clock_problem: Callable[[], str | None] = lambda: None
        self.has_room: Callable[[Urgency], bool] = lambda urgency: True
        self.reconciles_few = name.endswith(LIVE)
        self.reconciling = asyncio.Semaphore(FEW if self.reconciles_few else MANY)
        self.venue = venue
        self.monotonic = monotonic
        self.markets: dict[str, Market] = {}
        self.wakes: dict[str, PriceWakes] = {}
        self.latest: dict[str, TimedQuote] = {}
        self._earlier: dict[str, deque[TimedQuote]] = {}
        self._alone: set[str] = set()
        self._users: dict[str, set[int]] = {}
        self.problems: dict[str, str] = {}

    # --- who uses which symbol

    async def follow(self, symbol: str, strategy_id: int) -> Market:
        """The strategy uses `symbol` from now on. Raises `InvalidInput` when it is not traded here."""
        market = await self.venue.market(symbol)
        self.markets[symbol] = market
        self.problems.pop(symbol, None)
        self._users.setdefault(symbol, set()).add(strategy_id)
        self.wakes.setdefault(symbol, PriceWakes())
        return market

    def unfollow(self, symbol: str, strategy_id: int) -> None:
        users = self._users.get(symbol, set())
        users.discard(strategy_id)
        if symbol in self.wakes:
            self.wakes[symbol].drop(strategy_id)
        if not users:
            self._users.pop(symbol, None)
            self.wakes.pop(symbol, None)
            self.latest.pop(symbol, None)
            self._earlier.pop(symbol, None)
            self._alone.discard(symbol)

    def refresh(self, symbol: str, market: Market) -> None:
        """The rules of a symbol in use as the exchange has them now."""
        if symbol not in self.markets:
            return
        # Another object is what makes its strategies look again.
        if self.problems.pop(symbol, None) is not None or self.markets[symbol] != market:
            self.markets[symbol] = market

    def gone(self, symbol: str, sentence: str) -> None:
        """The symbol is not traded any more: its strategies say so and buy nothing."""
        self.problems[symbol] = sentence

    @property
    def symbols(self) -> list[str]:
        return sorted(self._users)

    def users(self, symbol: str) -> Collection[int]:
        return self._users.get(symbol, set())

    # --- prices

    def take(self, symbol: str, seen: TimedQuote) -> TimedQuote:
        """Keep the latest quote with the one at least a second before it; returns the completed one.

        The first quote after a pause has none: it stands alone, and nothing is decided on it. So does one
        that is far from it: a bad tick would size a base order a hundred times too large, and a real fall
        is believed with the next quote.
        """
        earlier = self._earlier.setdefault(symbol, deque())
        if earlier and seen.at < earlier[-1].at:  # the venue's clock was set back
            earlier.clear()
        while len(earlier) > 1 and seen.at - earlier[1].at >= APART:
            earlier.popleft()
        before = earlier[0] if earlier else seen
        if APART <= seen.at - before.at <= FRESH and _agree(seen.quote, before.quote):
            self._alone.discard(symbol)
        else:
            self._alone.add(symbol)
            before = seen
        earlier.append(seen)
        quote = seen.quote
        completed = TimedQuote(
            seen.at,
            Quote(quote.bid, quote.ask, before.quote.bid, before.quote.ask, quote.slippage),
            seen.received,
        )
        self.latest[symbol] = completed
        return completed

    def fresh(self, symbol: str) -> Quote | None:
        """The latest quote if it is confirmed and at most 10 s old on both clocks; None: no decision."""
        seen = self.latest.get(symbol)
        if seen is None or symbol in self._alone:
            return None
        if self.monotonic() - seen.received > FRESH.total_seconds():
            return None
        return seen.quote if self.venue.now() - seen.at <= FRESH else None

    def woken(self, symbol: str, at: datetime) -> set[int]:
        """The strategies that the latest quote wakes."""
        wakes, seen = self.wakes.get(symbol), self.latest.get(symbol)
        return set() if wakes is None or seen is None else wakes.due(seen.quote, at)

    def wait_for(self, symbol: str, strategy_id: int, watch: Watch, at: datetime) -> None:
        """Set the strategy's watch."""
        wakes = self.wakes.get(symbol)
        if wakes is not None:
            wakes.wait(strategy_id, watch, at)


def _agree(one: Quote, other: Quote) -> bool:
    return all(
        abs(a - b) <= FAR * min(a, b) for a, b in ((one.bid, other.bid), (one.ask, other.ask))
    )
