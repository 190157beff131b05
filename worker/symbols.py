"""What can be traded where, published for the form."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from dataclasses import replace

from core.errors import InvalidInput
from core.market import Market
from core.simulated_symbols import SYMBOLS
from db import market_data
from db.accounts import SIMULATED
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from db.market_data import TradableSymbol
from worker.database import Database
from worker.errors import VenueUnavailable
from worker.prices.source import PriceSource

log = logging.getLogger(__name__)
AGAIN_AFTER = 60.0


async def publish_symbols(database: Database) -> None:
    """At the start of a worker; the same rows each time."""
    rows = [
        TradableSymbol(
            venue=SIMULATED,
            symbol=found.symbol,
            base=found.market.base,
            quote=found.market.quote,
            is_practice=found.is_practice,
            note=found.note,
        )
        for found in SYMBOLS
    ]
    markets = [found.market for found in SYMBOLS]
    at = utc_now()
    await database.write(lambda session: market_data.save_symbols(session, rows))
    await database.write(lambda session: market_data.save_markets(session, SIMULATED, markets, at))


async def keep_published(
    database: Database, venue: str, source: PriceSource, renewed: asyncio.Event
) -> None:
    """For ever: again whenever the markets have been loaded anew."""
    while True:
        renewed.clear()
        await publish_exchange(database, venue, source)
        await renewed.wait()


async def publish_exchange(database: Database, venue: str, source: PriceSource) -> None:
    """The spot markets of an exchange, as soon as it answers."""
    while True:
        try:
            markets = await source.markets()
            await _publish(database, venue, markets)
            await database.write(functools.partial(_retire, venue=venue, markets=markets))
            return
        except (VenueUnavailable, DatabaseUnavailable, CommitUnknown) as error:
            log.warning("the markets of %s could not be published: %s", venue, error)
        await asyncio.sleep(AGAIN_AFTER)


def _retire(session: Session, *, venue: str, markets: Sequence[Market]) -> None:
    """What is not traded any more is not offered any more."""
    traded = {market.symbol for market in markets}
    gone = [
        replace(symbol, is_active=False)
        for symbol in market_data.load_symbols(session, venue)
        if symbol.symbol not in traded
    ]
    if gone:
        market_data.save_symbols(session, gone)


async def _publish(database: Database, venue: str, markets: Sequence[Market]) -> None:
    """In one go; when one of them cannot be written, by halves until it stands alone."""
    try:
        await database.write(lambda session: _save(session, venue, markets))
    except InvalidInput as problem:
        if len(markets) > 1:
            middle = len(markets) // 2
            await _publish(database, venue, markets[:middle])
            await _publish(database, venue, markets[middle:])
        else:
            log.warning("a market of %s cannot be offered: %s", venue, problem)


def _save(session: Session, venue: str, markets: Sequence[Market]) -> None:
    rows = [
        TradableSymbol(venue=venue, symbol=m.symbol, base=m.base, quote=m.quote) for m in markets
    ]
    market_data.save_symbols(session, rows)
    market_data.save_markets(session, venue, markets, utc_now())
