"""What all tables have in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, mapped_column

from db.types import AsciiId, BigId, Money, UtcDateTime, Words

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

SYMBOL_LENGTH = 64
"""ccxt's unified symbols; a few hold letters beyond ASCII."""

Id = Annotated[int, mapped_column(BigId)]
KeyId = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Amount = Annotated[Decimal, mapped_column(Money())]
Instant = Annotated[datetime, mapped_column(UtcDateTime())]
Symbol = Annotated[str, mapped_column(Words(SYMBOL_LENGTH))]
Asset = Annotated[str, mapped_column(Words(32))]
Venue = Annotated[str, mapped_column(AsciiId(32))]
Word = Annotated[str, mapped_column(AsciiId(24))]
"""A value of a StrEnum, or a short code."""
ClientOrderId = Annotated[str, mapped_column(AsciiId(32))]
WorkerName = Annotated[str, mapped_column(AsciiId(96))]
Sentence = Annotated[str, mapped_column(Words(1000))]


MYSQL_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


class Model(DeclarativeBase):
    """All columns are NOT NULL unless their type says `| None`."""

    metadata = MetaData(naming_convention=NAMES)
    __table_args__: Any = MYSQL_OPTIONS
