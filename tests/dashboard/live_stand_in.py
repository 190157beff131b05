"""A live account as a worker would have left it, written through the functions that the worker uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import update

from db import account_keys, account_status, accounts, exchange_proofs, strategies
from db.account_status import AccountStatus, KeyState
from db.engine import Engine
from db.tables import LoginSession
from db.transactions import run
from tests.dashboard import stand_in
from tests.db.people import PARAMETERS

NAME = "Real one"
SEALED = "c2VhbGVk" * 20
HARMLESS = {
    "trade": True, "withdraw": False, "transfer": False, "addresses": ["203.0.113.7"],
    "bound": True, "readable": True,
}  # fmt: skip


def a_live_account(engine: Engine, user_id: int, at: datetime, *, exchange="binance", cap="500"):
    return run(
        engine,
        lambda s: accounts.add_live_account(
            s, user_id, name=NAME, exchange=exchange, caps={"USDT": cap}, accepts_no_address=False,
            accepts_unverified=False, at=at,
        ),
    )  # fmt: skip


def has_key(engine: Engine, user_id: int, account_id: int, at: datetime) -> int:
    return run(
        engine,
        lambda s: account_keys.store_key(
            s, user_id, account_id, sealed=SEALED, pair_id="0" * 16, at=at
        ),
    )


def is_said(engine: Engine, user_id: int, account_id: int, at: datetime, **facts) -> AccountStatus:
    """An active key that was compared just now, but for `facts`."""
    known = AccountStatus(
        account_id=account_id, user_id=user_id, key_version=1, key_state=KeyState.ACTIVE,
        sentence="The key works: it can trade, and it cannot move coins away.",
        permissions=HARMLESS, checked_at=at - timedelta(minutes=5), reconciled_at=at,
        address="203.0.113.7", updated_at=at,
    )  # fmt: skip
    status = replace(known, **facts)
    run(engine, lambda s: account_status.save(s, [status]))
    return status


def is_ready(engine: Engine, user_id: int, at: datetime, **facts) -> int:
    """Key active, compared, proven, a worker alive."""
    account_id = a_live_account(engine, user_id, at)
    has_key(engine, user_id, account_id, at)
    is_said(engine, user_id, account_id, at, **facts)
    run(engine, lambda s: exchange_proofs.save_proof(s, "binance", account_id, at=at))
    stand_in.is_alive(engine, [account_id])
    return account_id


def caps(engine: Engine, user_id: int, account_id: int) -> dict[str, Decimal] | None:
    return run(engine, lambda s: accounts.account(s, user_id, account_id)).caps


def a_strategy_on(engine: Engine, user_id: int, account_id: int, at: datetime) -> int:
    return run(
        engine,
        lambda s: strategies.create_strategy(
            s, user_id, account_id=account_id, name="Real ladder", symbol="BTC/USDT",
            parameters=PARAMETERS, at=at,
        ),
    )  # fmt: skip


def an_hour_passes(engine: Engine, now: datetime) -> None:
    """Nobody has given their password within the last minutes."""
    long_ago = now - timedelta(hours=1)
    with engine.begin() as connection:
        connection.execute(update(LoginSession).values(confirmed_at=long_ago))
