"""Public prices of a real exchange through ccxt: what the paper venue fills against. No keys, no orders."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp

from core.candles import EPOCH, Candle, check_candles
from core.errors import InvalidInput
from core.events import Quote
from core.market import Market
from core.money import ZERO
from worker.clock import monotonic, wall_clock
from worker.errors import VenueUnavailable
from worker.prices.markets import parse_decimal, read_ccxt_market
from worker.prices.routing import RoutingSession
from worker.venues.protocol import TimedQuote

log = logging.getLogger(__name__)
T = TypeVar("T")
MARKETS_LAST = 4 * 3600.0
ASK_AGAIN = 60.0
LONG_ENOUGH = 60
LONGEST_WAIT = 3600
# What ccxt raises while it reads an answer that is not what it expects.
GARBAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
PAGE = 500
MINUTE = timedelta(minutes=1)


class PublicPrices:
    """One client per exchange for everybody; one request for all symbols."""

    period = 2.0

    def __init__(self, exchange: str, routes: dict[str, str]) -> None:
        # Imported here: ccxt takes a second and 100 MB, and a worker without paper accounts needs neither.
        import ccxt.async_support as ccxt

        if exchange not in ccxt.exchanges:
            raise InvalidInput("exchange", f"{exchange[:40]} is not known; choose one of the list.")
        self._ccxt = ccxt
        self._exchange = exchange
        self._routes = routes
        self._client: Any = None
        self._session: aiohttp.ClientSession | None = None
        self._loading = asyncio.Lock()
        self._load_again_at = 0.0
        self.calm_until = 0.0

    def now(self) -> datetime:
        """This host's clock: quotes are stamped when they arrive, nothing is signed."""
        return wall_clock()

    async def market(self, symbol: str) -> Market:
        client = await self._ready()
        found = client.markets.get(symbol)
        if found is None or not found.get("spot"):
            raise InvalidInput("symbol", f"{symbol} is not traded on {self._exchange} spot.")
        if found.get("active") is False:
            raise InvalidInput("symbol", f"{symbol} is halted on {self._exchange} now.")
        return read_ccxt_market(found, client.precisionMode)

    async def markets(self) -> Sequence[Market]:
        client = await self._ready()
        found = []
        for row in client.markets.values():
            if row.get("spot") and row.get("active") is not False:
                try:
                    found.append(read_ccxt_market(row, client.precisionMode))
                except InvalidInput:
                    continue  # a market whose steps are not stated cannot be offered
        return found

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        if not symbols:
            return {}
        client = await self._ready()
        # One that is gone would make ccxt refuse the question for all.
        wanted = [symbol for symbol in symbols if symbol in client.markets]
        if not wanted:
            return {}
        if client.has.get("fetchBidsAsks"):
            answer = await self._ask(client, client.fetch_bids_asks(wanted))
        else:
            answer = await self._ask(client, client.fetch_tickers(wanted))
        at, received = self.now(), monotonic()
        found = {}
        for symbol in wanted:
            quote = _quote(answer.get(symbol) or {})
            if quote is not None:
                found[symbol] = TimedQuote(at, quote, received)
        return found

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        client = await self._ready()
        found: list[Candle] = []
        start, end = _ms(since), min(_ms(until), _ms(self.now() - MINUTE))
        while start < end:
            rows = await self._ask(client, client.fetch_ohlcv(symbol, "1m", start, PAGE))
            page = [c for c in map(_candle, rows) if c is not None and start <= c.opened < end]
            found += page
            start = page[-1].opened + 60_000 if page else start + PAGE * 60_000
        return found

    async def path(
        self, symbol: str, since: datetime, until: datetime
    ) -> list[tuple[datetime, Candle]]:
        """Whole candles only: a minute that had begun before is left out, a price in it may be older
        than the order that it would fill."""
        first = since.replace(second=0, microsecond=0) + MINUTE
        return [(c.at + MINUTE, c) for c in await self.candles(symbol, first, until)]

    async def close(self) -> None:
        self._retire(self._client)
        if self._session is not None:
            await self._session.close()

    async def _ready(self) -> Any:
        """The client with its markets, loaded again every few hours."""
        async with self._loading:
            now = monotonic()
            if self._client is None:
                await self._load()
                self._load_again_at = now + MARKETS_LAST
            elif now >= self._load_again_at:
                self._load_again_at = now + ASK_AGAIN
                try:
                    await self._load()
                    self._load_again_at = now + MARKETS_LAST
                except (
                    VenueUnavailable
                ) as error:  # old rules are better than none: exits need prices
                    log.warning("the markets could not be loaded again: %s", error)
        return self._client

    async def _load(self) -> None:
        """A new client with all markets; one that got none is as good as no answer."""
        client = self._new_client()
        try:
            await self._ask(client, client.load_markets())
            if not client.markets:
                raise VenueUnavailable(f"{self._exchange}: no markets")
        except BaseException:
            self._retire(client)
            raise
        self._retire(self._client)
        self._client = client

    def _new_client(self) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        client = getattr(self._ccxt, self._exchange)(
            {
                "number": str,
                "enableRateLimit": True,
                "session": RoutingSession(self._session, self._routes),
                "options": {
                    "defaultType": "spot",
                    "fetchMarkets": {"types": ["spot"]},
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                    "maxRetriesOnFailure": 0,
                },
            }
        )
        client.has["fetchCurrencies"] = False
        return client

    def _retire(self, client: Any) -> None:
        """The session is ours and stays open; ccxt complains about clients that still have one."""
        if client is not None:
            client.session = None

    async def _ask(self, client: Any, call: Coroutine[Any, Any, T]) -> T:
        """The answer, or `VenueUnavailable` with class and exchange: texts of ccxt hold whole addresses."""
        if monotonic() < self.calm_until:
            call.close()
            raise VenueUnavailable(f"{self._exchange}: it asked us to wait")
        try:
            return await call
        except self._ccxt.BadSymbol:
            raise InvalidInput("symbol", f"is not traded on {self._exchange}.") from None
        except (self._ccxt.DDoSProtection, self._ccxt.RateLimitExceeded) as error:
            self.calm_until = monotonic() + _told_to_wait(client)
            raise VenueUnavailable(f"{self._exchange}: {type(error).__name__}") from None
        except (self._ccxt.BaseError, aiohttp.ClientError, TimeoutError, *GARBAGE) as error:
            raise VenueUnavailable(f"{self._exchange}: {type(error).__name__}") from None


