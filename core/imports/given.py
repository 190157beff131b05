"""Names with values as somebody pasted them. What nobody has taken in the end is left over, and is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.errors import InvalidInput
from core.imports.texts import refuse, shown
from core.money import PLAIN_NUMBER, plain

AMOUNT = re.compile(rf"({PLAIN_NUMBER.pattern})\s*(%|[A-Za-z][A-Za-z0-9]{{1,9}})?", re.ASCII)
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
NOTHING = frozenset({"", "-", "–", "null", "none", "n/a"})


def folded(name: str) -> str:
    """ "base_order_volume", "baseOrderVolume" and "Base order volume" are one name."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


class Given:
    """`names`: the other product's own name of a field by how people may write it.

    Nothing, an empty text and an empty list all count as not given.
    """

    def __init__(self, source: Mapping[str, object], names: Mapping[str, str]) -> None:
        self._left: dict[str, object] = {}
        for written, value in source.items():
            name = names.get(folded(written), written)
            if name in self._left:
                raise refuse(f"gives {shown(name)} twice, under two names; keep one of them.")
            self._left[name] = value

    def take(self, name: str) -> object:
        """The value, None where there is none; it is not left over any more."""
        value = self._left.pop(name, None)
        if isinstance(value, str):
            return None if value.strip().casefold() in NOTHING else value.strip()
        return None if isinstance(value, list | Mapping) and not value else value

    def mentions(self, name: str) -> bool:
        """Whether the name stands there, with whatever value, and nobody has taken it."""
        return name in self._left

    def names_a_coin(self, name: str) -> bool:
        """Whether a unit other than percent stands beside the number."""
        found = AMOUNT.fullmatch(str(self._left.get(name))[:60])
        return found is not None and found.groups()[-1] not in (None, "%")

    def left(self, harmless: Iterable[str]) -> tuple[str, ...]:
        """Names that were given with a value and that nobody has taken, but for those without any effect."""
        return tuple(
            name
            for name, value in list(self._left.items())
            if name not in set(harmless) and not _says_nothing(value)
        )

    def number(self, name: str) -> Decimal | None:
        """A plain number without a unit."""
        found = self._amount(name)
        if found is not None and found[1] is not None:
            raise InvalidInput(
                name, f"has the unit {shown(found[1])}; a plain number belongs here."
            )
        return None if found is None else found[0]

    def percent(self, name: str) -> Decimal | None:
        """ "1.5" and "1.5 %" as the fraction 0.015."""
        found = self._amount(name)
        if found is None:
            return None
        if found[1] not in (None, "%"):
            raise InvalidInput(name, f"has the unit {shown(found[1])}; percent belong here.")
        return found[0] / 100

    def fraction(self, name: str) -> Decimal | None:
        """ "0.015" and "1.5 %" as the fraction 0.015."""
        found = self._amount(name)
        if found is None:
            return None
        if found[1] not in (None, "%"):
            raise InvalidInput(name, f"has the unit {shown(found[1])}; a fraction belongs here.")
        return found[0] / 100 if found[1] == "%" else found[0]

    def money(self, name: str, quote: str | None) -> Decimal | None:
        """An amount of the quote coin; another coin beside it is refused."""
        found = self._amount(name)
        if found is None:
            return None
        unit = found[1]
        if unit == "%" or (unit is not None and quote is not None and unit.upper() != quote):
            raise InvalidInput(
                name,
                f"is in {unit}; sizes are amounts of the quote coin here, so type that amount.",
            )
        return found[0]

    def switch(self, name: str) -> bool | None:
        value = self.take(name)
        text = str(value).casefold()
        if value is None or text in YES or text in NO:
            return None if value is None else text in YES
        raise InvalidInput(name, "must be true or false.")

    def word(self, name: str) -> str | None:
        """A short word in small letters."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, list | Mapping):
            raise InvalidInput(name, "must be one word.")
        return str(value).casefold()[:60]

    def _amount(self, name: str) -> tuple[Decimal, str | None] | None:
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value), None
        found = AMOUNT.fullmatch(value) if isinstance(value, str) and len(value) <= 60 else None
        if found is None:
            raise InvalidInput(
                name, f"is {shown(value)}; a plain number such as 1.5 belongs here, with a point."
            )
        return Decimal(found[1]), found.groups()[-1]


def _says_nothing(value: object) -> bool:
    """Nothing, zero and "false" switch off what they stand for."""
    if isinstance(value, str):
        text = value.strip().casefold()
        return text in NOTHING or text in NO or not text.strip("0.")
    return not value


def needed(name: str, value: Decimal | None) -> Decimal:
    if value is None:
        raise InvalidInput(name, "is missing; copy the parameter set whole, or add it.")
    return value


def whole(name: str, value: Decimal) -> int:
    if value != value.to_integral_value() or not 0 <= value <= 1000:
        raise InvalidInput(name, f"is {plain(value)}; a whole number belongs here.")
    return int(value)
