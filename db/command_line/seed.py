"""seed-demo: a person, an account and a running strategy to look at. A second run changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db import accounts, strategies, users
from db.accounts import AccountKind
from db.passwords import hash_password
from db.rights import Role
from db.tables import Strategy
from db.transactions import run

USERNAME = "demo-admin"
SYMBOL = "PRACTICE1/USDT"
PARAMETERS = {
    "base_order_size": "100",
    "safety_order_size": "80",
    "max_safety_orders": 8,
    "price_deviation": "0.004",
    "step_scale": "1.3",
    "volume_scale": "1.25",
    "take_profit": "0.002",
}
"""Lively: a cycle every minute or two. It covers -9.5 %, so a fall past the last level is seen as well."""


def seed_demo(engine: Engine, *, password: str, at: datetime) -> dict[str, Any]:
    hashed = hash_password(password)

    def seed(session: Session) -> dict[str, Any]:
        known = users.find_user(session, USERNAME)
        user_id = known.user_id if known else _create_person(session, hashed, at)
        account_id = _account(session, user_id, at)
        strategy_id = _strategy(session, user_id, account_id, at)
        return {
            "user_id": user_id,
            "username": USERNAME,
            "account_id": account_id,
            "strategy_id": strategy_id,
        }

    return run(engine, seed)


def _create_person(session: Session, password_hash: str, at: datetime) -> int:
    return users.create_user(
        session,
        username=USERNAME,
        display_name="Demo administrator",
        password_hash=password_hash,
        role=Role.ADMINISTRATOR,
        at=at,
    )


def _account(session: Session, user_id: int, at: datetime) -> int:
    """The oldest simulated one that is in use."""
    for account in accounts.accounts(session, user_id):
        if account.kind is AccountKind.SIMULATED:
            return account.account_id
    return accounts.add_first_account(session, user_id, at=at)


def _strategy(session: Session, user_id: int, account_id: int, at: datetime) -> int:
    known = session.scalar(
        select(Strategy.id).where(
            Strategy.user_id == user_id,
            Strategy.account_id == account_id,
            Strategy.active_symbol == SYMBOL,
        )
    )
    if known is not None:
        return known
    return strategies.create_strategy(
        session,
        user_id,
        account_id=account_id,
        name="Demo",
        symbol=SYMBOL,
        parameters=PARAMETERS,
        at=at,
    )
