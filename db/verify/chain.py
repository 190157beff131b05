"""V16, a piece at a time: the audit chain is followed from where the last look ended.

Whoever has reached its end has read all of it since the worker started; then only what is new is read.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import audit
from db.tables import AuditEntry
from db.verify.broken import Broken

EVERYBODY = 0
"""In place of an account's id: what concerns the whole installation."""
PAGE = 500
CHAINED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Followed:
    """How far the chain is known to be whole: the position and hash of its last good row."""

    position: int = 0
    hash: str = audit.START


def follow_chain(session: Session, key: bytes, known: Followed) -> tuple[Followed, list[Broken]]:
    """The next page. A row that does not fit is found again at each look."""
    if not _is_still_there(session, known):
        return known, [_broken("audit chain", known.position, "It was changed or removed.")]
    rows = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.position > known.position)
        .order_by(AuditEntry.position)
        .limit(PAGE)
    ).all()
    for row in rows:
        fits = row.position == known.position + 1 and row.prev_hash == known.hash
        if not fits or not hmac.compare_digest(row.hash or "", audit.link(key, known.hash, row)):
            sentence = "A row is missing, was changed, or was put in from outside."
            return known, [_broken("audit chain", known.position + 1, sentence)]
        known = Followed(known.position + 1, row.hash or "")
    session.expunge_all()
    return known, []


def check_unchained(session: Session, at: datetime) -> Iterator[Broken]:
    """Rows that the worker has not chained although it had time to."""
    late = session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.position.is_(None), AuditEntry.at < at - CHAINED_WITHIN)
    )
    if late:
        yield Broken("unchained", EVERYBODY, "audit", f"{late} rows have waited for over a minute.")


def _is_still_there(session: Session, known: Followed) -> bool:
    if known.position == 0:
        return True
    found = session.scalar(select(AuditEntry.hash).where(AuditEntry.position == known.position))
    return found == known.hash


def _broken(check: str, position: int, sentence: str) -> Broken:
    return Broken(check, EVERYBODY, f"row {position} of the audit", sentence)
