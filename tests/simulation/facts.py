"""Everything that the invariants may look at: our rows, the exchange's book, the true prices, the people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.order_ids import prefix
from core.orders import LIVE
from tests.simulation.database import INSTALLATION, Store
from tests.simulation.loop import Clock
from tests.simulation.market import Walk
from tests.simulation.mirror import Changes, Mirror, Row
from tests.simulation.there import Book, News, Taken, Traded

ZERO = Decimal(0)
OURS = prefix(INSTALLATION)
PAUSED = ("Paused: no new cycle", "Paused: nothing is bought")
Slot = tuple[int, int, str, int]


@dataclass(frozen=True, slots=True)
class Breach:
    """`invariant`: "V1" ... "V20"."""

    invariant: str
    sentence: str


@dataclass(slots=True)
class Held:
    """What one strategy holds by the exchange's own trades."""

    quantity: Decimal = ZERO


class Facts:
    """`forgiven`: ids of orders whose rows were lost by a declared loss of the database. `moved`: by
    (account, coin), what people and others brought or took, past our orders. `vanished`: orders that the
    exchange does not show any more, of which nobody can prove anything. `venue_now`: the exchange's clock.
    `outdated`: ids of orders that were written after their window, on a price long gone. `oversold`: by
    strategy and sale, what was executed less what was ordered: above 0 it is the exchange's doing (E34)."""

    def __init__(self, clock: Clock, store: Store, walks: dict[str, Walk]) -> None:
        self.clock, self.store, self.walks = clock, store, walks
        self.mirror = Mirror(store)
        self.book: Book
        self.forgiven: set[str] = set()
        self.start: dict[int, dict[str, Decimal]] = {}
        self.moved: dict[tuple[int, str], Decimal] = defaultdict(lambda: ZERO)
        self.live_rows: dict[Slot, set[str]] = {}
        self.open_there: dict[Slot, set[int]] = {}
        self.held_by_fills: dict[int, Decimal] = defaultdict(lambda: ZERO)
        self.taken_by_id: Counter[tuple[int, str]] = Counter()
        self.held: dict[int, Held] = defaultdict(Held)
        self.selling: dict[int, dict[int, Decimal]] = defaultdict(dict)
        self.oversold: dict[int, dict[int, Decimal]] = defaultdict(dict)
        self.by_cycle: dict[tuple[int, int], set[str]] = defaultdict(set)
        self.breaches: list[Breach] = []
        self.vanished: Callable[[], set[str]] = set
        self.venue_now: Callable[[], datetime] = clock.wall
        self.outdated: set[str] = set()

    # --- followed

    def follow_rows(self, changes: Changes) -> None:
        for old, new in changes.of("orders"):
            row = new or old
            assert row is not None
            cid, slot = row["client_order_id"], slot_of(row)
            live = new is not None and new["status"] in LIVE
            _mark(self.live_rows, slot, cid, live)
            cycle = self.by_cycle[row["strategy_id"], row["cycle_number"]]
            (cycle.discard if new is None else cycle.add)(cid)
        for old, new in changes.of("fills"):
            if old is None and new is not None:
                self.held_by_fills[new["strategy_id"]] += _base_of_fill(new)

    def follow_book(self, news: News) -> None:
        for before, taken in news.orders:
            if before is None:
                self.taken_by_id[taken.account_id, taken.client_order_id] += 1
            row = self.mirror.orders.get(taken.client_order_id)
            if row is None:
                continue
            _mark(self.open_there, slot_of(row), taken.number, taken.is_open)
            if not taken.is_buy:
                left = taken.quantity - taken.filled if taken.is_open else ZERO
                self.selling[row["strategy_id"]][taken.number] = left
                self.oversold[row["strategy_id"]][taken.number] = taken.filled - taken.quantity
        for trade in news.trades:
            row = self.mirror.orders.get(trade.client_order_id)
            if row is not None:
                self.held[row["strategy_id"]].quantity += base_change(trade)

    # --- asked

    def row_of(self, taken: Taken) -> Row | None:
        return self.mirror.orders.get(taken.client_order_id)

    def is_ours(self, client_order_id: str) -> bool:
        return client_order_id.startswith(OURS)

    def strategy(self, strategy_id: int) -> Row:
        return self.mirror.tables["strategies"][strategy_id]

    def acknowledged(self, strategy_id: int) -> str | None:
        """The wish that the worker says is done ("stopped", "paused"), while it is still the wish. While it
        says that buys are being cancelled, or that it sells, a pause is not done yet."""
        wish = self.mirror.tables["strategies"].get(strategy_id)
        status = self.mirror.tables["strategy_status"].get(strategy_id)
        if wish is None or status is None or status["observed_rev"] != wish["desired_rev"]:
            return None
        state = str(status["actual_state"])
        if state == "paused" and not str(status["reason"]).startswith(PAUSED):
            return None
        return state if state == wish["desired_state"] else None

    def oversold_by(self, strategy_id: int) -> Decimal:
        """What the exchange sold of a strategy's coins beyond what it was told to."""
        return sum((max(ZERO, over) for over in self.oversold[strategy_id].values()), ZERO)

    @property
    def has_orders_under_way(self) -> bool:
        """An order of ours is in flight or at rest: then a fault matters."""
        return bool(self.live_rows or self.open_there)


