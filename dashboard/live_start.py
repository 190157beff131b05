"""Before a strategy starts with real money: can the account trade, and does the person mean it?"""

from __future__ import annotations

import zlib

import streamlit as st

from core.errors import StepladderError
from dashboard import access, live_words, pages, typed_secrets
from dashboard.database import read
from dashboard.formatting import escape, utc_now
from db import reports
from db.sessions import Principal

AGREED = "live_agreed"
REFUSED = "_live_start_refused"


def agreed(
    person: Principal, account_id: int, quote: str, most: str | None = None, about: str = ""
) -> bool:
    """`most`: what it may spend, with its coin. `about`: what is agreed to, as text. Where the account
    cannot trade it says why, and False."""
    live = read(lambda session: reports.live_account(session, person.user_id, account_id))
    refusal = live_words.why_not(live, quote)
    if refusal is not None:
        st.error(f"**LIVE** · {escape(refusal)}", icon=":material/block:")
        st.page_link(pages.accounts(), label="Accounts", icon=":material/account_balance_wallet:")
        return False
    sum_of_it = f" of up to **{escape(most)}**" if most else ""
    st.warning(
        f"**LIVE: real money.** Real orders{sum_of_it} are placed on the exchange, as long as the strategy"
        " runs."
    )
    ticked = st.checkbox(
        "This is real money. I can lose all of it, and I want this strategy to trade with it.",
        # Whoever changes the account or the settings agrees anew. (The sum moves with the price.)
        key=f"{AGREED}_{account_id}_{zlib.crc32(about.encode())}",
    )
    return ticked and _is_them(person)


def _is_them(person: Principal) -> bool:
    """What raises risk asks for the password, unless it was given within the last minutes."""
    if person.is_confirmed(utc_now()):
        return True
    with st.form("live_password", border=False):
        typed_secrets.password_field(person)
        st.form_submit_button("Confirm that it is you", on_click=_confirm, key="confirm_person")
    refused = st.session_state.pop(REFUSED, None)
    if refused:
        st.error(escape(refused))
    return False


def _confirm() -> None:
    person = access.current_user()
    if person is None:
        return
    try:
        if not typed_secrets.is_confirmed(person):
            st.session_state[REFUSED] = "This was not your password."
    except StepladderError as refusal:
        st.session_state[REFUSED] = str(refusal)
