"""The dialog of an action: what it will do, what it asks, one button that acts once."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from core.cycle import PassedLevels
from core.errors import StepladderError
from dashboard import access, live_start
from dashboard.actions import (
    ALWAYS_WORK,
    DESIRED,
    ICONS,
    LABELS,
    Action,
    PassedLevel,
    asks_about_coins,
    consequences,
    passed_levels,
    possible,
)
from dashboard.database import write
from dashboard.formatting import count, escape, money, price, utc_now
from db import strategies
from db.accounts import AccountKind
from db.reports import StrategyCard

OPEN_KEY = "_action_dialog_open"
CHOICES = {
    PassedLevels.WAIT: "Wait until the price is above them again",
    PassedLevels.SKIP: "Skip them in this cycle",
    PassedLevels.BUY: "Buy them now",
}


def buttons(card: StrategyCard) -> None:
    """One row that wraps. What stops losses stands first where something is wrong."""
    with st.container(horizontal=True, key="actions"):
        for action in possible(card):
            first = action in (Action.RUN, Action.START_AGAIN, Action.TRY_AGAIN)
            if st.button(
                LABELS[action], key=f"action_{action}", icon=ICONS[action],
                type="primary" if first else "secondary",
            ):  # fmt: skip
                st.session_state[OPEN_KEY] = True
                _open(card, action)


def is_open() -> bool:
    return bool(st.session_state.get(OPEN_KEY))


def _closed() -> None:
    st.session_state[OPEN_KEY] = False


def _open(card: StrategyCard, action: Action) -> None:
    title = f"{LABELS[action]}: {card.name}"
    st.dialog(escape(title), on_dismiss=_closed)(_body)(card, action, access.fresh_key())


def _body(card: StrategyCard, action: Action, key: str) -> None:
    person = access.require()
    for sentence in consequences(card, action):
        st.markdown(f"- {escape(sentence)}")
    release = asks_about_coins(card, action) and _ask_about_coins(card)
    chosen = PassedLevels.WAIT
    passed = passed_levels(card, action)
    if passed and not release:
        chosen = _ask_about_levels(card, passed)
    agreed = True
    if card.account_kind is AccountKind.LIVE and action in (Action.RUN, Action.START_AGAIN):
        agreed = live_start.agreed(person, card.account_id, card.quote)
    if not st.button(
        LABELS[action], type="primary", key="confirm_action", width="stretch", disabled=not agreed
    ):
        return
    state = DESIRED.get(action, card.desired_state)
    rev = None if action in ALWAYS_WORK else card.desired_rev
    try:
        write(
            lambda session: strategies.set_desired(
                session, person.user_id, card.strategy_id, state, at=utc_now(), rev=rev,
                passed_levels=chosen, release=release, key=key,
            )
        )  # fmt: skip
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    _closed()
    st.session_state[access.NOTICE] = "Noted. The worker will do it within a few seconds."
    st.rerun()


def _ask_about_coins(card: StrategyCard) -> bool:
    """True: release them."""
    assert card.position is not None
    value: Decimal | None = None
    if card.last_price is not None:
        value = card.position.quantity * card.last_price
    loss = money(card.unrealized_pnl, card.quote, signed=True)
    options = {
        False: "Continue this cycle: its take profit and its extra buys are placed again",
        True: "Release the coins: they stay in your account, this strategy forgets them",
    }
    chosen = st.radio("The coins", list(options), format_func=options.__getitem__, key="coins")
    if chosen:
        st.warning(
            escape(
                f"Booked at today's value of {money(value, card.quote)}: a result of {loss} is written down"
                " as realized. The coins themselves are neither sold nor watched any more."
            )
        )
    return bool(chosen)


def _ask_about_levels(card: StrategyCard, passed: tuple[PassedLevel, ...]) -> PassedLevels:
    number = count(len(passed), "extra buy", "extra buys")
    st.markdown(
        f"**The price has passed {number}** (planned at"
        f" {escape(', '.join(price(level.planned_price) for level in passed))} {escape(card.quote)};"
        f" now {escape(price(card.last_price))}). What should happen with"
        f" {'it' if len(passed) == 1 else 'them'}?"
    )
    cost = money(sum((level.cost for level in passed), Decimal(0)), card.quote)
    chosen = st.radio(
        "Passed extra buys",
        list(CHOICES),
        format_func=lambda choice: (
            f"{CHOICES[choice]}: about {cost}" if choice is PassedLevels.BUY else CHOICES[choice]
        ),
        key="passed_levels",
        label_visibility="collapsed",
    )
    return PassedLevels(chosen)
