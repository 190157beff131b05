"""Locks by name, held until the end of the transaction: one at a time, across all processes and hosts."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db.clock import utc_now
from db.statements import upsert_rows
from db.tables import Setting


def hold(session: Session, name: str) -> None:
    """Waits for whoever holds it. A write, because locks for reading stay on their node of a cluster."""
    row = {"name": f"lock {name}", "value": {}, "changed_at": utc_now(), "changed_by": None}
    upsert_rows(session, Setting, [row], ("changed_at",))
