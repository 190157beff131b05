"""What a strategy earned and lost over time, and how far it fell from its peak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import plotly.graph_objects as go

from dashboard.charts import appearance

Point = tuple[datetime, Decimal]


def profit_figure(
    realized: Sequence[Point], equity: Sequence[Point], quote: str, height: int = 260
) -> go.Figure:
    """Realized PnL as steps, and realized plus unrealized where it is known."""
    figure = go.Figure()
    if equity:
        figure.add_scatter(
            x=[at for at, _ in equity], y=[float(value) for _, value in equity],
            name="With the open position", mode="lines",
            line={"color": appearance.WARN, "width": 1.5},
            hovertemplate="%{y:,.2f} " + quote + "<extra>With the open position</extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[at for at, _ in realized], y=[float(value) for _, value in realized],
        name="Realized", mode="lines+markers" if len(realized) < 40 else "lines",
        line={"color": appearance.ACCENT, "width": 2, "shape": "hv"}, marker={"size": 5},
        hovertemplate="%{y:,.2f} " + quote + "<extra>Realized</extra>",
    )  # fmt: skip
    figure.update_layout(
        appearance.layout(
            height,
            xaxis=appearance.axis(type="date", fixedrange=True),
            yaxis=appearance.axis(title={"text": quote}, zeroline=True, fixedrange=True),
            dragmode=False,
        )
    )
    return figure
