"""People: add one, disable one, let one in again who has forgotten the password."""

from __future__ import annotations

import secrets

import streamlit as st

from core.errors import StepladderError
from dashboard import access
from dashboard.database import read, write
from dashboard.formatting import count, escape, short_when, utc_now
from db import links, reports, users
from db.handles import Session
from db.passwords import hash_password
from db.reports import PersonRow
from db.rights import Role
from db.sessions import Principal

# Shown once, to this tab only, and gone with the next click.
SHOWN_ONCE = "_shown_once"
ROLE_WORDS = {Role.PERSON: "person", Role.ADMINISTRATOR: "administrator"}


@access.guarded(administrator=True)
def draw(person: Principal) -> None:
    once = st.session_state.pop(SHOWN_ONCE, None)
    if once:
        _show_once(*once)
    for row in read(lambda session: reports.people(session, person.user_id)):
        _person(person, row)
    _add(person)


@st.dialog("A link, shown only now", width="medium")
def _show_once(username: str, token: str) -> None:
    st.markdown(
        f"With this link **{escape(username)}** chooses a password. It works once, for 24 hours. Give it to"
        " them over a channel you trust."
    )
    base = st.context.url or ""
    root = "/".join(base.split("/")[:3]) if base.startswith("http") else ""
    st.code(f"{root}/?reset={token}", language=None, wrap_lines=True)
    st.caption("Lost it? Press Password link beside their name for a new one.")


def _person(person: Principal, row: PersonRow) -> None:
    with st.container(border=True, key=f"person-{row.user_id}"):
        badge = ":blue-badge[administrator]" if row.role is Role.ADMINISTRATOR else ""
        if not row.is_active:
            badge += " :red-badge[disabled]"
        st.markdown(f"**{escape(row.display_name)}** :gray[{escape(row.username)}] {badge}")
        seen = "never signed in"
        if row.last_seen_at:
            seen = f"last seen {short_when(row.last_seen_at, person.time_zone)}"
        accounts = count(row.accounts, "account", "accounts")
        strategies = count(row.strategies, "strategy", "strategies")
        st.caption(escape(f"{seen} · {accounts} · {strategies}"))
        with st.container(horizontal=True, gap="small"):
            if row.is_active and st.button("Password link", key=f"link-{row.user_id}"):
                _link(person, row)
            if row.user_id == person.user_id:
                return
            word = "Disable" if row.is_active else "Let in again"
            if st.button(word, key=f"active-{row.user_id}"):
                st.dialog(f"{word}?")(_set_active)(row)
            other = Role.PERSON if row.role is Role.ADMINISTRATOR else Role.ADMINISTRATOR
            if row.is_active and st.button(f"Make {ROLE_WORDS[other]}", key=f"role-{row.user_id}"):
                st.dialog(f"Make {ROLE_WORDS[other]}?")(_set_role)(row, other)


def _link(person: Principal, row: PersonRow) -> None:
    try:
        token = write(
            lambda session: links.make_reset_link(
                session, person.user_id, row.user_id, at=utc_now()
            )
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[SHOWN_ONCE] = (row.username, token)
    st.rerun()


def _set_active(row: PersonRow) -> None:
    person = access.require(administrator=True)
    if row.is_active:
        st.markdown(
            f"- {escape(row.display_name)} is signed out everywhere at once and cannot sign in.\n"
            "- Their strategies go on as they are; a halt would pause them."
        )
    else:
        st.markdown(f"- {escape(row.display_name)} can sign in again with their password.")
    if not st.button("Yes", type="primary", key="confirm_active", width="stretch"):
        return
    _try(
        lambda session: users.set_active(
            session, person.user_id, row.user_id, active=not row.is_active, at=utc_now()
        )
    )


def _set_role(row: PersonRow, role: Role) -> None:
    person = access.require(administrator=True)
    if role is Role.ADMINISTRATOR:
        st.markdown(
            f"- {escape(row.display_name)} can add and disable people, see all strategies and halt"
            " everybody's buying."
        )
    else:
        st.markdown(f"- {escape(row.display_name)} sees and changes only what is theirs.")
    st.markdown("- They are signed out everywhere and sign in again.")
    if not st.button("Yes", type="primary", key="confirm_role", width="stretch"):
        return
    _try(
        lambda session: users.set_role(
            session, person.user_id, row.user_id, role=role, at=utc_now()
        )
    )


def _try(unit: object) -> None:
    try:
        write(unit)  # type: ignore[arg-type]
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.rerun()


def _add(person: Principal) -> None:
    st.subheader("Add a person", anchor=False)
    with st.form("add_person", border=True, clear_on_submit=True):
        name = st.text_input("Name, as others see it", max_chars=60)
        username = st.text_input(
            "Username", help="3 to 32 characters: a to z, digits, point, dash, underscore.",
            autocomplete="off",
        )  # fmt: skip
        role = st.selectbox("They are", list(ROLE_WORDS), format_func=ROLE_WORDS.__getitem__)
        st.caption("You get a link, shown once, with which they choose their own password.")
        if not st.form_submit_button("Add this person", type="primary", width="stretch"):
            return
    try:
        # Nobody knows this password: the link is the only way in.
        hashed = hash_password(secrets.token_urlsafe(32))
        token = write(
            lambda session: _add_with_link(session, person.user_id, username, name, role, hashed)
        )
    except StepladderError as refusal:
        st.error(escape(str(refusal)))
        return
    st.session_state[SHOWN_ONCE] = (username.strip().lower(), token)
    st.rerun()


def _add_with_link(
    session: Session, administrator_id: int, username: str, name: str, role: Role, hashed: str
) -> str:
    now = utc_now()
    user_id = users.add_person(
        session, administrator_id, username=username, display_name=name, password_hash=hashed,
        role=role, at=now,
    )  # fmt: skip
    return links.make_reset_link(session, administrator_id, user_id, at=now)
