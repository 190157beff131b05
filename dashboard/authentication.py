"""The only module that touches streamlit-authenticator: its login form, whose hasher's format is
that of `db.passwords`.

Its credentials dict, cookie, counters, password reset and mail service are replaced or not used: people,
sessions and attempts are rows. The parts reached into are internals of 0.4.2, which is pinned;
tests/dashboard/test_authenticator_contract.py says which.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
import streamlit_authenticator as library
from streamlit_authenticator.controllers import AuthenticationController, CookieController
from streamlit_authenticator.models import AuthenticationModel, CookieModel
from streamlit_authenticator.utilities import Encryptor, LoginError, Validator

from dashboard import access, visitors
from dashboard.database import engine
from dashboard.formatting import utc_now
from db import login
from db.login import LoginRefused
from db.sessions import NewSession

TRUST_KEY = "trust_this_device"
FORM_KEY = "sign_in"
# The library wants a key for what we do not use (its captcha and two-factor mails).
UNUSED_KEY = "0" * 32


class _Cookie(CookieModel):  # type: ignore[misc]
    """Answers from the session row instead of the library's script-readable cookie."""

    def __init__(self) -> None:
        self.cookie_name, self.cookie_key, self.cookie_expiry_days = "", UNUSED_KEY, 0
        self.token, self.exp_date = None, None

    def get_cookie(self) -> None:
        """`access.current_user` has looked at the cookie before the form is drawn."""
        return

    def set_cookie(self) -> None:
        """`_Accounts.login` has asked for the cookie already."""

    def delete_cookie(self) -> None:
        """`access.sign_out` does that."""


class _Accounts(AuthenticationModel):  # type: ignore[misc]
    """Checks a name and a password against the database."""

    def __init__(self) -> None:
        super().__init__(credentials={"usernames": {}}, auto_hash=False, secret_key=UNUSED_KEY)

    def login(self, username: str, password: str, *_unused: Any, **_ignored: Any) -> bool | None:
        if not username or not password:
            return None
        try:
            started = sign_in(username, password, trusted=bool(st.session_state.get(TRUST_KEY)))
        except LoginRefused as refusal:
            raise LoginError(str(refusal)) from None
        access.begin(started)
        st.session_state["authentication_status"] = True
        return True


class _Form(library.Authenticate):  # type: ignore[misc]
    """The library's login view on our parts; its own constructor would build the dict and the iframe."""

    def __init__(self) -> None:
        self.api_key, self.path, self.secret_key = None, None, UNUSED_KEY
        self.attrs = {"login_sleep_time": 0}
        self.encryptor = Encryptor(UNUSED_KEY)
        self.cookie_controller = CookieController.__new__(CookieController)
        self.cookie_controller.cookie_model = _Cookie()
        controller = AuthenticationController.__new__(AuthenticationController)
        controller.secret_key, controller.validator = UNUSED_KEY, Validator()
        controller.encryptor, controller.authentication_model = self.encryptor, _Accounts()
        self.authentication_controller = controller


def login_form() -> str | None:
    """Draws the form. Returns a sentence when a try was refused; reruns the app when it succeeded."""
    st.session_state["authentication_status"] = None
    fields = {
        "Form name": "Sign in", "Username": "Username", "Password": "Password", "Login": "Sign in"
    }  # fmt: skip
    try:
        _Form().login(fields=fields, key=FORM_KEY)
    except LoginError as refusal:
        return str(refusal)
    if st.session_state.pop("authentication_status", None):
        st.rerun()
    return None


def sign_in(username: str, password: str, *, trusted: bool) -> NewSession:
    """Raises LoginRefused, in the same words whatever was wrong."""
    return login.log_in(
        engine(), username, password,
        address=visitors.address(), agent=visitors.agent(), trusted=trusted, at=utc_now(),
    )  # fmt: skip
