"""Accounts: where a strategy trades, with which kind of money, and what is on it."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from core.errors import StepladderError
from dashboard import access, live_add, live_card
from dashboard.database import read, write
from dashboard.formatting import escape, money, quantity, utc_now
from dashboard.page_parts import empty, facts, header
from dashboard.words import KIND_COLOURS, KIND_SENTENCES, KIND_WORDS
from db import accounts, reports
from db.accounts import Account, AccountKind
from db.sessions import Principal

# Exchanges whose public prices the worker can follow.
EXCHANGES = ("binance", "bybit", "okx", "kraken", "coinbase", "kucoin", "bitget", "gate")
KEY = "_new_account_key"


def draw(person: Principal) -> None:
    mine = read(lambda session: accounts.accounts(session, person.user_id))
    header("Accounts", {account.kind for account in mine})
    if not mine:
        empty("You have no account. Add one below.")
    balances = read(lambda session: reports.balances(session, person.user_id))
    live = read(lambda session: reports.live_accounts(session, person.user_id))
    for each in live:
        live_card.draw(each)
    for account in mine:
        if account.kind is not AccountKind.LIVE:
            _account(account, balances.get(account.account_id, ()))
    st.subheader("Add an account", anchor=False)
    kind = st.radio(
        "Which kind", [AccountKind.PAPER, AccountKind.SIMULATED, AccountKind.LIVE], key="new_kind",
        format_func=lambda kind: f"{KIND_WORDS[kind]}: {KIND_SENTENCES[kind]}",
    )  # fmt: skip
    if AccountKind(kind) is AccountKind.LIVE:
        live_add.draw(person)
    else:
        _add(person, AccountKind(kind))


def _account(account: Account, held: tuple[reports.Balance, ...]) -> None:
    with st.container(border=True, key=f"account-{account.account_id}"):
        badge = f":{KIND_COLOURS[account.kind]}-badge[{KIND_WORDS[account.kind]}]"
        where = "made-up market" if account.kind is AccountKind.SIMULATED else account.exchange
        st.markdown(f"**{escape(account.name)}** {badge} {escape(where)}")
        facts(
            [
                (f"Stated balance, {coin}", escape(money(amount, coin)))
                for coin, amount in account.stated_balance.items()
            ]
        )
        shown = [balance for balance in held if balance.free or balance.used]
        if shown:
            facts([(f"{b.asset} now", _balance(b, account)) for b in shown], width=220)
        else:
            st.caption("Nothing has been traded on it yet.")
        if st.button("Put away", key=f"archive-{account.account_id}"):
            _archive(account.account_id, account.name)


def _balance(balance: reports.Balance, account: Account) -> str:
    is_money = balance.asset in account.stated_balance
    shown = money if is_money else quantity
    text = f"{shown(balance.free, balance.asset)} free"
    if balance.used:
        text += f", {shown(balance.used, balance.asset)} in waiting orders"
    return escape(text)


def _add(person: Principal, kind: AccountKind) -> None:
    key = st.session_state.setdefault(KEY, access.fresh_key())
    with st.form("add_account", border=True):
        name = st.text_input("Name", max_chars=60, placeholder="Paper on Binance")
        exchange = "simulated"
        if kind is AccountKind.PAPER:
            exchange = st.selectbox(
                "Exchange", EXCHANGES, help="Its real prices are used; no order is ever sent there."
            )
        coin = st.text_input("Quote coin", value="USDT", max_chars=12)
        amount = st.number_input(
            "Stated balance", value=10_000.0, step=1000.0, format="%.2f",
            help="The made-up money that strategies on this account may use.",
        )  # fmt: skip
        if not st.form_submit_button("Add this account", type="primary"):
            return
    balance = {coin: Decimal(repr(amount))}
    try:
        if kind is AccountKind.PAPER:
            write(
                lambda session: accounts.add_paper_account(
                    session, person.user_id, name=name, exchange=exchange, balance=balance,
                    at=utc_now(), key=key,
                )
            )  # fmt: skip
        else:
            write(
                lambda session: accounts.add_simulated_account(
                    session, person.user_id, name=name, balance=balance, at=utc_now(), key=key
                )
            )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    del st.session_state[KEY]
    st.session_state[access.NOTICE] = "The account is added."
    st.rerun()


@st.dialog("Put this account away?")
def _archive(account_id: int, name: str) -> None:
    person = access.require()
    st.markdown(
        f"- {escape(name)} is not offered for new strategies any more.\n- Its history stays stored."
        "\n- Its strategies must be put away first."
    )
    if not st.button("Put away", type="primary", key="confirm_archive", width="stretch"):
        return
    try:
        write(
            lambda session: accounts.archive_account(
                session, person.user_id, account_id, at=utc_now()
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[access.NOTICE] = "Put away."
    st.rerun()


draw(access.require())
