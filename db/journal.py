"""What people read: every action of a strategy with its reason, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.statements import insert_rows
from db.tables import JournalRow

LONGEST_SENTENCE = 1000


class JournalLevel(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """`code` is short and stable; `sentence` is for the person `user_id`, without secrets."""

    at: datetime
    user_id: int
    code: str
    sentence: str
    level: JournalLevel = JournalLevel.INFO
    account_id: int | None = None
    strategy_id: int | None = None
    cycle_number: int | None = None
    client_order_id: str | None = None


def last_row(session: Session) -> tuple[int, datetime] | None:
    """The number and the time of the newest row."""
    row = session.execute(
        select(JournalRow.id, JournalRow.at).order_by(JournalRow.id.desc()).limit(1)
    ).first()
    return None if row is None else (row.id, row.at)


def written_at(session: Session, number: int) -> datetime | None:
    """When the row with this number was written; None: there is none."""
    return session.scalar(select(JournalRow.at).where(JournalRow.id == number))


def append(session: Session, entries: Sequence[JournalEntry]) -> None:
    rows = [
        {
            "at": entry.at,
            "user_id": entry.user_id,
            "account_id": entry.account_id,
            "strategy_id": entry.strategy_id,
            "cycle_number": entry.cycle_number,
            "client_order_id": entry.client_order_id,
            "level": entry.level,
            "code": entry.code,
            # A sentence that is too long must not undo the order that it is about.
            "sentence": entry.sentence[:LONGEST_SENTENCE],
        }
        for entry in entries
    ]
    insert_rows(session, JournalRow, rows)
