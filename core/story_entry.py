"""One line of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EntryLevel(StrEnum):
    """`alarm`: a person has to act. `warning`: not as planned, and going on by itself."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Entry:
    """`code` is for filters and tests, `sentence` for people; about one order where an id stands."""

    level: EntryLevel
    code: str
    sentence: str
    client_order_id: str | None = None
