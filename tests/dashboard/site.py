"""A whole Stepladder for stories in a real browser: MariaDB, a dashboard, a worker on the simulated market.

One site per module (it takes some seconds to start); a module of stories has it by asking for `site`.

    def test_a_story(site, administrator, page):
        sign_in(page, site, administrator)
        click(page, "Start")

`site.without_a_worker()`: for what a stand-in says in the worker's place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import select

from db import links, users
from db.handles import Engine, Session
from db.rights import Role
from db.tables import Model
from db.transactions import run
from tests.chromium import launch_options
from tests.db.people import first_account
from tests.mariadb import PrivateMariaDB, dying_with_its_parent, free_port
from tests.worker_process import WorkerHouse, WorkerProcess

# What tests/dashboard/conftest.py gives to every test there; the rest is imported by name.
__all__ = ["administrator", "chromium", "page", "site"]

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "four words not together"
COOKIE = "stepladder"
START = 60.0
WAIT = 20_000
"""Milliseconds that a browser waits for anything before the test fails."""
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}


@dataclass
class Site:
    """`code`: of the first start. `log`: what the dashboard has said. `worker`: None while there is none."""

    url: str
    house: WorkerHouse
    code: str
    log: Path
    worker: WorkerProcess | None = field(default=None)

    @property
    def engine(self) -> Engine:
        return self.house.engine

    def read(self, unit: Callable[[Session], T]) -> T:
        return run(self.engine, unit, write=False)

    def write(self, unit: Callable[[Session], T]) -> T:
        return run(self.engine, unit)

    def person(self, username: str, role: Role = Role.PERSON) -> int:
        """Somebody with PASSWORD, made past the screens."""
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        return self.write(lambda s: users.create_user(
            s, username=username, display_name=username.title(), password_hash=hashed, role=role,
            at=now(),
        ))  # fmt: skip

    def account(self, user_id: int) -> int:
        """The simulated account that everybody has."""
        return first_account(self.engine, user_id)

    def written(self) -> str:
        """Everything that the database keeps, and every line that the two programs have said."""
        with self.engine.connect() as connection:
            rows = [
                connection.execute(select(table)).all() for table in Model.metadata.sorted_tables
            ]
        said = [file.read_text(errors="replace") for file in self.house.folder.rglob("*.log")]
        return repr(rows) + "".join(said)

    def start_worker(self, **settings: str) -> WorkerProcess:
        assert self.worker is None, "one is running already"
        self.worker = self.house.start(**settings)
        return self.worker

    def stop_worker(self) -> None:
        """As `make run` ends it: it gives its accounts back."""
        if self.worker is not None:
            self.worker.signal(signal.SIGTERM)
            self.worker.wait_or_kill(30)
            self.worker = None

    @contextlib.contextmanager
    def without_a_worker(self) -> Iterator[None]:
        self.stop_worker()
        try:
            yield
        finally:
            self.start_worker()


def now() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def a_site(server: PrivateMariaDB, folder: Path) -> Iterator[Site]:
    """All of it in `folder`, as an operator would have it; ended whatever happens."""
    house = WorkerHouse(folder, server.new_database())
    for name in ("dashboard", ".streamlit"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = run(house.engine, lambda s: links.make_setup_code(s, at=now()))
    port = free_port()
    environment = {
        **os.environ, "PYTHONPATH": str(folder), "DATABASE_URL": house.url,
    }  # fmt: skip
    with (folder / "dashboard.log").open("wb") as log:
        dashboard = subprocess.Popen(
            [
                *dying_with_its_parent(), sys.executable, "-m", "streamlit", "run",
                str(folder / "dashboard" / "asgi.py"),
                "--server.port", str(port), "--server.address", "127.0.0.1",
            ],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    site = Site(f"http://127.0.0.1:{port}", house, code, folder / "dashboard.log")
    try:
        site.start_worker()
        _wait_for(site, dashboard)
        yield site
    finally:
        dashboard.terminate()
        if site.worker is not None:
            site.worker.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            dashboard.wait(15)
        dashboard.kill()
        dashboard.wait()
        house.close()
        server.drop_database(house.url)


def _wait_for(site: Site, dashboard: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START
    while True:
        with contextlib.suppress(OSError):
            url = site.url + "/healthz"
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        assert dashboard.poll() is None, site.log.read_text()
        assert time.monotonic() < end, f"no dashboard: {site.log.read_text()}"
        time.sleep(0.2)


# --- fixtures


@pytest.fixture(scope="module")
def site(
    mariadb_server: PrivateMariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with a_site(mariadb_server, tmp_path_factory.mktemp("site") / "stepladder") as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with a_browser(chromium) as opened:
        yield opened


@pytest.fixture(scope="module")
def administrator(site: Site, chromium: Browser) -> str:
    """The first start, done once in the browser; gives the administrator's username. Their id is 1."""
    with a_browser(chromium) as page:
        page.goto(site.url)
        page.get_by_label("Set-up code").fill(site.code)
        page.get_by_label("Your name, as others see it").fill("Ada")
        page.get_by_role("textbox", name="Username").fill("ada")
        page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        click(page, "Create the administrator")
        page.get_by_text("You have no strategy yet").wait_for()
    return "ada"


# --- what stories are told with


@contextlib.contextmanager
def a_browser(chromium: Browser, *, phone: bool = False) -> Iterator[Page]:
    """Of its own, without anybody's cookies."""
    context = chromium.new_context(viewport=PHONE if phone else DESK)
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    try:
        yield opened
    finally:
        context.close()


def sign_in(page: Page, site: Site, username: str, path: str = "/") -> None:
    page.goto(site.url + path)
    page.get_by_role("textbox", name="Username").fill(username)
    page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    page.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    page.get_by_text("Signed in as").wait_for()
    has_cookie(page)


def has_cookie(page: Page) -> dict[str, Any]:
    """The cookie, once the page has fetched it."""
    for _ in range(100):
        for cookie in page.context.cookies():
            if cookie["name"] == COOKIE:
                return dict(cookie)
        page.wait_for_timeout(100)
    raise AssertionError("no cookie was set")


def click(where: Page | Locator, name: str) -> None:
    """The button of exactly that name, on the page or in a dialog."""
    where.get_by_role("button", name=name, exact=True).click()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def shows(page: Page, text: str, *, seconds: float = WAIT / 1000) -> Locator:
    """Waits until that is to be read somewhere."""
    found = page.get_by_text(text).first
    found.wait_for(timeout=seconds * 1000)
    return found


def is_put_out(page: Page, *, seconds: float = WAIT / 1000) -> None:
    """The sign-in form is all that is left."""
    expect(page.get_by_role("textbox", name="Username")).to_be_visible(timeout=seconds * 1000)


def is_no_wider_than_a_phone(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"])
