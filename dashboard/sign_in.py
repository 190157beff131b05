"""What a visitor sees who is not signed in: the form, the first start, or a reset link."""

from __future__ import annotations

import streamlit as st

from core.errors import StepladderError
from dashboard import access, authentication
from dashboard.database import read, write
from dashboard.formatting import escape, utc_now
from db import links
from db.login import LoginRefused
from db.passwords import hash_password

HOW_LONG = "At least 12 characters; four words that do not belong together are easy to keep."
MISMATCH = "The two passwords are not the same; type both again."


def draw() -> None:
    _, middle, _ = st.columns([1, 1.3, 1])
    with middle:
        st.title(":material/stairs: Stepladder")
        said = access.notice()
        if said:
            st.info(said)
        token = st.query_params.get("reset")
        if read(links.needs_setup):
            _first_start()
        elif token:
            _reset(token)
        else:
            _form()


def _form() -> None:
    refused = authentication.login_form()
    st.checkbox(
        "Trust this device for 30 days",
        key=authentication.TRUST_KEY,
        help="Only on a device that nobody else uses. Without it you are signed out after 12 hours.",
    )
    if refused:
        st.error(refused, icon=":material/warning:")
    st.caption("Forgotten your password? An administrator can give you a link to set a new one.")


def _first_start() -> None:
    st.subheader("First start")
    st.write(
        "Nobody has an account here yet. The set-up code was printed where Stepladder was started"
        " (`make run`). With it you become the administrator, who can then add other people."
    )
    with st.form("first_start", border=True):
        code = st.text_input("Set-up code", autocomplete="off")
        display_name = st.text_input("Your name, as others see it", autocomplete="name")
        username = st.text_input(
            "Username", help="3 to 32 characters: a to z, digits, point, dash, underscore.",
            autocomplete="username",
        )  # fmt: skip
        password, again = _two_passwords()
        if not st.form_submit_button("Create the administrator", type="primary", width="stretch"):
            return
    if password != again:
        st.error(MISMATCH)
        return
    try:
        hashed = hash_password(password)
        write(
            lambda session: links.create_administrator(
                session, code=code.strip(), username=username, display_name=display_name,
                password_hash=hashed, at=utc_now(),
            )
        )  # fmt: skip
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    _enter(username, password)


def _reset(token: str) -> None:
    owner = read(lambda session: links.reset_owner(session, token, at=utc_now()))
    st.subheader("Set a new password")
    if owner is None:
        st.error(
            "This link has been used already or is too old. Ask an administrator for a new one."
        )
        if st.button("Go to the sign-in form", key="leave_reset"):
            st.query_params.clear()
            st.rerun()
        return
    st.write("For the username")
    st.text(owner)
    with st.form("reset", border=True):
        password, again = _two_passwords()
        if not st.form_submit_button("Set the password", type="primary", width="stretch"):
            return
    if password != again:
        st.error(MISMATCH)
        return
    try:
        hashed = hash_password(password)
        write(
            lambda session: links.reset_password(session, token, password_hash=hashed, at=utc_now())
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.query_params.clear()
    _enter(owner, password)


def _two_passwords() -> tuple[str, str]:
    first = st.text_input("Password", type="password", help=HOW_LONG, autocomplete="new-password")
    again = st.text_input("The same password again", type="password", autocomplete="new-password")
    return first, again


def _enter(username: str, password: str) -> None:
    """Whoever just set a password need not type it once more."""
    try:
        access.begin(authentication.sign_in(username.strip().lower(), password, trusted=False))
    except LoginRefused as refusal:
        st.error(str(refusal))
        return
    st.rerun()
