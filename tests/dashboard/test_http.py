"""The routes beside the screens, asked as a browser and as an attacker would."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from dashboard import http_routes, session_tokens
from dashboard.components.live_chart import PLOTLY_URL
from dashboard.http_guard import Guard
from dashboard.session_tokens import Pointer
from db import sessions
from db.transactions import run
from tests.dashboard.asgi_client import AsgiClient
from tests.faults import fault

OURS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client(world):
    app = Starlette(routes=http_routes.ROUTES, middleware=[Middleware(Guard, over_tls=False)])
    return AsgiClient(app)


def a_ticket(world) -> str:
    token = session_tokens.sign(Pointer("ann", world.sid(world.ann)), world.now.replace(year=2100))
    return run(world.engine, lambda s: sessions.make_ticket(s, token, at=world.now))


@fault("S4")
def test_a_ticket_becomes_a_cookie_that_no_script_can_read(world, client):
    answer = client.post("/auth/enter", headers={**OURS, "X-Stepladder-Ticket": a_ticket(world)})
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 204
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


@fault("S4")
def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(world, client, monkeypatch):
    monkeypatch.setenv("SECURE_COOKIES", "true")
    answer = client.post("/auth/enter", headers={**OURS, "X-Stepladder-Ticket": a_ticket(world)})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-stepladder=")
    assert "secure" in cookie.lower()


@fault("S3")
def test_a_ticket_works_once(world, client):
    headers = {**OURS, "X-Stepladder-Ticket": a_ticket(world)}
    assert client.post("/auth/enter", headers=headers).status_code == 204
    assert client.post("/auth/enter", headers=headers).status_code == 403


@fault("S9", "S3")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/auth/enter", "/auth/leave"])
def test_other_sites_cannot_write_or_remove_the_cookie(world, client, path, headers):
    answer = client.post(path, headers={**headers, "X-Stepladder-Ticket": a_ticket(world)})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@fault("S3")
@pytest.mark.parametrize("ticket", ["", "x", "x" * 1000])
def test_a_made_up_ticket_is_refused(client, ticket):
    headers = {**OURS, "X-Stepladder-Ticket": ticket}
    assert client.post("/auth/enter", headers=headers).status_code == 403


def test_leaving_removes_the_cookie(client):
    answer = client.post("/auth/leave", headers=OURS)
    assert 'stepladder=""' in answer.headers["set-cookie"]


@fault("S10")
def test_every_answer_carries_the_security_headers(client):
    for path in ("/healthz", "/nowhere", "/_stcore/metrics"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@fault("S19")
@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/x/_stcore/metrics"]
)
def test_what_needs_no_login_in_streamlit_is_closed(client, path):
    assert client.get(path).status_code == 404


def test_health_is_answered(client):
    assert client.get("/healthz").json() == {"app": "stepladder", "ok": True}


def test_plotly_is_served_from_here(client):
    answer = client.get(PLOTLY_URL)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert "Plotly" in answer.text
