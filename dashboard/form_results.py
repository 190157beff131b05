"""What the numbers of the form mean: money, fall covered, losses, ladder. Follows every change at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from core.exposure import FALLS, outlook_of_ladder
from core.ladder import Ladder
from core.market import Market
from core.parameters import Parameters
from dashboard.charts.ladder import ladder_figure
from dashboard.formatting import amount, count, escape, money, percent, price, short_percent
from dashboard.page_parts import BOX, figure, losses
from dashboard.risk import results_after
from dashboard.tables import table

LOSS_HELP = "What selling everything would bring after that fall from the first buy, in one cycle."


def draw(
    parameters: Parameters,
    ladder: Ladder,
    market: Market,
    free: Decimal | None,
    past: Callable[[], None],
) -> None:
    """`past`: draws the ladder on what the price did."""
    _figures(parameters, ladder, market, free)
    chosen = st.segmented_control(
        "Show the ladder as", ["Table", "Chart", "Past prices"], default="Table", required=True,
        key="ladder_view", label_visibility="collapsed",
    )  # fmt: skip
    if chosen == "Chart":
        st.plotly_chart(
            ladder_figure(ladder, market.quote), width="stretch", key="ladder_chart",
            config={"displayModeBar": False},
        )  # fmt: skip
        st.caption("Touch a point to read it. Bars: money spent at each buy.")
    elif chosen == "Past prices":
        past()
    else:
        table(ladder_rows(ladder, market), pinned="Buy")
        st.caption(
            escape(
                f"Prices and money in {market.quote}. Fall: from the first buy. Rise: the rise needed from"
                " that buy to where everything is sold. In all: spent up to that buy. Average: what a coin"
                " has cost then."
            )
        )


def _figures(parameters: Parameters, ladder: Ladder, market: Market, free: Decimal | None) -> None:
    quote = market.quote
    start = ladder.rungs[0].level.price
    results = results_after(outlook_of_ladder(parameters, market, start))
    with st.grid(min_column_width=BOX, gap="small"):
        figure(
            "Money needed", money(ladder.required_capital, quote),
            "The first buy and all extra buys, fees included.",
            delta=None if free is None else f"there are {money(free, quote)}",
        )  # fmt: skip
        figure(
            "Fall covered", percent(ladder.max_deviation, 1),
            "How far below the first buy the last extra buy waits. Below that nothing more is bought.",
        )  # fmt: skip
        losses(results, quote, LOSS_HELP)
        figure(
            "A cycle earns about", money(_usual_gain(parameters, ladder), quote, signed=True),
            "When the price rises to the take profit right after the first buy. More when extra buys"
            " were filled before.",
        )  # fmt: skip
    worst = results[FALLS[-1]]
    gain = _usual_gain(parameters, ladder)
    if gain > 0 and worst < 0:
        st.caption(
            f"A fall of {percent(FALLS[-1], 0)} would cost as much as"
            f" {count(int(-worst / gain) + 1, 'such cycle earns', 'such cycles earn')}."
        )


def _usual_gain(parameters: Parameters, ladder: Ladder) -> Decimal:
    """Of a cycle that ends right after its first buy."""
    return ladder.rungs[0].level.cost * parameters.take_profit


def ladder_rows(ladder: Ladder, market: Market) -> list[dict[str, str]]:
    quote, tick = market.quote, market.tick_size
    return [
        {
            "Buy": "First" if rung.level.number == 0 else str(rung.level.number),
            "Fall": percent(-rung.level.deviation),
            "Price": price(rung.level.price, tick),
            "Spends": amount(rung.level.cost, quote),
            "Sells at": price(rung.take_profit_price, tick),
            "Rise": percent(rung.required_change),
            "In all": amount(rung.cumulative_cost, quote),
            "Average": price(rung.average_entry_price, tick),
        }
        for rung in ladder.rungs
    ]


def what_start_does(parameters: Parameters, ladder: Ladder, market: Market) -> str:
    """One Markdown sentence or two, beside the button."""
    first = ladder.rungs[0].level
    now = "at the market price"
    if parameters.base_order_type.value == "limit":
        now = "with a limit order"
    wait = ""
    if parameters.trigger_price is not None:
        wait = f" once the price is at or below {price(parameters.trigger_price)} {market.quote}"
    text = f"Buys {market.base} for {money(first.cost, market.quote)} {now}{wait}."
    extra = len(ladder.rungs) - 1
    if extra:
        rest = ladder.required_capital - first.cost
        text += (
            f" Then {count(extra, 'extra buy waits', 'extra buys wait')} below, down to"
            f" {percent(-ladder.max_deviation, 1)}, for up to {money(rest, market.quote)} more."
        )
    text += (
        f" Everything is sold {short_percent(parameters.take_profit)} above the"
        f" {'break-even' if parameters.take_profit_includes_fees else 'average entry'} price, and the next"
        " cycle begins."
    )
    if parameters.stop_loss is None:
        text += " There is no stop loss: below the last extra buy it waits, whatever the loss."
    if parameters.stop_loss is not None or parameters.trailing_deviation is not None:
        text += " Stop loss and trailing work only while the worker runs."
    return escape(text)
