"""What people want, cancels, refusals, money and orphans: the account on real rows."""

from __future__ import annotations

from decimal import Decimal

from core.candles import EPOCH, Candle
from core.cycle import DesiredState, PassedLevels
from core.order_ids import client_order_id
from core.orders import OrderStatus, Role, Slot
from tests.builders import a_market
from tests.faults import fault
from tests.worker.fakes import NOON, Do
from tests.worker.house import House
from tests.worker.test_account_orders import running

S = OrderStatus


# --- cancels


async def test_the_reply_to_a_cancel_proves_nothing(house: House):
    strategy = await running(house)
    house.venue.lost_cancels = 4
    await house.want(strategy, DesiredState.STOPPED)
    assert {o.status for o in house.live(strategy)} == {S.CANCELLING}
    assert house.state(strategy) == "stopping"
    assert len(house.open_on_venue()) == 4
    await house.second(4, price=100)
    assert house.open_on_venue() == set()
    assert house.state(strategy) == "stopped"


async def test_a_cancel_whose_reply_was_lost_is_proven_by_a_look(house: House):
    strategy = await running(house)
    house.venue.unheard_cancels = 4
    await house.want(strategy, DesiredState.STOPPED)
    await house.second(4, price=100)
    assert house.open_on_venue() == set()
    assert house.state(strategy) == "stopped"


async def test_an_order_that_fills_while_it_is_cancelled_counts_as_filled(house: House):
    strategy = await running(house)
    house.venue.fill_during_cancel = True
    await house.want(strategy, DesiredState.PAUSED)
    rows = house.rows(strategy)
    assert [row.status for row in rows if row.role == "safety"] == ["filled"] * 3
    bought = sum(row.reported_filled for row in rows if row.side == "buy")
    sold = sum(row.reported_filled for row in rows if row.side == "sell")
    still_held = house.venue.books[house.account].money("BTC")
    assert bought - sold == still_held.free + still_held.used


async def test_a_take_profit_is_replaced_only_after_its_cancel_is_confirmed(house: House):
    strategy = await running(house)
    house.venue.lost_cancels = 3
    await house.price(99)
    (old,) = house.attempts(strategy, Role.TAKE_PROFIT)
    assert old.status is S.CANCELLING
    await house.second(2, price=99)
    assert len(house.attempts(strategy, Role.TAKE_PROFIT)) == 1
    await house.second(2, price=99)
    old, new = house.attempts(strategy, Role.TAKE_PROFIT)
    assert (old.status, new.status) == (S.CANCELLED, S.OPEN)
    assert new.quantity == 2 * old.quantity + Decimal("0.01")


async def test_an_order_cancelled_by_hand_is_not_fought(house: House):
    strategy = await running(house)
    (level,) = house.attempts(strategy, Role.SAFETY, 2)
    house.venue.cancel_by_hand(house.account, level.client_order_id)
    await house.reconcile()
    await house.second(10, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 2)) == 1
    assert "cancelled by you" in house.status(strategy).reason


async def test_trades_that_arrive_later_are_waited_for_and_nothing_is_sized_on_a_guess(
    house: House,
):
    strategy = await running(house)
    house.venue.late_trades = True
    await house.price(99)
    (level,) = house.attempts(strategy, Role.SAFETY, 1)
    assert (level.status, level.reported_filled, level.filled) == (
        S.OPEN,
        level.quantity,
        Decimal(0),
    )
    assert [o.status for o in house.attempts(strategy, Role.TAKE_PROFIT)] == [S.OPEN]
    house.venue.late_trades = False
    await house.reconcile()
    (level,) = house.attempts(strategy, Role.SAFETY, 1)
    assert level.status is S.FILLED
    assert len(house.attempts(strategy, Role.TAKE_PROFIT)) == 2


# --- stop


async def test_stop_is_acknowledged_only_when_no_order_can_be_live(house: House):
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 2 else None
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    await house.second(3, price=100)
    assert [o.status for o in house.live(strategy)] == [S.SENDING]
    assert house.state(strategy) == "stopping"
    await house.second(8, price=100)
    assert house.live(strategy) == []
    assert house.state(strategy) == "stopped"
    assert house.status(strategy).observed_rev == 2


