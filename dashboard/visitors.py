"""Who knocks: address and browser of the visitor, as far as they can be known."""

from __future__ import annotations

import streamlit as st

from dashboard.settings import DashboardSettings


def address() -> str:
    """The visitor's address; the header counts only when a proxy of ours sets it."""
    if DashboardSettings().trust_proxy:
        return str(st.context.headers.get("X-Real-IP") or "unknown")[:45]
    # None on a loopback address.
    found = st.context.ip_address
    return found[:45] if isinstance(found, str) else "local"


def agent() -> str:
    return str(st.context.headers.get("User-Agent") or "")[:200]
