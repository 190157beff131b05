"""An idle cycle that tries and tries keeps its latest attempts only, and never repeats an id."""

from __future__ import annotations

from core.cycle import BASE
from core.orders import OrderStatus
from core.wanted import base_started_at, without_old_attempts
from tests.builders import Play, a_cycle, price, report


def try_in_vain(play: Play, seconds: float) -> str:
    """One limit base order that is placed, follows the price 30 s later and is cancelled."""
    play(price(100, seconds))
    order = play.order(BASE)
    play(report(order, OrderStatus.OPEN, seconds))
    play(price(101, seconds + 30))
    play(report(play.order(BASE), OrderStatus.CANCELLED, seconds + 31))
    return order.client_order_id


def test_attempts_without_fills_do_not_accumulate_and_ids_never_repeat():
    play = Play(a_cycle(base_order_type="limit"))
    ids = [try_in_vain(play, 40.0 * n) for n in range(400)]
    assert len(set(ids)) == len(ids)
    assert len(play.cycle.orders) <= 40
    assert play.cycle.dropped + len(play.cycle.orders) == 400
    assert play.order(BASE).attempt == 400


def test_what_is_left_says_the_same_about_when_the_base_order_began():
    play, whole = Play(a_cycle(base_order_type="limit")), Play(a_cycle(base_order_type="limit"))
    orders = []
    for n in range(120):
        try_in_vain(play, 40.0 * n)
        orders.append(play.order(BASE))
    whole.cycle = whole.cycle.with_order(orders[0])
    for order in orders[1:]:
        whole.cycle = whole.cycle.with_order(order)
    assert len(whole.cycle.orders) == 120
    assert base_started_at(whole.cycle) == base_started_at(play.cycle)
    assert base_started_at(without_old_attempts(whole.cycle)) == base_started_at(play.cycle)


def test_a_cycle_that_has_bought_forgets_nothing():
    play = Play(a_cycle(base_order_type="limit"))
    for n in range(20):
        try_in_vain(play, 40.0 * n)
    play(price(100, 10_000))
    play(report(play.order(BASE), OrderStatus.OPEN, 10_000))
    assert not play.cycle.is_idle()
    assert without_old_attempts(play.cycle) is play.cycle
