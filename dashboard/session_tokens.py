"""The cookie's content: a signed pointer to a session row. The row decides."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt

from dashboard.database import write
from dashboard.formatting import utc_now
from db import sessions
from db.keys import cookie_key

ALGORITHM = "HS256"
NEEDED = ["exp", "sid", "username"]


@dataclass(frozen=True, slots=True)
class Pointer:
    username: str
    sid: str


@functools.lru_cache(maxsize=1)
def _key() -> bytes:
    return cookie_key(Path("config"))


def sign(pointer: Pointer, expires_at: datetime) -> str:
    claims = {"username": pointer.username, "sid": pointer.sid, "exp": int(expires_at.timestamp())}
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def read_token(token: str) -> Pointer | None:
    claims = _claims(token)
    if claims is None:
        return None
    return Pointer(str(claims["username"]), str(claims["sid"]))


def redeem_ticket(ticket: str) -> tuple[str, int] | None:
    """(token, seconds it still lives) of a one-time ticket that the sign-in form wrote."""
    if not ticket or len(ticket) > 200:
        return None
    token = write(lambda session: sessions.use_ticket(session, ticket, at=utc_now()))
    claims = _claims(token) if token else None
    if token is None or claims is None:
        return None
    return token, max(1, int(claims["exp"]) - int(utc_now().timestamp()))


def _claims(token: str) -> dict[str, Any] | None:
    try:
        return jwt.decode(token, _key(), algorithms=[ALGORITHM], options={"require": NEEDED})
    except jwt.PyJWTError:
        return None
