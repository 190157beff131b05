"""Where along a path something happens first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.market import Market, Side
from core.matching import FillRule, Resting
from core.triggers import Watch
from core.walker import Leg, Stop, next_stop
from tests.builders import NOON, a_market, at


def buy(price: object) -> Resting:
    return Resting(f"buy{price}", Side.BUY, Decimal(str(price)), Decimal(1))


def sell(price: object) -> Resting:
    return Resting(f"sell{price}", Side.SELL, Decimal(str(price)), Decimal(1))


def walk(
    start: object,
    end: object,
    orders=(),
    watch: Watch | None = None,
    market: Market | None = None,
    rule: FillRule = FillRule.TOUCH,
    **how: bool,
) -> Stop | None:
    leg = Leg(Decimal(str(start)), Decimal(str(end)), **how)
    return next_stop(leg, orders, watch or Watch(), NOON, market or a_market(), rule)


def D(value: object) -> Decimal:
    return Decimal(str(value))


def test_nothing_on_the_way_is_no_stop():
    assert walk(100, 90, [buy(89), sell(101)]) is None


def test_the_highest_buy_comes_first_on_the_way_down():
    assert walk(100, 90, [buy(91), buy(95), buy(93)]) == Stop(D(95), buy(95), D(95))


def test_the_lowest_sell_comes_first_on_the_way_up():
    assert walk(100, 110, [sell(108), sell(105)]) == Stop(D(105), sell(105), D(105))


def test_an_order_at_the_end_of_the_leg_is_touched():
    assert walk(100, 95, [buy(95)]) == Stop(D(95), buy(95), D(95))


def test_through_wants_the_price_to_go_one_tick_beyond():
    assert walk(100, 95, [buy(95)], rule=FillRule.THROUGH) is None
    beyond = walk(100, "94.99", [buy(95)], rule=FillRule.THROUGH)
    assert beyond == Stop(D("94.99"), buy(95), D(95))


def test_a_jump_gives_orders_its_end():
    assert walk(100, 90, [buy(95), buy(93)], jump=True) == Stop(D(90), buy(95), D(90))
    assert walk(100, 110, [sell(105)], jump=True) == Stop(D(110), sell(105), D(110))


def test_a_threshold_acts_where_it_is_met():
    assert walk(100, 90, watch=Watch(below=D(94))) == Stop(D(94))
    assert walk(100, 110, watch=Watch(above=D(104))) == Stop(D(104))


def test_a_threshold_that_is_jumped_over_acts_at_the_end():
    assert walk(100, 90, watch=Watch(below=D(94)), jump=True) == Stop(D(90))


def test_a_buy_comes_before_a_stop_at_the_same_price():
    stop = walk(100, 90, [buy(94)], Watch(below=D(94)))
    assert stop is not None
    assert stop.order == buy(94)


@pytest.mark.parametrize("jump", [True, False])
def test_what_is_met_first_comes_first(jump):
    stop_first = walk(100, 90, [buy(93)], Watch(below=D(94)), jump=jump)
    assert stop_first is not None
    assert stop_first.order is None
    buy_first = walk(100, 90, [buy(95)], Watch(below=D(94)), jump=jump)
    assert buy_first is not None
    assert buy_first.order == buy(95)


def test_a_watch_that_is_due_where_we_stand_acts_there_once():
    due = Watch(below=D(101))
    assert walk(100, 90, watch=due) == Stop(D(100))
    assert walk(100, 90, watch=due, shown=True) == Stop(D(90))
    assert walk(100, 100, watch=due, shown=True) is None


def test_a_peak_is_raised_at_the_end_of_a_rise():
    assert walk(100, 110, watch=Watch(below=D(90), peak=D(100))) == Stop(D(110))
    assert walk(100, 95, watch=Watch(below=D(90), peak=D(100))) is None


def test_a_threshold_on_the_way_is_not_lost_behind_a_rising_peak():
    assert walk(100, 110, watch=Watch(above=D(104), peak=D(100))) == Stop(D(104))


def test_an_entry_waits_for_all_of_its_conditions():
    band = Watch(entry=True, below=D(99), above=D(95))
    assert walk(100, 97, watch=band) == Stop(D(99))
    assert walk(100, 90, watch=band) == Stop(D(99))
    assert walk(90, 97, watch=band) == Stop(D(95))
    assert walk(90, 100, watch=band) == Stop(D(95))
    assert walk(100, 90, watch=band, jump=True) is None
    assert walk(100, 97, watch=band, jump=True) == Stop(D(97))


def test_an_entry_before_its_time_does_not_start():
    early = Watch(entry=True, below=D(99), not_before=at(1))
    assert walk(100, 90, watch=early) is None


def test_an_alarm_that_has_rung_acts_at_once():
    assert walk(100, 90, watch=Watch(alarm=NOON)) == Stop(D(100))
    assert walk(100, 90, watch=Watch(alarm=at(1))) is None