async def test_after_stop_nothing_is_bought_however_the_price_moves(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    sent = list(house.venue.sent)
    for price in (99, 98, 97, 103, 90):
        await house.stand(price)
    assert house.venue.sent == sent


async def test_a_stop_before_the_first_price_is_acknowledged_too(house: House):
    strategy = house.strategy()
    await house.start()
    await house.want(strategy, DesiredState.STOPPED)
    assert (house.state(strategy), house.venue.sent) == ("stopped", [])


async def test_starting_again_can_continue_the_cycle(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    await house.want(strategy, DesiredState.RUNNING)
    await house.stand(100)
    assert house.stored(strategy).number == 1
    assert len(house.open_on_venue()) == 4


async def test_starting_again_can_release_the_coins_at_the_price_of_that_moment(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.STOPPED)
    house.clock.advance(60)
    await house.want(strategy, DesiredState.RUNNING, release=True)
    assert house.stored(strategy).number == 1  # not at a price that is a minute old
    await house.second(3, price=95)
    cycle = house.stored(strategy)
    assert (cycle.number, cycle.released_at_price) == (2, None)
    base = house.attempts(strategy, Role.BASE)[0]
    assert base.fills[0].price == 95


async def test_closing_sells_everything_at_market_once_the_take_profit_is_gone(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.CLOSED)
    await house.stand(100)
    assert house.state(strategy) == "closed"
    sells = [row for row in house.rows(strategy) if row.role == "close"]
    assert [row.status for row in sells] == ["filled"]
    assert house.venue.books[house.account].money("BTC").free == 0


# --- resuming with levels that the price has passed


async def resumed_below_two_levels(house: House, choice: PassedLevels) -> int:
    strategy = await running(house)
    await house.want(strategy, DesiredState.PAUSED)
    await house.stand("97.5")
    await house.want(strategy, DesiredState.RUNNING, passed_levels=choice)
    await house.stand("97.5")
    return strategy


async def test_passed_levels_wait_until_the_price_is_above_them(house: House):
    strategy = await resumed_below_two_levels(house, PassedLevels.WAIT)
    assert house.stored(strategy).held == {1, 2}
    assert [o.slot.level for o in house.live(strategy) if o.slot.level] == [3]
    await house.stand("98.5")
    assert house.stored(strategy).held == {1}
    await house.stand("99.5")
    assert {o.slot.level for o in house.live(strategy) if o.slot.level} == {1, 2, 3}


async def test_passed_levels_can_be_skipped(house: House):
    strategy = await resumed_below_two_levels(house, PassedLevels.SKIP)
    await house.stand("99.9")
    assert house.stored(strategy).skipped == {1, 2}
    assert [o.slot.level for o in house.live(strategy) if o.slot.level] == [3]


async def test_skipping_waits_for_a_fresh_price_to_know_what_was_passed(house: House):
    strategy = await running(house)
    await house.want(strategy, DesiredState.PAUSED)
    house.clock.advance(60)
    await house.want(strategy, DesiredState.RUNNING, passed_levels=PassedLevels.SKIP)
    await house.second(3, price="97.5")
    assert house.stored(strategy).skipped == {1, 2}


async def test_passed_levels_can_be_bought_now(house: House):
    strategy = await resumed_below_two_levels(house, PassedLevels.BUY)
    bought = {
        o.slot.level: o.fills[0].price
        for o in house.stored(strategy).orders
        if o.slot.level and o.fills
    }
    assert bought == {1: Decimal("97.5"), 2: Decimal("97.5")}


# --- refusals


async def test_a_refused_order_needs_a_person_and_is_not_retried_until_they_say_so(house: House):
    house.venue.rule = lambda order: Do.REFUSE if order.slot.level == 2 else None
    strategy = await running(house)
    assert house.state(strategy) == "needs_attention"
    await house.second(20, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 2)) == 1
    assert {o.slot.role for o in house.live(strategy)} == {Role.TAKE_PROFIT}
    house.venue.rule = lambda order: None
    await house.want(strategy, DesiredState.RUNNING)
    await house.stand(100)
    assert house.state(strategy) == "running"
    ids = [o.client_order_id for o in house.attempts(strategy, Role.SAFETY, 2)]
    assert len(set(ids)) == 2


async def test_what_is_not_placed_is_tried_again_with_new_ids_after_5_seconds_to_5_minutes(
    house: House,
):
    house.venue.rule = lambda order: Do.NOT_NOW if order.slot.level == 1 else None
    strategy = await running(house)
    await house.second(4, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 1)) == 1
    await house.second(2, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 1)) == 2
    await house.second(8, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 1)) == 2
    await house.second(3, price=100)
    assert len(house.attempts(strategy, Role.SAFETY, 1)) == 3
    assert house.nothing_was_sent_twice()


# --- money


async def test_missing_funds_defer_that_level_only(house: House):
    strategy = await running(house, max_safety_orders=1)
    money = house.venue.books[house.account].money("USDT")
    await house.want(strategy, DesiredState.PAUSED)
    money.free = Decimal(1)
    await house.want(strategy, DesiredState.RUNNING)
    await house.stand(100)
    assert [o.status for o in house.attempts(strategy, Role.SAFETY, 1)][-1] is S.NOT_PLACED
    assert [o.status for o in house.attempts(strategy, Role.TAKE_PROFIT)][-1] is S.OPEN
    assert house.state(strategy) == "running"
    money.free = Decimal(1000)
    await house.second(8, price=100)
    assert house.attempts(strategy, Role.SAFETY, 1)[-1].status is S.OPEN


