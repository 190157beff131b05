"""New strategy, and changing the settings of one: the same form."""

from __future__ import annotations

import streamlit as st

from core.errors import StepladderError
from dashboard import access, strategy_form
from dashboard.database import read
from dashboard.formatting import escape, utc_now
from dashboard.page_parts import header
from db import accounts, reports
from db.sessions import Principal


def draw(person: Principal) -> None:
    text = st.query_params.get("edit", "")
    if text.isascii() and text.isdecimal() and len(text) < 19:
        number = int(text)
        card = read(
            lambda session: reports.strategy_detail(session, person.user_id, number, at=utc_now())
        ).card
        header(f"Settings of {card.name}", [card.account_kind])
        strategy_form.draw(number)
        return
    mine = read(lambda session: accounts.accounts(session, person.user_id))
    header("New strategy", {account.kind for account in mine})
    strategy_form.draw()


try:
    draw(access.require())
except StepladderError as problem:
    st.error(escape(str(problem)))
