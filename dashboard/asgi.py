"""`streamlit run dashboard/asgi.py`: the dashboard with own routes for cookie, health and assets."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

ROOT = Path(__file__).resolve().parent.parent
# Streamlit puts dashboard/ first on the path; our packages are imported from the folder above it.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from dashboard import http_routes  # noqa: E402
from dashboard.http_guard import Guard  # noqa: E402
from dashboard.settings import DashboardSettings  # noqa: E402
from db.log import set_up  # noqa: E402


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Loads what every session needs, then hides it from the garbage collector: ten times the users.

    Not streamlit_authenticator: it declares components while it is imported, which Streamlit warns of outside
    of a script. The first visitor's script imports it.
    """
    import pandas  # noqa: F401
    import plotly.graph_objects as go

    from dashboard.database import engine

    go.Figure(go.Candlestick()).to_json()
    http_routes.plotly_script()
    level = DashboardSettings().log_level
    logs = set_up("dashboard", engine=engine(), level=level, folder=Path("var") / "log")
    gc.collect()
    gc.freeze()
    yield {}
    logs.close()


app = st.App(
    "app.py",
    lifespan=lifespan,
    routes=http_routes.ROUTES,
    middleware=[Middleware(Guard, over_tls=DashboardSettings().secure_cookies)],
)