async def test_of_two_that_together_exceed_the_balance_one_starts_and_one_says_what_is_missing(
    house: House,
):
    house.venue.traded["ETH/USDT"] = a_market(symbol="ETH/USDT")
    first = house.strategy(base_order_size="3000", safety_order_size="1000")
    second = house.strategy("ETH/USDT", base_order_size="3000", safety_order_size="1000")
    await house.start()
    house.venue.prices["ETH/USDT"] = Decimal(100)
    for _ in range(3):
        house.clock.advance(1)
        await house.show(100)
        await house.show(100, "ETH/USDT")
        await house.settle()
    assert (house.state(first), house.state(second)) == ("running", "waiting")
    assert house.status(second).missing == Decimal(2000)
    assert "2000 USDT are missing" in house.status(second).reason


# --- orders without a row


async def test_an_orphan_of_ours_is_adopted_into_the_slot_whose_id_it_has(house: House):
    strategy = await running(house)
    lost = {o.client_order_id for o in house.live(strategy) if o.slot.level in (1, 2)}
    await house.crash()
    house.forget_orders(lost)
    await house.start()
    await house.stand(100)
    assert lost <= house.open_in_rows(strategy)
    assert lost <= {o.client_order_id for o in house.runner.tracked[strategy].cycle.live()}
    assert house.journal().count("order_adopted") == 2
    assert house.nothing_was_sent_twice()


async def test_an_orphan_of_ours_that_is_nobodys_is_cancelled_with_an_alarm(house: House):
    strategy = await running(house)
    identity = house.stored(strategy).identity
    stray = client_order_id(identity, 99, Slot(Role.SAFETY, 1), 1)
    house.put_on_venue(stray)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [stray]
    assert stray not in house.open_on_venue()
    assert "orphan_cancelled" in house.journal()


@fault("E11")
async def test_an_order_that_shows_up_after_it_was_proven_gone_is_cancelled_with_an_alarm(
    house: House,
):
    """The venue hid it for longer than it is known to: its slot has another order by then."""
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(12, price=100)
    gone, there = house.attempts(strategy, Role.BASE)
    assert (gone.status, there.status) == (S.NOT_ACCEPTED, S.FILLED)
    house.put_on_venue(gone.client_order_id)
    await house.reconcile()
    assert house.venue.cancelled_by_id == [gone.client_order_id]
    assert "orphan_cancelled" in house.journal()


async def test_foreign_orders_are_counted_and_never_touched(house: House):
    await running(house)
    house.put_on_venue("x-somebody-else")
    await house.reconcile()
    await house.reconcile()
    assert "x-somebody-else" in house.open_on_venue()
    assert house.runner.foreign == 1
    assert house.journal().count("foreign_orders") == 1
    assert house.venue.cancelled_by_id == []


# --- after an outage


async def test_a_high_that_was_missed_raises_the_trailing_peak(house: House):
    strategy = house.strategy(trailing_deviation="0.005")
    await house.start()
    await house.stand(100)
    await house.stand("101.5")
    peak = house.stored(strategy).peak
    assert peak == Decimal("101.5")
    await house.crash()
    house.venue.walked_until = house.clock.now()
    opened = int((NOON - EPOCH).total_seconds() * 1000) + 120_000
    high = Candle(opened, *(Decimal(n) for n in ("101.5", "104", "101.5", "103.8")))
    house.venue.history = [high]
    house.clock.advance(300)
    house.venue.no_balances = True  # the first turn fails: the high must not be lost with it
    await house.start()
    house.venue.no_balances = False
    await house.second(1)
    assert house.stored(strategy).peak == Decimal(104)
    await house.stand("103.8")
    assert house.stored(strategy).number == 1
    await house.price("103.4")
    assert house.stored(strategy).number == 1  # one quote is not enough
    await house.price("103.4")
    assert house.stored(strategy).number == 2


@fault("I9")
async def test_settings_changed_in_a_cycle_touch_no_order_of_it_and_hold_for_the_next(house: House):
    strategy = await running(house)
    resting = house.open_on_venue()
    house.edit(strategy, 1, base_order_size="250", take_profit="0.05")
    await house.learn()
    await house.second(3, price=100)
    assert house.open_on_venue() == resting
    assert house.stored(strategy).parameters.take_profit == Decimal("0.01")
    await house.price("101.5")
    await house.second(3, price="101.5")
    second = house.stored(strategy)
    assert (second.number, second.parameters.take_profit) == (2, Decimal("0.05"))
    base = next(order for order in second.orders if order.slot.role is Role.BASE)
    assert base.quantity * Decimal("101.5") > 200
