"""What the worker knows of the markets: rules, prices, candles. Written by the worker.

The exception is `candle_requests`: the dashboard asks for a history by inserting a row.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import (
    MYSQL_OPTIONS,
    Amount,
    Asset,
    Id,
    Instant,
    KeyId,
    Model,
    Symbol,
    Venue,
    Word,
)
from db.types import AsciiId, Bytes, Json, Words


class SymbolRow(Model):
    """What can be traded; read by the form."""

    __tablename__ = "symbols"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    base: Mapped[Asset]
    quote: Mapped[Asset]
    is_active: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    is_practice: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    note: Mapped[str] = mapped_column(Words(300))


class MarketRow(Model):
    __tablename__ = "markets"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    rules: Mapped[Any] = mapped_column(Json())
    fetched_at: Mapped[Instant]


class TickerRow(Model):
    __tablename__ = "tickers"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    bid: Mapped[Amount]
    ask: Mapped[Amount]
    last: Mapped[Amount]
    at: Mapped[Instant]


class CandleRow(Model):
    """One-minute candles of the open day only; closed days are in `candle_chunks`."""

    __tablename__ = "candles"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    opened: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    open: Mapped[Amount]
    high: Mapped[Amount]
    low: Mapped[Amount]
    close: Mapped[Amount]
    volume: Mapped[Amount]


class CandleChunkRow(Model):
    """A month (UTC, "2026-11") of candles, compressed; `first` and `last` are open times in it."""

    __tablename__ = "candle_chunks"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(AsciiId(7), primary_key=True)
    data: Mapped[bytes] = mapped_column(Bytes())
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer)


class CandleRequestRow(Model):
    """`since`, `until`, `done_until`: milliseconds. `state`: wanted, working, done, failed.

    taken_by: the worker that works on it; when that one dies, another takes it.
    """

    __tablename__ = "candle_requests"
    __table_args__ = (Index(None, "state", "id"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    venue: Mapped[Venue]
    symbol: Mapped[Symbol]
    since: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[Word]
    taken_by: Mapped[str | None] = mapped_column(AsciiId(96))
    done_until: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Words(1000))
    asked_by: Mapped[Id]
    created_at: Mapped[Instant]


class PriceRequestRow(Model):
    """A symbol that somebody looks at before any strategy trades it. Written by the dashboard, a while after
    `asked_at` nobody looks any more."""

    __tablename__ = "price_requests"

    venue: Mapped[Venue] = mapped_column(primary_key=True)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    asked_at: Mapped[Instant] = mapped_column(index=True)
