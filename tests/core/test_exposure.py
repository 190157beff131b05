"""What a fall would cost is what it does cost when the price then falls."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.accounting import position
from core.cycle import DesiredState, ExitReason, Holding
from core.exposure import (
    FALLS,
    Loss,
    outlook_of_cycle,
    outlook_of_ladder,
    total_outlook,
)
from core.feasibility import problems
from core.ladder import build_ladder, required_capital
from core.market import FeeCurrency
from core.parameters import StopLossReference
from tests.core.stage import D, Stage, a_market, some_parameters

PRICE = D(100)


def lost(stage: Stage, price: Decimal) -> Decimal:
    return -position(stage.cycle).unrealized(price, stage.market.taker_fee)


def running(**changes: object) -> Stage:
    stage = Stage(some_parameters(**changes))
    stage.see(PRICE)
    return stage


def test_a_planned_ladder_needs_its_required_capital():
    parameters, market = some_parameters(), a_market()
    outlook = outlook_of_ladder(parameters, market, PRICE)
    assert outlook.money_needed == outlook.still_to_spend == required_capital(parameters, market)
    ladder = build_ladder(parameters, PRICE, market)
    assert outlook.fall_covered == ladder.max_deviation
    rounding = D("0.0002")
    assert abs(outlook.required_change - ladder.rungs[-1].required_change) < rounding
    assert [loss.fall for loss in outlook.losses] == list(FALLS)
    assert [loss.levels for loss in outlook.losses] == [3, 4, 4]


SHAPES = st.fixed_dictionaries(
    {
        "base_order_size": st.decimals(20, 200, places=1),
        "safety_order_size": st.decimals(20, 200, places=1),
        "max_safety_orders": st.integers(0, 7),
        "price_deviation": st.decimals("0.005", "0.06", places=3),
        "step_scale": st.decimals("0.8", "1.2", places=1),
        "volume_scale": st.decimals("0.8", "1.6", places=1),
    }
)


@given(SHAPES, st.sampled_from(list(FeeCurrency)), st.decimals("0.01", "0.9", places=2))
def test_the_loss_foretold_is_the_loss_when_the_price_falls_so_far(values, currency, fall):
    parameters = some_parameters(**values)
    market = a_market(fee_currency=currency)
    assume(problems(parameters, market, PRICE) == [])
    stage = Stage(parameters, market)
    stage.see(PRICE)
    planned = outlook_of_ladder(parameters, market, PRICE, falls=(fall,))
    bottom = PRICE * (1 - fall)
    foretold = outlook_of_cycle(stage.cycle, PRICE, falls=(fall,))
    before = position(stage.cycle).cost
    stage.see(bottom)
    assert planned.losses[0].amount == pytest.approx(lost(stage, bottom), abs=D("1e-15"))
    assert foretold.losses[0].amount == pytest.approx(lost(stage, bottom), abs=D("1e-15"))
    assert planned.losses[0].price == bottom
    spent = position(stage.cycle).cost - before
    left = outlook_of_cycle(stage.cycle, bottom, falls=(fall,))
    assert foretold.still_to_spend - spent == pytest.approx(left.still_to_spend, abs=D("1e-9"))
    assert foretold.money_needed == pytest.approx(left.money_needed, abs=D("1e-9"))


def test_a_stop_loss_ends_the_fall_at_its_price():
    parameters = some_parameters(max_safety_orders=1, stop_loss="0.1")
    losses = outlook_of_ladder(parameters, a_market(), PRICE).losses
    assert {loss.amount for loss in losses} == {losses[0].amount}
    assert all(loss.stopped for loss in losses)
    held = D(1) * 100 + D("0.512") * D("97.5")
    stop = held / D("1.512") * D("0.9")
    assert losses[0].amount == held * D("1.001") - D("1.512") * stop * D("0.999")
    by_base = replace(parameters, stop_loss_reference=StopLossReference.BASE_ORDER_PRICE)
    assert outlook_of_ladder(by_base, a_market(), PRICE).losses[0].stopped


def test_a_price_below_the_stop_already_sells_there():
    stage = running(stop_loss="0.3", max_safety_orders=0)
    (loss,) = outlook_of_cycle(stage.cycle, D(60), falls=(D("0.2"),)).losses
    assert loss.stopped
    assert loss.amount == D("100.1") - 60 * D("0.999")


def test_a_paused_strategy_buys_nothing_on_the_way_but_may_still_spend():
    stage = running()
    stage.want(DesiredState.PAUSED)
    outlook = outlook_of_cycle(stage.cycle, PRICE)
    assert [loss.levels for loss in outlook.losses] == [0, 0, 0]
    assert outlook.losses[0].amount == lost(stage, D(80))
    assert outlook.fall_covered == outlook.required_change == 0


def test_a_stopped_strategy_has_no_stop_loss():
    stage = running(stop_loss="0.3")
    stage.want(DesiredState.STOPPED)
    outlook = outlook_of_cycle(stage.cycle, PRICE)
    assert not any(loss.stopped for loss in outlook.losses)
    assert outlook.still_to_spend == 0


def test_levels_that_wait_or_are_skipped_are_not_bought_in_a_fall():
    stage = running()
    cycle = replace(stage.cycle, skipped=frozenset({1}), held=frozenset({2}))
    assert outlook_of_cycle(cycle, PRICE).losses[-1].levels == 2


def test_a_closing_cycle_buys_nothing_more():
    stage = running()
    cycle = replace(stage.cycle, exit=ExitReason.CLOSED)
    assert outlook_of_cycle(cycle, PRICE).losses[-1].levels == 0


def test_a_strategy_that_waits_is_reckoned_as_if_it_began_now():
    stage = Stage(some_parameters(trigger_price="50"))
    stage.see(PRICE)
    planned = outlook_of_ladder(stage.cycle.parameters, stage.market, PRICE)
    assert outlook_of_cycle(stage.cycle, PRICE) == planned
    dust = replace(stage.cycle, carried=Holding(D("0.1"), D(12)))
    more = outlook_of_cycle(dust, PRICE).losses[0].amount - planned.losses[0].amount
    assert more == 12 - D("0.1") * 80 * D("0.999")


def test_a_strategy_that_will_not_start_risks_only_what_it_holds():
    stage = Stage()
    stage.want(DesiredState.PAUSED)
    outlook = outlook_of_cycle(stage.cycle, PRICE)
    assert outlook.money_needed == outlook.still_to_spend == 0
    assert {loss.amount for loss in outlook.losses} == {D(0)}


def test_a_total_falls_together():
    one = outlook_of_cycle(running().cycle, PRICE)
    other = outlook_of_cycle(running(max_safety_orders=1).cycle, D(99))
    total = total_outlook([one, other])
    assert total.still_to_spend == one.still_to_spend + other.still_to_spend
    assert total.money_needed == one.money_needed + other.money_needed
    assert total.losses[1].amount == one.losses[1].amount + other.losses[1].amount
    assert total.losses[1].levels == 5
    assert total.fall_covered == other.fall_covered
    assert total_outlook([]).losses == ()


def test_with_no_first_buy_there_is_nothing_to_gain():
    tiny = outlook_of_ladder(
        some_parameters(base_order_size="0.01", max_safety_orders=0), a_market(), PRICE
    )
    assert tiny.required_change == 0
    assert tiny.losses[0] == Loss(D("0.2"), D(80), D(0), 0, stopped=False)
