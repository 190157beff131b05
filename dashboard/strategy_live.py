"""The part of the strategy page that moves: state, money at risk, figures, chart."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import streamlit as st

from dashboard import (
    access,
    action_dialog,
    candle_history,
    live_card,
    live_words,
    strategy_pnl,
)
from dashboard.charts.market import market_figure
from dashboard.charts.strategy_lines import LEGEND, lines_of, marks_of, since
from dashboard.components.live_chart import live_chart
from dashboard.database import read
from dashboard.formatting import (
    ago,
    count,
    duration,
    escape,
    money,
    percent,
    price,
    quantity,
    utc_now,
)
from dashboard.page_parts import BOX, figure, losses, worker_silent
from dashboard.risk import risk_of
from dashboard.words import DESIRED_WORDS, STATE_COLOURS, state_word
from db import reports
from db.accounts import AccountKind
from db.reports import StrategyCard
from db.sessions import Principal

SEEN = "_state_seen"
LOSS_HELP = (
    "What selling everything would bring after the price has fallen so far from now, with the extra buys"
    " made on the way."
)
STILL_HELP = "What the extra buys that are not filled yet would cost, fees included."
OLD_PRICE = timedelta(seconds=30)


@access.guarded(run_every=3)
def state_and_figures(person: Principal, strategy_id: int) -> None:
    now = utc_now()
    detail = read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=now)
    )
    card = detail.card
    _follow_state(card)
    if card.silent and card.actual_state not in ("stopped", "closed"):
        worker_silent()
    _state(card)
    if card.account_kind is AccountKind.LIVE:
        _account(person, card.account_id, now)
    _figures(card, strategy_pnl.drawdown(person, detail, now), now)


def _follow_state(card: StrategyCard) -> None:
    """The buttons stand outside this fragment: when the state moves they are drawn again."""
    state = (card.strategy_id, card.desired_rev, card.actual_state, card.effective_state)
    before = st.session_state.get(SEEN)
    if before != state and not action_dialog.is_open():
        st.session_state[SEEN] = state
        if before is not None and before[0] == card.strategy_id:
            st.rerun()


def _state(card: StrategyCard) -> None:
    colour = STATE_COLOURS.get(card.actual_state or "", "gray")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state_word(card.actual_state), color=colour)  # type: ignore[arg-type]
        if card.is_settling:
            st.caption(f"You asked to {DESIRED_WORDS[card.desired_state]}; the worker is at it.")
        elif card.effective_state is not card.desired_state:
            st.caption("Paused by an administrator's halt. Press Run when it is lifted.")
    if card.reason:
        call = st.error if card.actual_state == "needs_attention" else st.info
        call(escape(card.reason))


def _account(person: Principal, account_id: int, now: datetime) -> None:
    """What holds the whole account back, and whether these figures are those of the exchange."""
    live = read(lambda session: reports.live_account(session, person.user_id, account_id))
    if live is None:
        return
    for said in live_words.everything_said(live, now):
        if said.is_urgent or said.word == "matches":
            live_card.say(said)


def _figures(card: StrategyCard, drawdown: Decimal | None, now: datetime) -> None:
    risk, quote = risk_of(card), card.quote
    base = card.symbol.partition("/")[0]
    with st.grid(min_column_width=BOX, gap="small"):
        losses(risk.results, quote, LOSS_HELP)
        figure("Still to be spent", money(risk.still_to_spend, quote), STILL_HELP)
        held = card.position.quantity if card.position else None
        figure(
            "Position",
            quantity(held, base) if held else "nothing held",
            delta=f"it cost {money(risk.in_position, quote)}" if held else None,
        )
        figure(
            "Unrealized PnL", money(card.unrealized_pnl, quote, signed=True), "Sell fee included."
        )
        figure(
            "Realized PnL", money(card.realized_pnl, quote, signed=True),
            "All cycles so far, after all fees.",
            delta=count(card.cycles_closed, "cycle done", "cycles done"),
        )  # fmt: skip
        figure(
            "Drawdown", money(drawdown, quote),
            "How far realized plus unrealized PnL is below the best it has ever been. More under PnL.",
        )  # fmt: skip
    _price_line(card, now)


def _price_line(card: StrategyCard, now: datetime) -> None:
    if card.last_price is None or card.price_at is None:
        st.caption("No price yet.")
        return
    age = now - card.price_at
    tick = None if card.cycle is None else card.cycle.market.tick_size
    text = f"Price {price(card.last_price, tick)} {card.quote}, {ago(card.price_at, now)}"
    if age > OLD_PRICE and not card.silent:
        st.warning(
            f"The last price is {duration(age.total_seconds())} old; figures that need it are too."
        )
    average = card.position.average_entry_price if card.position else None
    if average is not None and card.cycle is not None and card.cycle.has_fills():
        change = card.last_price / average - 1
        text += (
            f" · average entry {price(average, tick)} {card.quote} (price is"
            f" {percent(change, signed=True)} from it)"
            f" · {card.levels_filled} of {card.level_count} extra buys filled"
        )
    st.caption(escape(text))


@access.guarded(run_every=3)
def chart(person: Principal, strategy_id: int) -> None:
    now = utc_now()
    span, minutes, hours = candle_history.choose_span("chart_span")
    detail = read(
        lambda session: reports.strategy_detail(session, person.user_id, strategy_id, at=now)
    )
    card = detail.card
    earliest = now - timedelta(hours=hours)
    fills = read(
        lambda session: reports.strategy_fills(
            session, person.user_id, strategy_id, since=earliest, limit=500
        )
    )
    rows = candle_history.shown(person, card.venue, card.symbol, minutes, hours, now)
    lines = lines_of(card, now)
    marks = since(marks_of(fills, card.symbol, person.time_zone), earliest)
    if not rows and not lines and not marks:
        return
    live_chart(
        market_figure(rows, lines, marks, view=f"{strategy_id}-{span}", time_zone=person.time_zone),
        key=f"chart-{strategy_id}",
    )
    st.caption(
        escape(
            f"Price in {card.quote}, candles of {minutes} min, time in {person.time_zone}."
            f" {LEGEND} ▲ bought, ▼ sold."
        )
    )
