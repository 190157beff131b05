"""An account as its row says it: for a person strictly, for the worker with what can be read of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, Select, Text, select, type_coerce

from core.candles import EPOCH
from core.errors import InvalidInput
from db.caps import caps_from_text, stored_amounts, stored_caps
from db.exchange_proofs import unproven_caps
from db.tables import ExchangeAccount
from db.types import read_time

SIMULATED = "simulated"


class AccountKind(StrEnum):
    """`LIVE`: a real account on an exchange, reached through ccxt."""

    SIMULATED = "simulated"
    PAPER = "paper"
    LIVE = "ccxt"


@dataclass(frozen=True, slots=True)
class Account:
    """`venue`: under which name prices, candles and trading rules of this account are kept.

    Of live accounts: `caps`, the most that may be in use per quote coin (None: there is none that can be
    read, so nothing may be bought); accepts_...: what the person has confirmed about the key;
    `self_test_rev`: counts how often the self-test was asked for; `rev`: changes with each of these.
    """

    account_id: int
    user_id: int
    name: str
    kind: AccountKind
    exchange: str
    venue: str
    stated_balance: dict[str, Decimal]
    created_at: datetime
    archived_at: datetime | None
    caps: dict[str, Decimal] | None = None
    accepts_no_address: bool = False
    accepts_unverified: bool = False
    self_test_rev: int = 0
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What may change while an order is planned: read again in the transaction that writes it."""

    rev: int
    caps: dict[str, Decimal] | None


def venue_name(kind: AccountKind, exchange: str) -> str:
    return SIMULATED if kind is AccountKind.SIMULATED else exchange


def raw_accounts() -> Select[Any]:
    """Columns as they are stored: in a row written by hand anything may stand, and it spoils no other."""
    raw = {
        name: type_coerce(getattr(ExchangeAccount, name), kind).label(name)
        for name, kind in (
            ("quote_start", Text),
            ("caps", Text),
            ("created_at", Text),
            ("accepts_no_address", Integer),
            ("accepts_unverified", Integer),
        )
    }
    return select(*(raw.get(column.name, column) for column in ExchangeAccount.__table__.columns))


def terms_from_raw(row: Any, *, is_proven: bool) -> Terms:
    """The caps that hold now. `rev` counts the row's changes and the proof of its exchange."""
    caps = caps_from_text(row.caps)
    if caps is not None and not is_proven:
        caps = unproven_caps(caps)
    counted = row.rev if isinstance(row.rev, int) else 0
    return Terms(2 * counted + is_proven, caps)


def from_raw(row: Any, *, is_proven: bool) -> Account:
    """Of a row of `raw_accounts`: what cannot be read is missing."""
    kind, now = AccountKind(row.kind), terms_from_raw(row, is_proven=is_proven)
    try:
        created_at = read_time(row.created_at)
    except InvalidInput:
        created_at = EPOCH
    return Account(
        account_id=row.id,
        user_id=row.user_id,
        name=row.name,
        kind=kind,
        exchange=row.exchange,
        venue=venue_name(kind, row.exchange),
        stated_balance=stored_amounts(row.quote_start),
        created_at=created_at,
        archived_at=None,
        caps=now.caps,
        accepts_no_address=row.accepts_no_address == 1,
        accepts_unverified=row.accepts_unverified == 1,
        self_test_rev=row.self_test_rev if isinstance(row.self_test_rev, int) else 0,
        rev=now.rev,
    )


def as_account(row: Any) -> Account:
    kind = AccountKind(row.kind)
    return Account(
        account_id=row.id,
        user_id=row.user_id,
        name=row.name,
        kind=kind,
        exchange=row.exchange,
        venue=venue_name(kind, row.exchange),
        stated_balance={asset: Decimal(amount) for asset, amount in row.quote_start.items()},
        created_at=row.created_at,
        archived_at=row.archived_at,
        caps=stored_caps(row.caps),
        accepts_no_address=row.accepts_no_address,
        accepts_unverified=row.accepts_unverified,
        self_test_rev=row.self_test_rev,
        rev=row.rev,
    )
