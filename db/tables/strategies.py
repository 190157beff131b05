"""Accounts and strategies: what is wanted (written by the dashboard) and what is (by the worker)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Computed, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import (
    MYSQL_OPTIONS,
    SYMBOL_LENGTH,
    Id,
    Instant,
    KeyId,
    Model,
    Sentence,
    Symbol,
    Word,
)
from db.types import AsciiId, Json, Money, Words


class ExchangeAccount(Model):
    """`kind`: simulated, paper, ccxt. `quote_start`: the stated balance, {asset: amount as text}.

    Of live accounts: `caps`, the most that may be in use, {asset: amount as text}; accepts_...: what the
    person has confirmed about the key; `rev` counts every change of caps, confirmations and self_test_rev.
    """

    __tablename__ = "exchange_accounts"

    id: Mapped[KeyId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(Words(100))
    kind: Mapped[Word]
    exchange: Mapped[str] = mapped_column(AsciiId(32))
    quote_start: Mapped[Any] = mapped_column(Json())
    is_active: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    archived_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    caps: Mapped[Any | None] = mapped_column(Json())
    accepts_no_address: Mapped[bool] = mapped_column(
        Boolean(create_constraint=False), default=False, server_default=text("0")
    )
    accepts_unverified: Mapped[bool] = mapped_column(
        Boolean(create_constraint=False), default=False, server_default=text("0")
    )
    self_test_rev: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    rev: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))


class Strategy(Model):
    """The wish of a person; only the dashboard writes it.

    desired_rev counts every change of what is wanted; changed_at is what the worker polls.
    active_symbol: two strategies on one account and symbol are refused by its unique key.
    """

    __tablename__ = "strategies"
    __table_args__ = (UniqueConstraint("account_id", "active_symbol"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id"), index=True)
    account_id: Mapped[Id] = mapped_column(ForeignKey("exchange_accounts.id"))
    name: Mapped[str] = mapped_column(Words(100))
    symbol: Mapped[Symbol]
    parameters_version: Mapped[int] = mapped_column(Integer)
    desired_state: Mapped[Word]
    desired_rev: Mapped[int] = mapped_column(Integer)
    desired_at: Mapped[Instant]
    passed_levels: Mapped[Word]
    release: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    archived_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    changed_at: Mapped[Instant] = mapped_column(index=True)
    active_symbol: Mapped[str | None] = mapped_column(
        Words(SYMBOL_LENGTH),
        Computed("CASE WHEN archived_at IS NULL THEN symbol END", persisted=True),
    )


class StrategyParameters(Model):
    """Versions 1, 2, 3 ... of a strategy's parameters; a row never changes."""

    __tablename__ = "strategy_parameters"
    __table_args__ = (UniqueConstraint("strategy_id", "version"), MYSQL_OPTIONS)

    id: Mapped[KeyId]
    strategy_id: Mapped[Id] = mapped_column(ForeignKey("strategies.id"))
    version: Mapped[int] = mapped_column(Integer)
    parameters: Mapped[Any] = mapped_column(Json())
    created_at: Mapped[Instant]
    created_by: Mapped[Id]


class StrategyStatusRow(Model):
    """What is; only the worker writes it. `missing`: how much money a waiting strategy lacks, in quote."""

    __tablename__ = "strategy_status"
    __table_args__ = (Index(None, "account_id"), MYSQL_OPTIONS)

    strategy_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[Id]
    actual_state: Mapped[Word]
    observed_rev: Mapped[int] = mapped_column(Integer)
    reason: Mapped[Sentence]
    missing: Mapped[Decimal | None] = mapped_column(Money())
    checked_at: Mapped[Instant]
    updated_at: Mapped[Instant]
