"""Adding an account with real money: what it is, what it needs, and the cap. The key comes after that."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from core.errors import StepladderError
from core.exchanges import LIVE_EXCHANGES, LiveExchange
from dashboard import access
from dashboard.database import engine, read, write
from dashboard.formatting import escape, money, utc_now
from db import accounts
from db.engine import is_sqlite
from db.exchange_proofs import UNPROVEN_CAP, proven
from db.sessions import Principal

CLICK = "_new_live_key"
NEEDS = (
    "**Real orders need three things:** the operator of this server has switched them on (ALLOW_LIVE), the"
    " database is MySQL or MariaDB, and this account has a **cap**: the most money that may be in use."
)
STEPS = """
1. **On the exchange, make a sub-account** for Stepladder if you can, and move only the money there that it
   may use. What lies elsewhere cannot be touched, and your own trading does not get mixed up with it.
2. **Add the account here**, with its cap.
3. **Make a key** there and enter it here. What to allow it, and what not, is said there.
4. The worker asks the exchange what the key may do. A key that can withdraw is refused.
5. **Self-test**, if you agree: one smallest order, far below the market, placed and taken back.
"""
SQLITE = (
    "This installation keeps its data in SQLite, which is good for trying out. You can prepare an account,"
    " but no real order is sent until the operator has moved to MySQL or MariaDB."
)


def draw(person: Principal) -> None:
    st.error(
        "**LIVE: real money.** You can lose all of it. Run the same strategy with paper money for some weeks"
        " first.", icon=":material/warning:",
    )  # fmt: skip
    st.markdown(NEEDS)
    if is_sqlite(engine()):
        st.warning(SQLITE)
    st.markdown(STEPS)
    chosen = st.selectbox(
        "Exchange", list(LIVE_EXCHANGES.values()), key="live_exchange",
        format_func=lambda each: each.name,
        help="Those on which this program knows how to prove what became of an order. All others offer paper"
        " trading.",
    )  # fmt: skip
    _about(chosen)
    _form(person, chosen)


def _about(exchange: LiveExchange) -> None:
    if exchange.id not in read(proven):
        coins = money(UNPROVEN_CAP, "USDT")
        st.warning(
            escape(
                f"{exchange.name} is not yet proven: nobody here has passed the self-test there. Until"
                f" somebody has, at most about {coins} per account is used, whatever the cap says."
            )
        )
    if not exchange.can_read_permissions:
        st.warning(
            escape(
                f"{exchange.name} does not tell what a key may do. You will be asked to make sure of it"
                " yourself."
            )
        )


def _form(person: Principal, exchange: LiveExchange) -> None:
    key = st.session_state.setdefault(CLICK, access.fresh_key())
    with st.form("add_live_account", border=True):
        name = st.text_input("Name", max_chars=60, placeholder=f"Real, {exchange.name}")
        coin = st.text_input("Quote coin", value="USDT", max_chars=12)
        cap = st.number_input(
            "Cap", value=None, min_value=0.0, step=50.0, format="%.2f",
            placeholder="for example 200",
            help="The most that all strategies on this account together may have in use, in this coin. More"
            " coins can be added later.",
        )  # fmt: skip
        if not st.form_submit_button("Add this account", type="primary"):
            return
    given = {coin: Decimal(repr(cap))} if cap else {}
    try:
        write(
            lambda session: accounts.add_live_account(
                session, person.user_id, name=name, exchange=exchange.id, caps=given,
                accepts_no_address=False, accepts_unverified=False, at=utc_now(), key=key,
            )
        )  # fmt: skip
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    del st.session_state[CLICK]
    st.session_state[access.NOTICE] = "The account is added. Enter its key next."
    st.rerun()
