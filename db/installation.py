"""The identity of this deployment: four characters at the start of every client order id."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.order_ids import ALPHABET, INSTALLATION_LENGTH
from db.errors import NotFound
from db.tables import Installation

ONLY = 1
FIRST_EPOCH = 1


def found(session: Session, at: datetime) -> None:
    """Gives the installation its code, once; it is kept with the data and never changes."""
    if session.get(Installation, ONLY) is None:
        code = "".join(secrets.choice(ALPHABET) for _ in range(INSTALLATION_LENGTH))
        session.add(Installation(id=ONLY, code=code, created_at=at, schema_epoch=FIRST_EPOCH))


def code(session: Session) -> str:
    known = session.scalar(select(Installation.code).where(Installation.id == ONLY))
    if known is None:
        raise NotFound("The database is not set up. Run: python -m db upgrade")
    return known
