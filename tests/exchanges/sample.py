"""Made-up answers in each exchange's style: the same order and trade of ours on all of them.

The order: a buy of 0.1230 ABC at 1234.50, of which 0.0230 is filled; one trade of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VENUE_ID = "700123"
TRADE_ID = "900456"
Answer = Any


@dataclass(frozen=True, slots=True)
class Sample:
    """`row`: the order as it stands in their answers. `found`, `missing`: the answers to the requests of
    `find`, in turn. `listing`: their answer to a list of orders. `trades`: those to `trades`."""

    row: dict[str, Any]
    found: list[Answer]
    missing: list[Answer]
    listing: Callable[[list[dict[str, Any]]], Answer]
    trades: list[Answer]
    balances: Answer
    rights: Answer
