"""On top of every page while an administrator's halt is on: that it is on, and what it means."""

from __future__ import annotations

import streamlit as st

from dashboard import access
from dashboard.database import read
from dashboard.formatting import escape, when
from db import halt
from db.sessions import Principal

MEANING = (
    "Nobody's strategies buy: waiting buys are cancelled and no cycle starts. Take profits and stop losses"
    " stay on. When it is lifted nothing starts by itself: press Run on each strategy that is to go on."
)


@access.guarded(run_every=5)
def draw(person: Principal) -> None:
    now = read(halt.read_halt)
    if not now.on:
        return
    since = escape(when(now.at, person.time_zone))
    reason = f" Reason: {escape(now.reason.rstrip('.'))}." if now.reason else ""
    st.error(
        f"**An administrator has halted all buying** since {since}.{reason} {escape(MEANING)}",
        icon=":material/front_hand:",
    )
