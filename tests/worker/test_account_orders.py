"""Placing an order exactly once (DESIGN 5): each row of its table, on real rows."""

from __future__ import annotations

from datetime import timedelta

from core.cycle import DesiredState
from core.orders import OrderStatus, Role
from tests.faults import fault
from tests.worker.fakes import Do
from tests.worker.house import House

S = OrderStatus


async def running(house: House, **changes) -> int:
    """A strategy whose base order has filled at 100 and whose ladder rests."""
    strategy = house.strategy(**changes)
    await house.start()
    await house.stand(100)
    return strategy


async def test_a_cycle_buys_down_its_ladder_and_takes_profit(house: House):
    strategy = await running(house)
    assert house.state(strategy) == "running"
    assert len(house.open_on_venue()) == 4  # take profit and three levels
    await house.price(99)
    await house.price("100.6")
    assert house.stored(strategy).number == 2
    assert house.nothing_was_sent_twice()


# --- the answer does not come


async def test_a_lost_answer_is_found_and_adopted_and_never_sent_twice(house: House):
    house.venue.next.append(Do.LOSE_ANSWER)
    strategy = await running(house)
    assert [o.status for o in house.attempts(strategy, Role.BASE)] == [S.SENDING]
    await house.second(1, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.FILLED
    assert house.venue.sent.count(base.client_order_id) == 1


async def test_not_found_counts_only_after_the_window_and_three_times(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(6, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.SENDING
    assert house.venue.asked.count(base.client_order_id) >= 5
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is S.SENDING
    await house.second(1, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is S.NOT_ACCEPTED


async def test_a_venue_whose_answers_lag_is_waited_for_that_much_longer(house: House):
    house.venue.index_lag = timedelta(seconds=10)
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(18, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is S.SENDING
    await house.second(1, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is S.NOT_ACCEPTED


async def test_a_wall_clock_that_jumps_does_not_hasten_the_proof(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    house.clock.jump(3600)
    await house.second(5)
    assert house.attempts(strategy, Role.BASE)[0].status is S.SENDING


async def test_after_proof_the_next_attempt_has_a_new_id(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    await house.second(12, price=100)
    first, second = house.attempts(strategy, Role.BASE)
    assert (first.status, second.status) == (S.NOT_ACCEPTED, S.FILLED)
    assert first.client_order_id != second.client_order_id
    assert house.nothing_was_sent_twice()


async def test_a_request_that_arrives_after_its_deadline_is_refused_by_the_venue(house: House):
    house.venue.next.append(Do.DELAY)
    strategy = await running(house)
    await house.second(12, price=100)
    (late,) = house.venue.deliver()
    assert (late.status, late.reason) == (S.NOT_PLACED, "too_late")
    assert len(house.venue.accepted) == len(set(house.venue.accepted))
    assert [o.status for o in house.attempts(strategy, Role.BASE)] == [S.NOT_ACCEPTED, S.FILLED]


async def test_a_request_that_arrives_within_its_window_is_found_before_proof(house: House):
    house.venue.next.append(Do.DELAY)
    strategy = await running(house)
    await house.second(4, price=100)
    house.venue.deliver()
    await house.second(1, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.FILLED


async def test_an_order_that_the_venue_hides_for_a_while_is_found_in_the_end(house: House):
    house.venue.next.append(Do.LOSE_ANSWER)
    strategy = await running(house)
    (base,) = house.attempts(strategy, Role.BASE)
    house.venue.hidden[base.client_order_id] = 8
    await house.second(10, price=100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.FILLED


async def test_an_error_is_not_not_found(house: House):
    house.venue.next.append(Do.DROP)
    strategy = await running(house)
    house.venue.deaf = True
    await house.second(60, price=100)
    assert [o.status for o in house.attempts(strategy, Role.BASE)] == [S.SENDING]
    house.venue.deaf = False
    await house.second(3, price=100)
    assert house.attempts(strategy, Role.BASE)[0].status is S.NOT_ACCEPTED


@fault("E12")
async def test_an_order_in_doubt_blocks_its_own_slot_only(house: House):
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 2 else None
    strategy = await running(house)
    levels = {o.slot.level: o.status for o in house.live(strategy) if o.slot.role is Role.SAFETY}
    assert levels == {1: S.OPEN, 2: S.SENDING, 3: S.OPEN}
    await house.price(99)
    assert house.attempts(strategy, Role.SAFETY, 1)[0].status is S.FILLED
    assert house.attempts(strategy, Role.TAKE_PROFIT)[-1].status is S.OPEN


@fault("E12", "E16")
async def test_an_order_that_nothing_can_be_asked_about_keeps_no_other_in_doubt(house: House):
    house.venue.rule = lambda order: Do.DROP if order.slot.level in (2, 3) else None
    strategy = await running(house)
    second, third = (house.attempts(strategy, Role.SAFETY, level)[0] for level in (2, 3))
    house.venue.unaskable = {second.client_order_id}
    house.venue.rule = lambda order: None
    await house.second(15, price=100)
    assert [o.status for o in house.attempts(strategy, Role.SAFETY, 2)] == [S.SENDING]
    proven, again = house.attempts(strategy, Role.SAFETY, 3)
    assert (proven.status, again.status) == (S.NOT_ACCEPTED, S.OPEN)
    assert third.client_order_id == proven.client_order_id
    house.clock.advance(900)
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    house.venue.unaskable = set()
    await house.second(90, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.NOT_ACCEPTED
    assert house.nothing_was_sent_twice()


async def test_without_proof_for_15_minutes_a_person_is_asked_and_exits_go_on(house: House):
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 2 else None
    strategy = await running(house)
    house.venue.deaf = True
    house.clock.advance(15 * 60)
    await house.second(2, price=100)
    (doubtful,) = house.attempts(strategy, Role.SAFETY, 2)
    assert doubtful.status is S.QUARANTINED
    assert house.state(strategy) == "needs_attention"
    assert "look at the exchange" in house.status(strategy).reason
    house.venue.deaf = False
    house.venue.hide_all = True
    assert [o.status for o in house.attempts(strategy, Role.TAKE_PROFIT)] == [S.OPEN]
    house.venue.hide_all = False
    await house.price(101)
    assert house.attempts(strategy, Role.TAKE_PROFIT)[-1].status is S.FILLED


async def test_a_quarantined_order_that_turns_up_is_adopted(house: House):
    house.venue.rule = lambda order: Do.LOSE_ANSWER if order.slot.level == 2 else None
    strategy = await running(house)
    house.venue.deaf = True
    house.clock.advance(15 * 60)
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    house.venue.deaf = False
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.OPEN
    assert house.state(strategy) == "running"


# --- crashes


async def test_a_crash_between_commit_and_send_leaves_one_order(house: House):
    house.venue.next.append(Do.HANG)
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.clock.advance(1)
    await house.show(100)
    await house.until(lambda: bool(house.venue.sent))
    await house.crash()
    await house.start()
    await house.second(14, price=100)
    first, second = house.attempts(strategy, Role.BASE)
    assert (first.status, second.status) == (S.NOT_ACCEPTED, S.FILLED)
    assert house.venue.accepted.count(second.client_order_id) == 1
    assert first.client_order_id not in house.venue.accepted


async def test_a_crash_between_send_and_record_leaves_one_order(house: House):
    house.venue.next.append(Do.HANG_AFTER)
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.clock.advance(1)
    await house.show(100)
    await house.until(lambda: bool(house.venue.accepted))
    await house.crash()
    await house.start()
    await house.stand(100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.FILLED
    assert house.nothing_was_sent_twice()


async def test_a_crash_while_a_cancel_is_under_way_repeats_the_cancel(house: House):
    strategy = await running(house)
    house.venue.lost_cancels = 99
    await house.want(strategy, DesiredState.PAUSED)
    await house.crash()
    house.venue.lost_cancels = 0
    await house.start()
    await house.second(2, price=100)
    roles = [order.slot.role for order in house.live(strategy)]
    assert roles == [Role.TAKE_PROFIT]
    assert len(house.open_on_venue()) == 1


# --- the commit


async def test_a_commit_of_unknown_outcome_that_did_not_happen_sends_nothing(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.unknown.append(False)
    await house.price(100)
    await house.until(lambda: house.account in house.runners.running)
    await house.stand(100)
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.attempt == 1
    assert house.nothing_was_sent_twice()


async def test_a_commit_of_unknown_outcome_that_happened_is_read_again_and_not_sent(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.unknown.append(True)
    await house.price(100)
    await house.settle()
    (base,) = house.attempts(strategy, Role.BASE)
    assert base.status is S.SENDING
    assert house.venue.sent == []
    await house.second(12, price=100)
    first, second = house.attempts(strategy, Role.BASE)
    assert first.status is S.NOT_ACCEPTED
    assert first.client_order_id not in house.venue.sent
    assert second.status is S.FILLED


async def test_a_wish_changed_between_plan_and_commit_holds_and_nothing_is_sent(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.before_commit.append(lambda: house.set_wish(strategy, DesiredState.PAUSED))
    await house.price(100)
    assert house.venue.sent == []
    await house.learn()
    await house.second(3, price=100)
    assert house.venue.sent == []
    assert house.state(strategy) == "paused"


async def test_a_halt_between_plan_and_commit_holds_and_nothing_is_sent(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.before_commit.append(lambda: house.set_halt(on=True))
    await house.price(100)
    assert house.venue.sent == []
    await house.learn()
    await house.second(2, price=100)
    assert (house.venue.sent, house.state(strategy)) == ([], "paused")


async def test_a_lost_lease_writes_and_sends_nothing_more(house: House):
    strategy = house.strategy()
    await house.start()
    await house.price(100)
    house.steal_lease()
    await house.price(100)
    assert house.runners.lost == {house.account}
    assert house.venue.sent == []
    assert house.rows(strategy) == []


@fault("E6", "E14")
async def test_a_hint_whose_question_was_not_answered_is_followed_a_second_later(house: House):
    """Not at the next comparison of the account: with a thousand accounts that is many minutes later."""
    strategy = await running(house)
    house.venue.deaf = True
    await house.price(99)  # level 1 fills, and nobody answers what became of it
    assert house.attempts(strategy, Role.SAFETY, 1)[0].status is OrderStatus.OPEN
    house.venue.deaf = False
    house.venue.no_open_orders = True  # no comparison succeeds meanwhile
    await house.second(2, price=99)
    assert house.attempts(strategy, Role.SAFETY, 1)[0].status is OrderStatus.FILLED
