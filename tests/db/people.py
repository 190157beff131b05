"""People and their belongings, for tests of what people may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from core.cycle import DesiredState
from db import accounts, strategies, users
from db.rights import Role
from db.transactions import run

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HASH = "$2b$04$" + "a" * 53
PARAMETERS = {"base_order_size": "100", "safety_order_size": "50"}


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def a_user(engine: Engine, username: str = "ann", role: Role = Role.PERSON, password_hash=HASH):
    return run(
        engine,
        lambda session: users.create_user(
            session,
            username=username,
            display_name=username.title(),
            password_hash=password_hash,
            role=role,
            at=AT,
        ),
    )


def an_administrator(engine: Engine, username: str = "root") -> int:
    return a_user(engine, username, Role.ADMINISTRATOR)


def first_account(engine: Engine, user_id: int) -> int:
    return run(engine, lambda session: accounts.accounts(session, user_id))[0].account_id


def a_live_account(engine: Engine, user_id: int, name: str = "Real", **given) -> int:
    settings: dict[str, Any] = {
        "exchange": "binance",
        "caps": {"USDT": "500"},
        "accepts_no_address": False,
        "accepts_unverified": False,
    } | given
    return run(
        engine, lambda s: accounts.add_live_account(s, user_id, name=name, at=AT, **settings)
    )


def a_strategy(engine: Engine, user_id: int, symbol: str = "BTC/USDT", start: bool = True) -> int:
    account_id = first_account(engine, user_id)
    return run(
        engine,
        lambda session: strategies.create_strategy(
            session,
            user_id,
            account_id=account_id,
            name="Calm one",
            symbol=symbol,
            parameters=PARAMETERS,
            at=AT,
            start=start,
        ),
    )


def want(engine: Engine, user_id: int, strategy_id: int, state: DesiredState, at=AT, **more) -> int:
    more.setdefault("rev", None)
    return run(
        engine,
        lambda session: strategies.set_desired(session, user_id, strategy_id, state, at=at, **more),
    )
