"""Candles with the strategy drawn on them: levels, average, take profit, stop, fills."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from core.candles import Candle
from core.market import Side
from dashboard.charts import appearance
from dashboard.charts.appearance import LIGHT, Palette
from dashboard.formatting import price as price_text
from dashboard.formatting import zone


class LineKind(StrEnum):
    """`level`: a buy that rests. `planned`: one that is not placed now."""

    LEVEL = "level"
    PLANNED = "planned"
    FILLED = "filled"
    DOUBTFUL = "doubtful"
    REFUSED = "refused"
    LEFT_OUT = "left_out"
    AVERAGE = "average"
    BREAKEVEN = "breakeven"
    TAKE_PROFIT = "take_profit"
    STOP = "stop"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A horizontal line with a short label at its right end."""

    kind: LineKind
    price: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class FillMark:
    at: datetime
    side: Side
    price: Decimal
    words: str


# Of the height of the chart: below that two labels touch.
LABEL_HEIGHT = 0.04
STYLES: dict[LineKind, tuple[str, str, float]] = {
    LineKind.LEVEL: ("accent", "dash", 1),
    LineKind.PLANNED: ("quiet", "dot", 1),
    LineKind.FILLED: ("violet", "solid", 1),
    LineKind.DOUBTFUL: ("warn", "longdash", 1),
    LineKind.REFUSED: ("loss", "dashdot", 1),
    LineKind.LEFT_OUT: ("quiet", "longdashdot", 1),
    LineKind.AVERAGE: ("warn", "solid", 1.5),
    LineKind.BREAKEVEN: ("text", "dash", 1.5),
    LineKind.TAKE_PROFIT: ("gain", "solid", 1.5),
    LineKind.STOP: ("loss", "solid", 1.5),
    LineKind.PRICE: ("text", "dot", 1),
}
"""(name of a colour of the palette, dash, width). States of levels differ in their dashes too."""


def market_figure(
    candles: Sequence[Candle],
    lines: Sequence[PriceLine],
    fills: Sequence[FillMark],
    *,
    view: str,
    time_zone: str = "UTC",
    height: int = 440,
    palette: Palette = LIGHT,
) -> go.Figure:
    """`view` names what is looked at: while it stays the same, zoom and position survive an update."""
    there = zone(time_zone)
    figure = go.Figure()
    if candles:
        figure.add_candlestick(
            x=[_clock(candle.at, there) for candle in candles],
            open=[float(candle.open) for candle in candles],
            high=[float(candle.high) for candle in candles],
            low=[float(candle.low) for candle in candles],
            close=[float(candle.close) for candle in candles],
            increasing={"line": {"color": palette.gain, "width": 1}},
            decreasing={"line": {"color": palette.loss, "width": 1}},
            name="Price", showlegend=False,
        )  # fmt: skip
    for side, symbol, colour in (
        (Side.BUY, "triangle-up", palette.accent),
        (Side.SELL, "triangle-down", palette.violet),
    ):
        marks = [fill for fill in fills if fill.side is side]
        figure.add_scatter(
            x=[_clock(mark.at, there) for mark in marks],
            y=[float(mark.price) for mark in marks],
            text=[mark.words for mark in marks],
            mode="markers", hovertemplate="%{text}<extra></extra>",
            marker={
                "symbol": symbol, "size": 12, "color": colour,
                "line": {"color": palette.background, "width": 1},
            },
            name="Bought" if side is Side.BUY else "Sold", showlegend=bool(marks),
        )  # fmt: skip
    limits = _range(candles, lines)
    span = limits[1] - limits[0] if limits else 1
    shapes, annotations = _lines(lines, span, palette)
    figure.update_layout(
        appearance.layout(
            palette,
            height,
            uirevision=view,
            xaxis=appearance.axis(palette, rangeslider={"visible": False}, type="date"),
            yaxis=appearance.axis(palette, side="left", range=limits),
            shapes=shapes,
            annotations=annotations,
            margin={"l": 8, "r": 76, "t": 8, "b": 8},
        )
    )
    return figure


def _clock(at: datetime, there: ZoneInfo) -> datetime:
    """What a clock on the person's wall shows; Plotly ignores the offset of a time."""
    return at.astimezone(there).replace(tzinfo=None)


def _lines(
    lines: Sequence[PriceLine], span: float, palette: Palette
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One list of shapes and one of labels: add_hline costs eight milliseconds for each line."""
    places = spread([float(line.price) for line in lines], span * LABEL_HEIGHT)
    shapes, annotations = [], []
    for line, place in zip(lines, places, strict=True):
        name, dash, width = STYLES[line.kind]
        colour = getattr(palette, name)
        y = float(line.price)
        shapes.append(
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y,
                "line": {"color": colour, "width": width, "dash": dash}, "layer": "below",
            }
        )  # fmt: skip
        annotations.append(
            {
                "xref": "paper", "x": 1, "xanchor": "left", "yref": "y", "y": place,
                "yanchor": "middle", "text": line.label, "showarrow": False,
                "font": {"color": colour, "size": 11}, "hovertext": price_text(line.price),
            }
        )  # fmt: skip
    return shapes, annotations


def spread(values: Sequence[float], least: float) -> list[float]:
    """Where labels stand so that neighbours are at least `least` apart, in the same order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    placed = list(values)
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + least)
    return placed


def _range(candles: Sequence[Candle], lines: Sequence[PriceLine]) -> list[float] | None:
    """Everything that matters now is in sight: the candles, and every line."""
    values = [float(candle.low) for candle in candles] + [float(candle.high) for candle in candles]
    values += [float(line.price) for line in lines]
    if not values:
        return None
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or high * 0.01
    return [low - room, high + room]
