"""What can be traded on the simulated market, published for the form."""

from __future__ import annotations

from core.simulated_symbols import SYMBOLS
from db import market_data
from db.accounts import SIMULATED
from db.clock import utc_now
from db.market_data import TradableSymbol
from worker.database import Database


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
