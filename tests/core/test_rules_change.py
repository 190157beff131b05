"""The exchange changes tick, lot or minima in the middle of a cycle."""

from __future__ import annotations

from dataclasses import replace

from core.cycle import TAKE_PROFIT
from core.cycle import DesiredState as Wanted
from core.events import PlaceOrder, RulesChanged
from core.orders import OrderStatus
from core.rules import differ, problem, under
from core.slots import attention
from core.story import tell
from core.wanted import base_is_complete
from tests.builders import Play, a_market, a_quote, at, report, started
from tests.core.engine_steps import LEVELS, D, S, partly, want
from tests.faults import fault

pytestmark = [fault("E17")]


def change(play: Play, seconds: float = 1, **rules) -> RulesChanged:
    market = replace(play.cycle.market, **rules)
    return RulesChanged(at(seconds), under(play.cycle, market), a_quote(100))


def test_orders_off_the_new_grid_are_replaced_after_proof_and_the_others_stay():
    play = started(base_price="100.07")
    before, event = play.cycle, change(play, tick_size=D("0.1"))
    commands = play(event)
    assert not [c for c in commands if isinstance(c, PlaceOrder)]
    assert [e.code for e in tell(before, play.cycle, event)] == ["rules_changed"]
    play.cancel_all(2)
    prices = [play.order(slot).price for slot in LEVELS]
    assert prices == [D("99.0"), D("98.0"), D("97.0")]
    assert play.order(TAKE_PROFIT).price == D("101.1")


def test_orders_on_the_new_grid_stay():
    play = started()
    assert play(change(play, tick_size=D("0.1"), min_notional=D(10))) == ()


def test_fees_are_pinned_and_do_not_count_as_rules():
    play = started()
    market = replace(play.cycle.market, maker_fee=D("0.002"), taker_fee=D("0.002"))
    assert not differ(play.cycle, market)
    assert under(play.cycle, replace(market, tick_size=D("0.1"))).taker_fee == 0


def test_what_an_order_has_filled_already_is_not_bought_again():
    play = started(base_price="100.07")
    partly(play, LEVELS[0], "0.5", 1)
    play(change(play, 2, lot_size=D("0.01"), tick_size=D("0.1")))
    filled = play.order(LEVELS[0])
    play(report(filled, S.CANCELLED, 3, filled=D("0.5"), fills=filled.fills))
    rest = play.order(LEVELS[0])
    assert rest.status is S.SENDING
    assert rest.quantity == D("0.51")


def test_lower_minima_do_not_open_a_base_order_again():
    play = started(a_market(min_notional=D(50)), base_order_type="limit", base_order_size="100")
    base = play.cycle.orders[0]
    short = replace(
        base, fills=(replace(base.fills[0], quantity=D("0.7")),), reported_filled=D("0.7")
    )
    play.cycle = play.cycle.with_order(replace(short, status=S.CANCELLED, cancel_asked=True))
    assert base_is_complete(play.cycle)
    play(change(play, 400, min_notional=D(5)))
    assert base_is_complete(play.cycle)


def test_a_filter_refusal_is_tried_once_after_the_rules_were_really_different():
    play = started()
    level = replace(play.order(LEVELS[2]), status=S.REFUSED, reason="filters", finished_at=at(1))
    play.cycle = play.cycle.with_order(level)
    assert attention(play.cycle) is not None
    play(change(play, 2))
    assert attention(play.cycle) is not None, "the same rules change nothing"
    play(change(play, 3, min_notional=D(6)))
    again = play.order(LEVELS[2])
    assert (again.status, again.attempt) == (S.SENDING, 2)
    play(report(again, S.REFUSED, 4, reason="filters"))
    assert attention(play.cycle) is not None, "tried once"


def test_a_refusal_for_another_reason_waits_for_the_person():
    play = started()
    level = replace(play.order(LEVELS[2]), status=S.REFUSED, reason="symbol", finished_at=at(1))
    play.cycle = play.cycle.with_order(level)
    play(change(play, 3, min_notional=D(6)))
    assert attention(play.cycle) is not None
    play(want(Wanted.RUNNING, 4, 100))
    assert play.order(LEVELS[2]).status is OrderStatus.SENDING


def test_the_ladder_is_validated_as_a_whole():
    play = started()
    assert problem(play.cycle) is None
    play(change(play, min_notional=D(200)))
    said = problem(play.cycle)
    assert said is not None
    assert "200" in said
