"""Rules that seeded bugs showed nobody was watching closely enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.actual_state import ActualState, state_of
from core.cycle import BASE, DesiredState
from core.events import WantedChanged
from core.orders import OrderStatus, Role, Slot
from core.reserve import at_stake
from db import leases
from db.clock import use_clock, utc_now
from db.engine import make_engine
from db.errors import CommitUnknown
from db.transactions import run
from tests.builders import Play, a_cycle, at, price, started
from tests.db.faults import CutAtCommit
from tests.faults import fault
from worker.units import Unit, Writer


def test_a_quarantined_order_may_exist_so_it_counts_and_nothing_has_stopped():
    play = started()
    level = play.order(Slot(Role.SAFETY, 2))
    before = at_stake(play.cycle)
    quarantined = replace(level, status=OrderStatus.QUARANTINED, reason="quarantined")
    play.cycle = play.cycle.with_order(quarantined)
    assert at_stake(play.cycle) == before
    play(WantedChanged(at(1), DesiredState.STOPPED))
    play.cancel_all(2)
    assert [order.slot for order in play.cycle.live()] == [level.slot]
    state, sentence = state_of(play.cycle, at(3), None)
    assert state is not ActualState.STOPPED
    assert "look at the exchange" in sentence


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


@fault("D2")
@pytest.mark.parametrize("cut", ["before", "after"])
def test_units_whose_commit_is_of_unknown_outcome_are_all_unknown(mariadb_engine, cut):
    run(mariadb_engine, lambda s: leases.register_worker(s, "w", "host", 1, "boot", "b"))
    tokens = run(mariadb_engine, lambda s: leases.take_all(s, "w", [1, 2]))
    units = [
        Unit(account, token, utc_now(), (), (), (), (), {}, 0) for account, token in tokens.items()
    ]
    with CutAtCommit(mariadb_engine.url.port) as proxy:
        url = mariadb_engine.url.set(port=proxy.port)
        engine = make_engine(url.render_as_string(hide_password=False))
        writer = Writer(engine)
        assert writer.commit(units) == [None, None]
        proxy.cut = cut
        assert [type(result) for result in writer.commit(units)] == [CommitUnknown] * 2
        engine.dispose()
