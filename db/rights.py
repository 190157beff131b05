"""Who may do what. Every function that serves a person filters by the person; these are the other rules."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotAllowed, NotFound
from db.tables import User


class Role(StrEnum):
    PERSON = "person"
    ADMINISTRATOR = "administrator"


def is_administrator(session: Session, user_id: int) -> bool:
    found = session.execute(select(User.role, User.is_active).where(User.id == user_id)).first()
    return found is not None and found.is_active and found.role == Role.ADMINISTRATOR


def require_administrator(session: Session, user_id: int) -> None:
    if not is_administrator(session, user_id):
        raise NotAllowed("Only an administrator may do this.")


def lock_person(session: Session, user_id: int) -> None:
    """What one person does twice at the same time happens one after the other."""
    row = session.execute(
        select(User.id).where(User.id == user_id, User.is_active.is_(True)).with_for_update()
    ).first()
    if row is None:
        raise NotFound("There is no such person.")
