"""One click is one action, however often the browser, a rerun or an impatient finger repeats it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import Conflict
from db.rights import lock_person
from db.tables import RequestKey

LONGEST_KEY = 64


def once(
    session: Session,
    user_id: int,
    key: str | None,
    action: str,
    act: Callable[[], int],
    *,
    at: datetime,
) -> int:
    """What `act` returns; a second call with the same key returns the same and changes nothing.

    `action` names what the key was used for: a key that comes back for something else is refused.
    """
    lock_person(session, user_id)
    if key is None:
        return act()
    if not (key.isascii() and key.isalnum() and len(key) <= LONGEST_KEY):
        raise ValueError(f"an idempotency key is 1 to {LONGEST_KEY} ASCII letters and digits")
    known = session.execute(
        select(RequestKey.action, RequestKey.result).where(
            RequestKey.user_id == user_id, RequestKey.key == key
        )
    ).first()
    if known is not None:
        if known.action != action:
            raise Conflict("This form was already used for something else; open it again.")
        return int(known.result)
    result = act()
    session.add(RequestKey(user_id=user_id, key=key, action=action, result=result, created_at=at))
    session.flush()
    return result
