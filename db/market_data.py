"""What can be traded, by which rules, at what price. Written by the worker, read by the screens.

Candles are in `db.candles`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Text, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from core.market import Market
from db.cycle_rows import market_json, market_of
from db.statements import table_of, upsert_rows
from db.tables import MarketRow, SymbolRow, TickerRow

SYMBOLS, MARKETS, TICKERS = table_of(SymbolRow), table_of(MarketRow), table_of(TickerRow)


@dataclass(frozen=True, slots=True)
class TradableSymbol:
    """`is_practice`: made up, lively, kept out of survival checks and benchmarks."""

    venue: str
    symbol: str
    base: str
    quote: str
    is_active: bool = True
    is_practice: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredMarket:
    venue: str
    market: Market
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Ticker:
    venue: str
    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    at: datetime


def save_symbols(session: Session, symbols: Sequence[TradableSymbol]) -> None:
    changing = ("base", "quote", "is_active", "is_practice", "note")
    upsert_rows(session, SymbolRow, [asdict(symbol) for symbol in symbols], changing)


def load_symbols(session: Session, venue: str, *, active_only: bool = True) -> list[TradableSymbol]:
    query = select(SYMBOLS).where(SYMBOLS.c.venue == venue).order_by(SYMBOLS.c.symbol)
    if active_only:
        query = query.where(SYMBOLS.c.is_active)
    return [TradableSymbol(**dict(row)) for row in session.execute(query).mappings()]


def save_markets(session: Session, venue: str, markets: Iterable[Market], at: datetime) -> None:
    rows = [
        {
            "venue": venue,
            "symbol": market.symbol,
            "rules": market_json(market),
            "fetched_at": at,
        }
        for market in markets
    ]
    upsert_rows(session, MarketRow, rows, ("rules", "fetched_at"))


def load_markets(
    session: Session, venue: str, symbols: Collection[str] | None = None
) -> dict[str, StoredMarket]:
    """By symbol; None: all of the venue. Raises `InvalidInput` when a row was spoiled by hand."""
    columns = (MARKETS.c.symbol, type_coerce(MARKETS.c.rules, Text), MARKETS.c.fetched_at)
    query = select(*columns).where(MARKETS.c.venue == venue)
    if symbols is not None:
        query = query.where(MARKETS.c.symbol.in_(sorted(symbols)))
    return {
        symbol: StoredMarket(venue, market_of(text), fetched_at)
        for symbol, text, fetched_at in session.execute(query)
    }


def save_tickers(session: Session, tickers: Sequence[Ticker]) -> None:
    """One statement for all of them; the caller does it once a second at most."""
    rows = [asdict(ticker) for ticker in tickers]
    upsert_rows(session, TickerRow, rows, ("bid", "ask", "last", "at"))


def load_tickers(
    session: Session, keys: Collection[tuple[str, str]] | None = None
) -> dict[tuple[str, str], Ticker]:
    """By (venue, symbol); None: all."""
    query = select(TICKERS)
    if keys is not None:
        query = query.where(tuple_(TICKERS.c.venue, TICKERS.c.symbol).in_(sorted(keys)))
    rows = session.execute(query).mappings()
    return {(row["venue"], row["symbol"]): Ticker(**dict(row)) for row in rows}
