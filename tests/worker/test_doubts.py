"""A person says that an order in quarantine is not on the exchange: what a worker makes of that."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.cycle import DesiredState
from core.doubt import OwnTrade
from core.market import Side
from core.orders import GONE, OrderStatus, OrderUpdate, Role
from db import audit, doubts
from db.doubts import Doubt
from tests.builders import a_fill
from tests.faults import fault
from tests.worker.fakes import Do
from tests.worker.house import House
from tests.worker.test_account_orders import running

D = Decimal
S = OrderStatus
pytestmark = [fault("E10")]


async def vanished(house: House, role: Role = Role.SAFETY, level: int | None = 2):
    """An order of the ladder that no list shows any more; (strategy, its id). Sixteen minutes have passed."""
    house.go_live(USDT="5000")
    strategy = await running(house)
    await house.reconcile()
    name = house.attempts(strategy, role, level)[0].client_order_id
    house.venue.gone.add(name)
    await past_quarantine(house)
    assert house.attempts(strategy, role, level)[0].status is S.QUARANTINED
    return strategy, name


async def past_quarantine(house: House, price: object = 100) -> None:
    await house.reconcile()
    await house.second(14, price=price)
    house.clock.advance(15 * 60)
    await house.stand(price)
    await house.reconcile()


async def never_proven(house: House):
    """An order that was sent and lost, about which nothing could be asked for 15 minutes."""
    house.venue.rule = lambda order: Do.DROP if order.slot.level == 2 else None
    strategy = await running(house)
    name = house.attempts(strategy, Role.SAFETY, 2)[0].client_order_id
    house.venue.unaskable = {name}
    await past_quarantine(house)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    house.venue.rule = lambda order: None
    return strategy, name


async def say_gone(house: House, name: str) -> None:
    house.run(lambda s: doubts.say_gone(s, house.person, name, at=house.clock.now()))
    await hear(house)


async def hear(house: House) -> None:
    """The poller has read what people answered."""
    house.runners.hear(house.run(lambda s: doubts.waiting(s, [house.account])))
    await house.settle()


def known(house: House, strategy: int, name: str) -> Doubt:
    return house.run(lambda s: doubts.doubts_of(s, house.person, strategy))[name]


def actions(house: House) -> list[str]:
    return [row.action for row in house.run(lambda s: audit.audit_of(s, house.person))]


# --- what the person is shown


async def test_the_page_knows_what_trades_and_balances_say_before_the_person_answers(house: House):
    strategy, name = await vanished(house)
    inquiry = known(house, strategy, name).inquiry
    assert inquiry is not None
    assert "No trade of the account is without an order" in inquiry.sentence
    assert "no more BTC than before" in inquiry.sentence
    assert not inquiry.contradicts
    assert house.clock.now() - inquiry.asked_at < timedelta(minutes=20)


async def test_every_source_is_asked_again_each_ten_minutes_and_not_each_time(house: House):
    _, name = await vanished(house)
    before = house.venue.inquired.count(name)
    for _ in range(5):
        await house.reconcile()
    assert house.venue.inquired.count(name) == before
    house.clock.advance(601)
    await house.stand(100)
    await house.reconcile()
    assert house.venue.inquired.count(name) == before + 1


# --- the answer is believed


async def test_the_order_ends_and_the_strategy_goes_on(house: House):
    strategy, name = await vanished(house)
    asked = house.venue.inquired.count(name)
    await say_gone(house, name)
    await house.second(2, price=100)
    first, second = house.attempts(strategy, Role.SAFETY, 2)
    assert (first.status, first.reason, second.status) == (S.CANCELLED, GONE, S.OPEN)
    assert house.venue.inquired.count(name) == asked + 1, "asked once more before it is believed"
    assert house.state(strategy) == "running"
    assert house.journal().count("order_said_gone") == 1
    assert {"order said gone", "order taken for gone"} <= set(actions(house))


async def test_a_vanished_take_profit_is_placed_again(house: House):
    strategy, name = await vanished(house, Role.TAKE_PROFIT, None)
    house.venue.cancel_by_hand(house.account, name)
    await say_gone(house, name)
    await house.second(2, price=100)
    first, second = house.attempts_of_take_profit(strategy)
    assert (first.status, second.status, second.quantity) == (S.CANCELLED, S.OPEN, first.quantity)


async def test_an_order_that_was_never_proven_ends_too(house: House):
    strategy, name = await never_proven(house)
    await say_gone(house, name)
    await house.second(2, price=100)
    first, second = house.attempts(strategy, Role.SAFETY, 2)
    assert (first.status, first.reason, second.status) == (S.CANCELLED, GONE, S.OPEN)
    assert house.nothing_was_sent_twice()


@fault("P16")
@pytest.mark.parametrize("wanted", [DesiredState.STOPPED, DesiredState.CLOSED])
async def test_a_stop_and_a_close_are_acknowledged_after_it(house: House, wanted):
    strategy, name = await vanished(house)
    house.venue.cancel_by_hand(house.account, name)
    await house.want(strategy, wanted)
    await house.second(3, price=100)
    assert house.state(strategy) == "needs_attention"
    await say_gone(house, name)
    await house.second(3, price=100)
    assert house.state(strategy) == wanted.value


async def test_what_it_had_filled_before_stays(house: House):
    house.go_live(USDT="5000")
    strategy = await running(house)
    level = house.attempts(strategy, Role.SAFETY, 1)[0]
    fill = a_fill(level, house.venue.traded["BTC/USDT"], "0.5", trade_id="t-half")
    house.venue.books[house.account].money("BTC").free += fill.quantity
    house.venue.shown[level.client_order_id] = OrderUpdate(
        level.client_order_id, S.OPEN, D("0.5"), (fill,)
    )
    await house.reconcile()
    house.venue.gone.add(level.client_order_id)
    await past_quarantine(house)
    await say_gone(house, level.client_order_id)
    await house.second(2, price=100)
    first, second = house.attempts(strategy, Role.SAFETY, 1)
    assert (first.status, first.filled) == (S.CANCELLED, D("0.5"))
    assert second.quantity == first.quantity - D("0.5")


# --- it is not believed


async def test_coins_that_came_with_it_contradict_and_the_person_may_say_it_again(house: House):
    strategy, name = await vanished(house)
    await house.price(98)
    await say_gone(house, name)
    await house.second(2, price=98)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    (told,) = house.journal("answer_not_believed")
    assert "BTC more than before" in told
    doubt = known(house, strategy, name)
    assert doubt.inquiry is not None
    assert doubt.inquiry.contradicts
    assert not doubt.is_answered
    house.clock.advance(700)
    await house.stand(98)
    await house.reconcile()
    assert len(house.journal("answer_not_believed")) == 1, "an answer is weighed once"
    bought = house.attempts(strategy, Role.SAFETY, 2)[0].quantity
    house.venue.withdraw(house.account, "BTC", bought)
    await say_gone(house, name)
    await house.second(2, price=98)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].reason == GONE


async def test_coins_that_went_contradict_the_word_about_a_sale(house: House):
    strategy, name = await vanished(house, Role.TAKE_PROFIT, None)
    await house.price(101)
    await say_gone(house, name)
    await house.second(2, price=101)
    assert [o.status for o in house.attempts_of_take_profit(strategy)] == [S.QUARANTINED]
    assert "fewer than if the order had sold" in house.journal("answer_not_believed")[0]


async def test_a_trade_that_no_order_explains_contradicts(house: House):
    strategy, name = await never_proven(house)
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    house.venue.strays = (
        OwnTrade("9", "77", house.clock.now(), Side.BUY, order.price or D(0), D("0.1")),
    )
    await say_gone(house, name)
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    assert "trade 9" in house.journal("answer_not_believed")[0]


async def test_trades_that_are_surely_its_own_are_booked_and_settle_it(house: House):
    strategy, name = await vanished(house)
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    fill = a_fill(order, house.venue.traded["BTC/USDT"], trade_id="t-own")
    house.venue.traded_by[name] = OrderUpdate(name, S.QUARANTINED, order.quantity, (fill,))
    await say_gone(house, name)
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.FILLED
    assert "order_said_gone" not in house.journal()


async def test_an_order_that_is_there_after_all_is_not_taken_for_gone(house: House):
    strategy, name = await vanished(house)
    house.venue.gone.clear()
    await say_gone(house, name)
    await house.second(2, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.OPEN
    assert house.state(strategy) == "running"


@fault("E15")
async def test_nothing_is_weighed_while_the_account_cannot_be_compared(house: House):
    strategy, name = await vanished(house)
    house.venue.no_balances = True
    await say_gone(house, name)
    await house.second(5, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    house.venue.no_balances = False
    await house.second(5, price=100)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].reason == GONE


async def test_a_source_that_does_not_answer_leaves_the_answer_waiting(house: House):
    strategy, name = await vanished(house)
    house.venue.mute = {name}
    await say_gone(house, name)
    assert known(house, strategy, name).is_answered
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    house.venue.mute = set()
    await house.reconcile()
    assert house.attempts(strategy, Role.SAFETY, 2)[0].reason == GONE


@fault("P1")
async def test_after_a_crash_the_answer_is_weighed_with_what_was_noted(house: House):
    strategy, name = await vanished(house)
    noted = known(house, strategy, name).inquiry
    assert noted is not None
    assert noted.coins_before == 0
    await house.price(98)
    house.run(lambda s: doubts.say_gone(s, house.person, name, at=house.clock.now()))
    await house.crash()
    await house.start()
    await hear(house)
    await house.second(2, price=98)
    assert house.attempts(strategy, Role.SAFETY, 2)[0].status is S.QUARANTINED
    assert "BTC more than before" in house.journal("answer_not_believed")[0]


# --- it turns up after all


async def test_one_that_rests_after_all_is_cancelled_with_an_alarm(house: House):
    strategy, name = await vanished(house)
    await say_gone(house, name)
    await house.second(2, price=100)
    house.venue.gone.clear()
    house.clock.advance(61)
    await house.stand(100)
    await house.reconcile()
    assert name in house.venue.cancelled_by_id
    assert name not in house.open_on_venue()
    assert house.journal().count("gone_order_cancelled") == 1
    assert [o.status for o in house.attempts(strategy, Role.SAFETY, 2)] == [S.CANCELLED, S.OPEN]


async def test_what_it_bought_after_all_is_booked_with_an_alarm(house: House):
    strategy, name = await vanished(house)
    await say_gone(house, name)
    await house.second(2, price=100)
    await house.price("99.3")
    order = house.attempts(strategy, Role.SAFETY, 2)[0]
    book = house.venue.books[house.account]
    fill = a_fill(order, house.venue.traded["BTC/USDT"], trade_id="t-late")
    book.orders.pop(name)
    book.money("BTC").free += fill.quantity
    house.venue.finished[name] = OrderUpdate(name, S.FILLED, order.quantity, (fill,))
    house.venue.gone.clear()
    await house.reconcile()
    await house.second(2, price="99.3")
    first = house.attempts(strategy, Role.SAFETY, 2)[0]
    assert (first.status, first.filled) == (S.FILLED, order.quantity)
    assert house.journal().count("order_turned_up") == 1
    level = [o for o in house.live(strategy) if o.slot.level == 2]
    assert level == [], "the level is bought once"