def _told_to_wait(client: Any) -> int:
    """Seconds: what the exchange said, else a minute. Asking during a ban makes it longer."""
    headers = client.last_response_headers or {}
    said = {str(name).lower(): value for name, value in headers.items()}.get("retry-after")
    seconds = parse_decimal(said)
    return LONG_ENOUGH if seconds is None else min(max(int(seconds), 1), LONGEST_WAIT)


def _quote(ticker: dict[str, Any]) -> Quote | None:
    """Bid and ask, or the last price where there is no book; None where there is no sane price."""
    bid, ask, last = (parse_decimal(ticker.get(name)) for name in ("bid", "ask", "last"))
    if bid is None or ask is None:
        bid = ask = last
    if bid is None or ask is None or bid <= ZERO or ask < bid:
        return None
    return Quote(bid, ask, bid, ask)


def _candle(row: Sequence[Any]) -> Candle | None:
    """None where the numbers are no candle: a hole is better than a price that never was."""
    numbers = [parse_decimal(value) for value in row[1:6]]
    prices: list[Decimal] = [number for number in numbers[:4] if number is not None]
    if len(prices) < 4 or row[0] is None:
        return None
    candle = Candle(int(row[0]), prices[0], prices[1], prices[2], prices[3], numbers[4] or ZERO)
    try:
        check_candles([candle])
    except InvalidInput:
        return None
    return candle


def _ms(at: datetime) -> int:
    return int((at - EPOCH) / timedelta(milliseconds=1))
