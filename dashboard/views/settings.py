"""A person's own settings: name, time zone, password, and the devices that are signed in."""

from __future__ import annotations

import zoneinfo

import streamlit as st

from core.errors import StepladderError
from dashboard import access, visitors
from dashboard.database import engine, read, write
from dashboard.formatting import escape, short_when, utc_now
from dashboard.page_parts import header
from dashboard.sign_in import HOW_LONG, MISMATCH
from db import accounts, login, sessions, users
from db.passwords import hash_password
from db.sessions import OpenSession, Principal

# In this order: most of them claim to be some of the others as well.
BROWSERS = (
    ("Edg/", "Edge"), ("Firefox/", "Firefox"), ("OPR/", "Opera"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def draw(person: Principal) -> None:
    mine = read(lambda session: accounts.accounts(session, person.user_id))
    header("Settings", {account.kind for account in mine})
    _you(person)
    _password(person)
    _devices(person)


def _you(person: Principal) -> None:
    st.subheader("You", anchor=False)
    zones = sorted(zoneinfo.available_timezones())
    with st.form("you", border=True):
        name = st.text_input("Your name, as others see it", value=person.display_name, max_chars=60)
        zone = st.selectbox(
            "Time zone",
            zones,
            index=zones.index(person.time_zone),
            help="All times are shown in it.",
        )
        if not st.form_submit_button("Save"):
            return
    now = utc_now()
    try:
        write(lambda session: users.rename_user(session, person.user_id, display_name=name, at=now))
        write(lambda session: users.set_time_zone(session, person.user_id, time_zone=zone, at=now))
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[access.NOTICE] = "Saved."
    st.rerun()


def _password(person: Principal) -> None:
    st.subheader("Password", anchor=False)
    with st.form("password", border=True, clear_on_submit=True):
        old = st.text_input("Present password", type="password", autocomplete="current-password")
        new = st.text_input(
            "New password", type="password", help=HOW_LONG, autocomplete="new-password"
        )
        again = st.text_input(
            "The new password again", type="password", autocomplete="new-password"
        )
        st.caption("After this every device is signed out, this one too.")
        if not st.form_submit_button("Change the password"):
            return
    if new != again:
        st.error(MISMATCH)
        return
    try:
        right = login.confirm_password(
            engine(), person.user_id, person.session_id, old,
            address=visitors.address(), at=utc_now(),
        )  # fmt: skip
        if not right:
            st.error("The present password is not right.")
            return
        hashed = hash_password(new)
        write(
            lambda session: users.change_password(
                session, person.user_id, password_hash=hashed, at=utc_now()
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    access.sign_out()
    st.session_state[access.NOTICE] = "The password is changed. Sign in with the new one."
    st.rerun()


def _devices(person: Principal) -> None:
    st.subheader("Where you are signed in", anchor=False)
    opened = read(lambda session: sessions.open_sessions(session, person.user_id, at=utc_now()))
    for device in opened:
        _device(person, device)
    if st.button("Sign out everywhere", key="everywhere", icon=":material/logout:"):
        write(lambda session: sessions.end_all_sessions(session, person.user_id, at=utc_now()))
        access.sign_out()
        st.rerun()
    st.caption("Ends every session of yours at once, on this device too.")


def _device(person: Principal, device: OpenSession) -> None:
    is_this = device.session_id == person.session_id
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        seen = short_when(device.last_seen_at, person.time_zone)
        trusted = ", trusted for 30 days" if device.trusted else ""
        with st.container(gap=None):
            st.text(browser_name(device.agent) + (" (this device)" if is_this else ""))
            st.caption(escape(f"from {device.address}, last seen {seen}{trusted}"))
        if not is_this and st.button("Sign out", key=f"end-{device.session_id}"):
            write(
                lambda session: sessions.end_session_of(
                    session, person.user_id, device.session_id, at=utc_now()
                )
            )
            st.rerun()


def browser_name(agent: str) -> str:
    """Roughly what it is; nobody reads a user agent."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "Unknown browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser


draw(access.require())
