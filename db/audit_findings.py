"""What the live auditor found broken, from when to when. Written by the worker, read by administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.rights import require_administrator
from db.statements import insert_rows, table_of
from db.tables import AuditFindingRow

FINDINGS = table_of(AuditFindingRow)


@dataclass(frozen=True, slots=True)
class Finding:
    """`check_id`: such as "V1". `strategy_id`: None when it is about the whole account."""

    check_id: str
    account_id: int
    strategy_id: int | None
    sentence: str

    @property
    def place(self) -> tuple[str, int, int | None]:
        return self.check_id, self.account_id, self.strategy_id


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """`resolved_at`: when it was first found whole again; None: it is broken still."""

    finding: Finding
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """`fresh`: found now and not open before. `gone`: open before, and not found any more."""

    fresh: tuple[Finding, ...]
    gone: tuple[Finding, ...]


def record(
    session: Session, account_ids: Sequence[int], found: Sequence[Finding], *, at: datetime
) -> Recorded:
    """For the worker: everything that a check of these accounts found, also nothing.

    What was open and is not found any more is resolved.
    """
    open_rows = session.execute(
        select(FINDINGS).where(
            FINDINGS.c.account_id.in_(account_ids), FINDINGS.c.resolved_at.is_(None)
        )
    ).all()
    known = {_finding(row).place: row for row in open_rows}
    now = {finding.place: finding for finding in found}
    for place, row in known.items():
        values: dict[str, Any] = {"resolved_at": at}
        if place in now:
            values = {"last_seen": at, "sentence": now[place].sentence}
        session.execute(update(FINDINGS).where(FINDINGS.c.id == row.id).values(**values))
    fresh = tuple(finding for place, finding in now.items() if place not in known)
    insert_rows(session, AuditFindingRow, [_as_row(finding, at) for finding in fresh])
    gone = tuple(_finding(row) for place, row in known.items() if place not in now)
    return Recorded(fresh, gone)


def open_in(session: Session) -> set[int]:
    """For the worker: the accounts of which something is found broken."""
    return set(
        session.scalars(select(FINDINGS.c.account_id).where(FINDINGS.c.resolved_at.is_(None)))
    )


def audit_findings(
    session: Session, administrator_id: int, *, limit: int = 100
) -> tuple[KnownFinding, ...]:
    """For administrators: those still open first, then the newest."""
    require_administrator(session, administrator_id)
    rows = session.execute(
        select(FINDINGS)
        .order_by(FINDINGS.c.resolved_at.is_not(None), FINDINGS.c.last_seen.desc())
        .limit(limit)
    )
    return tuple(
        KnownFinding(_finding(row), row.first_seen, row.last_seen, row.resolved_at) for row in rows
    )


def _finding(row: Any) -> Finding:
    return Finding(row.check_id, row.account_id, row.strategy_id, row.sentence)


def _as_row(finding: Finding, at: datetime) -> dict[str, Any]:
    return {
        "check_id": finding.check_id,
        "account_id": finding.account_id,
        "strategy_id": finding.strategy_id,
        "sentence": finding.sentence,
        "first_seen": at,
        "last_seen": at,
        "resolved_at": None,
    }
