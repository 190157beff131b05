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
from db.tables import AuditEntry, ExchangeAccount, User
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
        sentence, there = "It was changed or removed.", _row_at(session, known.position)
        return known, [_broken(session, known.position, sentence, there)]
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
            there = row if row.position == known.position + 1 else None
            return known, [_broken(session, known.position + 1, sentence, there)]
        known = Followed(known.position + 1, row.hash or "")
    session.expunge_all()
    return known, []


def check_unchained(session: Session, at: datetime) -> Iterator[Broken]:
    """Rows that the worker has not chained although it had time to."""
    late = session.execute(
        select(AuditEntry.subject_user_id, func.count())
        .where(AuditEntry.position.is_(None), AuditEntry.at < at - CHAINED_WITHIN)
        .group_by(AuditEntry.subject_user_id)
    ).all()
    total = sum(count for _, count in late)
    for user_id, _ in late:
        sentence = f"{total} rows have waited for over a minute."
        yield Broken("unchained", EVERYBODY, "audit", sentence, user_id=user_id)


def _row_at(session: Session, position: int) -> AuditEntry | None:
    return session.scalar(select(AuditEntry).where(AuditEntry.position == position))


def _is_still_there(session: Session, known: Followed) -> bool:
    if known.position == 0:
        return True
    found = session.scalar(select(AuditEntry.hash).where(AuditEntry.position == known.position))
    return found == known.hash


def _broken(session: Session, position: int, sentence: str, row: AuditEntry | None) -> Broken:
    """`row`: the one that stands there now; whom it names may have been changed as well."""
    what = f"row {position} of the audit"
    user_id = None if row is None else row.subject_user_id
    if row is None or user_id is None:
        return Broken("audit chain", EVERYBODY, what, sentence)
    names = [session.scalar(select(User.display_name).where(User.id == user_id))]
    account_id = row.details.get("account") if isinstance(row.details, dict) else None
    if isinstance(account_id, int):
        account = select(ExchangeAccount.name).where(ExchangeAccount.id == account_id)
        names.append(session.scalar(account.where(ExchangeAccount.user_id == user_id)))
    concerned = ", account ".join(name for name in names if name is not None)
    if concerned:
        sentence = f"{sentence} As it reads now it concerns {concerned}."
    return Broken("audit chain", EVERYBODY, what, sentence, user_id=user_id)
