"""Every rerun starts here: who is it, which pages may they see, draw the one they are on."""

from __future__ import annotations

import streamlit as st

from dashboard import access, halt_banner, sign_in
from dashboard.pages import pages_for
from db.errors import DatabaseUnavailable

st.set_page_config(page_title="Stepladder", page_icon="🪜", layout="wide")


def draw() -> None:
    person = access.current_user()
    access.settle_cookie()
    if person is None:
        # The same pages, hidden: a deep link survives the sign-in.
        st.navigation(pages_for(administrator=True), position="hidden")
        sign_in.draw()
        return
    page = st.navigation(pages_for(administrator=person.is_administrator))
    with st.sidebar:
        st.caption("Signed in as")
        st.text(person.display_name)
        if st.button("Sign out", key="sign_out", width="stretch"):
            access.sign_out()
            st.rerun()
    said = access.notice()
    if said:
        st.toast(said, duration="long")
    halt_banner.draw()
    page.run()


try:
    draw()
except DatabaseUnavailable:
    st.error(
        "The database does not answer. What is on the exchanges stays as it is; the worker goes on when"
        " the database is back. Reload this page in a minute.",
        icon=":material/hourglass_top:",
    )
