"""Before a strategy starts with real money: can the account trade, and does the person mean it?"""

from __future__ import annotations

import streamlit as st

from dashboard import live_words, pages
from dashboard.database import read
from dashboard.formatting import escape
from db import reports
from db.sessions import Principal

AGREED = "live_agreed"


def agreed(person: Principal, account_id: int, quote: str, most: str | None = None) -> bool:
    """`most`: what it may spend, with its coin. Where the account cannot trade it says why, and False."""
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
    return st.checkbox(
        "This is real money. I can lose all of it, and I want this strategy to trade with it.",
        # Whoever changes the account or the sum agrees anew.
        key=f"{AGREED}_{account_id}_{most}",
    )
