"""What a person has begun to set up: one draft each, which outlives a phone's connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from db.errors import Conflict
from db.matched import rows_matched
from db.rights import lock_person
from db.tables import DraftRow
from db.types import json_text

LONGEST = 65_536
"""Characters as JSON; a ladder typed by hand has a few thousand."""


@dataclass(frozen=True, slots=True)
class Draft:
    """rev: 0 when nothing was ever saved; give it to `save`. content: None when there is no draft."""

    rev: int
    content: dict[str, Any] | None
    changed_at: datetime | None


NONE_YET = Draft(0, None, None)


class DraftChanged(Conflict):
    """Another window has saved meanwhile; `draft` is what is there now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__("This was changed in another window meanwhile. Compare, and choose one.")
        self.draft = draft


def load(session: Session, user_id: int) -> Draft:
    """What cannot be read was written by hand, and counts as no draft."""
    row = session.execute(
        select(
            DraftRow.rev, type_coerce(DraftRow.content, Text).label("text"), DraftRow.changed_at
        ).where(DraftRow.user_id == user_id)
    ).first()
    return NONE_YET if row is None else Draft(row.rev, _content(row.text), row.changed_at)


def save(
    session: Session, user_id: int, *, content: Mapping[str, Any], rev: int, at: datetime
) -> int:
    """The new revision. `rev`: that of the draft that was changed. Raises DraftChanged."""
    kept = dict(content)
    if len(json_text(kept)) > LONGEST:
        raise InvalidInput("draft", "is too long to be kept.")
    return _swap(session, user_id, kept, rev, at)


def drop(session: Session, user_id: int, *, rev: int, at: datetime) -> int:
    """Puts it away, once a strategy was made of it or the person wants to begin anew."""
    return _swap(session, user_id, None, rev, at)


def _swap(
    session: Session, user_id: int, content: dict[str, Any] | None, rev: int, at: datetime
) -> int:
    lock_person(session, user_id)
    known = load(session, user_id)
    if known.rev != rev:
        raise DraftChanged(known)
    if rev == 0:
        session.add(DraftRow(user_id=user_id, rev=1, content=content, changed_at=at))
        session.flush()
        return 1
    done = session.execute(
        update(DraftRow)
        .where(DraftRow.user_id == user_id, DraftRow.rev == rev)
        .values(content=content, rev=rev + 1, changed_at=at)
    )
    if rows_matched(done) != 1:
        raise DraftChanged(load(session, user_id))
    return rev + 1


def _content(text: str | None) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
