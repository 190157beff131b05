"""The whole way in a real browser: first start, sign-in, a strategy, and every way of being put out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from db import keys, links, market_data, reports, users
from db.account_status import KeyState
from db.engine import make_engine
from db.handles import Engine
from db.transactions import run
from tests.chromium import launch_options
from tests.dashboard import live_stand_in, stand_in
from tests.migrated import *  # noqa: F403

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "four words not together"
COOKIE = "stepladder"
START = 40.0
WAIT = 20_000
CANARY = "CANARY5e2b"
RANGE = "node => node._fullLayout.xaxis.range.map(String)"


@dataclass(frozen=True)
class Site:
    url: str
    engine: Engine
    code: str
    log: Path


@pytest.fixture(scope="module")
def site(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real dashboard on a free port, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    file = folder / "stepladder.db"
    shutil.copyfile(migrated_sqlite_file, file)
    keys.prepare_keys(folder / "config")
    engine = make_engine(f"sqlite:///{file}")
    code = run(engine, lambda s: links.make_setup_code(s, at=datetime.now(UTC)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{file}",
    }  # fmt: skip
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "asgi.py"),
                "--server.port", str(port), "--server.address", "127.0.0.1",
            ],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield Site(f"http://127.0.0.1:{port}", engine, code, folder / "log.txt")
    finally:
        server.terminate()
        server.wait(15)
        engine.dispose()


def wait_for(url: str) -> None:
    end = time.monotonic() + START
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def administrator(site: Site, chromium: Browser) -> str:
    """The first start, done once in the browser; gives the administrator's username."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.url)
    page.get_by_label("Set-up code").fill(site.code)
    page.get_by_label("Your name, as others see it").fill("Ada")
    page.get_by_role("textbox", name="Username").fill("ada")
    page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the administrator").click()
    page.get_by_text("You have no strategy yet").wait_for(timeout=WAIT)
    context.close()
    return "ada"


def sign_in(page: Page, site: Site, username: str, path: str = "/") -> None:
    page.goto(site.url + path)
    page.get_by_role("textbox", name="Username").fill(username)
    page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    page.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    page.get_by_text("Signed in as").wait_for()
    has_cookie(page)


def has_cookie(page: Page) -> dict[str, object]:
    """The cookie, once the page has fetched it."""
    for _ in range(100):
        for cookie in page.context.cookies():
            if cookie["name"] == COOKIE:
                return dict(cookie)
        page.wait_for_timeout(100)
    raise AssertionError("no cookie was set")


def form(page: Page):
    return expect(page.get_by_role("textbox", name="Username"))


def test_the_cookie_cannot_be_read_by_scripts_and_survives_a_reload(site, administrator, page):
    sign_in(page, site, administrator)
    cookie = has_cookie(page)
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Lax"
    assert COOKIE + "=" not in page.evaluate("document.cookie")
    page.reload()
    page.get_by_text("Signed in as").wait_for()


def test_a_deep_link_survives_the_sign_in(site, administrator, page):
    sign_in(page, site, administrator, "/help")
    page.get_by_text("How it ruins people").wait_for()


def test_a_cookie_kept_from_before_signing_out_is_worth_nothing(site, administrator, page):
    sign_in(page, site, administrator)
    stolen = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You have signed out.").wait_for()
    page.wait_for_timeout(500)
    assert COOKIE not in [cookie["name"] for cookie in page.context.cookies()]
    page.context.add_cookies(stolen)
    page.goto(site.url)
    form(page).to_be_visible()


def test_a_strategy_is_set_up_and_its_page_lives(site, administrator, page):
    foreign: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((site.url, "data:", "blob:", "ws:"))
            else foreign.append(r.url))  # fmt: skip
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    sign_in(page, site, administrator, "/new-strategy")
    page.get_by_text("Fall covered").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("The worker does not answer.").wait_for()
    (card,) = run(site.engine, lambda s: reports.home(s, 1, at=datetime.now(UTC)))
    stand_in.trade(site.engine, card.strategy_id, datetime.now(UTC), 30)
    expect(page.get_by_text("The worker does not answer.")).to_be_hidden(timeout=WAIT)
    chart = page.locator(".stepladder-chart")
    chart.locator(".main-svg").first.wait_for()
    drawn = chart.element_handle()
    chart.hover()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1_000)
    zoomed = drawn.evaluate(RANGE)
    before = int(chart.get_attribute("data-updates") or 0)
    now = datetime.now(UTC)
    moved = market_data.Ticker(
        "simulated", card.symbol, Decimal("99.1"), Decimal("99.2"), Decimal("99.123"), now
    )
    run(site.engine, lambda s: market_data.save_tickers(s, [moved]))
    page.get_by_text("Price 99.123 USDT").wait_for()
    page.wait_for_timeout(4_000)
    assert int(chart.get_attribute("data-updates") or 0) > before
    assert drawn.evaluate(RANGE) == zoomed
    assert drawn.evaluate("node => node.isConnected"), "the chart was mounted anew"
    assert not foreign
    assert not broken


