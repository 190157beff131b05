"""Orders that nobody can prove: what the exchange said of them, and what their person answered."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Boolean, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.model import MYSQL_OPTIONS, ClientOrderId, Id, Instant, Model, Sentence
from db.types import Money


class OrderAnswerRow(Model):
    """Written by the dashboard: the person looked on the exchange, and the order is not there. `rev`: how
    often they said so."""

    __tablename__ = "order_answers"
    __table_args__ = (Index(None, "account_id"), MYSQL_OPTIONS)

    client_order_id: Mapped[ClientOrderId] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    user_id: Mapped[Id]
    rev: Mapped[int] = mapped_column(Integer)
    at: Mapped[Instant]


class OrderInquiryRow(Model):
    """Written by the worker. asked_at: when the exchange was last asked by every source. contradicts: why an
    answer could not be believed now. coins_before: on the account beyond those of strategies, before the
    order was in doubt. answered_rev: the answer that was not believed."""

    __tablename__ = "order_inquiries"
    __table_args__ = (Index(None, "account_id"), MYSQL_OPTIONS)

    client_order_id: Mapped[ClientOrderId] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    asked_at: Mapped[Instant]
    sentence: Mapped[Sentence]
    contradicts: Mapped[bool] = mapped_column(Boolean(create_constraint=False))
    coins_before: Mapped[Decimal | None] = mapped_column(Money())
    answered_rev: Mapped[int] = mapped_column(Integer)
