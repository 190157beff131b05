"""One strategy: what it does, what it risks, what it has done, and what the person can do about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import StepladderError
from dashboard import (
    access,
    action_dialog,
    doubtful_orders,
    pages,
    strategy_history,
    strategy_live,
    strategy_manage,
    strategy_pnl,
)
from dashboard.database import read
from dashboard.formatting import escape, utc_now
from dashboard.page_parts import empty, header
from db import reports
from db.errors import NotFound
from db.reports import StrategyDetail
from db.sessions import Principal

SECTIONS: dict[str, Callable[[StrategyDetail], None]] = {
    "Journal": lambda detail: strategy_history.journal(detail.card.strategy_id),
    "PnL": lambda detail: strategy_pnl.draw(detail.card.strategy_id),
    "Orders": lambda detail: strategy_history.orders(detail.card.strategy_id),
    "Fills": lambda detail: strategy_history.fills(detail.card.strategy_id),
    "Cycles": lambda detail: strategy_history.cycles(detail.card.strategy_id),
    "Settings": strategy_manage.draw,
}


def asked_for() -> int | None:
    """The strategy in the address. Whose it is, the database says."""
    text = st.query_params.get("id", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def draw(person: Principal) -> None:
    strategy_id = asked_for()
    try:
        if strategy_id is None:
            raise NotFound("No strategy was chosen.")
        number = strategy_id
        detail = read(
            lambda session: reports.strategy_detail(session, person.user_id, number, at=utc_now())
        )
    except NotFound:
        header("Strategy", ())
        empty("There is no such strategy among yours. Choose one on the home page.")
        st.page_link(pages.home(), label="Home", icon=":material/home:")
        return
    card = detail.card
    header(card.name, [card.account_kind])
    st.caption(f"{escape(card.symbol)} on the account {escape(card.account_name)}")
    strategy_live.state_and_figures(card.strategy_id)
    action_dialog.buttons(card)
    doubtful_orders.draw(card.strategy_id)
    strategy_live.chart(card.strategy_id)
    section = st.segmented_control(
        "What to show", list(SECTIONS), default="Journal", required=True, key="section",
        label_visibility="collapsed",
    )  # fmt: skip
    SECTIONS[section or "Journal"](detail)


try:
    draw(access.require())
except StepladderError as problem:
    st.error(escape(str(problem)))
