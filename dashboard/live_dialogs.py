"""What a person can do with a live account, each in a dialog that says first what it means."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import streamlit as st

from core.errors import StepladderError
from dashboard import access, live_words, typed_secrets
from dashboard.database import read, write
from dashboard.formatting import escape, money, utc_now
from db import account_keys, accounts, keys, reports
from db.handles import Session
from db.reports import LiveAccount
from db.sessions import Principal

OPEN = "_live_dialog_open"
DONE = "_live_dialog_done"
REFUSED = "_live_dialog_refused"
WRONG_PASSWORD = "Your password is asked for here, and this was not it. Nothing was changed."  # noqa: S105
API_KEY, SECRET, PASSPHRASE = "api_key", "secret", "passphrase"
COIN, CAP = "live_cap_coin", "live_cap"
CONSENTS = ("live_accepts_no_address", "live_accepts_unverified")

NO_ADDRESS = (
    "**This key works from any address.** Whoever steals it can trade on your account from anywhere, for"
    " example buy worthless coins from himself at a high price. Binding it to this server's address prevents"
    " that and costs nothing."
)
UNVERIFIED = (
    "**What this key may do cannot be verified.** If it can withdraw or transfer, whoever steals it can empty"
    " your account. Look at the key on the exchange yourself before you agree."
)
Draw = Callable[[Principal, LiveAccount], None]


def is_open() -> bool:
    return bool(st.session_state.get(OPEN))


def show(title: str, body: Draw, account_id: int) -> None:
    _settle(is_open=True)
    st.dialog(title, width="medium", on_dismiss=partial(_settle, is_open=False))(_body)(
        body, account_id
    )


def _settle(*, is_open: bool) -> None:
    st.session_state[OPEN] = is_open
    for key in (DONE, REFUSED):
        st.session_state.pop(key, None)
    for name in (API_KEY, SECRET, PASSPHRASE, typed_secrets.PASSWORD):
        st.session_state.pop(typed_secrets.PREFIX + name, None)


def _body(body: Draw, account_id: int) -> None:
    person = access.require()
    done = st.session_state.get(DONE)
    if done:
        _settle(is_open=False)
        st.session_state[access.NOTICE] = done
        st.rerun()
    live = read(lambda session: reports.live_account(session, person.user_id, account_id))
    if live is None:
        st.error("There is no such account among yours.")
        return
    body(person, live)
    refused = st.session_state.get(REFUSED)
    if refused:
        st.error(escape(refused))


def _act(said: str, act: Callable[[Session, int], object], *, confirmed: bool = False) -> None:
    """For callbacks: who clicked is asked of the database; `confirmed`: their password as well."""
    st.session_state.pop(REFUSED, None)
    person = access.current_user()
    if person is None:
        return
    try:
        if confirmed and not typed_secrets.is_confirmed(person):
            st.session_state[REFUSED] = WRONG_PASSWORD
            return
        write(lambda session: act(session, person.user_id))
    except StepladderError as refusal:
        st.session_state[REFUSED] = str(refusal)
        return
    st.session_state[DONE] = said


# --- the key


def key(person: Principal, live: LiveAccount) -> None:
    exchange = live_words.exchange_of(live.account.exchange)
    if exchange is None:
        st.error("Real orders are not possible on this exchange.")
        return
    st.markdown(f"**Where to make it.** {escape(exchange.key_help)}")
    st.markdown("**Give it:** reading, and spot trading.\n\n**Do not give it:** withdrawals, transfers,"
                " margin, futures. A key that can move coins away is refused.")  # fmt: skip
    address = live.status.address if live.status else None
    if address:
        st.markdown(f"**Bind it to this address:** `{address}` {escape(exchange.address_help)}")
    else:
        st.markdown(f"**Bind it to this server's address.** {escape(exchange.address_help)}"
                    " Whoever runs this server knows the address.")  # fmt: skip
    if live.key_version is not None:
        st.info("The key used until now goes on being used until the worker has accepted the new one."
                " Running cycles go on.")  # fmt: skip
    with st.form("live_key", border=False):
        typed_secrets.field("API key", API_KEY)
        typed_secrets.field("Secret", SECRET)
        if exchange.needs_password:
            typed_secrets.field("Passphrase", PASSPHRASE)
        typed_secrets.password_field(person)
        st.caption("Sealed at once so that only the worker can open it. It is never shown again.")
        st.form_submit_button(
            "Seal and store", type="primary", width="stretch", key="store_key",
            on_click=_store_key, args=(live.account.account_id, live.account.exchange),
        )  # fmt: skip


def _store_key(account_id: int, exchange: str) -> None:
    typed = {name: typed_secrets.take(name) for name in (API_KEY, SECRET, PASSPHRASE)}

    def act(session: Session, user_id: int) -> None:
        now, public = utc_now(), keys.worker_public_key(Path("config"))
        sealed = account_keys.seal(
            public, user_id=user_id, account_id=account_id, exchange=exchange,
            api_key=typed[API_KEY], secret=typed[SECRET], password=typed[PASSPHRASE], at=now,
        )  # fmt: skip
        account_keys.store_key(
            session, user_id, account_id, sealed=sealed,
            pair_id=keys.pair_id(bytes(public)), at=now,
        )  # fmt: skip

    _act("The key is sealed and stored. The worker asks the exchange about it now.", act,
         confirmed=True)  # fmt: skip
    typed.clear()


# --- the cap


def caps(person: Principal, live: LiveAccount) -> None:
    st.markdown(
        "- The cap is the most money that all strategies on this account together may have in use: what their"
        " coins cost and what their waiting buys may still cost.\n"
        "- **Raising it** lets strategies buy more with real money, also the cycles under way.\n"
        "- **Lowering it** sells nothing. While more than the new cap is in use, nothing is bought."
    )
    known = live.account.caps or {}
    with st.form("live_caps", border=False):
        for coin, cap in known.items():
            used = money(live.in_use.get(coin, Decimal(0)), coin)
            st.number_input(f"Cap in {coin} ({used} in use)", value=float(cap), min_value=0.0,
                            step=50.0, format="%.2f", key=f"{CAP}_{coin}")  # fmt: skip
        with st.container(horizontal=True):
            st.text_input("Another coin", max_chars=12, key=COIN, placeholder="USDC")
            st.number_input("Its cap", value=None, min_value=0.0, step=50.0, format="%.2f", key=CAP)
        typed_secrets.password_field(person, "Your Stepladder password, to raise a cap")
        st.form_submit_button(
            "Change the cap", type="primary", width="stretch", key="change_caps",
            on_click=_change_caps, args=(live.account.account_id, known),
        )  # fmt: skip


def _change_caps(account_id: int, known: dict[str, Decimal]) -> None:
    wanted: dict[str, Decimal] = {}
    for coin, cap in known.items():
        typed = st.session_state.get(f"{CAP}_{coin}")
        # What was not touched stays exactly what it was.
        same = typed is not None and float(cap) == typed
        wanted[coin] = cap if same else Decimal(repr(typed or 0.0))
    more, coin = st.session_state.get(CAP), (st.session_state.get(COIN) or "").strip().upper()
    if coin and more:
        wanted[coin] = Decimal(repr(more))
    wanted = {coin: cap for coin, cap in wanted.items() if cap > 0}
    raises = any(cap > known.get(coin, Decimal(0)) for coin, cap in wanted.items())
    _act(
        "The cap is changed.",
        lambda session, user_id: accounts.change_caps(
            session, user_id, account_id, caps=wanted, at=utc_now()
        ),
        confirmed=raises,
    )


# --- what the worker asks the person about


def consents(person: Principal, live: LiveAccount) -> None:
    if live.status is None:
        return
    st.markdown(escape(live.status.sentence))
    asked = live_words.asks_for(live.status)
    given = (live.account.accepts_no_address, live.account.accepts_unverified)
    st.markdown("It is safer to mend the key on the exchange; the worker looks again by itself.")
    for needed, name, risk, before in zip(
        asked, CONSENTS, (NO_ADDRESS, UNVERIFIED), given, strict=True
    ):
        if needed:
            st.warning(risk)
            st.checkbox("I have read this and accept the risk", value=before, key=name)
    typed_secrets.password_field(person)
    st.button(
        "Confirm", type="primary", width="stretch", key="confirm_consents",
        on_click=_confirm, args=(live.account.account_id, asked, given),
    )  # fmt: skip


def _confirm(account_id: int, asked: tuple[bool, bool], given: tuple[bool, bool]) -> None:
    chosen = [
        bool(st.session_state.get(name)) if needed else before
        for needed, name, before in zip(asked, CONSENTS, given, strict=True)
    ]
    _act(
        "Noted. The worker looks at the key again.",
        lambda session, user_id: accounts.confirm(
            session, user_id, account_id, accepts_no_address=chosen[0],
            accepts_unverified=chosen[1], at=utc_now(),
        ),
        confirmed=any(chosen),
    )  # fmt: skip


def self_test(_person: Principal, live: LiveAccount) -> None:
    name = escape(live_words.exchange_name(live.account.exchange))
    st.markdown(
        f"With your consent the worker does this once, on {name}, with real money:\n"
        "1. It places the **smallest buy** of a large coin that the exchange takes (usually worth 5 to 10"
        " USDT), **30 % below** the present price, so that it is not filled. Where the exchange takes no"
        " order so far away, as far as it does, never nearer than 5 %.\n"
        "2. It finds the order again by the id that it gave it.\n"
        "3. It cancels the order, and reads from the exchange that it is cancelled.\n\n"
        "It takes a minute or two and costs nothing. Should the price fall that far within that time, you"
        " would own coins worth that smallest order; nothing here sells them."
    )
    st.button(
        "I agree: run the self-test", type="primary", width="stretch", key="ask_self_test",
        on_click=_act,
        args=(
            "Noted. The worker begins within a minute.",
            lambda session, user_id: accounts.ask_self_test(
                session, user_id, live.account.account_id, at=utc_now()
            ),
        ),
    )  # fmt: skip


# --- the end


def put_away(_person: Principal, live: LiveAccount) -> None:
    st.markdown(
        "- Its strategies must be put away first, and no cycle may be open on it.\n"
        "- The worker erases the sealed key. **Delete the key on the exchange as well.**\n"
        "- Coins and money on the exchange stay as they are. The history stays stored here."
    )
    st.button(
        "Disconnect and put away", type="primary", width="stretch", key="confirm_archive",
        on_click=_act,
        args=(
            "Put away. Delete the key on the exchange as well.",
            lambda session, user_id: accounts.archive_account(
                session, user_id, live.account.account_id, at=utc_now()
            ),
        ),
    )  # fmt: skip
