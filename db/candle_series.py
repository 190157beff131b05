"""Many candles at once, exact: each column is whole numbers at so many places.

A year of minutes is half a million candles; as `Candle` objects they would take seconds to make and
hundreds of megabytes, as columns a fraction of that. `candles()` makes objects for those who need them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from core.candles import Candle
from core.money import LARGEST, PLACES, exact
from db.errors import NotStorable
from db.types import canonical

NAMES = ("open", "high", "low", "close", "volume")
LARGEST_INT64 = 2**63
SCALE = 10**PLACES
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Column:
    """value = values / 10^places. `values` are int64, or Python's own where those would not fit."""

    values: NDArray[Any]
    places: int

    @classmethod
    @exact
    def of(cls, amounts: Iterable[Decimal]) -> Self:
        scaled = [_scaled(amount) for amount in amounts]
        spare = math.gcd(SCALE, *scaled)
        zeros = 0
        while spare % 10 == 0 and zeros < PLACES:
            spare, zeros = spare // 10, zeros + 1
        divisor = 10**zeros
        return cls(_array([number // divisor for number in scaled]), PLACES - zeros)

    def at_places(self, places: int) -> NDArray[Any]:
        if places == self.places:
            return self.values
        factor = 10 ** (places - self.places)
        return _array([int(number) * factor for number in self.values])

    @exact
    def decimals(self) -> list[Decimal]:
        whole = self.values.tolist()
        return [canonical(Decimal(number).scaleb(-self.places)) for number in whole]

    def taken(self, index: Any) -> Column:
        return Column(self.values[index], self.places)

    def then(self, other: Column) -> Column:
        places = max(self.places, other.places)
        mine, theirs = self.at_places(places), other.at_places(places)
        return Column(np.concatenate([mine, theirs]), places)


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """`opened`: milliseconds UTC, strictly rising. Columns by the names of `Candle`'s fields."""

    opened: NDArray[np.int64]
    columns: dict[str, Column]

    @classmethod
    def of(cls, candles: Iterable[Candle]) -> Self:
        """In any order; of two with the same open time the later one counts."""
        by_time = {candle.opened: candle for candle in candles}
        ordered = [by_time[opened] for opened in sorted(by_time)]
        opened = np.array([candle.opened for candle in ordered], dtype=np.int64)
        return cls(opened, {n: Column.of(getattr(c, n) for c in ordered) for n in NAMES})

    def __len__(self) -> int:
        return len(self.opened)

    def candles(self) -> list[Candle]:
        columns = [self.columns[name].decimals() for name in NAMES]
        return [Candle(*row) for row in zip(self.opened.tolist(), *columns, strict=True)]

    def between(self, since: int, until: int) -> CandleSeries:
        """Those opened at or after `since` and before `until`."""
        first, end = np.searchsorted(self.opened, [since, until])
        return self._taken(slice(int(first), int(end)))

    def merged(self, newer: CandleSeries) -> CandleSeries:
        """Both; where they hold the same minute, `newer` counts."""
        if not len(newer) or not len(self):
            return newer if len(newer) else self
        opened = np.concatenate([self.opened, newer.opened])
        both = CandleSeries(opened, {n: self.columns[n].then(newer.columns[n]) for n in NAMES})
        if self.opened[-1] < newer.opened[0]:
            return both
        order = np.argsort(opened, kind="stable")
        ordered = opened[order]
        last_of_its_minute = np.append(ordered[1:] != ordered[:-1], True)
        return both._taken(order[last_of_its_minute])

    def _taken(self, index: Any) -> CandleSeries:
        columns = {name: column.taken(index) for name, column in self.columns.items()}
        return CandleSeries(self.opened[index], columns)


def pack(series: CandleSeries) -> bytes:
    """What `unpack` reads back equal: a header in JSON, then each column's differences, compressed."""
    parts, columns = [_int64_bytes(series.opened)], []
    for name in NAMES:
        column = series.columns[name]
        whole = column.values.dtype == np.int64
        part = _int64_bytes(column.values) if whole else " ".join(map(str, column.values)).encode()
        columns.append({"name": name, "places": column.places, "whole": whole, "size": len(part)})
        parts.append(part)
    header = orjson.dumps({"format": FORMAT, "count": len(series), "columns": columns})
    return zlib.compress(header + b"\n" + b"".join(parts), level=6)


def unpack(data: bytes) -> CandleSeries:
    plain = zlib.decompress(data)
    end = plain.index(b"\n")
    header = orjson.loads(plain[:end])
    if header["format"] != FORMAT:
        raise NotStorable("these candles were written by a newer release.")
    at = end + 1
    size = header["count"] * 8
    opened = _from_int64_bytes(plain[at : at + size])
    at += size
    columns = {}
    for column in header["columns"]:
        part = plain[at : at + column["size"]]
        at += column["size"]
        if column["whole"]:
            values: NDArray[Any] = _from_int64_bytes(part)
        else:
            values = np.array([int(number) for number in part.split()], dtype=object)
        columns[column["name"]] = Column(values, column["places"])
    return CandleSeries(opened, columns)


def _scaled(amount: Decimal) -> int:
    """The whole number at 18 places; raises `NotStorable` where there is none."""
    if not amount.is_finite() or amount.copy_abs() >= LARGEST:
        raise NotStorable("a candle holds a number that is out of range.")
    whole = int(amount.scaleb(PLACES))
    if Decimal(whole).scaleb(-PLACES) != amount:
        raise NotStorable(
            f"a candle holds a number with more than {PLACES} digits after the point."
        )
    return whole


def _array(numbers: list[int]) -> NDArray[Any]:
    fits = all(-LARGEST_INT64 <= number < LARGEST_INT64 for number in numbers)
    return np.array(numbers, dtype=np.int64 if fits else object)


def _int64_bytes(values: NDArray[np.int64]) -> bytes:
    # Neighbours are alike, so their differences compress several times better. What overflows here
    # wraps around, and back again on reading.
    return np.diff(values, prepend=np.int64(0)).astype("<i8").tobytes()


def _from_int64_bytes(data: bytes) -> NDArray[np.int64]:
    return np.cumsum(np.frombuffer(data, dtype="<i8"), dtype=np.int64)


EMPTY = CandleSeries.of(())
