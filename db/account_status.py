"""What the worker says of an account: its key, its self-test, what was found on the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Text, select, type_coerce
from sqlalchemy.orm import Session

from db.causal import causal
from db.statements import table_of, upsert_rows
from db.tables import AccountStatusRow, ExchangeAccount

STATUSES = table_of(AccountStatusRow)


class KeyState(StrEnum):
    NONE = "none"
    CHECKING = "checking"
    ACTIVE = "active"
    NEEDS_CONFIRMATION = "needs_confirmation"
    REFUSED = "refused"


class SelfTest(StrEnum):
    NONE = "none"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """`key_version`: the version that `key_state` and `sentence` are about. `permissions`: what the exchange
    says that the key may do, for the screen. `fingerprint`: the same for the same API key, and says
    nothing about it. `checked_at`: when the exchange was last asked about the key.

    `self_test_rev`: the request that `self_test` answers. `foreign_orders`: resting orders that are not
    ours. `mismatch`: what the balances lack, None when they fit. `balances`: {asset: {"free": text, "locked":
    text}}, without assets of which there is nothing; None when they were not read yet. `reconciled_at`: when
    both were last looked at. `address`: of the worker, to which keys are to be bound. `hold`: why nothing is
    bought now, None when it may be. `taken_back`: orders whose trades the exchange does not list any more
    (`worker.taken_back`).
    """

    account_id: int
    user_id: int
    key_version: int | None = None
    key_state: KeyState = KeyState.NONE
    sentence: str = ""
    permissions: dict[str, Any] | None = None
    fingerprint: str | None = None
    expires_at: datetime | None = None
    checked_at: datetime | None = None
    self_test_rev: int = 0
    self_test: SelfTest = SelfTest.NONE
    self_test_sentence: str = ""
    foreign_orders: int = 0
    mismatch: dict[str, Any] | None = None
    balances: dict[str, dict[str, str]] | None = None
    reconciled_at: datetime | None = None
    address: str | None = None
    hold: str | None = None
    taken_back: dict[str, dict[str, Any]] | None = None
    updated_at: datetime


ABOUT_THE_KEY = (
    "key_version",
    "key_state",
    "sentence",
    "permissions",
    "fingerprint",
    "expires_at",
    "checked_at",
    "address",
    "updated_at",
)
ABOUT_THE_SELF_TEST = ("self_test_rev", "self_test", "self_test_sentence", "updated_at")
ABOUT_THE_BALANCES = (
    "foreign_orders",
    "mismatch",
    "balances",
    "reconciled_at",
    "hold",
    "taken_back",
    "updated_at",
)
"""What an account's consumer says of it; the key and the self-test are said by others."""


def save(
    session: Session, statuses: Sequence[AccountStatus], only: Sequence[str] | None = None
) -> None:
    """For the worker. `only`: of a row that is there, change these columns and leave the others."""
    names = list(STATUSES.columns.keys())
    rows = [{name: getattr(status, name) for name in names} for status in statuses]
    changing = only or [name for name in names if name != "account_id"]
    upsert_rows(session, AccountStatusRow, rows, changing)


def load(session: Session, account_ids: Sequence[int]) -> dict[int, AccountStatus]:
    """For the worker: by account; absent when nothing was said yet."""
    return _read(session, STATUSES.c.account_id.in_(account_ids))


def taken_back(session: Session, account_ids: Sequence[int]) -> dict[int, str]:
    """For the worker: what was written of trades that were taken back, as text, readable or not."""
    text = type_coerce(STATUSES.c.taken_back, Text)
    rows = session.execute(
        select(STATUSES.c.account_id, text).where(
            STATUSES.c.account_id.in_(account_ids), STATUSES.c.taken_back.is_not(None)
        )
    )
    return {account_id: written for account_id, written in rows}


def accounts_with_key(session: Session, fingerprint: str, account_id: int) -> list[int]:
    """For the worker: accounts other than this one that use the same API key."""
    query = (
        select(STATUSES.c.account_id)
        .join(ExchangeAccount, ExchangeAccount.id == STATUSES.c.account_id)
        .where(
            ExchangeAccount.archived_at.is_(None),
            STATUSES.c.fingerprint == fingerprint,
            STATUSES.c.account_id != account_id,
            STATUSES.c.key_state == KeyState.ACTIVE,
        )
        .order_by(STATUSES.c.account_id)
    )
    with causal(session):
        return list(session.scalars(query))


def _read(session: Session, condition: ColumnElement[bool]) -> dict[int, AccountStatus]:
    found = {}
    for row in session.execute(select(STATUSES).where(condition)).mappings():
        values = dict(row) | {
            "key_state": KeyState(row["key_state"]),
            "self_test": SelfTest(row["self_test"]),
        }
        found[row["account_id"]] = AccountStatus(**values)
    return found
