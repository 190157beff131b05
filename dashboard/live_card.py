"""A live account on the screen: what it says of itself, its cap, and the next thing to do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import streamlit as st

from dashboard import access, live_balances, live_dialogs, live_words
from dashboard.database import read
from dashboard.formatting import escape, money, utc_now, when
from dashboard.live_dialogs import Draw, show
from dashboard.live_words import Said
from dashboard.page_parts import facts
from dashboard.tables import sentences
from dashboard.words import KIND_COLOURS, KIND_WORDS
from db import reports
from db.account_status import KeyState, SelfTest
from db.reports import LiveAccount
from db.sessions import Principal

SEEN = "_live_seen"


def draw(live: LiveAccount) -> None:
    account = live.account
    with st.container(border=True, key=f"account-{account.account_id}"):
        badge = f":{KIND_COLOURS[account.kind]}-badge[{KIND_WORDS[account.kind]}]"
        name = escape(live_words.exchange_name(account.exchange))
        st.markdown(f"**{escape(account.name)}** {badge} {name}")
        _moving(account.account_id)
        _buttons(live)
        _journal(account.account_id)


@access.guarded(run_every=3)
def _moving(person: Principal, account_id: int) -> None:
    live = read(lambda session: reports.live_account(session, person.user_id, account_id))
    if live is None:
        return
    _follow(live)
    now = utc_now()
    held = live.status is not None and live.status.hold is not None
    if live.silent and live.key_version is not None and not held:
        say(Said("worker silent", "red", "No worker serves this account now: nothing is bought, and no stop"
                 " loss is watched. Orders that rest on the exchange stay there."))  # fmt: skip
    for said in live_words.everything_said(live, now):
        say(said)
    facts(_caps(live), width=220)
    live_balances.draw(live, person.time_zone)
    status = live.status
    if status is not None and status.checked_at is not None:
        asked = f"Asked on {when(status.checked_at, person.time_zone)}."
        st.caption(escape(f"{live_words.permissions_words(status.permissions) or ''} {asked}"))


@access.guarded(run_every=10)
def _journal(person: Principal, account_id: int) -> None:
    rows = read(lambda session: reports.account_journal(session, person.user_id, account_id))
    if not rows:
        return
    with st.expander("What happened on this account"):
        sentences([(row.at, row.level, row.sentence) for row in rows], person.time_zone)


def alarm(live: LiveAccount, now: datetime) -> None:
    """For other pages: what is red, under the name of the account."""
    for said in live_words.everything_said(live, now):
        if said.colour == "red":
            say(said, live.account.name)


def say(said: Said, about: str = "") -> None:
    """Red and orange want something and stand in a box; the rest is a line."""
    sentence = escape(said.sentence)
    if said.is_urgent:
        box = st.error if said.colour == "red" else st.warning
        word = f"{about}: {said.word}" if about else said.word
        box(f"**{escape(word)}** · {sentence}")
    else:
        st.markdown(f":{said.colour}-badge[{escape(said.word)}] {sentence}")


def _caps(live: LiveAccount) -> list[tuple[str, str]]:
    shown = []
    for coin, cap in (live.account.caps or {}).items():
        text = f"{money(live.in_use.get(coin, Decimal(0)), coin)} of {money(cap, coin)}"
        now = live.caps_now.get(coin, cap)
        if now < cap:
            text += f" (for now {money(now, coin)})"
        shown.append((f"In use, and cap, {escape(coin)}", escape(text)))
    return shown or [("Cap", "none: nothing can be bought")]


def _follow(live: LiveAccount) -> None:
    """The buttons stand outside this fragment: when what they depend on moves they are drawn again."""
    key = f"{SEEN}_{live.account.account_id}"
    state = _next(live), live.account.rev, live.key_version
    before = st.session_state.get(key)
    if before == state or live_dialogs.is_open():
        return
    st.session_state[key] = state
    if before is not None:
        st.rerun()


def _next(live: LiveAccount) -> str | None:
    """The one step that the person should take now."""
    status = live.status
    if live.key_version is None:
        return "key"
    if status is None:
        return None
    if status.key_state is KeyState.REFUSED:
        return "key"
    if status.key_state is KeyState.NEEDS_CONFIRMATION:
        return "consents"
    asked = live.account.self_test_rev > status.self_test_rev
    is_well = status.key_state is KeyState.ACTIVE and status.hold is None and not status.mismatch
    if is_well and status.self_test is SelfTest.NONE and not asked:
        return "self_test"
    return None


def _buttons(live: LiveAccount) -> None:
    account_id, step = live.account.account_id, _next(live)
    word = "Enter the key" if live.key_version is None else "Replace the key"
    offered: list[tuple[str, str, str, Draw]] = [
        ("key", word, f"{word} of {live.account.name}", live_dialogs.key),
        ("caps", "Change the cap", "Change the cap", live_dialogs.caps),
    ]
    if step == "consents":
        offered.insert(
            0, (step, "Read and confirm", "What you would accept", live_dialogs.consents)
        )
    if live.status is not None and live.status.key_state is KeyState.ACTIVE:
        offered.append(("self_test", "Self-test", "Self-test", live_dialogs.self_test))
    offered.append(("archive", "Disconnect", "Disconnect this account?", live_dialogs.put_away))
    with st.container(horizontal=True, gap="small"):
        for name, label, title, body in offered:
            kind = "primary" if name == step else "secondary"
            if st.button(label, key=f"{name}-{account_id}", type=kind):  # type: ignore[arg-type]
                show(escape(title), body, account_id)
