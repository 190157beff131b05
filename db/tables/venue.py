"""The ledger of the simulated and paper venues: their book, not the worker's.

Only `worker.venues` reads and writes it, in transactions of its own; accepting an order *is* its commit.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import (
    MYSQL_OPTIONS,
    Amount,
    Asset,
    ClientOrderId,
    Id,
    Instant,
    Model,
    Symbol,
    Venue,
    Word,
)
from db.types import AsciiId, Money


class VenueAccountRow(Model):
    """`rev` is what two writers race for: every change of the account's book adds one to it."""

    __tablename__ = "venue_accounts"

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    next_order: Mapped[int] = mapped_column(BigInteger)
    next_trade: Mapped[int] = mapped_column(BigInteger)
    walked_until: Mapped[Instant | None]
    rev: Mapped[int] = mapped_column(BigInteger)


class VenueBalanceRow(Model):
    __tablename__ = "venue_balances"

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    asset: Mapped[Asset] = mapped_column(primary_key=True)
    free: Mapped[Amount]
    used: Mapped[Amount]


class VenueOrderRow(Model):
    """`locked`: what the order holds of the balance: quote for a buy, base for a sell."""

    __tablename__ = "venue_orders"
    __table_args__ = (Index(None, "account_id", "status"), MYSQL_OPTIONS)

    client_order_id: Mapped[ClientOrderId] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    venue: Mapped[Venue]
    symbol: Mapped[Symbol]
    venue_order_id: Mapped[str] = mapped_column(AsciiId(64))
    side: Mapped[Word]
    kind: Mapped[Word]
    price: Mapped[Decimal | None] = mapped_column(Money())
    quantity: Mapped[Amount]
    filled: Mapped[Amount]
    status: Mapped[Word]
    locked: Mapped[Amount]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    walked_until: Mapped[Instant | None]


class VenueTradeRow(Model):
    """`seq` counts the account's trades: the cursor by which they are read."""

    __tablename__ = "venue_trades"
    __table_args__ = (Index(None, "account_id", "seq", unique=True), MYSQL_OPTIONS)

    account_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[Symbol] = mapped_column(primary_key=True)
    trade_id: Mapped[str] = mapped_column(AsciiId(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    client_order_id: Mapped[ClientOrderId] = mapped_column(index=True)
    side: Mapped[Word]
    price: Mapped[Amount]
    quantity: Mapped[Amount]
    fee: Mapped[Amount]
    fee_asset: Mapped[Asset]
    fee_value: Mapped[Amount]
    at: Mapped[Instant]
