"""What people did, as rows that can be proven whole.

Whoever acts appends a row in the transaction of the act. The worker, who alone has the key, chains the rows
by HMAC within seconds; changing, removing or reordering a chained row shows in `verify_chain`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from db import locks
from db.tables import AuditEntry, User
from db.types import json_text

START = "0" * 64
PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditRow:
    """`actor`: the display name of who did it; None: the system itself. `subject`: whom it concerned."""

    audit_id: int
    at: datetime
    actor: str | None
    subject: str | None
    action: str
    details: Mapping[str, Any]
    is_chained: bool


@dataclass(frozen=True, slots=True)
class ChainReport:
    """`rows`: chained ones. `unchained`: those that the worker has not reached yet. `broken_at`: the id of
    the first row that does not fit."""

    ok: bool
    rows: int
    unchained: int
    broken_at: int | None


def append(
    session: Session,
    *,
    actor_id: int | None,
    subject_id: int | None,
    action: str,
    details: Mapping[str, Any],
    at: datetime,
) -> None:
    """`subject_id`: the person whom it concerns, who can read it."""
    session.add(
        AuditEntry(
            at=at,
            actor_user_id=actor_id,
            subject_user_id=subject_id,
            action=action,
            details=dict(details),
        )
    )


def audit_of(
    session: Session, user_id: int, *, before_id: int | None = None, limit: int = 100
) -> tuple[AuditRow, ...]:
    """What this person did and what others did to them, newest first. `before_id`: where the page ended."""
    return read(session, limit, concerns(user_id), before_id=before_id)


def concerns(user_id: int) -> ColumnElement[bool]:
    return or_(AuditEntry.actor_user_id == user_id, AuditEntry.subject_user_id == user_id)


def read(
    session: Session, limit: int, *conditions: ColumnElement[bool], before_id: int | None = None
) -> tuple[AuditRow, ...]:
    """Newest first; whoever calls this has asked who may."""
    subject = aliased(User)
    statement = (
        select(AuditEntry, User.display_name, subject.display_name)
        .outerjoin(User, User.id == AuditEntry.actor_user_id)
        .outerjoin(subject, subject.id == AuditEntry.subject_user_id)
        .where(*conditions)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        statement = statement.where(AuditEntry.id < before_id)
    return tuple(
        AuditRow(row.id, row.at, actor, whom, row.action, row.details, row.hash is not None)
        for row, actor, whom in session.execute(statement)
    )


def chain(session: Session, key: bytes, *, most: int = 500) -> int:
    """For the worker: chains rows not chained yet; returns how many. One worker at a time."""
    locks.hold(session, "audit chain")
    rows = session.scalars(
        select(AuditEntry).where(AuditEntry.position.is_(None)).order_by(AuditEntry.id).limit(most)
    ).all()
    if not rows:
        return 0
    last = session.execute(
        select(AuditEntry.position, AuditEntry.hash)
        .where(AuditEntry.position.is_not(None))
        .order_by(AuditEntry.position.desc())
        .limit(1)
    ).first()
    position, before = (0, START) if last is None else (last.position, last.hash)
    for row in rows:
        position += 1
        row.position, row.prev_hash = position, before
        row.hash = before = link(key, before, row)
    session.flush()
    return len(rows)


def verify_chain(session: Session, key: bytes) -> ChainReport:
    """Reads the whole chain from its start."""
    waiting = session.scalar(
        select(func.count()).select_from(AuditEntry).where(AuditEntry.position.is_(None))
    )
    before, position = START, 0
    while True:
        page = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.position > position)
            .order_by(AuditEntry.position)
            .limit(PAGE)
        ).all()
        for row in page:
            position += 1
            if row.position != position or not _fits(key, before, row):
                return ChainReport(False, position, waiting or 0, row.id)
            before = row.hash or START
        if len(page) < PAGE:
            return ChainReport(True, position, waiting or 0, None)
        session.expunge_all()


def link(key: bytes, before: str, row: AuditEntry) -> str:
    """The hash of a row, over everything in it and the hash of the row before."""
    meaning = json_text(
        [
            before,
            row.position,
            row.id,
            row.at.isoformat(),
            row.actor_user_id,
            row.subject_user_id,
            row.action,
            row.details,
        ]
    )
    return hmac.new(key, meaning.encode(), hashlib.sha256).hexdigest()


def _fits(key: bytes, before: str, row: AuditEntry) -> bool:
    return (
        row.prev_hash == before
        and row.hash is not None
        and hmac.compare_digest(row.hash, link(key, before, row))
    )
