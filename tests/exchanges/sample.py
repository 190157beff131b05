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
    `find`, in turn. `listing`: their answer to a list of orders. `trades`: those to `trades`.

    id_field, amount_field, price_field, side_field: of a create request. good_until(headers, fields): in ms,
    as a captured create request says it. filled_field: of a row, how much is filled. ended, unheard_of: what
    makes of the row one that is filled whole, and one in a state that nobody knows.
    """

    row: dict[str, Any]
    found: list[Answer]
    missing: list[Answer]
    listing: Callable[[list[dict[str, Any]]], Answer]
    trades: list[Answer]
    balances: Answer
    rights: Answer
    id_field: str
    filled_field: str
    ended: dict[str, Any]
    unheard_of: dict[str, Any]
    good_until: Callable[[dict[str, str], dict[str, Any]], int]
    amount_field: str = "size"
    price_field: str = "price"
    side_field: str = "side"
