"""Which screens there are, and who finds them in the menu. Each screen checks its user itself as well."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

VIEWS = Path(__file__).resolve().parent / "views"


def home() -> StreamlitPage:
    return st.Page(VIEWS / "home.py", title="Home", icon=":material/home:", default=True)


def strategy() -> StreamlitPage:
    return st.Page(
        VIEWS / "strategy.py", title="Strategy", icon=":material/stairs:", url_path="strategy",
        visibility="hidden",
    )  # fmt: skip


def new_strategy() -> StreamlitPage:
    return st.Page(
        VIEWS / "new_strategy.py", title="New strategy", icon=":material/add:",
        url_path="new-strategy",
    )  # fmt: skip


def accounts() -> StreamlitPage:
    return st.Page(
        VIEWS / "accounts.py", title="Accounts", icon=":material/account_balance_wallet:",
        url_path="accounts",
    )  # fmt: skip


def settings() -> StreamlitPage:
    return st.Page(
        VIEWS / "settings.py", title="Settings", icon=":material/person:", url_path="settings"
    )


def help_page() -> StreamlitPage:
    return st.Page(VIEWS / "help.py", title="Help", icon=":material/help:", url_path="help")


def administration() -> StreamlitPage:
    return st.Page(
        VIEWS / "administration.py", title="Administration", icon=":material/shield_person:",
        url_path="administration",
    )  # fmt: skip


def pages_for(*, administrator: bool) -> dict[str, list[StreamlitPage]]:
    pages = {
        "Trading": [home(), new_strategy(), strategy(), accounts()],
        "You": [settings(), help_page()],
    }
    if administrator:
        pages["Everybody"] = [administration()]
    return pages
