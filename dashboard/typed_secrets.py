"""Secrets that are typed: taken out of the session by the callback of their button, before anything is drawn.

A widget keeps what was typed under its key for as long as it is shown. So whoever needs the value takes it,
once, in a callback; what stays behind is an empty text, in the session and in the browser's field.
"""

from __future__ import annotations

import streamlit as st

from dashboard import visitors
from dashboard.database import engine
from dashboard.formatting import utc_now
from db import login
from db.sessions import Principal

PREFIX = "_typed_"
PASSWORD = "own_password"  # noqa: S105 - the name of a field


def field(
    label: str, name: str, *, help_text: str | None = None, autocomplete: str = "off"
) -> None:
    st.text_input(
        label, type="password", key=PREFIX + name, autocomplete=autocomplete, help=help_text
    )


def take(name: str) -> str:
    """What was typed, once; only in a callback."""
    key = PREFIX + name
    typed = str(st.session_state.get(key) or "")
    # Only setting it would leave what was typed in the widget's own state until the next run.
    if key in st.session_state:
        del st.session_state[key]
    st.session_state[key] = ""
    return typed


def password_field(person: Principal, label: str = "Your Stepladder password") -> None:
    """Nothing where it was given within the last minutes."""
    if not person.is_confirmed(utc_now()):
        field(label, PASSWORD, autocomplete="current-password")


def is_confirmed(person: Principal) -> bool:
    """In a callback: the password was right, or was given a moment ago. Raises LoginRefused."""
    typed, now = take(PASSWORD), utc_now()
    if person.is_confirmed(now):
        return True
    return bool(typed) and login.confirm_password(
        engine(), person.user_id, person.session_id, typed, address=visitors.address(), at=now
    )
