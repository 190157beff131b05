"""Who is signed in. The database is asked on every rerun and in every fragment; nothing else is proof."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from core.errors import StepladderError
from dashboard.database import read, write
from dashboard.formatting import escape, utc_now
from dashboard.http_routes import TICKET_HEADER
from dashboard.session_tokens import Pointer, read_token, sign
from dashboard.settings import DashboardSettings
from db import sessions
from db.errors import DatabaseUnavailable
from db.sessions import NewSession, Principal

P = ParamSpec("P")

SID = "_sid"
TOKEN = "_token_to_set"  # noqa: S105 - a key of the session state
FORGET = "_forget_cookie"
# The cookie that this websocket was opened with stays readable for its life: after a sign-out it is ignored.
IGNORE = "_ignore_cookie"
NOTICE = "_notice"


def current_user() -> Principal | None:
    """The person behind this browser tab, asked anew each time; a dead session empties the tab."""
    sid = st.session_state.get(SID)
    if sid is None and not st.session_state.get(IGNORE):
        sid = _sid_of_cookie()
    if sid is None:
        return None
    now = utc_now()
    person = read(lambda session: sessions.session_user(session, sid, at=now))
    if person is None:
        if SID in st.session_state:
            _empty_tab("You have been signed out. Please sign in again.")
        return None
    st.session_state[SID] = sid
    if person.needs_touch(now):
        write(lambda session: sessions.touch(session, person.session_id, at=now))
    return person


def require(*, administrator: bool = False) -> Principal:
    """The first line of every screen, fragment and dialog."""
    person = current_user()
    if person is None:
        st.rerun()
    if administrator and not person.is_administrator:
        st.error("This page is for administrators.", icon=":material/lock:")
        st.stop()
    return person


def guarded(
    *, run_every: float | None = None, administrator: bool = False
) -> Callable[[Callable[Concatenate[Principal, P], None]], Callable[P, None]]:
    """A fragment that asks for its user on each tick and is handed them: a tick does not run the app."""

    def decorate(function: Callable[Concatenate[Principal, P], None]) -> Callable[P, None]:
        @wraps(function)
        def body(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                function(require(administrator=administrator), *args, **kwargs)
            except DatabaseUnavailable:
                st.warning("The database does not answer. This part is tried again by itself.")
            except StepladderError as problem:
                st.error(escape(str(problem)))

        return st.fragment(body, run_every=run_every)

    return decorate


def begin(started: NewSession) -> None:
    """Makes this tab the new session's, with nothing left of whoever used it before."""
    _clear()
    st.session_state[SID] = started.sid
    st.session_state[TOKEN] = sign(Pointer(started.username, started.sid), started.expires_at)


def sign_out() -> None:
    sid = st.session_state.get(SID)
    if sid is not None:
        write(lambda session: sessions.end_session(session, sid, at=utc_now()))
    _empty_tab("You have signed out.")


def settle_cookie() -> None:
    """Lets the browser fetch or drop its cookie. The page and its websocket stay as they are."""
    token = st.session_state.pop(TOKEN, None)
    if token is not None:
        ticket = write(lambda session: sessions.make_ticket(session, token, at=utc_now()))
        _post("/auth/enter", ticket)
    elif st.session_state.pop(FORGET, False):
        _post("/auth/leave", "")


def notice() -> str | None:
    """A sentence left for the next page that is drawn."""
    found = st.session_state.pop(NOTICE, None)
    return str(found) if found else None


def _post(path: str, ticket: str) -> None:
    # `ticket` is URL-safe base64 of ours: nothing typed by a person reaches this script.
    assert all(letter.isalnum() or letter in "-_" for letter in ticket)
    st.html(
        f"<script>fetch('{path}', {{method: 'POST', credentials: 'same-origin',"
        f" headers: {{'{TICKET_HEADER}': '{ticket}'}}}})</script>",
        unsafe_allow_javascript=True,
    )


def _sid_of_cookie() -> str | None:
    raw = st.context.cookies.get(DashboardSettings().cookie_name)
    pointer = read_token(raw) if raw else None
    return pointer.sid if pointer else None


def _empty_tab(sentence: str) -> None:
    _clear()
    st.session_state[IGNORE] = True
    st.session_state[FORGET] = True
    st.session_state[NOTICE] = sentence


def _clear() -> None:
    for key in list(st.session_state.keys()):
        del st.session_state[key]


def fresh_key() -> str:
    """For one click: the second time it arrives, nothing happens."""
    return secrets.token_hex(16)
