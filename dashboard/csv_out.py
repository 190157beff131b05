"""Pure: rows as a CSV file that no spreadsheet takes for formulas.

UTF-8 with a byte order mark (without it Excel shows letters beyond ASCII as rubbish; other programs skip it),
commas, CRLF, text in quotes, numbers bare and exact, times in UTC as 2026-11-23T00:00:00Z. What a
spreadsheet shows of a number beyond 15 digits is its own rounding: the file holds all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.money import PLAIN_NUMBER

MARK = b"\xef\xbb\xbf"
Cell = str | int | Decimal | datetime | bool | None
STARTERS = "=+\\-@＝＋－＠﹦﹢﹣﹫−"
"""What begins a formula, also in the wide forms that some spreadsheets fold; the minus sign of people too."""
BEGINS = re.compile(rf"[\s'\"]*[{STARTERS}]")
AFTER_A_DIVIDER = re.compile(rf"([;,|][\s\"]*)(?=[{STARTERS}])")


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    """One line for the columns, in that order, and one for each row; what a row lacks is left empty.

    Raises `KeyError` for a value that belongs to no column: nothing is lost silently.
    """
    lines = [_line(columns)]
    for row in rows:
        unknown = row.keys() - set(columns)
        if unknown:
            raise KeyError(f"no column for {sorted(unknown)}")
        lines.append(_line([row.get(column) for column in columns]))
    return MARK + "".join(lines).encode("utf-8", errors="replace")


def _line(cells: Sequence[Cell]) -> str:
    return ",".join(cell_text(cell) for cell in cells) + "\r\n"


def cell_text(cell: Cell) -> str:
    """As it stands in the file, quotes included. Floats are refused: money has none."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return f'"{harmless(str(cell)).replace(chr(34), chr(34) * 2)}"'
    if isinstance(cell, Decimal):
        return _number(cell)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, datetime):
        return _time(cell)
    raise TypeError(f"a cell cannot be a {type(cell).__name__}")


def _number(value: Decimal) -> str:
    """All digits, never an exponent, no zeros at the end that say nothing."""
    if not value.is_finite():
        raise ValueError("a number in a file must be finite")
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _time(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("a time in a file must say its zone")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def harmless(text: str) -> str:
    """`text` on one line and without invisible letters; an apostrophe before whatever would be a formula.

    Also behind a divider: where lists are divided by semicolons a spreadsheet cuts this file there, and the
    rest becomes a cell of its own. A plain number stays a number.
    """
    plain = "".join(_letter(letter) for letter in text)
    if PLAIN_NUMBER.fullmatch(plain):
        return plain
    plain = AFTER_A_DIVIDER.sub(r"\1'", plain)
    return f"'{plain}" if BEGINS.match(plain) else plain


def _letter(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Cf":
        return ""
    return " " if kind in ("Cc", "Zl", "Zp") else letter
