"""The self-test: one small order, written down, placed once, found, cancelled, proven gone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import select

from core.errors import InvalidInput
from core.order_ids import is_self_test, self_test_id
from core.orders import OrderStatus
from db import account_status, exchange_proofs, installation
from db.account_status import SelfTest
from db.errors import DatabaseUnavailable, LeaseLost
from db.tables import JournalRow, LeaseRow
from db.transactions import run
from tests.builders import a_market
from tests.db.people import a_live_account, a_user
from tests.faults import fault
from tests.worker.fakes import NOON, Do, FakeVenue
from tests.worker.live_keys import known
from worker import clock as clocks
from worker.clock import use_monotonic
from worker.database import Database
from worker.keys import self_test
from worker.keys.self_test import Bench, finish_self_test, run_self_test
from worker.keys.self_test_order import candidates, smallest_order

D = Decimal
MARKET = a_market(symbol="BTC/USDT", tick_size=D("0.01"), lot_size=D("0.00001"), min_notional=D(5))
SYMBOL = MARKET.symbol


class Room:
    """A live account on the fake exchange; `run` is the self-test as the worker runs it."""

    def __init__(self, engine, clock, venue) -> None:
        self.engine, self.clock, self.venue = engine, clock, venue
        self.account_id = a_live_account(engine, a_user(engine))
        self.account = known(engine, self.account_id)
        self.code = run(engine, installation.code)
        self.order_id = self_test_id(self.code, self.account_id, 1)
        self.database = Database(engine)
        self.bench = Bench(self.database, venue, self.account, None, self.pause)
        self.paused = 0
        self.during = lambda: None

    async def pause(self, seconds: float) -> None:
        self.paused += 1
        self.clock.advance(seconds)
        self.during()

    @property
    def order(self):
        return smallest_order(
            MARKET, self.order_id, last=D(100), lowest_buy=None, cap=D(500), at=self.clock.now()
        )

    async def run(self) -> SelfTest:
        return await run_self_test(self.bench, 1, SYMBOL, self.order)

    async def finish(self) -> SelfTest:
        return await finish_self_test(self.bench, 1, SYMBOL, self.order, self.code)

    def said(self):
        return run(self.engine, lambda s: account_status.load(s, [self.account_id]))[
            self.account_id
        ]

    def journal(self) -> list[tuple[str, str | None]]:
        rows = run(
            self.engine, lambda s: s.scalars(select(JournalRow).order_by(JournalRow.id)).all()
        )
        return [(row.code, row.client_order_id) for row in rows]

    def is_proven(self) -> bool:
        return "binance" in run(self.engine, exchange_proofs.proven)

    def resting(self) -> list[str]:
        return list(self.venue.books[self.account_id].orders)


@pytest_asyncio.fixture
async def room(sqlite_engine, clock, tmp_path):
    venue = FakeVenue(clock, MARKET, lag=2)
    venue.prices[SYMBOL] = D(100)
    made = Room(sqlite_engine, clock, venue)
    await venue.attach(made.account_id, {"USDT": D(100)})
    before = clocks._monotonic
    use_monotonic(clock.monotonic)
    yield made
    use_monotonic(before)
    made.database.close()


async def test_the_smallest_order_is_placed_found_cancelled_and_proven_gone(room):
    assert await room.run() is SelfTest.PASSED
    assert room.venue.sent == [room.order_id]
    assert room.venue.cancels == [room.order_id]
    assert room.resting() == []
    assert room.is_proven()
    said = room.said()
    assert (said.self_test, said.self_test_rev) == (SelfTest.PASSED, 1)
    assert "Nothing was bought" in said.self_test_sentence


async def test_it_is_written_down_before_it_is_sent(room):
    seen = []

    def look(order):
        seen.append((room.said().self_test, room.journal()))

    room.venue.rule = look
    await room.run()
    assert seen == [(SelfTest.RUNNING, [("self_test_running", room.order_id)])]
    assert [code for code, _ in room.journal()] == ["self_test_running", "self_test_passed"]


async def test_nothing_is_sent_when_it_could_not_be_written(room, monkeypatch):
    def broken(*_args):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(self_test, "_write", broken)
    with pytest.raises(DatabaseUnavailable):
        await room.run()
    assert room.venue.sent == []


@fault("P5")
async def test_who_lost_the_lease_sends_nothing(room):
    row = {"account_id": room.account_id, "owner": "w", "token": 3, "beat": 0, "taken_at": None}
    run(room.engine, lambda s: s.add(LeaseRow(**row)))
    room.bench = replace(room.bench, token=2)
    with pytest.raises(LeaseLost):
        await room.run()
    assert room.venue.sent == []


@pytest.mark.parametrize(
    ("does", "reason", "hint"),
    [
        (Do.REFUSE, "tick_size", "key's rights"),
        (Do.NOT_NOW, "maintenance", "closed for maintenance"),
    ],
)
async def test_an_order_that_is_not_taken_fails_the_test_with_the_reason(room, does, reason, hint):
    room.venue.next.append(does)
    assert await room.run() is SelfTest.FAILED
    assert reason in room.said().self_test_sentence
    assert hint in room.said().self_test_sentence
    assert not room.is_proven()
    assert room.venue.cancels == []


@fault("E1")
async def test_an_answer_that_is_lost_is_no_reason_to_send_again(room):
    room.venue.next.append(Do.LOSE_ANSWER)
    assert await room.run() is SelfTest.PASSED
    assert room.venue.sent == [room.order_id]


@fault("E2")
async def test_an_order_that_never_arrives_fails_the_test_after_the_wait_of_a_proof(room):
    room.venue.next.append(Do.DROP)
    started = room.clock.monotonic()
    assert await room.run() is SelfTest.FAILED
    assert room.clock.monotonic() - started > 8
    assert "does not know it" in room.said().self_test_sentence
    assert room.venue.sent == [room.order_id]
    assert not room.is_proven()


@fault("E11")
async def test_an_order_that_shows_late_is_found(room):
    room.venue.hidden[room.order_id] = 4
    assert await room.run() is SelfTest.PASSED


@fault("E8")
async def test_an_order_that_fills_during_the_cancel_is_said_to_have_filled(room):
    room.venue.fill_during_cancel = True
    assert await room.run() is SelfTest.FAILED
    assert "now lie on the account and belong to no strategy" in room.said().self_test_sentence
    assert not room.is_proven()


async def test_a_fill_counts_only_with_its_trades(room):
    room.venue.fill_during_cancel = room.venue.late_trades = True

    def arrive() -> None:
        if room.paused > 3:
            room.venue.late_trades = False

    room.during = arrive
    assert await room.run() is SelfTest.FAILED
    assert room.paused == 4
    assert "0.07286 BTC now lie" in room.said().self_test_sentence


@fault("E9")
async def test_a_cancel_without_an_answer_is_repeated_until_the_end_is_seen(room):
    room.venue.lost_cancels = 2
    assert await room.run() is SelfTest.PASSED
    assert len(room.venue.cancels) == 3
    assert room.resting() == []


@fault("E15")
async def test_while_the_exchange_is_silent_the_test_is_not_finished_and_goes_on_later(room):
    room.during = lambda: None
    place = room.venue.place

    async def place_and_go_deaf(*given):
        answer = await place(*given)
        room.venue.deaf = True
        return answer

    room.venue.place = place_and_go_deaf
    assert await room.run() is SelfTest.RUNNING
    assert room.said().self_test is SelfTest.RUNNING
    assert room.order_id in room.said().self_test_sentence
    assert room.resting() == [room.order_id]
    room.venue.deaf = False
    assert await room.finish() is SelfTest.FAILED
    assert room.resting() == []
    assert room.venue.sent == [room.order_id]


# --- after a crash


@fault("P1")
async def test_what_a_crash_left_on_the_exchange_is_found_by_its_prefix_and_cancelled(room):
    await room.venue.place(room.account_id, SYMBOL, [room.order])
    older = replace(room.order, client_order_id=self_test_id(room.code, room.account_id, 7))
    await room.venue.place(room.account_id, SYMBOL, [older])
    strategys = replace(room.order, client_order_id=f"s{room.code}{'a' * 12}")
    await room.venue.place(room.account_id, SYMBOL, [strategys])
    assert await room.finish() is SelfTest.FAILED
    assert room.resting() == [strategys.client_order_id]
    assert "press self-test again" in room.said().self_test_sentence


@fault("P1")
async def test_one_that_never_arrived_before_the_crash_is_proven_so_and_not_sent_again(room):
    assert await room.finish() is SelfTest.FAILED
    assert len(room.venue.sent) == 0


@fault("P1")
async def test_one_that_arrives_after_the_crash_is_waited_for(room):
    room.venue.next.append(Do.DELAY)
    room.venue.under_way.append((room.account_id, SYMBOL, room.order))

    def arrive() -> None:
        if room.paused == 2:
            room.venue.deliver()

    room.during = arrive
    assert await room.finish() is SelfTest.FAILED
    assert room.venue.accepted == [room.order_id]
    assert room.resting() == []


@fault("P1")
async def test_one_that_filled_meanwhile_is_told(room):
    await room.venue.place(room.account_id, SYMBOL, [room.order])
    room.venue.move(SYMBOL, D(50))
    assert await room.finish() is SelfTest.FAILED
    assert "now lie on the account" in room.said().self_test_sentence


# --- the order


def plan(market=MARKET, last=100, lowest=None, cap=500):
    order = smallest_order(market, "x", last=D(last), lowest_buy=lowest, cap=D(cap), at=NOON)
    return order.price, order.quantity


def test_it_is_as_small_as_allowed_and_30_percent_below_the_market():
    price, quantity = plan()
    assert price == D(70)
    assert quantity == D("0.07286")  # 5.10 USDT: a little more than the minimum
    assert MARKET.is_tradable(quantity, price)


@pytest.mark.parametrize(
    ("lowest", "price"),
    [(D("0.2"), D(70)), (D("0.69"), D("70.38")), (D("0.8"), D("81.60")), (D("0.93"), D("94.86"))],
)
def test_it_stays_above_the_lowest_price_that_the_exchange_takes(lowest, price):
    assert plan(lowest=lowest)[0] == price


def test_where_no_order_can_be_far_below_the_market_there_is_no_test():
    with pytest.raises(InvalidInput, match="takes no order far below its price"):
        plan(lowest=D("0.95"))


def test_a_market_that_does_not_say_its_minimum_is_not_used():
    with pytest.raises(InvalidInput, match="how small an order may be"):
        plan(replace(MARKET, min_notional=D(0), min_quantity=D(0)))
    with pytest.raises(InvalidInput, match="no price"):
        plan(last=0)


def test_an_order_above_the_cap_is_not_placed():
    with pytest.raises(InvalidInput, match="more than the account's cap"):
        plan(cap=5)


def test_markets_of_large_coins_come_first_and_only_those_that_the_caps_allow():
    symbols = ["DOGE/USDT", "ETH/USDT", "BTC/EUR", "BTC/USDT", "ETH/EUR"]
    markets = [replace(MARKET, symbol=symbol) for symbol in symbols]
    found = candidates(markets, {"USDT": D(1)})
    assert [market.symbol for market in found] == ["BTC/USDT", "ETH/USDT", "DOGE/USDT"]


def test_its_id_is_never_one_of_a_strategy_and_fits_every_exchange():
    own = self_test_id("ab12", 7, 1)
    assert own.startswith("sab12t")
    assert len(own) == 18
    assert own.isalnum()
    assert is_self_test(own, "ab12")
    assert not is_self_test(own, "ab13")
    assert not is_self_test(own[:-1], "ab12")
    assert own != self_test_id("ab12", 7, 2) != self_test_id("ab12", 8, 1)


def test_the_fake_exchange_knows_what_became_of_an_order():
    assert {OrderStatus.CANCELLED, OrderStatus.FILLED} == set(self_test.FINAL)


async def test_a_reconciliation_leaves_a_running_test_alone_and_cancels_one_that_stays(house):
    house.strategy()
    await house.start()
    await house.stand(100)
    order_id = self_test_id(house.run(installation.code), house.account, 1)
    house.put_on_venue(order_id)
    await house.reconcile()
    assert order_id in house.open_on_venue()
    assert "orphan_cancelled" not in house.journal()
    await house.reconcile()
    assert order_id not in house.open_on_venue()
    assert house.journal().count("orphan_cancelled") == 1
