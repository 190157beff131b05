"""The venue of simulated and paper accounts, on real rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from core.market import Side
from core.orders import Kind, Order, OrderStatus, Role, Slot
from db.errors import CommitUnknown
from db.ledger import balances, orders_of
from db.transactions import run
from tests.builders import a_market, a_quote
from tests.worker.fakes import FakeClock
from tests.worker.prices import FakePrices, piece
from worker.database import Database
from worker.errors import OutcomeUnknown, VenueUnavailable
from worker.venues import ledger as ledgers
from worker.venues.ledger import Ledger
from worker.venues.ledger_venue import LedgerVenue

S = OrderStatus
SYMBOL, OTHER = "BTC/USDT", "ETH/USDT"
ACCOUNT = 7
STATED = {"USDT": Decimal(1000)}
LEVEL = Slot(Role.SAFETY, 1)


class Place:
    """A venue over a migrated database; `again()` makes another one over the same rows."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock = engine, clock
        self.prices = FakePrices(clock, a_market(), a_market(symbol=OTHER))
        self.hints: list[tuple[int, set[str]]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.databases: list[Database] = []
        self.numbers = 0

    def again(self) -> LedgerVenue:
        database = Database(self.engine)
        self.databases.append(database)
        ledger = Ledger(database)
        self.tasks.append(asyncio.create_task(ledger.commits.run()))
        venue = LedgerVenue("simulated", self.prices, ledger)
        venue.hint = lambda account, ids: self.hints.append((account, ids))
        return venue

    def order(self, price: object | None, quantity: object = 1, side: Side = Side.BUY) -> Order:
        self.numbers += 1
        number = None if price is None else Decimal(str(price))
        return Order(
            client_order_id=f"stest{self.numbers}",
            slot=LEVEL,
            attempt=1,
            side=side,
            kind=Kind.MARKET if price is None or side is Side.SELL else Kind.LIMIT,
            price=number,
            planned_price=number or Decimal(100),
            quantity=Decimal(str(quantity)),
            status=S.SENDING,
            created_at=self.clock.now(),
        )

    async def see(self, venue: LedgerVenue, price: object, symbol: str = SYMBOL) -> None:
        self.clock.advance(1)
        await venue.see(symbol, self.clock.now(), a_quote(price))

    async def opened(self, price: object = 100) -> LedgerVenue:
        venue = self.again()
        await venue.attach(ACCOUNT, STATED)
        await venue.market(SYMBOL)
        await self.see(venue, price)
        return venue

    def rows(self) -> dict[str, str]:
        found = run(self.engine, lambda s: orders_of(s, ACCOUNT))
        return {order.client_order_id: str(order.status) for order in found}

    def money(self) -> dict[str, tuple[Decimal, Decimal]]:
        found = run(self.engine, lambda s: balances(s, [ACCOUNT]))
        return {row.asset: (row.free, row.used) for row in found}


@pytest_asyncio.fixture
async def place(sqlite_engine: Engine, clock: FakeClock) -> AsyncIterator[Place]:
    made = Place(sqlite_engine, clock)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    for database in made.databases:
        database.close()


async def test_an_account_gets_its_stated_balance_once(place: Place):
    venue = await place.opened()
    await venue.place(ACCOUNT, SYMBOL, [place.order(None)])
    await venue.detach(ACCOUNT)
    await venue.attach(ACCOUNT, {"USDT": Decimal(5000)})
    assert place.money()["USDT"] == (Decimal(900), Decimal(0))


async def test_a_resting_buy_locks_its_cost_until_it_is_cancelled_or_fills(place: Place):
    venue = await place.opened()
    first, second = place.order(90), place.order(80)
    await venue.place(ACCOUNT, SYMBOL, [first, second])
    assert place.money()["USDT"] == (Decimal(830), Decimal(170))
    await venue.cancel(ACCOUNT, SYMBOL, [first])
    assert place.money()["USDT"] == (Decimal(920), Decimal(80))
    await place.see(venue, 79)
    assert place.money() == {"USDT": (Decimal(920), Decimal(0)), "BTC": (Decimal(1), Decimal(0))}
    assert place.hints == [(ACCOUNT, {second.client_order_id})]


async def test_what_the_account_cannot_pay_is_not_placed_and_locks_nothing(place: Place):
    venue = await place.opened()
    (answer,) = await venue.place(ACCOUNT, SYMBOL, [place.order(90, 12)])
    assert (answer.status, answer.reason) == (S.NOT_PLACED, "funds")
    assert (place.rows(), place.money()["USDT"][1]) == ({}, Decimal(0))


async def test_an_id_that_is_known_is_never_accepted_again(place: Place):
    venue = await place.opened()
    resting, done = place.order(90), place.order(None)
    await venue.place(ACCOUNT, SYMBOL, [resting, done])
    assert await venue.place(ACCOUNT, SYMBOL, [resting, done]) == []
    assert place.money()["USDT"] == (Decimal(810), Decimal(90))


@pytest.mark.parametrize(
    ("price", "quantity", "reason"),
    [("99.999", 1, "tick_size"), (99, "0.0005", "below_minimum"), (99, "0.1005", "lot_size")],
)
async def test_what_the_filters_refuse_is_refused_for_good(place: Place, price, quantity, reason):
    venue = await place.opened()
    (answer,) = await venue.place(ACCOUNT, SYMBOL, [place.order(price, quantity)])
    assert (answer.status, answer.reason) == (S.REFUSED, reason)


async def test_a_request_past_its_deadline_is_too_late(place: Place):
    venue = await place.opened()
    order = place.order(90)
    place.clock.advance(5)
    assert (await venue.place(ACCOUNT, SYMBOL, [order]))[0].status is S.OPEN
    late = replace(place.order(80), created_at=place.clock.now() - timedelta(seconds=6))
    assert (await venue.place(ACCOUNT, SYMBOL, [late]))[0].reason == "too_late"


async def test_who_waits_for_the_ledger_past_the_deadline_is_too_late(place: Place):
    venue = await place.opened()
    order = place.order(90)
    async with venue._locks[ACCOUNT]:
        request = asyncio.create_task(venue.place(ACCOUNT, SYMBOL, [order]))
        await asyncio.sleep(0.01)
        place.clock.advance(6)
    (answer,) = await request
    assert (answer.status, answer.reason) == (S.NOT_PLACED, "too_late")


async def test_without_a_price_of_the_last_10_seconds_nothing_is_placed(place: Place):
    venue = await place.opened()
    place.clock.advance(11)
    (answer,) = await venue.place(ACCOUNT, SYMBOL, [place.order(90)])
    assert (answer.status, answer.reason) == (S.NOT_PLACED, "no_price")


async def test_a_market_sell_fills_on_the_bid_and_never_beyond_its_collar(place: Place):
    venue = await place.opened()
    await venue.place(ACCOUNT, SYMBOL, [place.order(None, 2)])
    await venue.see(SYMBOL, place.clock.now(), a_quote(95, 96))
    low, fine = place.order(96, 1, Side.SELL), place.order("94.05", 1, Side.SELL)
    expired, filled = await venue.place(ACCOUNT, SYMBOL, [low, fine])
    assert (expired.status, expired.expired, expired.fills) == (S.CANCELLED, True, ())
    assert (filled.status, filled.fills[0].price) == (S.FILLED, Decimal(95))
    assert await venue.look_up(ACCOUNT, [low]) == [expired]


async def test_between_two_quotes_orders_fill_at_their_own_price_after_a_pause_at_the_new_one(
    place: Place,
):
    venue = await place.opened()
    first, second = place.order(90), place.order(80)
    await venue.place(ACCOUNT, SYMBOL, [first, second])
    await place.see(venue, 88)
    place.clock.advance(30)
    await place.see(venue, 75)
    one, two = await venue.look_up(ACCOUNT, [first, second])
    assert (one.fills[0].price, two.fills[0].price) == (Decimal(90), Decimal(75))


async def test_finished_orders_are_found_in_the_rows_after_a_restart(place: Place):
    venue = await place.opened()
    order = place.order(None)
    (answer,) = await venue.place(ACCOUNT, SYMBOL, [order])
    later = place.again()
    await later.attach(ACCOUNT, STATED)
    (found,) = await later.look_up(ACCOUNT, [order])
    assert (found.status, found.fills) == (answer.status, answer.fills)
    assert await later.look_up(ACCOUNT, [place.order(1)]) == []


# --- time in which no worker ran


async def test_catching_up_fills_what_the_path_reached_after_the_order_was_placed(place: Place):
    start = place.clock.now()
    venue = await place.opened()
    reached, passed, kept = place.order(90), place.order(70), place.order(40)
    place.clock.advance(60)
    await place.see(venue, 100)
    await venue.place(
        ACCOUNT, SYMBOL, [replace(o, created_at=place.clock.now()) for o in (reached, passed, kept)]
    )
    await venue.detach(ACCOUNT)
    at = place.clock.now()
    place.prices.pieces[SYMBOL] = [
        piece(start + timedelta(seconds=30), 10),  # before they were placed
        piece(at + timedelta(seconds=60), 100, 101, 85, 95),
        piece(at + timedelta(seconds=300), 65, 75, 64, 70),
    ]
    place.clock.advance(600)
    later = place.again()
    await later.attach(ACCOUNT, STATED)
    found = {u.client_order_id: u for u in await later.look_up(ACCOUNT, [reached, passed, kept])}
    assert found[reached.client_order_id].fills[0].price == 90
    assert found[passed.client_order_id].fills[0].price == 65  # jumped over: the price after it
    assert found[kept.client_order_id].status is S.OPEN
    assert await later.attach(ACCOUNT, STATED) == place.clock.now()


async def test_catching_up_that_is_interrupted_is_done_again_from_the_start(place: Place):
    venue = await place.opened()
    await place.see(venue, 100, OTHER)
    await venue.market(OTHER)
    first, second = place.order(90), place.order(90)
    await venue.place(ACCOUNT, SYMBOL, [first])
    await venue.see(OTHER, place.clock.now(), a_quote(100))
    await venue.place(ACCOUNT, OTHER, [second])
    at = place.clock.now()
    place.prices.pieces[SYMBOL] = [piece(at + timedelta(seconds=200), 85)]
    place.prices.pieces[OTHER] = [piece(at + timedelta(seconds=100), 85)]
    place.clock.advance(600)
    later = place.again()
    path, asked = place.prices.path, []

    async def fails_second(symbol, since, until):
        asked.append(symbol)
        if len(asked) == 2:
            raise VenueUnavailable("away")
        return await path(symbol, since, until)

    place.prices.path = fails_second  # type: ignore[method-assign]
    with pytest.raises(VenueUnavailable):
        await later.attach(ACCOUNT, STATED)
    await later.attach(ACCOUNT, STATED)
    assert set(place.rows().values()) == {"filled"}


async def test_an_order_whose_symbol_is_gone_waits_and_stops_no_other(place: Place):
    venue = await place.opened()
    await venue.place(ACCOUNT, SYMBOL, [place.order(90)])
    del place.prices.traded[SYMBOL]
    later = place.again()
    await later.attach(ACCOUNT, STATED)
    assert len(await later.open_orders(ACCOUNT)) == 1


# --- the ledger's commit


def lose_commits(monkeypatch: pytest.MonkeyPatch, happened: bool) -> None:
    real = ledgers.commit

    def lost(engine, entries):
        monkeypatch.setattr(ledgers, "commit", real)
        if happened:
            real(engine, entries)
        return [CommitUnknown("lost") for _ in entries]

    monkeypatch.setattr(ledgers, "commit", lost)


@pytest.mark.parametrize("happened", [True, False])
async def test_a_lost_commit_leaves_the_outcome_unknown_and_the_book_is_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, happened: bool
):
    venue = await place.opened()
    order = place.order(90)
    lose_commits(monkeypatch, happened)
    with pytest.raises(OutcomeUnknown):
        await venue.place(ACCOUNT, SYMBOL, [order])
    found = await venue.look_up(ACCOUNT, [order])
    assert [update.status for update in found] == ([S.OPEN] if happened else [])
    assert (await venue.balances(ACCOUNT))["USDT"].used == (90 if happened else 0)