def test_an_action_says_what_it_does_and_a_double_click_does_it_once(site, administrator, page):
    sign_in(page, site, administrator)
    page.get_by_role("link", name="PRACTICE1 ladder").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("No new cycle starts.").wait_for()
    dialog.get_by_role("button", name="Pause").dblclick()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    (card,) = run(site.engine, lambda s: reports.home(s, 1, at=datetime.now(UTC)))
    assert card.desired_state.value == "paused"
    assert card.desired_rev == 2


def test_a_disabled_person_is_put_out_of_an_open_page_without_a_click(site, administrator, page):
    from db.passwords import hash_password
    from db.rights import Role

    hashed, now = hash_password(PASSWORD), datetime.now(UTC)
    bob = run(site.engine, lambda s: users.add_person(
        s, 1, username="bob", display_name="Bob", password_hash=hashed, role=Role.PERSON, at=now,
    ))  # fmt: skip
    sign_in(page, site, "bob")
    page.get_by_text("You have no strategy yet").wait_for()
    run(site.engine, lambda s: users.set_active(s, 1, bob, active=False, at=now))
    form(page).to_be_visible(timeout=10_000)


def test_a_person_is_added_on_a_phone_and_signs_in_by_their_link(
    site, administrator, page, chromium
):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, site, administrator, "/administration")
    page.get_by_text("People", exact=True).click()
    page.get_by_label("Name, as others see it").fill("Cleo")
    page.get_by_role("textbox", name="Username").fill("cleo")
    page.get_by_role("button", name="Add this person").click()
    dialog = page.get_by_role("dialog")
    link = dialog.locator("code")
    expect(link).to_be_in_viewport()
    address = link.inner_text()
    assert address.startswith(site.url + "/?reset=")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    dialog.get_by_role("button", name="Close").click()
    expect(link).to_be_hidden()
    context = chromium.new_context()
    theirs = context.new_page()
    theirs.goto(address)
    theirs.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    theirs.get_by_label("The same password again").fill(PASSWORD)
    theirs.get_by_role("button", name="Set the password").click()
    theirs.get_by_text("You have no strategy yet").wait_for(timeout=WAIT)
    context.close()


def test_a_live_account_is_added_in_steps_and_its_key_is_kept_from_everybody(
    site, administrator, page
):
    sign_in(page, site, administrator, "/accounts")
    page.get_by_text("LIVE: real money on a real exchange").click()
    page.get_by_text("You can lose all of it. Run the same strategy").wait_for()
    page.get_by_role("textbox", name="Name", exact=True).fill("Real one")
    page.get_by_label("Cap", exact=True).fill("200")
    page.get_by_role("button", name="Add this account").click()
    page.get_by_text("no key yet").wait_for()
    page.get_by_role("button", name="Enter the key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Do not give it:").wait_for()
    dialog.get_by_role("textbox", name="API key").fill(f"{CANARY}-key")
    dialog.get_by_role("textbox", name="Secret").fill(f"{CANARY}-secret")
    dialog.get_by_role("button", name="Seal and store").click()
    expect(dialog).to_be_hidden()
    page.get_by_text("key waits to be checked").wait_for()
    now = datetime.now(UTC)
    (live,) = run(site.engine, lambda s: reports.live_accounts(s, 1))
    number, free = live.account.account_id, live_stand_in.HARMLESS | {"bound": False}
    live_stand_in.is_said(
        site.engine, 1, number, now, key_state=KeyState.NEEDS_CONFIRMATION, permissions=free,
        sentence="This key works from any address.",
    )  # fmt: skip
    page.get_by_role("button", name="Read and confirm").click()
    dialog.get_by_text("I have read this and accept the risk").click()
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_be_hidden()
    live_stand_in.is_said(site.engine, 1, number, datetime.now(UTC), permissions=free)
    stand_in.is_alive(site.engine, [number])
    page.get_by_text("matches the exchange").wait_for()
    page.get_by_role("button", name="Self-test").click()
    dialog.get_by_role("button", name="I agree").click()
    page.get_by_text("self-test waits").wait_for()
    (live,) = run(site.engine, lambda s: reports.live_accounts(s, 1))
    assert live.account.accepts_no_address
    assert live.account.self_test_rev == 1
    kept = [file.read_bytes() for file in site.log.parent.iterdir() if file.is_file()]
    assert not [content for content in kept if CANARY.encode() in content]


@pytest.mark.parametrize("path", ["/", "/new-strategy", "/strategy?id=1", "/accounts", "/settings",
                                  "/help", "/administration"])  # fmt: skip
def test_nothing_is_wider_than_a_phone(site, administrator, page, path):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, site, administrator, path)
    page.get_by_text("SIMULATED").first.wait_for()
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_console_says_nothing_of_missing_contexts_or_components(site, page, administrator):
    """Last, so that the other tests have drawn every page."""
    sign_in(page, site, administrator)
    said = site.log.read_text()
    assert "You can now view" in said
    for noise in ("ScriptRunContext", "already registered", "Traceback"):
        assert noise not in said
