"""The base order: placed, followed, placed again for its rest, given up."""

from __future__ import annotations

from core.cycle import BASE, TAKE_PROFIT
from core.engine import is_over
from core.events import CancelOrder, PriceSeen, TimePassed
from core.market import Side
from core.order_ids import client_order_id
from core.orders import Kind
from core.slots import attention
from core.succession import totals
from core.triggers import watch
from tests.builders import (
    IDENTITY,
    Play,
    a_cycle,
    a_quote,
    at,
    price,
    report,
    started,
)
from tests.core.engine_steps import LEVELS, D, S, live, partly


def test_a_price_starts_the_cycle_with_a_market_order_of_the_base_size():
    play = Play(a_cycle())
    [base] = [command.order for command in play(price(50))]
    assert (base.slot, base.kind, base.side, base.quantity) == (BASE, Kind.MARKET, Side.BUY, D(2))
    assert base.status is S.SENDING
    assert base.client_order_id == client_order_id(IDENTITY, 1, BASE, 1)


def test_nothing_starts_without_a_price():
    assert Play(a_cycle())(TimePassed(at(0))) == ()


def test_the_ladder_and_the_take_profit_follow_the_fill():
    play = started(base_price=100)
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}
    assert play.order(TAKE_PROFIT).price == D("101.00")
    assert [play.order(slot).price for slot in LEVELS] == [D(99), D(98), D(97)]


def test_a_base_order_that_expired_in_part_is_placed_again_for_the_rest():
    play = Play(a_cycle())
    play(price(100))
    partly(play, BASE, "0.6", status=S.CANCELLED, expired=True)
    play(price(100, 1))
    second = play.order(BASE)
    assert (second.attempt, second.quantity) == (2, D("0.4"))


def test_a_rest_below_the_minima_is_not_placed_again():
    play = Play(a_cycle())
    play(price(100))
    partly(play, BASE, "0.96", status=S.CANCELLED, expired=True)
    play(price(100, 1))
    assert len(play.cycle.attempts(BASE)) == 1
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}


def test_a_rest_that_falls_below_the_minima_with_the_price_is_not_fought_for():
    play = Play(a_cycle(base_order_size="6"))
    play(price(100))
    partly(play, BASE, "0.01", status=S.CANCELLED, expired=True)
    play(price(90, 1))
    play(report(play.order(BASE), S.REFUSED, 1, reason="min_notional"))
    assert attention(play.cycle) is None
    assert is_over(play.cycle)
    assert totals(play.cycle).dust.quantity == D("0.01")


def test_a_limit_base_order_rests_at_the_bid_and_follows_it_every_thirty_seconds():
    play = Play(a_cycle(base_order_type="limit"))
    play(PriceSeen(at(0), a_quote(100, 101)))
    assert (play.order(BASE).kind, play.order(BASE).price) == (Kind.LIMIT, D(100))
    play.open_all()
    assert play(PriceSeen(at(29), a_quote(102, 103))) == ()
    waits = watch(play.cycle, at(29))
    assert waits.alarm == at(30)
    [cancel] = play(PriceSeen(at(30), a_quote(102, 103)))
    assert isinstance(cancel, CancelOrder)
    play.cancel_all(30)
    play(PriceSeen(at(31), a_quote(102, 103)))
    assert (play.order(BASE).attempt, play.order(BASE).price) == (2, D(102))


def test_a_limit_base_order_wakes_on_a_price_that_differs_after_thirty_seconds():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(price(100, 40))
    assert watch(play.cycle, at(40)).is_due(D(101), at(41))


def test_a_limit_base_order_is_given_up_after_five_minutes_and_keeps_what_it_bought():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    partly(play, BASE, "0.5", 10)
    play(price(100, 299))
    assert play.order(BASE).status is S.OPEN
    play(price(100, 300))
    assert play.order(BASE).status is S.CANCELLING
    play.cancel_all(301)
    assert set(live(play)) == {TAKE_PROFIT, *LEVELS}
    assert len(play.cycle.attempts(BASE)) == 1


def test_an_unfilled_limit_base_order_that_was_given_up_is_tried_anew():
    play = Play(a_cycle(base_order_type="limit"))
    play(price(100))
    play.open_all()
    play(price(100, 300))
    play.cancel_all(300)
    play(price(100, 301))
    play.open_all(301)
    assert play.order(BASE).attempt == 2
    play(price(100, 400))
    assert play.order(BASE).status is S.OPEN
