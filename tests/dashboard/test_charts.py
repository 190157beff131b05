"""Rows in, figure out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from core.accounting import position
from core.candles import Candle
from core.cycle import TAKE_PROFIT, DesiredState, PassedLevels
from core.ladder import build_ladder
from core.market import Side
from core.orders import Role
from dashboard.charts.ladder import ladder_figure
from dashboard.charts.market import STYLES, FillMark, LineKind, PriceLine, market_figure, spread
from dashboard.charts.profit import profit_figure
from dashboard.charts.strategy_lines import LEVELS as LEVELS_DRAWN
from dashboard.charts.strategy_lines import lines_of
from dashboard.equity import Drawn
from dashboard.planned_real import LevelState
from tests.builders import a_cycle, a_market, at, candles, report, some_parameters, started
from tests.core.engine_steps import LEVELS, S, want
from tests.dashboard.cards import a_card

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
D = Decimal


def test_the_ladder_has_a_point_per_buy():
    ladder = build_ladder(some_parameters(), D(100), a_market())
    figure = ladder_figure(ladder, "USDT")
    assert [len(trace.x) for trace in figure.data] == [4, 4, 4, 4]
    assert list(figure.data[3].y) == [100, 99, 98, 97]
    assert "Extra buy 2" in figure.data[3].text[2]


def test_a_chart_without_anything_is_a_chart():
    figure = market_figure([], [], [], view="1")
    assert figure.to_json()


def test_lines_are_shapes_in_one_list_and_all_are_in_sight():
    rows: list[Candle] = candles((100, 101, 99, 100))
    lines = [PriceLine(LineKind.LEVEL, D(90), "Buy 1"), PriceLine(LineKind.STOP, D(80), "Stop")]
    figure = market_figure(rows, lines, [], view="1")
    assert [shape.y0 for shape in figure.layout.shapes] == [90, 80]
    low, high = figure.layout.yaxis.range
    assert low < 80
    assert high > 101


def test_zoom_survives_as_long_as_the_same_thing_is_looked_at():
    first = market_figure(candles((1, 2, 1, 2)), [], [], view="7-1 day")
    second = market_figure(candles((2, 3, 2, 3)), [], [], view="7-1 day")
    assert first.layout.uirevision == second.layout.uirevision == "7-1 day"


def test_times_are_drawn_in_the_persons_zone():
    mark = FillMark(AT, Side.BUY, D(100), "bought")
    figure = market_figure([], [], [mark], view="1", time_zone="Europe/Berlin")
    assert figure.data[0].x[0] == datetime(2026, 11, 22, 18, 0)  # noqa: DTZ001


def test_labels_that_would_touch_are_moved_apart():
    assert spread([100, 100.1, 50], 2) == [100, 102, 50]
    assert spread([], 2) == []


def test_a_cycle_is_drawn_with_levels_average_and_take_profit():
    play = started()
    lines = lines_of(a_card(play.cycle, "99.5"), at(60))
    found = {line.label: line.price for line in lines}
    assert found["Buy 1"] == D(99)
    assert found["Average"] == D(100)
    assert found["Profit"] == play.order(TAKE_PROFIT).price
    assert found["99.50"] == D("99.5")
    assert "Stop" not in found


def test_buys_that_are_not_placed_are_drawn_differently():
    play = started(active_safety_orders=1)
    lines = lines_of(a_card(play.cycle, None), at(60))
    kinds = [line.kind for line in lines if line.kind in (LineKind.LEVEL, LineKind.PLANNED)]
    assert kinds == [LineKind.LEVEL, LineKind.PLANNED, LineKind.PLANNED]
    assert any(order.slot.role is Role.SAFETY for order in play.cycle.live())


def kinds_of(play, last=100):
    lines = lines_of(a_card(play.cycle, last), at(60))
    return {line.label: line.kind for line in lines}


def test_levels_are_drawn_by_their_state():
    play = started()
    play.fill(LEVELS[0], seconds=5)
    play(report(play.order(LEVELS[1]), S.CANCELLED, 6))
    play.cancel_all(7)
    found = kinds_of(play)
    assert found["✓ 1"] is LineKind.FILLED
    assert found["✗ 2"] is LineKind.REFUSED
    assert found["(3)"] is LineKind.PLANNED


def test_levels_that_nobody_knows_of_or_that_were_skipped_are_drawn_so():
    play = started()
    play(report(play.order(LEVELS[0]), S.QUARANTINED, 1))
    assert kinds_of(play)["? 1"] is LineKind.DOUBTFUL
    play = started()
    play(want(DesiredState.PAUSED, 1, 100))
    play.cancel_all(2)
    play(want(DesiredState.RUNNING, 3, "98.5", passed_levels=PassedLevels.SKIP))
    assert kinds_of(play)["– 1"] is LineKind.LEFT_OUT


def test_the_breakeven_lies_above_the_average_by_both_fees():
    fee = D("0.001")
    play = started(a_market(maker_fee=fee, taker_fee=fee))
    found = {line.kind: line.price for line in lines_of(a_card(play.cycle), at(60))}
    held = position(play.cycle)
    assert found[LineKind.AVERAGE] == 100
    assert found[LineKind.BREAKEVEN] == held.paid / (held.quantity * (1 - fee))
    assert D("100.2") < found[LineKind.BREAKEVEN] < found[LineKind.TAKE_PROFIT]


def test_a_cycle_that_waits_to_start_is_drawn_without_levels():
    assert kinds_of(type(started())(a_cycle())) == {"100.00": LineKind.PRICE}


def test_every_state_and_every_kind_of_line_has_its_look():
    assert set(LEVELS_DRAWN) == set(LevelState)
    assert set(STYLES) == set(LineKind)
    looks = [(STYLES[kind][1], STYLES[kind][2]) for kind, _ in LEVELS_DRAWN.values()]
    assert len(set(looks)) == len(looks)  # without colours too


def test_the_profit_chart_takes_an_empty_history():
    assert profit_figure(Drawn([], [], [], []), "USDT", view="1").to_json()


def test_drawdown_is_drawn_downwards_below_equity():
    drawn = Drawn([0, 60_000], [1.0, -2.0], [1.0, 1.0], [0.0, 3.0])
    figure = profit_figure(drawn, "USDT", view="1", time_zone="Europe/Berlin")
    assert [list(trace.y) for trace in figure.data] == [[1, -2], [1, 1], [0, -3]]
    assert figure.data[0].x[0].hour == 1
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
