"""`Venue`: what the worker asks of an exchange, a paper exchange or the simulated market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from core.candles import Candle
from core.doubt import OwnTrade
from core.events import Quote
from core.market import Market, Side
from core.orders import Order, OrderUpdate


@dataclass(frozen=True, slots=True)
class TimedQuote:
    """A quote with the venue's time at which it was true, and ours (monotonic) when it arrived."""

    at: datetime
    quote: Quote
    received: float


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal
    used: Decimal


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that rests on the venue, ours or not."""

    client_order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Asked:
    """What every source said of one order. is_there: some list shows it. update: of trades that are surely
    its own, and not known here. trades: the account's on its symbol since it was written; None: the exchange
    does not remember that long."""

    is_there: bool
    update: OrderUpdate | None
    trades: tuple[OwnTrade, ...] | None


class Venue(Protocol):
    """Every method may raise `VenueUnavailable`; `place` and `cancel` also `OutcomeUnknown`; on live
    exchanges each that asks for an account also `KeyRefused`.

    `request_window`: how long after its signed time a request can still be accepted.
    `index_lag`: how long an accepted order may be missing from answers.
    `checks_balances`: coins can leave the account without us, so each reconciliation counts them.
    `confirms_exits`: exits and entries need two quotes a second apart.
    """

    request_window: timedelta
    index_lag: timedelta
    checks_balances: bool

    def now(self) -> datetime:
        """The venue's own time: orders are signed with it."""

    async def see(self, symbol: str, at: datetime, quote: Quote) -> None:
        """The market stands here now. A live exchange knows that by itself."""

    async def walked(self, at: datetime) -> None:
        """Write down up to when open orders have been walked. Nothing to do on a live exchange."""

    async def market(self, symbol: str) -> Market:
        """Trading rules of `symbol`. Raises `core.errors.InvalidInput` when it is not traded."""

    async def attach(self, account_id: int, stated: dict[str, Decimal]) -> datetime:
        """Make the account ready; time in which no worker ran is walked before this returns.

        The answer: since when no worker had looked.
        """

    async def detach(self, account_id: int) -> None:
        """Forget what is held in memory for the account."""

    async def place(
        self, account_id: int, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        """Send each order once, signed with its `created_at`. One update each; an order whose
        outcome is unknown is missing from the answer."""

    async def cancel(self, account_id: int, symbol: str, orders: Sequence[Order]) -> None:
        """Ask for the cancel. The reply proves nothing: `look_up` afterwards."""

    async def cancel_by_id(self, account_id: int, symbol: str, client_order_id: str) -> None:
        """The same for an order of ours that has no row."""

    async def look_up(self, account_id: int, orders: Sequence[Order]) -> list[OrderUpdate]:
        """Snapshots of those orders that the venue knows, open or finished, with their trades.

        One that is missing from a successful answer was not known there when it was asked. Raises
        `PartlyAnswered` with what is known of the others when nothing can be asked about some.
        """

    async def inquire(self, account_id: int, order: Order) -> Asked:
        """Ask about one order by every source there is: by its id, among open and finished orders, and
        through the account's trades. Raises `VenueUnavailable` unless each of them answered."""

    async def by_number(self, account_id: int, order: Order, number: str) -> OrderUpdate | None:
        """What became of `order` if it is what the venue numbers so; None: that is somebody else's. Raises
        `VenueUnavailable` when the venue does not tell."""

    async def open_orders(self, account_id: int) -> list[OpenOrder]:
        """Everything that rests on the account."""

    async def everything(self, account_id: int) -> list[OpenOrder]:
        """The same, surely also of symbols that no strategy of ours trades: `open_orders` may have looked
        at those a while ago."""

    async def balances(self, account_id: int) -> dict[str, Balance]:
        """By asset."""

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        """Closed 1-minute candles that open in [since, until)."""
