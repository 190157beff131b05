"""One-minute candles: the open day as rows, everything before it as one compressed chunk a month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from core.candles import EPOCH, Candle
from db.candle_series import EMPTY, NAMES, CandleSeries, pack, unpack
from db.statements import table_of, upsert_rows
from db.tables import CandleChunkRow, CandleRow

ROWS, CHUNKS = table_of(CandleRow), table_of(CandleChunkRow)
DAY_MS = 86_400_000


def save_open_day(session: Session, venue: str, symbol: str, candles: Sequence[Candle]) -> None:
    """New or corrected candles of today, one statement."""
    rows = [
        {"venue": venue, "symbol": symbol, "opened": candle.opened}
        | {name: getattr(candle, name) for name in NAMES}
        for candle in candles
    ]
    upsert_rows(session, CandleRow, rows, NAMES)


def save_history(session: Session, venue: str, symbol: str, candles: Iterable[Candle]) -> None:
    """Into the months they belong to; a minute that is there already is replaced."""
    save_series(session, venue, symbol, CandleSeries.of(candles))


def save_series(session: Session, venue: str, symbol: str, series: CandleSeries) -> None:
    for month, since, until in _months(series):
        part = series.between(since, until)
        # Locked, because two workers may fetch the same month: neither must lose what the other wrote.
        known = session.scalar(
            select(CHUNKS.c.data)
            .where(_is(CHUNKS, venue, symbol), CHUNKS.c.month == month)
            .with_for_update()
        )
        whole = part if known is None else unpack(known).merged(part)
        row = {
            "venue": venue,
            "symbol": symbol,
            "month": month,
            "data": pack(whole),
            "first": int(whole.opened[0]),
            "last": int(whole.opened[-1]),
            "count": len(whole),
        }
        upsert_rows(session, CandleChunkRow, [row], ("data", "first", "last", "count"))


def fold_closed_days(session: Session, venue: str, symbol: str, now_ms: int) -> int:
    """Moves the rows of days that are over into their month; says how many."""
    today = now_ms - now_ms % DAY_MS
    closed = _row_series(session, venue, symbol, 0, today)
    if not len(closed):
        return 0
    save_series(session, venue, symbol, closed)
    session.execute(delete(ROWS).where(_is(ROWS, venue, symbol), ROWS.c.opened < today))
    return len(closed)


def load(session: Session, venue: str, symbol: str, since: int, until: int) -> CandleSeries:
    """Opened at or after `since` and before `until` (ms)."""
    chunks = session.scalars(
        select(CHUNKS.c.data)
        .where(_is(CHUNKS, venue, symbol), CHUNKS.c.last >= since, CHUNKS.c.first < until)
        .order_by(CHUNKS.c.month)
    )
    found = EMPTY
    for data in chunks:
        found = found.merged(unpack(data))
    return found.between(since, until).merged(_row_series(session, venue, symbol, since, until))


def latest(session: Session, venue: str, symbol: str) -> int | None:
    """Open time (ms) of the newest candle."""
    newest: int | None = session.scalar(
        select(func.max(ROWS.c.opened)).where(_is(ROWS, venue, symbol))
    )
    if newest is None:
        newest = session.scalar(select(func.max(CHUNKS.c.last)).where(_is(CHUNKS, venue, symbol)))
    return newest


def _row_series(session: Session, venue: str, symbol: str, since: int, until: int) -> CandleSeries:
    rows = session.execute(
        select(ROWS.c.opened, *(ROWS.c[name] for name in NAMES)).where(
            _is(ROWS, venue, symbol), ROWS.c.opened >= since, ROWS.c.opened < until
        )
    )
    return CandleSeries.of(Candle(*row) for row in rows)


def _is(table: Any, venue: str, symbol: str) -> ColumnElement[bool]:
    return and_(table.c.venue == venue, table.c.symbol == symbol)


def _months(series: CandleSeries) -> list[tuple[str, int, int]]:
    """(name, first ms, first ms of the next one) of every month (UTC) that the series touches."""
    found = []
    for number in np.unique(series.opened.astype("datetime64[ms]").astype("datetime64[M]")):
        since, until = number.astype("datetime64[ms]"), (number + 1).astype("datetime64[ms]")
        found.append((str(number), int(since.astype(np.int64)), int(until.astype(np.int64))))
    return found


def milliseconds(at: datetime) -> int:
    """Since 1970 UTC, as candles count."""
    return (at.astimezone(UTC) - EPOCH) // (EPOCH.resolution * 1000)
