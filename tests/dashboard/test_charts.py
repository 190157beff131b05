"""Rows in, figure out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from core.candles import Candle
from core.cycle import TAKE_PROFIT
from core.ladder import build_ladder
from core.market import Side
from core.orders import Role
from dashboard.charts.ladder import ladder_figure
from dashboard.charts.market import FillMark, LineKind, PriceLine, market_figure, spread
from dashboard.charts.profit import profit_figure
from dashboard.charts.strategy_lines import lines_of
from dashboard.equity import Drawn
from tests.builders import a_market, candles, some_parameters, started

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
    from core.accounting import position

    lines = lines_of(play.cycle, position(play.cycle), D("99.5"))
    found = {line.label: line.price for line in lines}
    assert found["Buy 1"] == D(99)
    assert found["Average"] == D(100)
    assert found["Profit"] == play.order(TAKE_PROFIT).price
    assert found["99.50"] == D("99.5")
    assert "Stop" not in found


def test_buys_that_are_not_placed_are_drawn_differently():
    play = started(active_safety_orders=1)
    from core.accounting import position

    lines = lines_of(play.cycle, position(play.cycle), None)
    kinds = [line.kind for line in lines if line.kind in (LineKind.LEVEL, LineKind.PLANNED)]
    assert kinds == [LineKind.LEVEL, LineKind.PLANNED, LineKind.PLANNED]
    assert any(order.slot.role is Role.SAFETY for order in play.cycle.live())


def test_the_profit_chart_takes_an_empty_history():
    assert profit_figure(Drawn([], [], [], []), "USDT", view="1").to_json()


def test_drawdown_is_drawn_downwards_below_equity():
    drawn = Drawn([0, 60_000], [1.0, -2.0], [1.0, 1.0], [0.0, 3.0])
    figure = profit_figure(drawn, "USDT", view="1", time_zone="Europe/Berlin")
    assert [list(trace.y) for trace in figure.data] == [[1, -2], [1, 1], [0, -3]]
    assert figure.data[0].x[0].hour == 1
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
