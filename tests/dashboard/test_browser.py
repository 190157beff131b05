"""The whole way in a real browser: first start, sign-in, a strategy, and every way of being put out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from db import reports, users
from db.account_status import KeyState
from tests.dashboard import live_stand_in, stand_in
from tests.dashboard.site import (
    COOKIE,
    PASSWORD,
    PHONE,
    WAIT,
    a_browser,
    click,
    dialog,
    has_cookie,
    is_no_wider_than_a_phone,
    is_put_out,
    now,
    shows,
    sign_in,
)
from tests.faults import fault

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CANARY = "CANARY5e2b"
RANGE = "node => node._fullLayout.xaxis.range.map(String)"


@fault("S4")
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


@fault("S4")
def test_a_cookie_kept_from_before_signing_out_is_worth_nothing(site, administrator, page):
    sign_in(page, site, administrator)
    stolen = page.context.cookies()
    click(page, "Sign out")
    shows(page, "You have signed out.")
    page.wait_for_timeout(500)
    assert COOKIE not in [cookie["name"] for cookie in page.context.cookies()]
    page.context.add_cookies(stolen)
    page.goto(site.url)
    is_put_out(page)


def test_a_strategy_is_set_up_and_its_page_lives(site, administrator, page):
    foreign: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((site.url, "data:", "blob:", "ws:"))
            else foreign.append(r.url))  # fmt: skip
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    sign_in(page, site, administrator, "/new-strategy")
    shows(page, "Fall covered")
    click(page, "Start")
    shows(page, "Fall covered").wait_for(state="hidden")
    chart = page.locator(".stepladder-chart")
    chart.locator(".main-svg").first.wait_for()
    drawn = chart.element_handle()
    chart.hover()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1_000)
    zoomed = drawn.evaluate(RANGE)
    before = int(chart.get_attribute("data-updates") or 0)
    expect(chart).not_to_have_attribute("data-updates", str(before))
    page.wait_for_timeout(4_000)
    assert drawn.evaluate(RANGE) == zoomed
    assert drawn.evaluate("node => node.isConnected"), "the chart was mounted anew"
    assert not foreign
    assert not broken


@fault("I11")
def test_an_action_says_what_it_does_and_a_double_click_does_it_once(site, administrator, page):
    sign_in(page, site, administrator)
    page.get_by_role("link", name="PRACTICE1 ladder").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    asked = dialog(page)
    asked.get_by_text("No new cycle starts.").wait_for()
    asked.get_by_role("button", name="Pause").dblclick()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    (card,) = site.read(lambda s: reports.home(s, 1, at=now()))
    assert card.desired_state.value == "paused"
    assert card.desired_rev == 2


@fault("S4")
def test_a_disabled_person_is_put_out_of_an_open_page_without_a_click(site, administrator, page):
    bob = site.person("bob")
    sign_in(page, site, "bob")
    page.get_by_text("You have no strategy yet").wait_for()
    site.write(lambda s: users.set_active(s, 1, bob, active=False, at=now()))
    is_put_out(page, seconds=10)


def test_a_person_is_added_on_a_phone_and_signs_in_by_their_link(
    site, administrator, page, chromium
):
    page.set_viewport_size(PHONE)
    sign_in(page, site, administrator, "/administration")
    page.get_by_text("People", exact=True).click()
    page.get_by_label("Name, as others see it").fill("Cleo")
    page.get_by_role("textbox", name="Username").fill("cleo")
    page.get_by_role("button", name="Add this person").click()
    asked = dialog(page)
    link = asked.locator("code")
    expect(link).to_be_in_viewport()
    address = link.inner_text()
    assert address.startswith(site.url + "/?reset=")
    assert is_no_wider_than_a_phone(page)
    asked.get_by_role("button", name="Close").click()
    expect(link).to_be_hidden()
    with a_browser(chromium) as theirs:
        theirs.goto(address)
        theirs.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
        theirs.get_by_label("The same password again").fill(PASSWORD)
        click(theirs, "Set the password")
        shows(theirs, "You have no strategy yet")


@pytest.fixture
def stand_in_only(site):
    """What a worker would say of a live account is said by hand; there is no exchange here."""
    with site.without_a_worker():
        yield


@fault("S11", "S12")
def test_a_live_account_is_added_in_steps_and_its_key_is_kept_from_everybody(
    site, administrator, page, stand_in_only
):
    sign_in(page, site, administrator, "/accounts")
    page.get_by_text("LIVE: real money on a real exchange").click()
    page.get_by_text("You can lose all of it. Run the same strategy").wait_for()
    page.get_by_role("textbox", name="Name", exact=True).fill("Real one")
    page.get_by_label("Cap", exact=True).fill("200")
    page.get_by_role("button", name="Add this account").click()
    page.get_by_text("no key yet").wait_for()
    page.get_by_role("button", name="Enter the key").click()
    asked = dialog(page)
    asked.get_by_text("Do not give it:").wait_for()
    asked.get_by_role("textbox", name="API key").fill(f"{CANARY}-key")
    asked.get_by_role("textbox", name="Secret").fill(f"{CANARY}-secret")
    asked.get_by_role("button", name="Seal and store").click()
    expect(asked).to_be_hidden()
    page.get_by_text("key waits to be checked").wait_for()
    (live,) = site.read(lambda s: reports.live_accounts(s, 1))
    number, free = live.account.account_id, live_stand_in.HARMLESS | {"bound": False}
    live_stand_in.is_said(
        site.engine, 1, number, now(), key_state=KeyState.NEEDS_CONFIRMATION, permissions=free,
        sentence="This key works from any address.",
    )  # fmt: skip
    page.get_by_role("button", name="Read and confirm").click()
    asked.get_by_text("I have read this and accept the risk").click()
    asked.get_by_role("button", name="Confirm").click()
    expect(asked).to_be_hidden()
    live_stand_in.is_said(site.engine, 1, number, now(), permissions=free)
    stand_in.is_alive(site.engine, [number])
    page.get_by_text("matches the exchange").wait_for()
    page.get_by_role("button", name="Self-test").click()
    asked.get_by_role("button", name="I agree").click()
    page.get_by_text("self-test waits").wait_for()
    (live,) = site.read(lambda s: reports.live_accounts(s, 1))
    assert live.account.accepts_no_address
    assert live.account.self_test_rev == 1
    assert CANARY not in site.written()


def test_a_worker_that_is_away_is_said_and_so_is_its_return(site, administrator, page):
    sign_in(page, site, administrator, "/strategy?id=1")
    with site.without_a_worker():
        shows(page, "The worker does not answer.")
    expect(page.get_by_text("The worker does not answer.")).to_be_hidden(timeout=WAIT)


@pytest.mark.parametrize("path", ["/", "/new-strategy", "/strategy?id=1", "/accounts", "/settings",
                                  "/help", "/administration"])  # fmt: skip
def test_nothing_is_wider_than_a_phone(site, administrator, page, path):
    page.set_viewport_size(PHONE)
    sign_in(page, site, administrator, path)
    page.get_by_text("SIMULATED").first.wait_for()
    page.wait_for_timeout(1500)
    assert is_no_wider_than_a_phone(page)


def test_the_console_says_nothing_of_missing_contexts_or_components(site, page, administrator):
    """Last, so that the other tests have drawn every page."""
    sign_in(page, site, administrator)
    said = site.log.read_text()
    assert "You can now view" in said
    for noise in ("ScriptRunContext", "already registered", "Traceback"):
        assert noise not in said
