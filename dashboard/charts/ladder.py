"""The planned ladder: how far it reaches, and how the average and the take profit follow the price down."""

from __future__ import annotations

import plotly.graph_objects as go

from core.ladder import Ladder
from dashboard.charts import appearance
from dashboard.charts.appearance import LIGHT, Palette
from dashboard.formatting import money, percent, price


def ladder_figure(
    ladder: Ladder, quote: str, height: int = 380, palette: Palette = LIGHT
) -> go.Figure:
    """Steps from the first buy (left) to the last extra buy (right): prices as lines, money as bars."""
    rungs = ladder.rungs
    names = ["First"] + [str(rung.level.number) for rung in rungs[1:]]
    words = [
        f"{'First buy' if rung.level.number == 0 else f'Extra buy {rung.level.number}'}"
        f"<br>{percent(-rung.level.deviation)} from the first buy"
        f"<br>buys at {price(rung.level.price)} for {money(rung.level.cost, quote)}"
        f"<br>average {price(rung.average_entry_price)}"
        f"<br>take profit {price(rung.take_profit_price)}"
        f" (a rise of {percent(rung.required_change)})"
        for rung in rungs
    ]
    figure = go.Figure()
    figure.add_bar(
        x=names, y=[float(rung.level.cost) for rung in rungs], name=f"Money spent ({quote})",
        marker={"color": palette.accent, "opacity": 0.18}, yaxis="y2", hoverinfo="skip",
    )  # fmt: skip
    lines = (
        ("Take profit", palette.gain, [rung.take_profit_price for rung in rungs], "dot"),
        ("Average entry", palette.warn, [rung.average_entry_price for rung in rungs], "dash"),
        ("Buys at", palette.accent, [rung.level.price for rung in rungs], "solid"),
    )
    for name, colour, values, dash in lines:
        figure.add_scatter(
            x=names, y=[float(value) for value in values], name=name, mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash}, marker={"size": 6},
            text=words if name == "Buys at" else None,
            hovertemplate="%{text}<extra></extra>" if name == "Buys at" else None,
            hoverinfo=None if name == "Buys at" else "skip",
        )  # fmt: skip
    figure.update_layout(
        appearance.layout(
            palette,
            height,
            xaxis=appearance.axis(
                palette, title={"text": "Extra buy"}, type="category", fixedrange=True
            ),
            yaxis=appearance.axis(palette, title={"text": f"Price ({quote})"}, fixedrange=True),
            yaxis2={"overlaying": "y", "side": "right", "visible": False, "rangemode": "tozero"},
            legend={"orientation": "h", "y": -0.22, "x": 0, "yanchor": "top"},
            dragmode=False,
            bargap=0.35,
        )
    )
    return figure
