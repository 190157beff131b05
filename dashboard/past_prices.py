"""The ladder of the form on what the price did: has it fallen so far lately?"""

from __future__ import annotations

import streamlit as st

from dashboard import access, candle_history
from dashboard.charts.market import PriceLine, market_figure
from dashboard.components.live_chart import live_chart
from dashboard.formatting import escape, utc_now
from db.sessions import Principal


@access.guarded(run_every=3)
def draw(person: Principal, venue: str, symbol: str, lines: list[PriceLine]) -> None:
    span, minutes, hours = candle_history.choose_span("past_span")
    rows = candle_history.shown(person, venue, symbol, minutes, hours, utc_now())
    figure = market_figure(
        rows, lines, [], view=f"{venue}-{symbol}-{span}", time_zone=person.time_zone
    )
    live_chart(figure, key="past_prices")
    st.caption(
        escape(
            f"Price in {symbol.partition('/')[2]}, candles of {minutes} min, time in"
            f" {person.time_zone}. Dashed: the extra buys, if the first buy were made now."
        )
    )
