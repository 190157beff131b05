"""Rules that seeded bugs showed nobody was watching closely enough."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from core.cycle import BASE, TAKE_PROFIT
from core.orders import OrderStatus
from core.reserve import at_stake
from db import leases
from db.clock import use_clock, utc_now
from db.transactions import run
from tests.builders import Play, a_cycle, price, report, started
from tests.faults import fault


def test_a_quarantined_take_profit_may_exist_so_there_is_no_second_one():
    play = Play(a_cycle(max_safety_orders=0, active_safety_orders=0))
    play(price(100))
    play.fill(BASE, price=100)
    play(report(play.order(TAKE_PROFIT), OrderStatus.QUARANTINED, 900, reason="quarantined"))
    for seconds in range(901, 5000, 500):
        play(price(100, seconds))
    assert [order.attempt for order in play.cycle.attempts(TAKE_PROFIT)] == [1]


def test_every_order_that_may_exist_counts_against_the_cap():
    play = Play(a_cycle())
    play(price(100))
    play.fill(BASE, price=100)
    being_sent = at_stake(play.cycle)
    assert all(order.status is OrderStatus.SENDING for order in play.cycle.live())
    assert being_sent == at_stake(started().cycle) > Decimal(300)


@fault("P7")
def test_a_host_whose_clock_is_an_hour_slow_beats_all_the_same(mariadb_engine):
    run(mariadb_engine, lambda s: leases.register_worker(s, "w", "host", 1, "boot", "b"))
    an_hour_ago = utc_now() - timedelta(hours=1)
    use_clock(lambda: an_hour_ago)
    try:
        assert run(mariadb_engine, lambda s: leases.beat(s, "w"))
    finally:
        use_clock(None)
    assert run(mariadb_engine, leases.alive_workers) == ["w"]
