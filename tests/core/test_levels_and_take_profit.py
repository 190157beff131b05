"""Levels and the take profit: what follows a fill, partial ones and crumbs included."""

from __future__ import annotations

import pytest

from core.accounting import position
from core.cycle import BASE, TAKE_PROFIT, DesiredState
from core.engine import is_over
from core.events import TimePassed
from core.market import FeeCurrency
from core.succession import next_cycle
from core.triggers import watch
from tests.builders import (
    Play,
    a_market,
    at,
    price,
    report,
    started,
)
from tests.core.engine_steps import LEVELS, D, S, partly, want


def test_a_filled_level_moves_the_take_profit_only_after_its_cancel_is_confirmed():
    play = started()
    play.fill(LEVELS[0])
    assert play.order(TAKE_PROFIT).status is S.CANCELLING
    assert play.placed() == []
    play.cancel_all()
    moved = play.order(TAKE_PROFIT)
    assert (moved.status, moved.attempt) == (S.SENDING, 2)
    assert moved.quantity == position(play.cycle).quantity
    assert moved.price == D(
        "100.50"
    )  # the average of 1 @ 100 and 1.01 @ 99, plus 1 %, up to the tick


def test_a_partial_fill_leaves_the_take_profit_for_ten_seconds():
    play = started()
    partly(play, LEVELS[0], "0.5", 5)
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert watch(play.cycle, at(5)).alarm == at(15)
    play(TimePassed(at(14)))
    assert play.order(TAKE_PROFIT).status is S.OPEN
    play(TimePassed(at(15)))
    assert play.order(TAKE_PROFIT).status is S.CANCELLING


def test_nothing_is_sized_while_trades_are_missing():
    play = started()
    order = play.order(LEVELS[0])
    play(report(order, S.FILLED, 1, filled=order.quantity))
    play(TimePassed(at(60)))
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert play.order(LEVELS[0]).is_live


def test_the_last_crumbs_of_a_take_profit_may_fill():
    play = started(max_safety_orders=0)
    partly(play, TAKE_PROFIT, "0.98", 5)
    assert play.order(TAKE_PROFIT).status is S.OPEN
    assert not is_over(play.cycle)
    play.fill(TAKE_PROFIT, seconds=6)
    assert is_over(play.cycle)


def test_the_last_crumbs_of_a_level_may_fill():
    play = started()
    partly(play, LEVELS[0], "0.98", 5)
    play(TimePassed(at(60)))
    assert play.order(LEVELS[0]).status is S.OPEN


def test_a_level_that_expired_in_part_is_placed_again_for_the_rest():
    play = started()
    partly(play, LEVELS[0], "0.5", 5, status=S.CANCELLED, expired=True)
    again = play.order(LEVELS[0])
    assert (again.attempt, again.quantity) == (2, D("0.51"))


def test_a_level_that_fills_beside_the_take_profit_continues_the_cycle():
    play = started()
    play.fill(TAKE_PROFIT)
    assert not is_over(play.cycle)
    assert all(order.status is S.CANCELLING for order in play.cycle.live())
    play.fill(LEVELS[0], seconds=1)
    play.cancel_all(2)
    assert not is_over(play.cycle)
    assert play.order(TAKE_PROFIT).quantity == D("1.01")
    assert play.order(TAKE_PROFIT).price == D("100.50")


def test_dust_is_carried_at_cost_and_sold_with_the_next_cycle():
    fee = D("0.001")
    market = a_market(
        lot_size=D("0.1"), maker_fee=fee, taker_fee=fee, fee_currency=FeeCurrency.BASE
    )
    play = started(market, max_safety_orders=0)
    assert play.order(TAKE_PROFIT).quantity == D("0.9")
    play.fill(TAKE_PROFIT)
    assert is_over(play.cycle)
    after = next_cycle(play.cycle, at(5), play.cycle.parameters, market)
    assert after.carried.quantity == D("0.099")
    assert after.carried.cost == pytest.approx(D("0.099") / D("0.999") * 100)
    again = Play(after)
    again(price(100, 6))
    again.fill(BASE, price=100)
    assert again.order(TAKE_PROFIT).quantity == D("1.0")
    assert position(again.cycle).average_entry_price == 100


def test_a_level_that_waits_for_its_price_wakes_above_it():
    play = started()
    play(want(DesiredState.PAUSED, 1))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "97.5"))
    assert watch(play.cycle, at(3)).above == 98
    assert watch(play.cycle, at(3)).is_due(D("98.5"), at(4))
