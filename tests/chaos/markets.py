"""Where a run trades: the simulated market with its own ledger, or the test exchange through ccxt.

Both are a second book, kept by somebody else than the worker, and compared with the rows at the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from tests.crash import STRATEGIES
from tests.crash_books import examine, settle
from tests.worker_process import WorkerHouse

Disasters = dict[str, tuple[Callable[[random.Random], None], tuple[str, ...]]]


class Market(Protocol):
    """`populate`: people, accounts and strategies; {strategy: person}, {strategy: parameters}.
    `trouble` arms one fault, `quiet` undoes all, `calm` waits until what they cost has passed.
    `change_by_hand`: whose order, and seconds until it was noticed; None: there was nothing to change.
    `verdict`: after the run, with nothing under way: figures, and sentences for what is wrong."""

    def settings(self) -> dict[str, str]: ...
    def populate(
        self, house: WorkerHouse
    ) -> tuple[dict[int, int], dict[int, dict[str, object]]]: ...
    def trouble(self, luck: random.Random) -> None: ...
    def quiet(self) -> None: ...
    def calm(self) -> None: ...
    def disasters(self) -> Disasters: ...
    def change_by_hand(
        self, house: WorkerHouse, luck: random.Random
    ) -> tuple[int, float] | None: ...
    def verdict(self, house: WorkerHouse) -> tuple[dict[str, Any], list[str]]: ...


class SimulatedMarket:
    def __init__(self, accounts: int) -> None:
        self.accounts = accounts

    def settings(self) -> dict[str, str]:
        return {}

    def populate(self, house: WorkerHouse) -> tuple[dict[int, int], dict[int, dict[str, object]]]:
        person = house.person("crash")
        mine: dict[int, int] = {}
        parameters: dict[int, dict[str, object]] = {}
        for number in range(1, self.accounts + 1):
            account = house.account(person, f"Account {number}", balance="100000")
            for symbol, chosen in STRATEGIES.items():
                made = house.strategy(person, account, symbol, chosen)
                mine[made], parameters[made] = person, chosen
        return mine, parameters

    def trouble(self, luck: random.Random) -> None:
        """The simulated market has no faults of its own."""

    def quiet(self) -> None:
        """Nothing to undo."""

    def calm(self) -> None:
        """There is no request budget here."""

    def disasters(self) -> Disasters:
        return {}

    def change_by_hand(self, house: WorkerHouse, luck: random.Random) -> tuple[int, float] | None:
        return None

    def verdict(self, house: WorkerHouse) -> tuple[dict[str, Any], list[str]]:
        left = settle(house)
        found = examine(house.engine)
        audit = [f"{b['check']}: {b['what']}: {b['sentence']}" for b in found.audit["broken"]]
        figures = {
            "doubled": len(found.doubled),
            "lost": len(found.lost),
            "unequal": len(found.unequal),
            "without_take_profit": len(found.without_take_profit),
            "unknown": len(left),
            "verify_ok": found.audit["ok"],
            "checked": dict(found.audit["checked"]),
        }
        wrong = [*found.doubled, *found.lost, *found.unequal, *found.without_take_profit, *left]
        return figures, wrong + audit
