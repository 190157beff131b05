"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """`check`: a short name of the rule. `what`: the order, trade or cycle that breaks it."""

    check: str
    account_id: int
    what: str
    sentence: str
