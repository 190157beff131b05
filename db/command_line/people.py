"""create-user and reset-password."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from db import links, users
from db.errors import NotFound
from db.passwords import hash_password
from db.rights import Role
from db.transactions import run


def create_user(
    engine: Engine,
    *,
    username: str,
    display_name: str | None,
    password: str | None,
    administrator: bool,
    at: datetime,
) -> dict[str, Any]:
    hashed = hash_password(_ask_password() if password is None else password)
    role = Role.ADMINISTRATOR if administrator else Role.PERSON

    def create(session: Session) -> users.Person:
        user_id = users.create_user(
            session,
            username=username,
            display_name=display_name or username,
            password_hash=hashed,
            role=role,
            at=at,
        )
        return users.get_user(session, user_id)

    person = run(engine, create)
    return {"user_id": person.user_id, "username": person.username, "role": person.role.value}


def reset_password(
    engine: Engine, *, username: str, password: str | None, at: datetime
) -> dict[str, Any]:
    """Sets the password given; without one makes a link with which the person chooses it."""
    hashed = None if password is None else hash_password(password)

    def reset(session: Session) -> dict[str, Any]:
        person = users.find_user(session, username)
        if person is None:
            raise NotFound(f"There is no user {username}.")
        answer: dict[str, Any] = {"user_id": person.user_id, "username": person.username}
        if hashed is not None:
            users.change_password(session, person.user_id, password_hash=hashed, at=at)
            return answer | {"password": "changed"}
        token = links.reset_token(session, person.user_id, at=at, actor_id=None)
        expires_at = at + links.RESET_LIFE
        return answer | {"link": _link(token), "expires_at": expires_at.isoformat()}

    return run(engine, reset)


def _link(token: str) -> str:
    address = os.environ.get("DASHBOARD_ADDRESS") or "127.0.0.1"
    return f"http://{address}:{os.environ.get('DASHBOARD_PORT') or 8501}/?reset={token}"


def _ask_password() -> str:
    """From the terminal, twice; or the first line of standard input when that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise InvalidInput("password", "differs from what was typed the second time; try again.")
    return password
