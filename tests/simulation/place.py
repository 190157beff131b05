"""Where a simulated worker trades: the simulated venue's ledger, or the test exchange through real ccxt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any, Protocol

from core.market import Market
from tests.simulation.database import SimulatedDatabase, Store
from tests.simulation.facts import Facts
from tests.simulation.loop import Clock
from tests.simulation.market import Tick, Walk, WalkPrices
from tests.simulation.there import LedgerBook
from worker.settings import WorkerSettings
from worker.supervisor import Supervisor

AUDIT_KEY = b"k" * 32
FEE = Decimal("0.001")


def market(symbol: str, tick: str, lot: str) -> Market:
    lots = Decimal(lot)
    return Market(symbol, Decimal(tick), lots, lots, Decimal(5), FEE, FEE)


MARKETS = {
    "BTC/USDT": (market("BTC/USDT", "0.01", "0.00001"), "30000", 0.0007),
    "ETH/USDT": (market("ETH/USDT", "0.01", "0.0001"), "2000", 0.0009),
    "XRP/USDT": (market("XRP/USDT", "0.0001", "0.1"), "0.5", 0.0012),
}


class Place(Protocol):
    """`away`: no prices are told. `mishaps`: what goes wrong there, with weights. `stands_wrong_clocks`: the
    place has a time of its own, so that a host's clock may be off by hours."""

    away: bool
    stands_wrong_clocks: bool
    mishaps: tuple[tuple[float, Any], ...]
    secrets: Sequence[str]

    def installed(self) -> AbstractContextManager[None]:
        """Within it the process reaches this place instead of the world outside."""

    def supervisor(self, database: SimulatedDatabase) -> Supervisor: ...

    def open_account(self, person: int, name: str, balance: str) -> int:
        """A new account of that person, with so much USDT."""

    def moved(self, symbol: str, tick: Tick) -> None: ...

    def over_budget(self) -> Iterator[str]:
        """V20, in sentences."""

    def decide(self, fate: str) -> None:
        """What becomes of the requests on their way: "delivered", "lost", or "filled" at once."""

    def in_flight(self) -> list[Any]:
        """The requests on their way, for the state's number."""

    def has_changed(self) -> bool:
        """Something happened there since this was last asked."""

    def quiet(self) -> None:
        """No faults from here on."""

    def is_calm(self) -> bool:
        """Nothing is under way between there and here."""


class LedgerPlace:
    """The simulated venue: real code of the worker, its ledger in rows of its own."""

    stands_wrong_clocks = False
    mishaps = ()
    secrets = ()
    point: Callable[[str], None]

    def __init__(
        self,
        clock: Clock,
        store: Store,
        walks: dict[str, Walk],
        period: float,
        facts: Facts,
        add_account: Callable[[int, str, str], int],
    ) -> None:
        self.away = False
        self._add_account = add_account
        self._prices = lambda: WalkPrices(clock, walks, period, lambda: self.away)
        facts.book = LedgerBook(facts.mirror)
        self._facts = facts

    def supervisor(self, database: SimulatedDatabase) -> Supervisor:
        prices: object = self._prices()  # stands in for the simulated market, as a replay does
        return Supervisor(database, WorkerSettings(_env_file=None), prices, AUDIT_KEY)  # type: ignore

    def open_account(self, person: int, name: str, balance: str) -> int:
        account_id = self._add_account(person, name, balance)
        self._facts.start[account_id] = {"USDT": Decimal(balance)}
        return account_id

    def moved(self, symbol: str, tick: Tick) -> None:
        """Fills come from the prices that the worker itself walks."""

    def installed(self) -> AbstractContextManager[None]:
        return nullcontext()

    def over_budget(self) -> Iterator[str]:
        return iter(())

    def decide(self, fate: str) -> None:
        """Its requests are commits: nothing is ever on its way."""

    def in_flight(self) -> list[Any]:
        return []

    def has_changed(self) -> bool:
        return False  # its book is rows, and rows are watched anyway

    def quiet(self) -> None:
        self.away = False

    def is_calm(self) -> bool:
        """Every trade has been recorded."""
        return self._facts.mirror.tables["venue_trades"].keys() == (
            self._facts.mirror.tables["fills"].keys()
        )
