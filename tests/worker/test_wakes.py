"""Who is woken by a price or the clock: whoever is due, and nobody idle."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.events import last_price
from core.triggers import Watch
from tests.worker.fakes import NOON
from worker.wakes import PriceWakes, TimeWakes

PRICES = st.integers(90, 110).map(Decimal)
MAYBE = st.none() | PRICES
LATER = st.none() | st.integers(-5, 5).map(lambda s: NOON + timedelta(seconds=s))
EXITS = st.builds(Watch, below=MAYBE, above=MAYBE, peak=MAYBE, now=st.booleans())
ENTRIES = st.builds(Watch, below=MAYBE, above=MAYBE, entry=st.just(True), not_before=LATER)
WATCHES = EXITS | ENTRIES


def is_ready(watch: Watch) -> bool:
    """Its time has come; before that the clock wakes it, not a price."""
    return watch.not_before is None or watch.not_before <= NOON


def touches(watch: Watch, price: Decimal) -> bool:
    """At its peak exactly: woken, and nothing comes of it."""
    return watch.peak == price


@given(watches=st.lists(WATCHES, max_size=30), prices=st.lists(PRICES, min_size=1, max_size=10))
def test_whoever_is_due_is_woken_and_nobody_else(watches: list[Watch], prices: list[Decimal]):
    wakes = PriceWakes()
    waiting = dict(enumerate(watches))
    for strategy, watch in waiting.items():
        wakes.wait(strategy, watch, NOON)
    for price in prices:
        woken = wakes.due(last_price(price), NOON)
        due = {s for s, w in waiting.items() if is_ready(w) and w.is_due(price, NOON)}
        assert due <= woken
        assert all(s in due or touches(waiting[s], price) for s in woken)
        for strategy in woken:
            wakes.wait(strategy, waiting[strategy], NOON)


@given(
    changes=st.lists(st.tuples(st.integers(0, 5), st.none() | WATCHES), max_size=60), price=PRICES
)
def test_only_the_latest_watch_of_a_strategy_counts(changes, price: Decimal):
    wakes = PriceWakes()
    waiting: dict[int, Watch] = {}
    for strategy, watch in changes:
        if watch is None:
            wakes.drop(strategy)
            waiting.pop(strategy, None)
        else:
            wakes.wait(strategy, watch, NOON)
            waiting[strategy] = watch
    woken = wakes.due(last_price(price), NOON)
    due = {s for s, w in waiting.items() if is_ready(w) and w.is_due(price, NOON)}
    assert due <= woken <= due | {s for s, w in waiting.items() if touches(w, price)}


def test_idle_strategies_are_not_looked_at():
    wakes = PriceWakes()
    for strategy in range(10_000):
        wakes.wait(strategy, Watch(below=Decimal(50), above=Decimal(150)), NOON)
    before = [len(heap.entries) for heap in (*wakes._exit, *wakes._entry)]
    for price in (100, 149, 51):
        assert wakes.due(last_price(Decimal(price)), NOON) == set()
    assert [len(heap.entries) for heap in (*wakes._exit, *wakes._entry)] == before
    assert not wakes._always


def test_replaced_watches_do_not_pile_up():
    wakes = PriceWakes()
    for number in range(5_000):
        wakes.wait(1, Watch(below=Decimal(number)), NOON)
    assert sum(len(heap.entries) for heap in (*wakes._exit, *wakes._entry)) < 200


def test_exits_look_at_the_bid_and_entries_at_the_ask():
    wakes = PriceWakes()
    wakes.wait(1, Watch(below=Decimal(100)), NOON)
    wakes.wait(2, Watch(entry=True, below=Decimal(100)), NOON)
    quote = last_price(Decimal(100))
    spread = type(quote)(Decimal(100), Decimal(101), Decimal(100), Decimal(101))
    assert wakes.due(spread, NOON) == {1}


def at(seconds: int):
    return NOON + timedelta(seconds=seconds)


def test_an_alarm_rings_once_at_its_time():
    wakes = TimeWakes()
    wakes.wait(1, [at(5), None, at(3)])
    assert wakes.due(at(2)) == set()
    assert wakes.due(at(3)) == {1}
    assert wakes.due(at(9)) == set()


def test_a_new_alarm_replaces_the_old_one_and_none_silences_it():
    wakes = TimeWakes()
    wakes.wait(1, [at(3)])
    wakes.wait(1, [at(7)])
    wakes.wait(2, [at(3)])
    wakes.wait(2, [None])
    wakes.wait(3, [at(3)])
    wakes.drop(3)
    assert wakes.due(at(5)) == set()
    assert wakes.due(at(7)) == {1}


def test_replaced_alarms_do_not_pile_up():
    wakes = TimeWakes()
    for number in range(5_000):
        wakes.wait(1, [at(number)])
    assert len(wakes._heap) < 200
