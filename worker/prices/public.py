"""Public prices of a real exchange through ccxt: what the paper venue fills against and everybody decides
on. No keys, no orders; the hub's connection, budget and silence are those of the live accounts as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.candles import EPOCH, Candle, check_candles
from core.errors import InvalidInput
from core.events import Quote
from core.market import Market
from core.money import ZERO
from worker.clock import monotonic
from worker.exchanges.budget import Urgency, urgent
from worker.exchanges.hub import Hub
from worker.prices.markets import parse_decimal
from worker.venues.protocol import TimedQuote

PAGE = 500
MINUTE = timedelta(minutes=1)


class PublicPrices:
    """One hub per exchange for everybody; one request for all symbols."""

    period = 2.0

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def now(self) -> datetime:
        """Quotes are stamped with it when they arrive."""
        return self.hub.now()

    async def market(self, symbol: str) -> Market:
        await self.hub.loaded()
        return self.hub.market(symbol)

    async def markets(self) -> Sequence[Market]:
        await self.hub.loaded()
        return self.hub.markets()

    async def quotes(self, symbols: Sequence[str]) -> dict[str, TimedQuote]:
        if not symbols:
            return {}
        client = await self.hub.loaded()
        # One that is gone would make ccxt refuse the question for all.
        wanted = [symbol for symbol in symbols if self.hub.lists(symbol)]
        if not wanted:
            return {}
        with urgent(Urgency.PROOF):
            if client.has.get("fetchBidsAsks"):
                answer = await self.hub.ask(client.fetch_bids_asks(wanted))
            else:
                answer = await self.hub.ask(client.fetch_tickers(wanted))
        at, received = self.now(), monotonic()
        found = {}
        for symbol in wanted:
            quote = _quote(answer.get(symbol) or {})
            if quote is not None:
                found[symbol] = TimedQuote(at, quote, received)
        return found

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        client = await self.hub.loaded()
        found: list[Candle] = []
        start, end = _ms(since), min(_ms(until), _ms(self.now() - MINUTE))
        while start < end:
            with urgent(Urgency.LATER):
                rows = await self.hub.ask(client.fetch_ohlcv(symbol, "1m", start, PAGE))
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
        await self.hub.close()


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
