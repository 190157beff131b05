"""Exchange keys and what the worker knows of live accounts.

`account_keys`: the dashboard adds rows and can read none of the clear text; the worker re-seals, erases and
removes them. Everything else here is written by the worker only.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, Id, Instant, KeyId, Model, Sentence, Venue, Word
from db.types import AsciiId, Json

SEALED_LENGTH = 8000


class AccountKeyRow(Model):
    """Versions 1, 2, 3 ... of an account's key. `sealed`: base64; NULL once it was erased.

    pair_id: for which key pair of the worker it is sealed (`db.keys.pair_id`).
    """

    __tablename__ = "account_keys"
    __table_args__ = (UniqueConstraint("account_id", "version"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    account_id: Mapped[Id] = mapped_column(ForeignKey("exchange_accounts.id"))
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(Integer)
    pair_id: Mapped[str] = mapped_column(AsciiId(16), index=True)
    sealed: Mapped[str | None] = mapped_column(AsciiId(SEALED_LENGTH))
    created_at: Mapped[Instant]


class AccountStatusRow(Model):
    """What the worker says of an account and its key; `db.account_status.AccountStatus` says more."""

    __tablename__ = "account_status"
    __table_args__ = (
        Index(None, "user_id"),
        Index(None, "fingerprint"),
        MYSQL_OPTIONS,
    )

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[Id]
    key_version: Mapped[int | None] = mapped_column(Integer)
    key_state: Mapped[Word]
    sentence: Mapped[Sentence]
    permissions: Mapped[Any | None] = mapped_column(Json())
    fingerprint: Mapped[str | None] = mapped_column(AsciiId(64))
    expires_at: Mapped[Instant | None]
    checked_at: Mapped[Instant | None]
    self_test_rev: Mapped[int] = mapped_column(Integer)
    self_test: Mapped[Word]
    self_test_sentence: Mapped[Sentence]
    foreign_orders: Mapped[int] = mapped_column(Integer)
    mismatch: Mapped[Any | None] = mapped_column(Json())
    balances: Mapped[Any | None] = mapped_column(Json())
    reconciled_at: Mapped[Instant | None]
    address: Mapped[str | None] = mapped_column(AsciiId(64))
    hold: Mapped[Sentence | None]
    taken_back: Mapped[Any | None] = mapped_column(Json())
    updated_at: Mapped[Instant]


class ExchangeBanRow(Model):
    """`address`: of the host whose requests the exchange refuses; nobody there asks before `until`."""

    __tablename__ = "exchange_bans"

    exchange: Mapped[Venue] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(AsciiId(64), primary_key=True)
    until: Mapped[Instant]


class ExchangeProofRow(Model):
    """Somebody here has passed the self-test on this exchange; the first time is kept."""

    __tablename__ = "exchange_proofs"

    exchange: Mapped[Venue] = mapped_column(primary_key=True)
    proven_at: Mapped[Instant]
    account_id: Mapped[Id]


class AuditFindingRow(Model):
    """An invariant that the auditor found broken. `resolved_at`: when it was first found whole again."""

    __tablename__ = "audit_findings"
    __table_args__ = (Index(None, "account_id", "resolved_at"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    check_id: Mapped[Word]
    account_id: Mapped[Id]
    strategy_id: Mapped[Id | None]
    sentence: Mapped[Sentence]
    first_seen: Mapped[Instant]
    last_seen: Mapped[Instant] = mapped_column(index=True)
    resolved_at: Mapped[Instant | None]
