"""Routes beside the screens: they alone write the session cookie, so that no script can read it."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.components.live_chart import PLOTLY_URL
from dashboard.session_tokens import redeem_ticket
from dashboard.settings import DashboardSettings

TICKET_HEADER = "X-Stepladder-Ticket"
A_YEAR = "public, max-age=31536000, immutable"


def is_foreign(request: Request) -> bool:
    """True unless a page of ours asks: else another site could log a visitor in as somebody (login CSRF)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return site is None
    return origin.partition("://")[2] != request.headers.get("host", "")


def enter(request: Request) -> Response:
    """Exchanges a one-time ticket, written by the sign-in form a moment ago, for the cookie."""
    if is_foreign(request):
        return Response(status_code=403)
    found = redeem_ticket(request.headers.get(TICKET_HEADER, ""))
    if found is None:
        return Response(status_code=403)
    token, seconds = found
    settings = DashboardSettings()
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        settings.cookie_name, token, max_age=seconds, path="/",
        httponly=True, secure=settings.secure_cookies, samesite="lax",
    )  # fmt: skip
    return answer


def leave(request: Request) -> Response:
    """Removes the cookie. The session row was ended before: a copy of the cookie is worth nothing."""
    if is_foreign(request):
        return Response(status_code=403)
    settings = DashboardSettings()
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(
        settings.cookie_name, path="/",
        httponly=True, secure=settings.secure_cookies, samesite="lax",
    )  # fmt: skip
    return answer


def healthz(_request: Request) -> Response:
    return JSONResponse({"app": "stepladder", "ok": True})


@functools.lru_cache(maxsize=1)
def plotly_script() -> bytes:
    """Plotly's own script, compressed once."""
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), 6)


def plotly_asset(_request: Request) -> Response:
    headers = {"Content-Encoding": "gzip", "Cache-Control": A_YEAR}
    return Response(plotly_script(), media_type="text/javascript", headers=headers)


ROUTES: list[BaseRoute] = [
    Route("/auth/enter", enter, methods=["POST"]),
    Route("/auth/leave", leave, methods=["POST"]),
    Route("/healthz", healthz),
    Route(PLOTLY_URL, plotly_asset),
]
