"""What a strategy earned and lost: equity and drawdown over time, from every fill and minute."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import streamlit as st

from dashboard import access, candle_history, equity_reading
from dashboard.charts.profit import profit_figure
from dashboard.components.live_chart import live_chart
from dashboard.database import read
from dashboard.equity import Past, for_a_screen
from dashboard.formatting import duration, escape, money, percent, short_when, utc_now
from dashboard.page_parts import BOX, empty, figure
from db import reports
from db.candles import milliseconds
from db.reports import StrategyCard, StrategyDetail
from db.sessions import Principal

HEIGHT = 380


def drawdown(person: Principal, detail: StrategyDetail, now: datetime) -> Decimal | None:
    """How far it is below its best now; None where nothing can be said."""
    whole, equity = _past(person, detail, now), equity_reading.equity_now(detail.card)
    return None if whole is None or equity is None else whole.drawdown_at(equity)


@access.guarded(run_every=5)
def draw(person: Principal, strategy_id: int) -> None:
    now = utc_now()
    detail = read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=now)
    )
    card = detail.card
    whole = _past(person, detail, now, aloud=True)
    if whole is None:
        return
    if not len(whole.opened):
        empty("Nothing bought or sold yet.")
        return
    _figures(card, whole, person.time_zone)
    live_chart(
        profit_figure(
            for_a_screen(whole), card.quote, view=str(strategy_id), time_zone=person.time_zone,
            height=HEIGHT,
        ),
        key=f"profit-{strategy_id}", height=HEIGHT,
    )  # fmt: skip
    st.caption(
        escape(
            f"In {card.quote}, fees included, time in {person.time_zone}, at most the last"
            f" {duration(equity_reading.LOOK_BACK.total_seconds())}. The lowest price of each candle"
            " counts for the drawdown."
        )
    )


def _figures(card: StrategyCard, whole: Past, time_zone: str) -> None:
    now, quote, deepest = equity_reading.equity_now(card), card.quote, whole.deepest
    # Prices move on between two whole minutes.
    best = whole.peak if now is None else max(whole.peak, now)
    with st.grid(min_column_width=BOX, gap="small"):
        figure(
            "Equity", money(now, quote, signed=True), "Realized plus unrealized PnL, all cycles.",
            delta=f"best {money(best, quote, signed=True)}",
        )  # fmt: skip
        figure(
            "Drawdown now",
            money(None if now is None else whole.drawdown_at(now), quote),
            "How far equity is below the best it has ever been.",
        )
        figure(
            "Deepest drawdown",
            money(deepest.amount, quote),
            "The largest fall of equity from its best so far, and what part that was of the money needed"
            " plus what had been earned then.",
            delta=f"{percent(deepest.fraction)}, {short_when(deepest.at, time_zone)}"
            if deepest.amount
            else None,
        )


def _past(
    person: Principal, detail: StrategyDetail, now: datetime, *, aloud: bool = False
) -> Past | None:
    """Asks the worker for candles that it lacks. aloud: and says so."""
    card = detail.card
    place = (card.venue, card.symbol, "equity")
    last = candle_history.last_request(person, place)
    fetched = 0 if last is None else (last.done_until or 0)
    whole, missing = equity_reading.past_of(card, detail.parameters, now, fetched)
    if missing:
        last = candle_history.ask_for(person, place, missing, milliseconds(now), now)
    if missing and last is not None and aloud:
        candle_history.say(last, place, milliseconds(now))
    return whole