def slot_of(row: Row) -> Slot:
    return row["strategy_id"], row["cycle_number"], row["role"], row["level"]


def _mark(index: dict[Slot, set[Any]], slot: Slot, name: Any, present: bool) -> None:
    """Slots without anything in them are not kept."""
    if present:
        index.setdefault(slot, set()).add(name)
    elif slot in index:
        index[slot].discard(name)
        if not index[slot]:
            del index[slot]


def _base_of_fill(fill: Row) -> Decimal:
    change: Decimal = fill["quantity"] if fill["side"] == "buy" else -fill["quantity"]
    return change - fill["fee"] if fill["fee_asset"] == fill["symbol"].partition("/")[0] else change


def base_change(trade: Traded) -> Decimal:
    change = trade.quantity if trade.is_buy else -trade.quantity
    return change - trade.fee if trade.fee_asset == trade.symbol.partition("/")[0] else change


@dataclass(frozen=True, slots=True)
class Check:
    """`of_rows`, `of_book`, `at_rest`: asked after our rows changed, after the exchange's book changed,
    when all is quiet. Each yields sentences; what it checks stands in its docstring."""

    invariant: str
    of_rows: Callable[[Facts, Changes], Any] | None = None
    of_book: Callable[[Facts, News], Any] | None = None
    at_rest: Callable[[Facts], Any] | None = None


@dataclass(slots=True)
class Examiner:
    """Runs the checks; the same breach is kept once."""

    facts: Facts
    checks: tuple[Check, ...]
    looked: int = 0
    known: set[Breach] = field(default_factory=set)

    def look(self) -> None:
        facts = self.facts
        changes = facts.mirror.refresh()
        news = facts.book.refresh(changes)
        if not changes and not news:
            return
        self.looked += 1
        facts.follow_rows(changes)
        facts.follow_book(news)
        for check in self.checks:
            if changes and check.of_rows is not None:
                self._keep(check, check.of_rows(facts, changes))
            if news and check.of_book is not None:
                self._keep(check, check.of_book(facts, news))

    def rest(self) -> None:
        for check in self.checks:
            if check.at_rest is not None:
                self._keep(check, check.at_rest(self.facts))

    def say(self, invariant: str, sentence: str) -> None:
        breach = Breach(invariant, sentence)
        if breach not in self.known:
            self.known.add(breach)
            self.facts.breaches.append(breach)

    def _keep(self, check: Check, sentences: Any) -> None:
        for sentence in sentences or ():
            self.say(check.invariant, sentence)
