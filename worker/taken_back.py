"""Trades that the exchange does not list any more after it had reported them (FAULTS E36).

What is recorded is never edited. Nothing is bought on the account until they are listed again, or until the
person has read what it means and pressed Try again. Both is kept in the row of the account's status, so that
whoever owns the account next knows before it decides anything.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from core.money import ZERO, plain
from core.orders import Order
from core.story_entry import Entry, EntryLevel
from worker.holds import Holds

log = logging.getLogger(__name__)
CODE = "rolled_back"
ACCEPTED = "You pressed Try again: what is recorded stays, and buying goes on"
NAMED = 3


@dataclass(frozen=True, slots=True)
class Taken:
    """`shown`: how much of the order the exchange says is filled, less than we hold. `is_accepted`: a person
    goes on with what is recorded."""

    shown: Decimal
    since: datetime
    is_accepted: bool = False


class TakenBack:
    """By client order id. `is_changed`: not everything is written yet."""

    def __init__(self, holds: Holds) -> None:
        self.is_changed = False
        self._holds = holds
        self._known: dict[str, Taken] = {}

    def take_up(self, written: str | None, at: datetime) -> None:
        """As the account's owner before this one wrote it down; what cannot be read counts as open."""
        if not written:
            return
        try:
            self._known = {name: _read(values) for name, values in orjson.loads(written).items()}
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            log.error("what was written of trades that were taken back cannot be read")
            self._known = {"unreadable": Taken(ZERO, at)}
        if self._open():
            self._holds.resume(CODE, self._sentence(), self._since())

    def written(self) -> dict[str, dict[str, Any]] | None:
        """For the account's row; None: there is nothing to remember."""
        return {name: _written(taken) for name, taken in self._known.items()} or None

    def note(self, order: Order, shown: Decimal, at: datetime) -> Entry | None:
        """The venue has shown less of it than we hold for long enough. The entry that stands beside what is
        recorded, None when that is known already."""
        name = order.client_order_id
        known = self._known.get(name)
        if known is not None and shown >= known.shown:
            return None
        since = at if known is None or known.is_accepted else known.since
        self._known[name] = Taken(shown, since)
        self._changed(at)
        return Entry(
            EntryLevel.ALARM,
            "trades_taken_back",
            f"The exchange shows {plain(shown, 18)} as filled of this order, of which it had reported"
            f" {plain(order.filled, 18)} before. What is recorded stays as it was.",
            name,
        )

    def turned_up(self, client_order_id: str, at: datetime) -> None:
        """Everything that we hold of this order is listed again."""
        if self._known.pop(client_order_id, None) is not None:
            self._changed(at)

    def accept(self, at: datetime) -> None:
        """The person goes on with what is recorded."""
        for name, taken in self._known.items():
            self._known[name] = replace(taken, is_accepted=True)
        self._changed(at, ACCEPTED)

    def _changed(self, at: datetime, how: str | None = None) -> None:
        self.is_changed = True
        if self._open():
            self._holds.begin(CODE, self._sentence(), at)
        else:
            self._holds.end(CODE, how=how)

    def _open(self) -> Mapping[str, Taken]:
        return {name: taken for name, taken in self._known.items() if not taken.is_accepted}

    def _since(self) -> datetime:
        return min(taken.since for taken in self._open().values())

    def _sentence(self) -> str:
        names = sorted(self._open())
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return (
            "The exchange does not list trades any more that it reported before (order"
            f" {', '.join(names[:NAMED])}{more}). What is recorded is kept as it was, so the account may hold"
            " other coins and other money than shown here. Nothing is bought on this account until they are"
            " listed again. Compare with the exchange and ask it why. Try again means: what is recorded"
            " stays, and buying goes on."
        )


def _read(values: Mapping[str, Any]) -> Taken:
    since = datetime.fromisoformat(values["since"])
    if since.tzinfo is None:
        raise ValueError("no time zone")
    return Taken(Decimal(values["shown"]), since, values["accepted"] is True)


def _written(taken: Taken) -> dict[str, Any]:
    return {
        "shown": plain(taken.shown, 36),
        "since": taken.since.isoformat(),
        "accepted": taken.is_accepted,
    }
