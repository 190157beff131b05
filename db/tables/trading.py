"""Cycles, their orders and fills. Written by the worker that holds the account's lease.

No foreign keys: an open change of a strategy must never block or abort an order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Computed, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.orders import LIVE
from db.tables.model import (
    MYSQL_OPTIONS,
    Amount,
    Asset,
    ClientOrderId,
    Id,
    Instant,
    Model,
    Symbol,
    Word,
)
from db.types import AsciiId, Json, Money

NO_LEVEL = -1
"""Level of an exit. NULL would make its rows differ from each other in the unique key."""


class CycleRow(Model):
    """The facts of `core.Cycle`. From `closed_at` on: the totals, stored once, checked by the auditor."""

    __tablename__ = "cycles"
    __table_args__ = (Index(None, "account_id", "closed_at"), MYSQL_OPTIONS)

    strategy_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    account_id: Mapped[Id]
    parameters: Mapped[Any] = mapped_column(Json())
    market: Mapped[Any] = mapped_column(Json())
    engine_version: Mapped[int] = mapped_column(Integer)
    size_factor: Mapped[Amount]
    wanted: Mapped[Word]
    carried_quantity: Mapped[Amount]
    carried_cost: Mapped[Amount]
    peak: Mapped[Decimal | None] = mapped_column(Money())
    exit: Mapped[str | None] = mapped_column(AsciiId(24))
    exit_at: Mapped[Instant | None]
    released_at_price: Mapped[Decimal | None] = mapped_column(Money())
    last_ended_at: Mapped[Instant | None]
    cycles_done: Mapped[int] = mapped_column(Integer)
    stop_losses_in_row: Mapped[int] = mapped_column(Integer)
    reinvested: Mapped[Amount]
    skipped: Mapped[Any] = mapped_column(Json())
    held: Mapped[Any] = mapped_column(Json())
    forgiven_at: Mapped[Instant | None]
    missing: Mapped[Amount] = mapped_column(server_default=text("'0'"))
    rules_changed_at: Mapped[Instant | None]
    started_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]
    realized_pnl: Mapped[Decimal | None] = mapped_column(Money())
    fees: Mapped[Decimal | None] = mapped_column(Money())
    bought_cost: Mapped[Decimal | None] = mapped_column(Money())
    sold_proceeds: Mapped[Decimal | None] = mapped_column(Money())
    dust_quantity: Mapped[Decimal | None] = mapped_column(Money())
    dust_cost: Mapped[Decimal | None] = mapped_column(Money())
    levels_filled: Mapped[int | None] = mapped_column(Integer)
    ended_by: Mapped[str | None] = mapped_column(AsciiId(24))


class OrderRow(Model):
    """`live` is 1 or NULL, so its unique key refuses a second live order of a slot and nothing else.

    position: its place among the cycle's orders, oldest first; orders planned at one moment share their
    `created_at`. token: of the lease under which it was written.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("strategy_id", "cycle_number", "role", "level", "live"),
        Index(None, "account_id", "live"),
        MYSQL_OPTIONS,
    )

    client_order_id: Mapped[ClientOrderId] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    strategy_id: Mapped[Id]
    cycle_number: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    role: Mapped[Word]
    level: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer)
    side: Mapped[Word]
    kind: Mapped[Word]
    symbol: Mapped[Symbol]
    price: Mapped[Decimal | None] = mapped_column(Money())
    planned_price: Mapped[Amount]
    quantity: Mapped[Amount]
    status: Mapped[Word]
    created_at: Mapped[Instant]
    deadline: Mapped[Instant]
    venue_order_id: Mapped[str | None] = mapped_column(AsciiId(64))
    reported_filled: Mapped[Amount]
    cancel_asked: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    expired: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    finished_at: Mapped[Instant | None]
    reason: Mapped[str | None] = mapped_column(AsciiId(64))
    token: Mapped[Id]
    live: Mapped[int | None] = mapped_column(
        SmallInteger,
        Computed(
            f"CASE WHEN status IN ({', '.join(repr(str(s)) for s in sorted(LIVE))}) THEN 1 END",
            persisted=True,
        ),
    )


class FillRow(Model):
    """A fill never changes: the same trade told twice is the same row."""

    __tablename__ = "fills"
    __table_args__ = (
        Index(None, "strategy_id", "cycle_number"),
        Index(None, "strategy_id", "at"),
        MYSQL_OPTIONS,
    )

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    trade_id: Mapped[str] = mapped_column(AsciiId(64), primary_key=True)
    client_order_id: Mapped[ClientOrderId] = mapped_column(index=True)
    strategy_id: Mapped[Id]
    cycle_number: Mapped[int] = mapped_column(Integer)
    side: Mapped[Word]
    role: Mapped[Word]
    level: Mapped[int] = mapped_column(Integer)
    price: Mapped[Amount]
    quantity: Mapped[Amount]
    fee: Mapped[Amount]
    fee_asset: Mapped[Asset]
    fee_value: Mapped[Amount]
    at: Mapped[Instant]
