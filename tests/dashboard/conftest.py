"""A migrated database, key files, people, and the app as a signed-in person sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bcrypt
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import database, session_tokens
from db import keys, sessions
from db.handles import Engine
from db.transactions import run
from tests.dashboard.site import *  # noqa: F403
from tests.db.people import a_user, an_administrator
from tests.migrated import *  # noqa: F403

PASSWORD = "four words not together"
APP = str(Path(__file__).resolve().parents[2] / "dashboard" / "app.py")


@dataclass(frozen=True)
class World:
    """A database with the people ann and bob and the administrator root."""

    engine: Engine
    now: datetime
    ann: int
    bob: int
    root: int

    def sid(self, user_id: int) -> str:
        return run(
            self.engine,
            lambda session: sessions.open_session(
                session, user_id, address="test", agent="test", trusted=False, at=self.now
            ),
        ).sid


@pytest.fixture
def world(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", str(sqlite_engine.url))
    keys.prepare_keys(tmp_path / "config")
    database.engine.cache_clear()
    session_tokens._key.cache_clear()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    ann = a_user(sqlite_engine, "ann", password_hash=hashed)
    bob = a_user(sqlite_engine, "bob", password_hash=hashed)
    root = an_administrator(sqlite_engine)
    yield World(sqlite_engine, datetime.now(UTC), ann, bob, root)
    database.engine().dispose()
    database.engine.cache_clear()
    session_tokens._key.cache_clear()


Open = Callable[..., AppTest]


@pytest.fixture
def open_page(world: World) -> Open:
    """`open_page(user_id, "views/home.py", id="1")`: that page as that person sees it; None: a visitor."""

    def opened(user_id: int | None, page: str | None = None, **query: str) -> AppTest:
        app = AppTest.from_file(APP, default_timeout=30)
        if user_id is not None:
            app.session_state["_sid"] = world.sid(user_id)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page is not None:
            app.switch_page(page)
            for name, value in query.items():
                app.query_params[name] = value
            app.run()
        assert not app.exception, app.exception
        return app

    return opened


def texts(app: AppTest) -> str:
    """Everything that is written on the page."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "info", "warning",
             "success")  # fmt: skip
    found = [str(getattr(found, "value", "")) for kind in kinds for found in app.get(kind)]
    found += [str(link.proto.label) for link in app.get("page_link")]
    for frame in (*app.table, *app.dataframe):
        found.append(frame.value.to_string())
    return "\n".join(found).replace("\\", "").replace("\u202f", " ")
