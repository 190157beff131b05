"""Prices that somebody wants to see before any strategy trades the symbol: the dashboard keeps a row fresh as
long as a form is open, workers that serve the exchange fetch the price with those that they follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFound
from db.statements import table_of, upsert_rows
from db.tables import PriceRequestRow, SymbolRow

REQUESTS, SYMBOLS = table_of(PriceRequestRow), table_of(SymbolRow)
LASTS = timedelta(minutes=2)
"""So long after it was asked a price is still fetched."""
MOST = 50
"""Per exchange, the newest: nobody can make a worker ask for everything."""


def ask(session: Session, user_id: int, venue: str, symbol: str, at: datetime) -> None:
    """`user_id` wants to see the price. Raises `NotFound` for a symbol that is not offered there."""
    offered = session.scalar(
        select(SYMBOLS.c.symbol).where(
            SYMBOLS.c.venue == venue, SYMBOLS.c.symbol == symbol, SYMBOLS.c.is_active
        )
    )
    if offered is None:
        raise NotFound("There is no such symbol.")
    row = {"venue": venue, "symbol": symbol, "asked_at": at}
    upsert_rows(session, PriceRequestRow, [row], ("asked_at",))


def wanted(session: Session, at: datetime) -> dict[str, list[str]]:
    """For workers: by venue, the symbols asked for lately."""
    rows = session.execute(
        select(REQUESTS.c.venue, REQUESTS.c.symbol)
        .where(REQUESTS.c.asked_at > at - LASTS)
        .order_by(REQUESTS.c.asked_at.desc(), REQUESTS.c.symbol)
    )
    found: dict[str, list[str]] = {}
    for venue, symbol in rows:
        symbols = found.setdefault(venue, [])
        if len(symbols) < MOST:
            symbols.append(symbol)
    return found
