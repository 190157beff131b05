"""The exact backtest on candles small enough to check by hand."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from core.backtest import Settings
from core.candles import check_candles, gaps
from core.errors import InvalidInput
from core.market import FeeCurrency, Market
from core.matching import FillRule
from tests.builders import a_market, candles
from tests.core.backtests import FLAT, FREE, Rules, run, story


def test_the_base_order_is_bought_at_the_first_open():
    assert story(run([FLAT])) == ["base@100"]


def test_a_rising_candle_goes_down_first():
    found = story(run([FLAT, (100, 101, 99, 100.5)]))
    assert found[:2] == ["base@100", "safety1@99"]
    assert found[2].startswith("take_profit@100.49")


def test_a_falling_candle_goes_up_first():
    found = story(run([FLAT, (100, 101, 99, 99.5)]))
    assert found == ["base@100", "take_profit@101", "base@101", "safety1@99.99"]


def test_several_levels_and_the_take_profit_fill_in_one_candle():
    found = story(run([FLAT, (100, 101, 97, 101)]))
    assert found[:4] == ["base@100", "safety1@99", "safety2@98", "safety3@97"]
    assert found[4].startswith("take_profit@99.4")


def test_a_new_cycle_starts_at_the_moment_and_price_at_which_the_last_one_ended():
    assert story(run([FLAT, (100, 101, 100, 101)])) == ["base@100", "take_profit@101", "base@101"]


def test_a_gap_down_fills_at_the_open_the_best_price_first():
    found = run([FLAT, (97.5, 97.5, 97.5, 97.5)])
    assert story(found) == ["base@100", "safety1@97.5", "safety2@97.5"]


def test_a_gap_up_sells_at_the_open():
    assert story(run([FLAT, (105, 105, 105, 105)]))[:2] == ["base@100", "take_profit@105"]


def test_a_gap_over_a_level_and_a_stop_buys_before_it_stops():
    rows = [FLAT, (90, 90, 90, 90)]
    reference: Rules = {"stop_loss": "0.05", "stop_loss_reference": "base_order_price"}
    assert story(run(rows, **reference))[1:] == [
        "safety1@90", "safety2@90", "safety3@90", "stop_loss@90"
    ]  # fmt: skip


def test_a_stop_above_a_level_comes_first_on_the_way_down():
    reference: Rules = {"stop_loss": "0.015", "stop_loss_reference": "base_order_price"}
    assert story(run([FLAT, (100, 100, 90, 90)], **reference)) == [
        "base@100", "safety1@99", "stop_loss@98.5"
    ]  # fmt: skip


def test_at_equal_prices_a_buy_comes_before_a_stop():
    reference: Rules = {
        "stop_loss": "0.02",
        "stop_loss_reference": "base_order_price",
        "max_safety_orders": 2,
    }
    assert story(run([FLAT, (100, 100, 98, 98)], **reference)) == [
        "base@100", "safety1@99", "safety2@98", "stop_loss@98"
    ]  # fmt: skip


def test_a_stop_acts_at_its_unrounded_price():
    market = a_market(tick_size=D(1), lot_size=D("0.01"), min_notional=D(0))
    found = story(run([FLAT, (100, 100, 90, 90)], market, stop_loss="0.0255", max_safety_orders=0))
    assert found == ["base@100", "stop_loss@97.45"]


def test_through_needs_one_tick_more_than_touch():
    market = a_market(tick_size=D("0.1"), min_notional=D(0))
    through = Settings(FillRule.THROUGH)
    touched, passed = (100, 100, 99, 99), (100, 100, D("98.9"), 99)
    assert story(run([FLAT, touched], market)) == ["base@100", "safety1@99"]
    assert story(run([FLAT, touched], market, through)) == ["base@100"]
    assert story(run([FLAT, passed], market, through)) == ["base@100", "safety1@99"]


def test_through_without_a_tick_needs_a_hundredth_of_a_percent():
    through = Settings(FillRule.THROUGH)
    assert story(run([FLAT, (100, 100, D("98.9902"), 99)], FREE, through)) == ["base@100"]
    assert story(run([FLAT, (100, 100, D("98.9901"), 99)], FREE, through)) == [
        "base@100",
        "safety1@99",
    ]


def test_slippage_makes_market_orders_worse_and_leaves_limits_alone():
    slips = Settings(slippage=D("0.01"))
    found = story(run([FLAT, (100, 103, 100, 103)], settings=slips))
    assert found[:2] == ["base@101", "take_profit@102.01"]
    stopped = story(
        run([FLAT, (100, 100, 80, 80)], settings=slips, stop_loss="0.1", max_safety_orders=0)
    )
    assert stopped == ["base@101", "stop_loss@89.991"]


def test_a_slippage_as_large_as_the_stop_is_refused():
    with pytest.raises(InvalidInput, match=r"^slippage"):
        run([FLAT], settings=Settings(slippage=D("0.01")), stop_loss="0.005")


def test_trailing_sells_the_set_distance_below_the_peak():
    found = story(run([FLAT, (100, 110, 100, 105)], trailing_deviation="0.005"))
    assert found[:1] == ["base@100"]
    assert "take_profit@109.45" in found


def test_trailing_does_not_begin_before_the_take_profit_is_reached():
    rows = [FLAT, (100, D("100.9"), 100, 100)]
    assert story(run(rows, trailing_deviation="0.005")) == ["base@100"]


def test_a_trigger_price_is_met_on_the_path():
    rows = [FLAT, (100, 100, 95, 99)]
    assert story(run(rows, trigger_price="98"))[0] == "base@98"


def test_a_trigger_price_that_is_jumped_over_is_met_at_the_open():
    assert story(run([FLAT, (97, 97, 97, 97)], trigger_price="98")) == ["base@97"]


def test_no_cycle_starts_outside_the_price_band():
    rows = [FLAT, (100, 100, 70, 70), (70, 75, 70, 75)]
    found = story(run(rows, min_price="72", max_price="80", max_safety_orders=0))
    assert found == ["base@80"]
    assert story(run([(70, 70, 70, 70), (70, 75, 70, 75)], min_price="72"))[0] == "base@72"


def test_a_cooldown_is_over_at_the_first_open_at_or_after_its_end():
    up = (100, 101, 100, 100)
    rows = [FLAT, up, FLAT, FLAT, FLAT]
    for cooldown, opens in [(60, 2), (61, 3), (120, 3), (121, 4)]:
        fills = run(rows, cooldown=cooldown).fills
        second = next(record for record in fills if record.cycle == 2)
        assert (second.at - fills[0].at).total_seconds() == opens * 60


def test_a_stop_loss_stops_for_good_unless_told_otherwise():
    rows = [FLAT, (100, 100, 80, 80), (80, 80, 80, 80), (80, 80, 80, 80)]
    rules: Rules = {"stop_loss": "0.1", "max_safety_orders": 0, "stop_loss_cooldown": 60}
    assert story(run(rows, **rules)) == ["base@100", "stop_loss@90"]
    assert story(run(rows, after_stop_loss="continue", **rules)) == [
        "base@100", "stop_loss@90", "base@80"
    ]  # fmt: skip


def test_stop_losses_in_a_row_end_the_strategy():
    rows = [FLAT, (100, 100, 80, 80), (80, 80, 60, 60), (60, 60, 40, 40)]
    rules: Rules = {"stop_loss": "0.1", "max_safety_orders": 0, "stop_loss_cooldown": 0}
    found = run(rows, after_stop_loss="continue", max_stop_losses=2, **rules)
    assert (found.cycles, found.stop_losses) == (2, 2)


def test_max_cycles_ends_the_strategy():
    rows = [FLAT, (100, 110, 100, 110), (110, 120, 110, 120)]
    found = run(rows, max_cycles=2)
    assert found.cycles == 2
    assert found.open_quantity == 0


def test_reinvesting_makes_the_next_cycle_larger():
    """Earned 1 of a required capital of 400: every size grows by a 400th."""
    found = run([FLAT, (100, 101, 100, 101)], reinvest="1")
    second = found.fills[-1]
    assert second.fill.cost == pytest.approx(D(100) * (1 + D(1) / 400))


def test_active_safety_orders_limits_what_rests():
    found = run([FLAT, (100, 100, 98, 98)], active_safety_orders=1)
    assert story(found) == ["base@100", "safety1@99", "safety2@98"]
    resting = [order.slot.level for cycle, order in found.orders if order.slot.role == "safety"]
    assert resting == [1, 2, 3]


def test_fees_in_quote_reduce_what_is_earned():
    market = Market(maker_fee=D("0.001"), taker_fee=D("0.002"))
    found = run([FLAT, (100, 101, 100, 101)], market, max_cycles=1, take_profit_includes_fees=False)
    assert found.fees == D("0.2") + D("0.101")
    assert found.realized_pnl == 1 - found.fees


def test_fees_in_base_shrink_the_position_and_leave_dust_at_cost():
    market = a_market(
        lot_size=D("0.1"), maker_fee=D("0.001"), taker_fee=D("0.001"), fee_currency=FeeCurrency.BASE
    )
    found = run([FLAT, (100, 102, 100, 102)], market, max_cycles=1)
    assert found.fills[-1].fill.quantity == D("0.9")
    assert found.dust == D("0.099")
    sold, price = found.fills[-1].fill.quantity, found.fills[-1].fill.price
    cost = D(100) * sold / D("0.999")
    assert found.realized_pnl == pytest.approx(sold * price * D("0.999") - cost)


def test_dust_is_sold_with_later_coins_pooled_at_cost():
    market = a_market(
        lot_size=D("0.1"), maker_fee=D("0.001"), taker_fee=D("0.001"), fee_currency=FeeCurrency.BASE
    )
    rows = [FLAT, (100, 102, 100, 102), (102, 108, 102, 108)]
    found = run(rows, market, max_cycles=2, base_order_size="104")
    assert found.dust == D("0.098")  # 0.1 from two cycles of 1.0 and 1.0, less base fees
    bought = sum(r.fill.cost for r in found.fills if r.order.side == "buy")
    sold = sum(r.fill.cost - r.fill.fee for r in found.fills if r.order.side == "sell")
    last = candles(*rows)[-1].close
    value = found.dust * last * D("0.999")
    assert found.equity_change == sold - bought + value


def test_a_third_coin_pays_fees_that_are_valued_in_quote():
    market = Market(fee_currency=FeeCurrency.OTHER)
    found = run([FLAT, (100, 102, 100, 102)], market, max_cycles=1)
    assert {record.fill.fee_asset for record in found.fills} == {"OTHER"}
    assert found.realized_pnl == sum(
        (r.fill.cost if r.order.side == "sell" else -r.fill.cost) - r.fill.fee_value
        for r in found.fills
    )


def test_what_the_balance_cannot_pay_is_not_placed_and_counted():
    found = run([FLAT, (100, 100, 96, 96)], settings=Settings(balance=D(250)))
    assert story(found) == ["base@100", "safety1@99"]
    assert found.unaffordable_orders == 2


def test_a_balance_too_small_for_anything_buys_nothing():
    found = run([FLAT] * 500, settings=Settings(balance=D(50)))
    assert story(found) == []
    assert found.unaffordable_orders == 1


def test_the_balance_comes_back_with_the_sale():
    rows = [FLAT, (100, 101, 100, 101), (101, 103, 101, 103)]
    found = run(rows, settings=Settings(balance=D(101)), max_safety_orders=0)
    assert found.cycles == 2


def test_an_open_position_is_valued_at_the_last_close_with_its_sell_fee():
    market = Market(maker_fee=D("0.001"), taker_fee=D("0.001"))
    found = run([FLAT, (100, 100, 95, 95)], market, max_safety_orders=0)
    assert found.unrealized_pnl == 95 * D("0.999") - D("100.1")
    assert found.equity_change == found.realized_pnl + found.unrealized_pnl
    assert found.open_quantity == 1


def test_gaps_are_counted_and_never_invented():
    series = candles(FLAT, FLAT, FLAT)
    assert gaps([candle.opened for candle in series]) == (0, 0)
    assert gaps([0, 60, 180, 240, 600]) == (2, 6)
    assert gaps([5]) == (0, 0)


def test_fills_on_two_legs_of_a_candle_were_assumed_in_their_order():
    assert run([FLAT, (100, 101, 99, 101)]).assumed_fills > 0
    assert run([FLAT, (100, 100, 97, 97)]).assumed_fills == 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((100, 99, 99, 100), "low or a high"),
        ((100, 101, "NaN", 100), "not a number above zero"),
        ((100, "Infinity", 99, 100), "not a number above zero"),
        ((0, 1, 0, 1), "not a number above zero"),
        ((-1, 1, -1, 1), "not a number above zero"),
        ((100, "1e308", 99, 100), "not a number above zero"),
    ],
)
def test_rows_that_are_no_candles_are_named(row, words):
    with pytest.raises(InvalidInput, match=rf"^candles: row 2 .*{words}"):
        check_candles(candles(FLAT, row))


def test_rows_out_of_order_are_named():
    with pytest.raises(InvalidInput, match="row 2 is not later"):
        check_candles(reversed(candles(FLAT, FLAT)))
