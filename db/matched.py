"""How many rows a change met: what every compare-and-swap looks at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, Result


def rows_matched(result: Result[Any]) -> int:
    """Rows matched, changed or not: MySQL connections ask for that (CLIENT_FOUND_ROWS)."""
    assert isinstance(result, CursorResult)
    return result.rowcount
