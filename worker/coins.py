"""Do the account's balances hold the coins that the positions say? (FAULTS E26, E27)

Fills are on their way while we ask, so each reading gives two figures that are certain: at least and at most
so many coins of ours must be there. Missing coins are believed after two readings some seconds apart; more
coins than ours are the person's own and nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.accounting import position
from core.cycle import Cycle
from core.market import Side
from core.money import ZERO, exact
from core.orders import OrderStatus
from worker.tracked import Tracked
from worker.venues.protocol import Balance

APART = 5.0
"""Seconds between the two readings that must agree; a venue whose answers lag needs more."""
EXTRA_APART = 10.0
"""Seconds between two readings that are asked for only because a sale was refused."""
DOUBTED = (OrderStatus.SENDING, OrderStatus.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a cycle just before the balances were asked for. `kept`: bought so far."""

    number: int
    quantity: Decimal
    kept: Decimal


@dataclass(slots=True)
class Short:
    """A reading in which coins were missing: when (monotonic), and at least how many."""

    at: float
    least: Decimal


class Coins:
    """`apart`: seconds between the readings. One per account; keeps the last reading that was short.

    is_doubted: a sale was refused for lack of coins, and the balances have not been read since.
    """

    def __init__(self, apart: float = APART) -> None:
        self.apart = apart
        self.is_doubted = False
        self._short: dict[str, Short] = {}
        self._extra_from = 0.0

    def extra_is_due(self, now: float) -> bool:
        """Whether the balances are to be read because of a refused sale alone."""
        return self.is_doubted and now >= self._extra_from

    def begin(self, asked: float) -> None:
        """The balances are being read."""
        if self.is_doubted:
            self.is_doubted, self._extra_from = False, asked + EXTRA_APART

    @property
    def is_unsure(self) -> bool:
        """A second reading decides."""
        return bool(self._short)

    @property
    def again_at(self) -> float:
        return max((short.at for short in self._short.values()), default=0.0) + self.apart

    @exact
    def before(self, tracked: Iterable[Tracked]) -> dict[int, Known]:
        """To be taken just before the balances are asked for."""
        found = {}
        for each in tracked:
            cycle = each.cycle
            if cycle.has_fills() or cycle.carried.quantity:
                held = position(cycle)
                found[each.strategy_id] = Known(cycle.number, held.quantity, held.kept)
        return found

    @exact
    def compare(
        self,
        before: Mapping[int, Known],
        balances: Mapping[str, Balance],
        tracked: Mapping[int, Tracked],
        asked: float,
    ) -> dict[int, Decimal]:
        """After everything was looked up: what each strategy misses, where that has changed.

        asked: when the balances were, monotonic.
        """
        by_base: dict[str, list[Tracked]] = {}
        for strategy_id in tracked.keys() & before.keys():
            each = tracked[strategy_id]
            by_base.setdefault(each.cycle.market.base, []).append(each)
        changed: dict[int, Decimal] = {}
        for base, owners in by_base.items():
            if any(before[o.strategy_id].number != o.cycle.number for o in owners):
                continue  # a cycle ended meanwhile: the next reading tells
            balance = balances.get(base, Balance(ZERO, ZERO))
            missing = self._missing(base, owners, before, balance.free + balance.used, asked)
            changed |= _shared_out(missing, owners)
        self._short = {base: short for base, short in self._short.items() if base in by_base}
        return changed

    def _missing(
        self,
        base: str,
        owners: list[Tracked],
        before: Mapping[int, Known],
        there: Decimal,
        asked: float,
    ) -> Decimal:
        """Coins of this base that are missing, as far as is certain now."""
        bounds = [_bounds(before[owner.strategy_id], owner.cycle) for owner in owners]
        least = sum((low for low, _ in bounds), ZERO) - there
        most = sum((high for _, high in bounds), ZERO) - there
        believed = min(_recorded(owners), max(most, ZERO))
        if least <= believed:
            self._short.pop(base, None)
            return believed
        earlier = self._short.get(base)
        if earlier is None:
            self._short[base] = Short(asked, least)
            return believed
        if asked - earlier.at < self.apart:
            return believed
        self._short[base] = Short(asked, least)
        if min(least, earlier.least) > believed:
            believed = min(least, earlier.least)
        return believed


def _recorded(owners: Iterable[Tracked]) -> Decimal:
    return sum((owner.cycle.missing for owner in owners), ZERO)


@exact
def beyond(
    base: str,
    before: Mapping[int, Known],
    balances: Mapping[str, Balance],
    tracked: Iterable[Tracked],
    as_recorded: bool = False,
) -> tuple[Decimal, Decimal]:
    """(at least, at most) so many coins of this base were there beyond those of strategies; below 0: missing.

    as_recorded: orders in doubt are taken to have filled no further than is known.
    """
    least, most = ZERO, ZERO
    for each in tracked:
        if each.cycle.market.base == base:
            nothing = Known(each.cycle.number, ZERO, ZERO)
            known = before.get(each.strategy_id, nothing)
            low, high = _bounds(known, each.cycle, as_recorded)
            least, most = least + low, most + high
    balance = balances.get(base, Balance(ZERO, ZERO))
    there = balance.free + balance.used
    return there - most, there - least


def _bounds(before: Known, cycle: Cycle, as_recorded: bool = False) -> tuple[Decimal, Decimal]:
    """(at least, at most) so many coins of the cycle were on the account when the balances were read.

    What was sold by now may have been sold before they were read, what was bought by now perhaps after.
    """
    held = position(cycle)
    bought = held.kept - before.kept
    low, high = held.quantity - bought, before.quantity + bought
    for order in cycle.orders:
        unknown = order.reported_filled - order.filled
        if order.status in DOUBTED and not as_recorded:
            unknown = max(unknown, order.quantity - order.filled)
        if order.side is Side.SELL:
            low -= unknown
        else:
            high += unknown
    return low, high


def _shared_out(missing: Decimal, owners: Iterable[Tracked]) -> dict[int, Decimal]:
    """What each strategy misses now, where that has changed; whoever missed some before comes first."""
    changed = {}
    for owner in sorted(owners, key=lambda o: (-o.cycle.missing, o.strategy_id)):
        own = min(missing, max(position(owner.cycle).quantity, ZERO))
        missing -= own
        if own != owner.cycle.missing:
            changed[owner.strategy_id] = own
    return changed
