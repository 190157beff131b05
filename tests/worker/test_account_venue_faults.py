"""What an exchange can do to orders: lose sight of them, give more or less, take trades back."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest

from core.cycle import DesiredState
from core.market import Side
from core.orders import VANISHED, OrderStatus, OrderUpdate, Role
from db.halt import read_halt
from tests.builders import a_fill
from tests.faults import fault
from tests.worker.fakes import Do
from tests.worker.house import House
from tests.worker.test_account_isolation import by_hand
from tests.worker.test_account_orders import running
from worker.clock import monotonic

D = Decimal
S = OrderStatus


# --- E10: an order that was there and is not shown any more


async def lost_level(house: House, level: int = 2) -> tuple[int, str]:
    """The venue shows an order of the ladder no more, although it is still there."""
    strategy = await running(house)
    name = house.attempts(strategy, Role.SAFETY, level)[0].client_order_id
    house.venue.gone.add(name)
    return strategy, name


@fault("E10")
async def test_an_order_that_vanishes_is_quarantined_after_three_rounds_and_not_before(
    house: House,
):
    house.venue.index_lag = timedelta(seconds=4)
    strategy, name = await lost_level(house)
    await house.reconcile()
    await house.second(12, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.OPEN
    await house.second(1, price=100)
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    assert (order.status, order.reason) == (S.QUARANTINED, VANISHED)
    assert house.state(strategy) == "needs_attention"
    assert "does not show it any more" in house.status(strategy).reason
    assert house.journal().count("order_vanished") == 1
    assert house.venue.sent.count(name) == 1


@fault("E10")
async def test_an_order_that_is_hidden_for_a_moment_is_nothing(house: House):
    strategy, _ = await lost_level(house)
    await house.reconcile()
    await house.second(2, price=100)
    house.venue.gone.clear()
    await house.second(10, price=100)
    assert house.state(strategy) == "running"
    assert "order_vanished" not in house.journal()


@fault("E10", "P1")
async def test_no_button_and_no_restart_frees_it_and_the_position_is_still_managed(house: House):
    strategy, _ = await lost_level(house)
    await house.reconcile()
    await house.second(14, price=100)
    await house.want(strategy, DesiredState.RUNNING)
    await house.crash()
    await house.start()
    await house.second(40, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    assert len(house.attempts(strategy, Role.SAFETY, 2)) == 1
    await house.price(101)
    assert house.attempts_of_take_profit(strategy)[-1].status is S.FILLED


@fault("E10", "P16")
async def test_a_stop_is_not_acknowledged_while_it_may_exist(house: House):
    strategy, name = await lost_level(house)
    await house.reconcile()
    await house.second(14, price=100)
    await house.want(strategy, DesiredState.STOPPED)
    await house.second(5, price=100)
    assert house.state(strategy) == "needs_attention"
    house.venue.gone.clear()
    await house.second(70, price=100)
    assert house.state(strategy) == "stopped"
    assert name not in house.open_on_venue()


@fault("E10")
async def test_its_trades_heal_it(house: House):
    strategy, _ = await lost_level(house)
    await house.reconcile()
    await house.second(14, price=100)
    await house.price(98)
    house.venue.gone.clear()
    await house.second(70, price=98)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.FILLED
    assert house.state(strategy) == "running"


@fault("E10", "E14")
async def test_a_venue_is_asked_less_and_less_about_what_only_a_person_can_settle(house: House):
    _, name = await lost_level(house)
    await house.reconcile()
    await house.second(14, price=100)
    house.venue.asked.clear()
    await house.second(600, price=None)
    assert 10 < house.venue.asked.count(name) < 120


# --- money and quantities


@fault("E33")
async def test_a_level_that_cannot_be_paid_is_put_off_and_the_others_go_on(house: House):
    strategy = house.strategy()
    house.venue.rule = lambda order: Do.NOT_NOW if order.slot.level == 2 else None
    await house.start()
    await house.stand(100)
    levels = {o.slot.level: o.status for o in house.live(strategy) if o.side is Side.BUY}
    assert levels == {1: S.OPEN, 3: S.OPEN}
    await house.second(600, price=100)
    tries = house.attempts(strategy, Role.SAFETY, 2)
    pauses = [
        (after.created_at - before.created_at).total_seconds()
        for before, after in itertools.pairwise(tries)
    ]
    assert pauses[:4] == pytest.approx([5, 10, 20, 40], abs=2)
    assert house.state(strategy) == "running"
    assert house.attempts_of_take_profit(strategy)[-1].status is S.OPEN


@fault("E34")
async def test_more_than_was_ordered_is_taken_as_it_is_with_an_alarm(house: House):
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    book = house.venue.books[house.account]
    fill = a_fill(level, house.venue.traded["BTC/USDT"], level.quantity + D("0.1"))
    del book.orders[level.client_order_id]
    house.venue.finished[level.client_order_id] = OrderUpdate(
        level.client_order_id, S.FILLED, fill.quantity, (fill,)
    )
    book.money("BTC").free += fill.quantity
    await house.reconcile()
    await house.second(2, price=100)
    done = house.attempts(strategy, Role.SAFETY, 1)[0]
    assert (done.status, done.filled) == (S.FILLED, level.quantity + D("0.1"))
    assert house.journal().count("overfilled") == 1
    (sell,) = [o for o in house.live(strategy) if o.side is Side.SELL]
    assert sell.quantity == 1 + level.quantity + D("0.1")


@fault("E7")
async def test_a_level_that_the_venue_ends_half_filled_is_placed_again_for_the_rest(house: House):
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    book = house.venue.books[house.account]
    fill = a_fill(level, house.venue.traded["BTC/USDT"], "0.5")
    del book.orders[level.client_order_id]
    house.venue.finished[level.client_order_id] = OrderUpdate(
        level.client_order_id, S.CANCELLED, D("0.5"), (fill,), expired=True
    )
    await house.reconcile()
    await house.second(3, price=100)
    first, second = house.attempts(strategy, Role.SAFETY, 1)
    assert (first.status, first.filled) == (S.CANCELLED, D("0.5"))
    assert (second.status, second.quantity) == (S.OPEN, level.quantity - D("0.5"))


@fault("E35")
async def test_an_order_that_ends_at_once_is_an_order_that_ended(house: House):
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 3)[0]
    del house.venue.books[house.account].orders[level.client_order_id]
    house.venue.finished[level.client_order_id] = OrderUpdate(
        level.client_order_id, S.CANCELLED, expired=True
    )
    await house.reconcile()
    assert house.state(strategy) == "running"
    await house.second(4, price=100)
    tries = house.attempts(strategy, Role.SAFETY, 3)
    assert [o.status for o in tries] == [S.CANCELLED, S.OPEN]


# --- stop, exits


@fault("P16")
async def test_a_stop_is_acknowledged_within_seconds_with_ten_resting_orders(house: House):
    house.go_live(USDT="5000")
    strategy = await running(house, max_safety_orders=9, safety_order_size="50")
    assert len(house.open_on_venue()) == 10
    house.venue.latency = 0.1
    began = monotonic()
    house.set_wish(strategy, DesiredState.STOPPED)
    await house.learn()
    assert house.state(strategy) == "stopped"
    took = monotonic() - began
    assert took < 5, f"{took:.1f} s"


@fault("P16")
async def test_a_stop_with_an_order_on_its_way_waits_for_its_proof(house: House):
    house.venue.rule = lambda order: Do.DELAY if order.slot.level == 3 else None
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    assert house.state(strategy) == "stopping"
    house.venue.deliver()
    await house.second(5, price=100)
    assert house.state(strategy) == "stopped"
    assert house.open_on_venue() == set()


@fault("E22")
async def test_an_urgent_exit_repeats_the_cancel_each_second_and_widens_with_an_alarm(house: House):
    strategy = await running(house, stop_loss="0.05")
    house.venue.lost_cancels = 5
    await house.price(90)
    before = len(house.venue.cancels)
    house.venue.rule = lambda order: Do.NOT_NOW if order.slot.role is Role.STOP_LOSS else None
    await house.second(4, price=90)
    profit = house.attempts_of_take_profit(strategy)[0]
    assert house.venue.cancels[before:].count(profit.client_order_id) >= 2
    await house.second(40, price=90)
    house.venue.rule = lambda order: None
    await house.second(40, price=90)
    assert house.stored(strategy).is_idle()
    assert house.journal().count("exit_widened") == 1


# --- after a restart


@fault("P1")
async def test_after_a_restart_a_take_profit_stays_until_there_is_a_price_to_replace_it(
    house: House,
):
    strategy = await running(house)
    profit = house.attempts_of_take_profit(strategy)[0]
    await house.crash()
    house.clock.advance(60)
    house.venue.move("BTC/USDT", D(99))
    await house.start()
    assert house.attempts(strategy, Role.SAFETY, 1)[0].status is S.FILLED
    assert profit.client_order_id in house.open_on_venue()
    await house.second(3)
    assert profit.client_order_id in house.open_on_venue()
    await house.stand(99)
    await house.second(1, price=99)
    assert [o.status for o in house.attempts_of_take_profit(strategy)] == [S.CANCELLED, S.OPEN]


@fault("P1", "P16")
async def test_after_a_restart_a_stop_needs_no_price(house: House):
    strategy = await running(house)
    await house.crash()
    house.clock.advance(60)
    house.set_wish(strategy, DesiredState.STOPPED)
    await house.start()
    await house.second(2)
    assert (house.state(strategy), house.open_on_venue()) == ("stopped", set())


# --- a halt


async def test_a_halt_is_acknowledged_once_no_buy_is_left_that_nobody_watches(house: House):
    strategy = await running(house)
    await house.crash()
    by_hand(house, "UPDATE orders SET status = 'lost' WHERE strategy_id = :s", s=strategy)
    await house.start()
    assert len(house.open_on_venue()) == 4, "without a halt they are left alone"
    house.set_halt(on=True)
    halt = house.run(read_halt)
    house.venue.no_open_orders = True
    await house.learn()
    assert not house.runners.obey(halt)
    house.venue.no_open_orders = False
    await house.second(3, price=100)
    assert house.runners.obey(halt)
    assert house.journal().count("unwatched_buy_cancelled") == 3
    (left,) = house.venue.books[house.account].orders.values()
    assert left.side is Side.SELL
