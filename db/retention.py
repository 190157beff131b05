"""Old rows go: the worker asks for it once an hour. What is money (orders, fills, cycles, audit) stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.matched import rows_matched
from db.tables import (
    CandleRequestRow,
    ExchangeBanRow,
    InvitationRow,
    JournalRow,
    LoginAttempt,
    LoginSession,
    LoginTicket,
    LogRecord,
    OneTimeCode,
    OutboxRow,
    PriceRequestRow,
    RequestKey,
)

MOST_AT_ONCE = 2000
"""Rows of one table in one call: short transactions, and the next call goes on."""
DAY = timedelta(days=1)


def prune(session: Session, *, log_days: int, journal_days: int, at: datetime) -> dict[str, int]:
    """Removes what is older than its time and says how many rows of which table."""
    limits: tuple[tuple[Any, Any, datetime], ...] = (
        (LogRecord, LogRecord.at, at - log_days * DAY),
        (JournalRow, JournalRow.at, at - journal_days * DAY),
        (LoginAttempt, LoginAttempt.at, at - 30 * DAY),
        (LoginSession, LoginSession.expires_at, at - 30 * DAY),
        (LoginTicket, LoginTicket.expires_at, at - DAY),
        (OneTimeCode, OneTimeCode.expires_at, at - 30 * DAY),
        (RequestKey, RequestKey.created_at, at - 7 * DAY),
        (CandleRequestRow, CandleRequestRow.created_at, at - 30 * DAY),
        (PriceRequestRow, PriceRequestRow.asked_at, at - DAY),
        (ExchangeBanRow, ExchangeBanRow.until, at - DAY),
        (InvitationRow, InvitationRow.expires_at, at - 30 * DAY),
        (OutboxRow, OutboxRow.created_at, at - 7 * DAY),
    )
    return {
        table.__tablename__: _remove(session, table, column, before)
        for table, column, before in limits
    }


def _remove(session: Session, table: Any, column: Any, before: datetime) -> int:
    keys = list(table.__table__.primary_key.columns)
    if len(keys) > 1:
        return rows_matched(session.execute(delete(table).where(column < before)))
    found = session.scalars(select(keys[0]).where(column < before).limit(MOST_AT_ONCE)).all()
    return rows_matched(session.execute(delete(table).where(keys[0].in_(found)))) if found else 0
