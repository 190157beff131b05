"""The facts of one cycle. Everything else (position, average, profit) is derived from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.market import Market, Side
from core.money import ONE, ZERO
from core.order_ids import Identity
from core.orders import Order, Role, Slot
from core.parameters import Parameters

ENGINE_VERSION = 1
BASE = Slot(Role.BASE, 0)
TAKE_PROFIT = Slot(Role.TAKE_PROFIT)


class DesiredState(StrEnum):
    """What the person wants (DESIGN 2.2)."""

    RUNNING = "running"
    FINISHING = "finishing"
    PAUSED = "paused"
    STOPPED = "stopped"
    CLOSED = "closed"


class ExitReason(StrEnum):
    """Why everything is being sold at market. Once decided it stays decided."""

    STOP_LOSS = "stop_loss"
    TRAILING = "trailing"
    CLOSED = "closed"


class PassedLevels(StrEnum):
    """What to do on resuming with levels that the price has passed meanwhile."""

    WAIT = "wait"
    SKIP = "skip"
    BUY = "buy"


@dataclass(frozen=True, slots=True)
class Holding:
    """Base coins and what they cost in quote, buy fees included."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle without fills is waiting to start; `number` counts 1, 2, 3 ... per strategy.

    size_factor: what the sizes of this cycle are multiplied by (reinvesting).
    carried: dust of earlier cycles with its cost. peak: highest price since the take profit was
    reached, when trailing. exit, exit_at: the latched decision to sell everything at market.
    released_at_price: the person let the coins go, booked at this price.
    last_ended_at: end of the cycle before. cycles_done, stop_losses_in_row: since the person last
    started the strategy. reinvested: realized PnL since this parameter version, in quote.
    skipped, held: levels that the person skipped, or that wait until the price is above them again.
    forgiven_at: refusals up to here no longer block (the person pressed "try again").
    missing: base coins of the position that are not on the account any more, as its balances prove.
    rules_changed_at: since when `market` holds other trading rules than the cycle began with.
    dropped: oldest attempts that are left out of `orders`, in memory only; their rows stay.
    """

    identity: Identity
    number: int
    parameters: Parameters
    market: Market
    engine_version: int = ENGINE_VERSION
    size_factor: Decimal = ONE
    wanted: DesiredState = DesiredState.RUNNING
    orders: tuple[Order, ...] = ()
    carried: Holding = Holding()
    peak: Decimal | None = None
    exit: ExitReason | None = None
    exit_at: datetime | None = None
    released_at_price: Decimal | None = None
    last_ended_at: datetime | None = None
    cycles_done: int = 0
    stop_losses_in_row: int = 0
    reinvested: Decimal = ZERO
    skipped: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    forgiven_at: datetime | None = None
    missing: Decimal = ZERO
    rules_changed_at: datetime | None = None
    dropped: int = 0

    def attempts(self, slot: Slot) -> list[Order]:
        """Every order of that slot, oldest first."""
        return [order for order in self.orders if order.slot == slot]

    def by_slot(self) -> dict[Slot, list[Order]]:
        """All orders by slot, oldest first: one pass for those who ask about many slots."""
        found: dict[Slot, list[Order]] = {}
        for order in self.orders:
            found.setdefault(order.slot, []).append(order)
        return found

    def live(self) -> Iterator[Order]:
        return (order for order in self.orders if order.is_live)

    def live_in(self, slot: Slot) -> Order | None:
        return next((o for o in self.orders if o.slot == slot and o.is_live), None)

    def filled_in(self, slot: Slot) -> Decimal:
        return sum((order.filled for order in self.orders if order.slot == slot), ZERO)

    def has_fills(self) -> bool:
        return any(order.fills for order in self.orders)

    def is_idle(self) -> bool:
        """Nothing bought, nothing live: waiting to start."""
        return not any(order.is_live or order.fills for order in self.orders)

    def find(self, client_order_id: str) -> Order | None:
        return next((o for o in self.orders if o.client_order_id == client_order_id), None)

    def with_order(self, changed: Order) -> Cycle:
        """The cycle with that order replaced, or added when it is new."""
        known = self.find(changed.client_order_id)
        if known is None:
            return replace(self, orders=(*self.orders, changed))
        orders = tuple(changed if order is known else order for order in self.orders)
        return replace(self, orders=orders)

    @property
    def lacks_coins(self) -> bool:
        """Coins that matter are missing: less than a lot only shrinks what is sold."""
        return self.missing > 0 and self.missing >= (self.market.lot_size or ZERO)

    def is_selling(self) -> bool:
        return any(order.side is Side.SELL and order.is_live for order in self.orders)

    def is_settled(self) -> bool:
        """Every fill that the venue reports has arrived as a trade."""
        return all(order.is_settled for order in self.orders)
