"""The status table: what may follow what, and how updates are merged."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cycle import BASE
from core.errors import ImpossibleTransition
from core.market import Side
from core.orders import (
    LIVE,
    TRANSITIONS,
    Fill,
    Kind,
    Order,
    OrderStatus,
    OrderUpdate,
    ask_cancel,
    merge,
    transition,
)
from tests.builders import at

S = OrderStatus
ALL = list(OrderStatus)


def an_order(status: OrderStatus = S.SENDING, quantity: int = 10, **changes) -> Order:
    price = Decimal(100)
    order = Order(
        "stest1", BASE, 1, Side.BUY, Kind.LIMIT, price, price, Decimal(quantity), status, at(0)
    )
    return replace(order, **changes)


def trade(number: int, quantity: int = 1) -> Fill:
    return Fill(
        str(number), at(number), Decimal(100), Decimal(quantity), Decimal(0), "USDT", Decimal(0)
    )


def update(status: OrderStatus, filled: int = 0, trades=(), **changes) -> OrderUpdate:
    return OrderUpdate("stest1", status, Decimal(filled), tuple(trades), **changes)


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
def test_only_the_table_allows_a_transition(source, target):
    order = an_order(source)
    if target in TRANSITIONS[source]:
        assert transition(order, target).status is target
        return
    with pytest.raises(ImpossibleTransition):
        transition(order, target)
    assert order.status is source


def test_every_status_stands_in_the_table():
    assert set(TRANSITIONS) == set(OrderStatus)


@pytest.mark.parametrize("status", [s for s in ALL if s not in LIVE])
def test_a_final_order_never_lives_again(status):
    assert not TRANSITIONS[status] & LIVE


@pytest.mark.parametrize("status", [s for s in ALL if s is not S.OPEN])
def test_only_an_open_order_is_cancelled(status):
    with pytest.raises(ImpossibleTransition):
        ask_cancel(an_order(status))


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
def test_an_update_that_the_table_does_not_allow_changes_nothing(source, target):
    order = an_order(source)
    news = update(target, 10, [trade(1, 10)]) if target is S.FILLED else update(target)
    merged = merge(order, news, at(5))
    if target not in TRANSITIONS[source]:
        assert merged.status is source
        assert merged.finished_at is order.finished_at
    else:
        assert merged.status is target


def test_a_fill_wins_over_a_cancel():
    order = merge(an_order(S.OPEN), update(S.CANCELLED, 10, [trade(1, 10)]), at(1))
    assert order.status is S.FILLED


def test_a_fill_that_crossed_our_cancel_turns_cancelled_into_filled():
    order = merge(an_order(S.CANCELLING), update(S.CANCELLED), at(1))
    order = merge(order, update(S.FILLED, 10, [trade(1, 10)]), at(2))
    assert order.status is S.FILLED


def test_an_order_stays_live_until_the_trades_of_its_figure_have_arrived():
    order = merge(an_order(), update(S.FILLED, 10, [trade(1, 4)]), at(1))
    assert order.status is S.OPEN
    assert not order.is_settled
    order = merge(order, update(S.FILLED, 10, [trade(1, 4), trade(2, 6)]), at(2))
    assert order.status is S.FILLED
    assert order.is_settled


def test_a_smaller_figure_that_arrives_late_is_ignored():
    order = merge(an_order(), update(S.OPEN, 4, [trade(1, 4)]), at(1))
    assert merge(order, update(S.OPEN, 0), at(2)) == order


def test_a_cancel_that_nobody_here_asked_for_was_made_by_hand():
    assert merge(an_order(S.OPEN), update(S.CANCELLED), at(1)).cancelled_by_hand
    assert not merge(ask_cancel(an_order(S.OPEN)), update(S.CANCELLED), at(1)).cancelled_by_hand
    assert not merge(an_order(S.OPEN), update(S.CANCELLED, expired=True), at(1)).cancelled_by_hand


def history(end: OrderStatus, sizes: list[int]) -> list[OrderUpdate]:
    """The cumulative snapshots of one order in the order in which the venue made them."""
    news, trades, total = [update(S.OPEN)], [], 0
    for number, size in enumerate(sizes):
        trades.append(trade(number, size))
        total += size
        news.append(update(S.OPEN, total, trades))
    return [*news, update(end, total, trades)]


@given(data=st.data(), sizes=st.lists(st.integers(1, 3), max_size=3), by_us=st.booleans())
def test_lost_doubled_and_reordered_updates_give_the_same_order(data, sizes, by_us):
    end = S.FILLED if sum(sizes) == 9 else S.CANCELLED
    news = history(end, sizes)
    start = an_order(S.OPEN, quantity=9)
    start = ask_cancel(start) if by_us else start
    wanted = start
    for item in news:
        wanted = merge(wanted, item, at(9))
    arrived = data.draw(st.lists(st.sampled_from(news), max_size=8))
    position = data.draw(st.integers(0, len(arrived)))
    arrived.insert(position, news[-1])  # the last one gets through once, some time
    found = start
    for item in arrived:
        found = merge(found, item, at(9))
    assert found == wanted


def test_the_order_of_three_updates_does_not_matter():
    news = history(S.CANCELLED, [2, 3])
    found = set()
    for order_of_arrival in permutations(news):
        order = an_order(S.OPEN)
        for item in order_of_arrival:
            order = merge(order, item, at(9))
        found.add(order)
    assert len(found) == 1
