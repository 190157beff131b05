"""Column types that read back exactly what was written, on MySQL, MariaDB and SQLite alike.

A value for which that is not so raises `NotStorable` before it is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, String, Text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import InvalidInput
from core.money import EXACT, LARGEST, ONE, PLACES, ZERO, stored
from db.errors import NotStorable

MYSQL = ("mysql", "mariadb")
LONGEST_JSON = 1_000_000
# DATETIME begins in the year 1000, Python's years in 1.
FIRST_YEAR = 1000


def is_mysql(dialect: Dialect) -> bool:
    return dialect.name in MYSQL


def canonical(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without a positive exponent, whichever database gave it."""
    if not value:
        return ZERO
    short = value.normalize(EXACT)
    exponent = short.as_tuple().exponent
    return (
        short if isinstance(exponent, int) and exponent <= 0 else short.quantize(ONE, context=EXACT)
    )


def storable(value: object) -> Decimal:
    """`value` in its canonical form. Raises `NotStorable` unless DECIMAL(36, 18) keeps it exactly."""
    if not isinstance(value, Decimal):
        raise NotStorable(f"a {type(value).__name__} is not a decimal amount.")
    if not value.is_finite():
        raise NotStorable("an amount must be a finite number.")
    if value.copy_abs() >= LARGEST:
        raise NotStorable("an amount must be below 10^18.")
    kept = stored(value)
    if kept != value:
        raise NotStorable(f"an amount has at most {PLACES} digits after the point.")
    return canonical(kept)


class Money(TypeDecorator[Decimal]):
    """Any price, quantity, cost, fee, rate. Never compared, added or ordered in SQL: SQLite keeps text."""

    impl = mysql.DECIMAL(36, 18)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.DECIMAL(36, 18))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        exact = storable(value)
        return exact if is_mysql(dialect) else format(exact, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        try:
            return canonical(Decimal(value))
        except InvalidOperation as error:
            # MySQL keeps numbers only; into SQLite's text anything can be written by hand.
            raise InvalidInput("", "an amount in the database is not a number.") from error


class _WrittenTime(sqlite.DATETIME):
    """SQLite keeps times as text, into which anything can be written by hand."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        read = super().result_processor(dialect, coltype)
        assert read is not None

        def process(value: Any) -> Any:
            try:
                return read(value)
            except (TypeError, ValueError):
                raise InvalidInput("", "a time in the database is not a time.") from None

        return process


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, to the microsecond. Only aware values go in, UTC comes out."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(_WrittenTime())  # type: ignore[no-untyped-call]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise NotStorable("a time must be a datetime with a time zone.")
        utc = value.astimezone(UTC)
        if utc.year < FIRST_YEAR:
            raise NotStorable(f"a time must not be before the year {FIRST_YEAR}.")
        return utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class AsciiId(TypeDecorator[str]):
    """Names and ids of machines: ASCII, compared byte by byte."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if is_mysql(dialect):
            plain = mysql.VARCHAR(self.length, charset="ascii", collation="ascii_bin")
            return dialect.type_descriptor(plain)
        return dialect.type_descriptor(String(self.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not value.isascii() or len(value) > self.length:
            raise NotStorable(f"an id has at most {self.length} ASCII characters.")
        # MySQL compares "a" and "a " as equal.
        if value != value.rstrip(" ") or "\0" in value:
            raise NotStorable("an id has no space at its end.")
        return str(value)


class Words(TypeDecorator[str]):
    """Text that people write or read, of a bounded length. Too long is refused, never cut."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if len(value) > self.length:
            raise NotStorable(f"a text here has at most {self.length} characters.")
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise NotStorable("a text must not hold characters that are none.")
        return str(value)


class Json(TypeDecorator[Any]):
    """JSON as text with sorted keys: equal values are equal texts. Amounts in it are strings."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.MEDIUMTEXT())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise InvalidInput("", "a value in the database is not JSON.") from None


class Bytes(TypeDecorator[bytes]):
    """Up to 16 MB (a month of candles is about one)."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if is_mysql(dialect):
            return dialect.type_descriptor(mysql.MEDIUMBLOB())
        return dialect.type_descriptor(LargeBinary())


def read_time(value: object) -> datetime:
    """A time column that was read as text, so that one bad row spoils no others; raises InvalidInput.

    Which databases give text and which a datetime is no concern of the caller.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, datetime):
        raise InvalidInput("", "a time in the database is not a time.")
    return found.replace(tzinfo=UTC)


def json_text(value: Any) -> str:
    """The text that a `Json` column keeps for `value`."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise NotStorable(f"this cannot be written as JSON ({error}).") from error
    if len(text) > LONGEST_JSON:
        raise NotStorable("this is too long to be kept.")
    return text.decode()


# SQLite counts by itself only in a column that is exactly INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
