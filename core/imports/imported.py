"""What came out of a text that somebody pasted or uploaded."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Imported:
    """`source`: "3Commas", "OKX" or "Stepladder". `symbol`, `exchange`: None where the text names none.

    differs: sentences about what means or does something else here. not_taken: sentences about what stood
    there and has no counterpart here, or was not understood. Both belong on the screen, whole.
    """

    source: str
    parameters: Parameters
    symbol: str | None = None
    exchange: str | None = None
    differs: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """Sentences that are collected while a text is read."""

    differs: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)
