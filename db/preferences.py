"""How somebody likes the screens. The time zone is `db.users.set_time_zone`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.rights import lock_person
from db.statements import upsert_rows
from db.tables import PreferencesRow


class Theme(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


def as_theme(word: str | None) -> Theme:
    """What was never chosen, or was written by hand, is what the device prefers."""
    return Theme(word) if word in set(Theme) else Theme.SYSTEM


def theme(session: Session, user_id: int) -> Theme:
    chosen = select(PreferencesRow.theme).where(PreferencesRow.user_id == user_id)
    return as_theme(session.scalar(chosen))


def set_theme(session: Session, user_id: int, *, theme: Theme, at: datetime) -> None:
    lock_person(session, user_id)
    row = {"user_id": user_id, "theme": theme.value, "changed_at": at}
    upsert_rows(session, PreferencesRow, [row], ("theme", "changed_at"))