@pytest.mark.parametrize("happened", [True, False])
async def test_a_fill_whose_commit_was_lost_is_hinted_at_and_happens_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, happened: bool
):
    venue = await place.opened()
    order = place.order(90)
    await venue.place(ACCOUNT, SYMBOL, [order])
    lose_commits(monkeypatch, happened)
    with pytest.raises(OutcomeUnknown):
        await place.see(venue, 89)
    assert place.hints == [(ACCOUNT, {order.client_order_id})]
    await place.see(venue, 88)
    (update,) = await venue.look_up(ACCOUNT, [order])
    assert (update.status, len(update.fills)) == (S.FILLED, 1)
    assert (await venue.balances(ACCOUNT))["BTC"].free == 1


async def test_who_held_the_account_before_can_accept_nothing_more(place: Place):
    old = await place.opened()
    new = place.again()
    await new.attach(ACCOUNT, STATED)
    order = place.order(90)
    with pytest.raises(OutcomeUnknown):
        await old.place(ACCOUNT, SYMBOL, [order])
    assert place.rows() == {}


async def test_an_account_that_is_not_attached_answers_nothing(place: Place):
    venue = await place.opened()
    await venue.detach(ACCOUNT)
    with pytest.raises(VenueUnavailable):
        await venue.balances(ACCOUNT)
    with pytest.raises(VenueUnavailable):
        await venue.look_up(ACCOUNT, [place.order(1)])
