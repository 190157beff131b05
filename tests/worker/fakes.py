"""A venue in memory that fails on command, and clocks that move when the test says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from core.account_book import AccountBook, Money
from core.candles import Candle
from core.doubt import OwnTrade
from core.errors import InvalidInput
from core.events import Quote
from core.market import Market, Side
from core.orders import Order, OrderStatus, OrderUpdate
from tests.builders import a_market
from worker.errors import OutcomeUnknown, PartlyAnswered, VenueUnavailable
from worker.venues.protocol import Asked, Balance, OpenOrder

D = Decimal
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """Monotonic seconds and the market's time; they part when the test calls `jump`."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.at = NOON

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """The wall clock is set; the monotonic clock never is."""
        self.at += timedelta(seconds=seconds)


class Do(Enum):
    """What the venue does with the next request to place an order."""

    LOSE_ANSWER = auto()  # accepted, and the answer is lost
    DROP = auto()  # the request never arrives
    DELAY = auto()  # it is on its way until `deliver`
    REFUSE = auto()
    NOT_NOW = auto()
    HANG = auto()  # no answer, ever, and the request never arrives
    HANG_AFTER = auto()  # accepted, and no answer, ever


class FakeVenue:
    """`sent`: every id that was sent, in order. `accepted`: those the venue took. `asked`: of look-ups.

    `hidden`: how many more questions do not show an order. `hide_all`: no question shows any.
    `gone`: orders that no list shows any more, although they may still be there. `latency`: real seconds
    that each request takes. `shown`: what questions show instead of the truth. `inquired`: of `inquire`;
    `mute`: orders about which it is not answered.
    `strays`: trades of the account that it tells. `traded_by`: what the trades of an order say.
    `unaskable`: orders about which nothing is said.
    """

    request_window = timedelta(seconds=5)
    checks_balances = False

    def __init__(self, clock: FakeClock, *markets: Market, lag: float = 0) -> None:
        self.clock = clock
        self.index_lag = timedelta(seconds=lag)
        self.traded = {market.symbol: market for market in markets or (a_market(),)}
        self.books: dict[int, AccountBook] = {}
        self.prices: dict[str, Decimal] = {}
        self.history: list[Candle] = []
        self.walked_until: datetime | None = None
        self.finished: dict[str, OrderUpdate] = {}
        self.sent: list[str] = []
        self.accepted: list[str] = []
        self.asked: list[str] = []
        self.next: deque[Do] = deque()
        self.rule: Callable[[Order], Do | None] = lambda order: None
        self.under_way: list[tuple[int, str, Order]] = []
        self.hidden: dict[str, int] = {}
        self.hide_all = False
        self.gone: set[str] = set()
        self.shown: dict[str, OrderUpdate] = {}
        self.unaskable: set[str] = set()
        self.inquired: list[str] = []
        self.mute: set[str] = set()
        self.numbers_asked: list[str] = []
        self.numbered: dict[str, OrderUpdate | None] = {}
        self.strays: tuple[OwnTrade, ...] = ()
        self.traded_by: dict[str, OrderUpdate] = {}
        self.latency = 0.0
        self.deaf = False  # questions fail
        self.no_balances = False
        self.balances_asked = 0
        self.no_open_orders = False
        self.lost_cancels = 0
        self.unheard_cancels = 0
        self.fill_during_cancel = False
        self.late_trades = False
        self.foreign: list[OpenOrder] = []
        self.cancels: list[str] = []
        self.cancelled_by_id: list[str] = []
        self.attached: set[int] = set()

    # --- the market

    def now(self) -> datetime:
        return self.clock.now()

    async def market(self, symbol: str) -> Market:
        if symbol not in self.traded:
            raise InvalidInput("symbol", f"{symbol} is not traded here.")
        return self.traded[symbol]

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        return [candle for candle in self.history if since <= candle.at < until]

    async def see(self, symbol: str, at: datetime, quote: Quote) -> None:
        """Tests move the price themselves."""

    async def walked(self, at: datetime) -> None:
        """Nothing is ever missed here."""

    def move(self, symbol: str, price: Decimal) -> set[str]:
        """The price is there now; what it reaches fills. Returns the orders that filled."""
        self.prices[symbol] = price
        done: set[str] = set()
        for book in self.books.values():
            for order in list(book.orders.values()):
                if order.symbol != symbol or order.price is None:
                    continue
                buys = order.side is Side.BUY
                if order.price >= price if buys else order.price <= price:
                    done.add(order.client_order_id)
                    self._fill(book, order.client_order_id)
        return done

    def _fill(self, book: AccountBook, client_order_id: str) -> None:
        order = book.orders[client_order_id]
        assert order.price is not None
        update = book.fill(self.traded[order.symbol], order, order.price, self.now(), taker=False)
        self.finished[client_order_id] = update

    # --- accounts

    async def attach(self, account_id: int, stated: dict[str, Decimal]) -> datetime:
        if self.deaf:
            raise VenueUnavailable("deaf")
        known = {asset: Money(amount) for asset, amount in stated.items()}
        self.books.setdefault(account_id, AccountBook(known))
        self.attached.add(account_id)
        return self.walked_until or self.now()

    def withdraw(self, account_id: int, asset: str, amount: object) -> None:
        """The person takes coins out (or puts them back: below zero)."""
        self.books[account_id].money(asset).free -= Decimal(str(amount))

    async def detach(self, account_id: int) -> None:
        self.attached.discard(account_id)

    # --- orders

    async def place(
        self, account_id: int, symbol: str, orders: Sequence[Order]
    ) -> list[OrderUpdate]:
        answers, lost = [], False
        await asyncio.sleep(self.latency * len(orders))
        for order in orders:
            self.sent.append(order.client_order_id)
            does = self.rule(order) or (self.next.popleft() if self.next else None)
            if does is Do.HANG:
                await asyncio.Event().wait()
            if does is Do.DELAY:
                self.under_way.append((account_id, symbol, order))
            if does in (Do.DROP, Do.DELAY):
                lost = True
            elif does is Do.REFUSE:
                answers.append(_answer(order, OrderStatus.REFUSED, "tick_size"))
            elif does is Do.NOT_NOW:
                answers.append(_answer(order, OrderStatus.NOT_PLACED, "maintenance"))
            else:
                answer = self._accept(account_id, symbol, order)
                if does is Do.HANG_AFTER:
                    await asyncio.Event().wait()
                lost = lost or does is Do.LOSE_ANSWER
                answers += [] if does is Do.LOSE_ANSWER else [answer]
        if lost and not answers:
            raise OutcomeUnknown("no answer")
        return answers

    def _accept(self, account_id: int, symbol: str, order: Order) -> OrderUpdate:
        """What the exchange does when the request arrives."""
        if self.now() > order.created_at + self.request_window:
            return _answer(order, OrderStatus.NOT_PLACED, "too_late")
        price = self.prices[symbol]
        book = self.books[account_id]
        update = book.place(self.traded[symbol], order, price, price, self.now())
        if update.status is not OrderStatus.NOT_PLACED:
            self.accepted.append(order.client_order_id)
        if order.client_order_id not in book.orders and update.status is not OrderStatus.NOT_PLACED:
            self.finished[order.client_order_id] = update
        return update

    def deliver(self) -> list[OrderUpdate]:
        """What was on its way arrives now; nobody hears the answers."""
        arrived, self.under_way = self.under_way, []
        return [self._accept(*request) for request in arrived]

    async def cancel(self, account_id: int, symbol: str, orders: Sequence[Order]) -> None:
        await asyncio.sleep(self.latency * len(orders))
        for order in orders:
            self._cancel(account_id, symbol, order.client_order_id)

    async def cancel_by_id(self, account_id: int, symbol: str, client_order_id: str) -> None:
        self.cancelled_by_id.append(client_order_id)
        self._cancel(account_id, symbol, client_order_id)

    def _cancel(self, account_id: int, symbol: str, client_order_id: str) -> None:
        self.cancels.append(client_order_id)
        if self.lost_cancels:
            self.lost_cancels -= 1
            raise OutcomeUnknown("no answer")
        book = self.books[account_id]
        if client_order_id in book.orders and self.fill_during_cancel:
            self._fill(book, client_order_id)
        update = book.cancel(self.traded[symbol], client_order_id)
        if update is not None:
            self.finished[client_order_id] = update
        if self.unheard_cancels:
            self.unheard_cancels -= 1
            raise OutcomeUnknown("no answer")

    def cancel_by_hand(self, account_id: int, client_order_id: str) -> None:
        """The person does it on the exchange's own page."""
        book = self.books[account_id]
        update = book.cancel(self.traded[book.orders[client_order_id].symbol], client_order_id)
        assert update is not None
        self.finished[client_order_id] = update

    async def look_up(self, account_id: int, orders: Sequence[Order]) -> list[OrderUpdate]:
        self.asked += [order.client_order_id for order in orders]
        await asyncio.sleep(self.latency * len(orders))
        if self.deaf:
            raise VenueUnavailable("deaf")
        names = [order.client_order_id for order in orders]
        left = self.unaskable & set(names)
        known = (self._known(account_id, name) for name in names if name not in left)
        found = [update for update in known if update is not None]
        if left:
            raise PartlyAnswered("nothing is said", found, left)
        return found

    def _known(self, account_id: int, client_order_id: str) -> OrderUpdate | None:
        if self.hidden.get(client_order_id, 0) > 0:
            self.hidden[client_order_id] -= 1
            return None
        if self.hide_all or client_order_id in self.gone:
            return None
        if client_order_id in self.shown:
            return self.shown[client_order_id]
        open_order = self.books[account_id].orders.get(client_order_id)
        if open_order is not None:
            return open_order.update()
        update = self.finished.get(client_order_id)
        if update is None or not (self.late_trades and update.fills):
            return update
        return OrderUpdate(client_order_id, update.status, update.filled)

    async def inquire(self, account_id: int, order: Order) -> Asked:
        name = order.client_order_id
        self.inquired.append(name)
        if self.deaf or name in self.mute:
            raise VenueUnavailable("deaf")
        return Asked(
            self._known(account_id, name) is not None, self.traded_by.get(name), self.strays
        )

    async def by_number(self, account_id: int, order: Order, number: str) -> OrderUpdate | None:
        self.numbers_asked.append(number)
        if number not in self.numbered:
            raise VenueUnavailable("not told")
        return self.numbered[number]

    async def open_orders(self, account_id: int) -> list[OpenOrder]:
        if self.no_open_orders:
            raise VenueUnavailable("no open orders")
        own = [
            OpenOrder(o.client_order_id, o.symbol, o.side, o.price, o.quantity)
            for o in self.books[account_id].orders.values()
            if o.price is not None and o.client_order_id not in self.gone
        ]
        return own + self.foreign

    async def everything(self, account_id: int) -> list[OpenOrder]:
        return await self.open_orders(account_id)

    async def balances(self, account_id: int) -> dict[str, Balance]:
        self.balances_asked += 1
        if self.no_balances:
            raise VenueUnavailable("no balances")
        return {
            asset: Balance(money.free, money.used)
            for asset, money in self.books[account_id].balances.items()
        }


def _answer(order: Order, status: OrderStatus, reason: str) -> OrderUpdate:
    return OrderUpdate(order.client_order_id, status, reason=reason)
