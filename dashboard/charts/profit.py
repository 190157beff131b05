"""What a strategy earned and lost over time, and below it how far that was from its best."""

from __future__ import annotations

from datetime import UTC, datetime

import plotly.graph_objects as go

from dashboard.charts import appearance
from dashboard.charts.appearance import LIGHT, Palette
from dashboard.equity import Drawn
from dashboard.formatting import zone

SHARE_OF_DRAWDOWN = 0.3
"""Of the height."""


def profit_figure(
    drawn: Drawn,
    quote: str,
    *,
    view: str,
    time_zone: str = "UTC",
    height: int = 380,
    palette: Palette = LIGHT,
) -> go.Figure:
    """`view` names what is looked at: while it stays the same, zoom and position survive an update."""
    there = zone(time_zone)
    # Plotly ignores the offset of a time: it is given what a clock on the wall shows.
    at = [
        datetime.fromtimestamp(opened / 1000, UTC).astimezone(there).replace(tzinfo=None)
        for opened in drawn.opened
    ]
    figure = go.Figure()
    for name, values, colour, shape in (
        ("With the open position", drawn.equity, palette.warn, "linear"),
        ("Realized", drawn.realized, palette.accent, "hv"),
    ):
        figure.add_scatter(
            x=at, y=values, name=name, mode="lines",
            line={"color": colour, "width": 1.5, "shape": shape},
            hovertemplate="%{y:,.2f} " + quote + f"<extra>{name}</extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=at, y=[-value for value in drawn.drawdown], name="Drawdown", mode="lines", yaxis="y2",
        line={"color": palette.loss, "width": 1}, fill="tozeroy",
        hovertemplate="%{y:,.2f} " + quote + "<extra>Drawdown</extra>",
    )  # fmt: skip
    figure.update_layout(
        appearance.layout(
            palette,
            height,
            uirevision=view,
            hovermode="x unified",
            xaxis=appearance.axis(palette, type="date", anchor="y2"),
            yaxis=appearance.axis(palette, domain=[SHARE_OF_DRAWDOWN + 0.06, 1], zeroline=True),
            yaxis2=appearance.axis(
                palette, domain=[0, SHARE_OF_DRAWDOWN], rangemode="tozero", anchor="x", nticks=4
            ),
        )
    )
    return figure
