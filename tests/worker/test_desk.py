"""Which prices may be decided on, and may a cycle be paid for?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.market import Side
from db.types import storable
from tests.builders import Play, a_cycle, a_quote, price, started
from tests.faults import fault
from tests.worker.fakes import FakeClock, FakeVenue
from worker.desk import Desk
from worker.gate import may_start
from worker.venues.crossing import Crossing
from worker.venues.protocol import TimedQuote

SYMBOL = "BTC/USDT"


@pytest.fixture
def desk(clock: FakeClock, venue: FakeVenue) -> Desk:
    return Desk("simulated", venue, monotonic=clock.monotonic)


def see(desk: Desk, clock: FakeClock, bid: object, after: float = 1.0) -> None:
    clock.advance(after)
    desk.take(SYMBOL, TimedQuote(clock.now(), a_quote(bid), clock.monotonic()))


def test_one_quote_alone_is_not_fresh(desk: Desk, clock: FakeClock):
    see(desk, clock, 100)
    assert desk.fresh(SYMBOL) is None


def test_a_quote_carries_the_one_a_second_before_it(desk: Desk, clock: FakeClock):
    see(desk, clock, 100)
    see(desk, clock, 90)
    quote = desk.fresh(SYMBOL)
    assert quote is not None
    assert (quote.bid, quote.previous_bid) == (Decimal(90), Decimal(100))
    assert quote.higher_bid == 100


@fault("E23")
@pytest.mark.parametrize("bad", ["20000", "2", "0.00000001"])
def test_a_quote_far_from_the_one_before_is_not_decided_on_alone(
    desk: Desk, clock: FakeClock, bad: str
):
    see(desk, clock, 200)
    see(desk, clock, 200)
    see(desk, clock, bad)
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 200)
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 200)
    assert desk.fresh(SYMBOL) == a_quote(200)


@fault("E22")
def test_a_real_fall_is_believed_with_the_next_quote(desk: Desk, clock: FakeClock):
    see(desk, clock, 200)
    see(desk, clock, 100)
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 99)
    quote = desk.fresh(SYMBOL)
    assert quote is not None
    assert quote.higher_bid == 100


def test_of_quotes_that_come_faster_the_one_at_least_a_second_before_counts(
    desk: Desk, clock: FakeClock
):
    for number in range(8):
        see(desk, clock, 100 - number, after=0.25)
    quote = desk.fresh(SYMBOL)
    assert quote is not None
    assert (quote.bid, quote.previous_bid) == (Decimal(93), Decimal(97))


def test_after_a_pause_of_more_than_10_seconds_a_second_quote_is_waited_for(
    desk: Desk, clock: FakeClock
):
    see(desk, clock, 100)
    see(desk, clock, 100)
    see(desk, clock, 50, after=11)
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 51)
    quote = desk.fresh(SYMBOL)
    assert quote is not None
    assert quote.previous_bid == 50


def test_a_quote_is_fresh_for_10_seconds_on_both_clocks(desk: Desk, clock: FakeClock):
    see(desk, clock, 100)
    see(desk, clock, 100)
    clock.advance(10)
    assert desk.fresh(SYMBOL) is not None
    clock.seconds += 0.5  # the wall clock stands still
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 100)
    see(desk, clock, 100)
    clock.jump(10.5)  # the wall clock was set
    assert desk.fresh(SYMBOL) is None


def test_a_wall_clock_that_was_set_back_needs_two_quotes_again_and_no_more(
    desk: Desk, clock: FakeClock
):
    see(desk, clock, 100)
    see(desk, clock, 100)
    clock.jump(-3600)
    see(desk, clock, 99)
    assert desk.fresh(SYMBOL) is None
    see(desk, clock, 99)
    assert desk.fresh(SYMBOL) is not None


async def test_a_symbol_that_nobody_uses_is_forgotten(desk: Desk, clock: FakeClock):
    await desk.follow(SYMBOL, 1)
    await desk.follow(SYMBOL, 2)
    see(desk, clock, 100)
    desk.unfollow(SYMBOL, 1)
    assert desk.symbols == [SYMBOL]
    desk.unfollow(SYMBOL, 2)
    assert (desk.symbols, desk.latest, desk.woken(SYMBOL, clock.now())) == ([], {}, set())


# --- money before orders


def test_a_cycle_starts_when_its_whole_ladder_is_free():
    needed = Decimal(100) + 3 * 100
    assert may_start(a_cycle(), Decimal(100), needed, []) is None
    held = may_start(a_cycle(), Decimal(100), needed - Decimal("0.5"), [])
    assert held is not None
    assert held.missing == Decimal("0.5")
    assert "0.5 USDT are missing" in held.sentence


def test_what_others_still_need_is_not_free_and_what_is_locked_is_counted_once():
    other = started(active_safety_orders=1).cycle
    outside = Decimal("1.02") * 98 + Decimal("1.03") * 97
    assert may_start(a_cycle(), Decimal(100), 400 + outside, [other]) is None
    held = may_start(a_cycle(), Decimal(100), 399 + outside, [other])
    assert held is not None
    assert held.missing == 1


def test_a_base_order_under_way_counts_with_its_whole_ladder():
    play = Play(a_cycle())
    play(price(100))
    held = may_start(a_cycle(), Decimal(100), Decimal(700), [play.cycle])
    assert held is not None
    assert held.missing == 100


def test_a_ladder_that_the_market_refuses_starts_nothing_and_misses_no_money():
    held = may_start(a_cycle(), Decimal(1_000_000), Decimal(10_000), [])
    assert held is not None
    assert held.missing is None


# --- resting orders by price

ORDERS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(1, 3)), max_size=40
)


@given(
    orders=ORDERS,
    steps=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 39)), min_size=1, max_size=12),
)
def test_exactly_the_orders_that_the_market_reaches_are_found(orders, steps):
    crossing, resting = Crossing(), {}
    for number, (side, at, account) in enumerate(orders):
        crossing.add(account, str(number), side, Decimal(at))
        resting[str(number)] = (side, Decimal(at), account)
    for at, gone in steps:
        found = crossing.reached(Decimal(at), Decimal(at + 1))
        expected: dict[int, set[str]] = {}
        for name, (side, limit, account) in resting.items():
            if limit >= at + 1 if side is Side.BUY else limit <= at:
                expected.setdefault(account, set()).add(name)
        assert {account: set(names) for account, names in found.items()} == expected
        assert all(len(names) == len(set(names)) for names in found.values())
        crossing.remove(str(gone))
        resting.pop(str(gone), None)


def test_the_best_price_is_met_first():
    crossing = Crossing()
    for name, limit in (("low", 90), ("high", 95), ("middle", 92)):
        crossing.add(1, name, Side.BUY, Decimal(limit))
    assert crossing.reached(Decimal(80), Decimal(80)) == {1: ["high", "middle", "low"]}


@given(grown=st.decimals("1", "3", places=18), free=st.decimals("0", "100", places=18))
def test_the_missing_money_of_sizes_that_grew_can_be_stored_and_is_enough(
    grown: Decimal, free: Decimal
):
    """Found by a seed: an amount with 21 places after the point stopped the strategy for good."""
    cycle = replace(a_cycle(base_order_size="10.01"), size_factor=grown)
    held = may_start(cycle, Decimal(100), free, [])
    assert held is not None
    assert held.missing is not None
    assert storable(held.missing) == held.missing
    assert may_start(cycle, Decimal(100), free + held.missing, []) is None
