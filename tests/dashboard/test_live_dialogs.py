"""The dialogs of a live account, each drawn by itself: AppTest cannot reach into an open dialog."""

from __future__ import annotations

import base64
import logging
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from nacl.public import SealedBox
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from db import account_keys, accounts, keys
from db.account_status import KeyState
from db.tables import Model
from db.transactions import run
from tests.dashboard import live_stand_in as live
from tests.dashboard.conftest import PASSWORD, texts
from tests.faults import fault

CANARY = "CANARY7d1f"
KEY, SECRET = f"{CANARY}-key", f"{CANARY}-secret"


def page(name, account_id):
    """Runs as a script of its own, hence the imports."""
    from dashboard import live_dialogs

    live_dialogs._body(getattr(live_dialogs, name), account_id)


@pytest.fixture
def open_dialog(world):
    def opened(name, account_id, who=None):
        app = AppTest.from_function(page, args=(name, account_id), default_timeout=30)
        app.session_state["_sid"] = world.sid(who or world.ann)
        return app.run()

    return opened


@pytest.fixture
def account(world):
    return live.a_live_account(world.engine, world.ann, world.now)


def fields(app):
    return {field.label: field for field in app.text_input}


def press(app, key):
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def everywhere(app, world, caplog, capfd) -> str:
    """Every byte that could have been kept: the tab, the database, the log, what was printed, the page."""
    state = app.session_state._state
    places = [repr(vars(state)), repr(state.filtered_state), texts(app), caplog.text]
    places += [str(element) for element in app.main]
    places += capfd.readouterr()
    with world.engine.connect() as connection:
        for table in Model.metadata.sorted_tables:
            places += [repr(tuple(row)) for row in connection.execute(select(table))]
    return "\n".join(places)


@fault("S11")
def test_a_key_is_sealed_at_once_and_its_clear_text_is_nowhere(
    world, account, open_dialog, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    app = open_dialog("key", account)
    fields(app)["API key"].input(KEY)
    fields(app)["Secret"].input(SECRET)
    press(app, "store_key")
    assert CANARY not in everywhere(app, world, caplog, capfd)
    (sealed,) = run(world.engine, lambda s: account_keys.newest_keys(s, [account])).values()
    private = keys.worker_private_key(Path("config"))
    clear = orjson.loads(SealedBox(private).decrypt(base64.b64decode(sealed.sealed)))
    assert (clear["key"], clear["secret"], clear["password"]) == (KEY, SECRET, "")
    assert (clear["user_id"], clear["account_id"], clear["exchange"]) == (
        world.ann, account, "binance",
    )  # fmt: skip


@pytest.mark.parametrize("broken", ["no public key", "a letter that no key has", "wrong password"])
def test_a_key_that_could_not_be_stored_is_nowhere_either(
    world, account, open_dialog, caplog, capfd, broken
):
    caplog.set_level(logging.DEBUG)
    app = open_dialog("key", account)
    if broken == "no public key":
        Path("config", keys.PUBLIC).unlink()
    if broken == "wrong password":
        live.an_hour_passes(world.engine, world.now)
        app.run()
        fields(app)["Your Stepladder password"].input(f"{CANARY} not mine")
    fields(app)["API key"].input(KEY)
    fields(app)["Secret"].input(SECRET + ("é" if broken.startswith("a letter") else ""))
    press(app, "store_key")
    assert app.error
    assert CANARY not in everywhere(app, world, caplog, capfd)
    assert run(world.engine, lambda s: account_keys.newest_keys(s, [account])) == {}


def test_the_form_says_what_to_allow_a_key_and_what_not(world, account, open_dialog):
    shown = texts(open_dialog("key", account))
    for word in ("Where to make it", "Do not give it:", "withdrawals", "Whoever runs this server"):
        assert word in shown


def test_the_address_to_bind_a_key_to_is_shown_once_it_is_known(world, account, open_dialog):
    live.is_said(world.engine, world.ann, account, world.now)
    assert "203.0.113.7" in texts(open_dialog("key", account))


@fault("S4")
def test_a_password_is_asked_for_again_before_a_key_is_touched(world, account, open_dialog):
    app = open_dialog("key", account)
    assert "Your Stepladder password" not in fields(app)
    live.an_hour_passes(world.engine, world.now)
    app.run()
    fields(app)["API key"].input(KEY)
    fields(app)["Secret"].input(SECRET)
    fields(app)["Your Stepladder password"].input(PASSWORD)
    press(app, "store_key")
    assert run(world.engine, lambda s: account_keys.key_version(s, world.ann, account)) == 1


@fault("S1")
def test_somebody_elses_account_has_no_dialog(world, account, open_dialog):
    for name in ("key", "caps", "consents", "self_test", "put_away"):
        app = open_dialog(name, account, who=world.bob)
        assert "There is no such account among yours" in texts(app)
        assert not app.button


@fault("S4")
def test_a_cap_is_lowered_without_and_raised_with_the_password(world, account, open_dialog):
    live.an_hour_passes(world.engine, world.now)
    app = open_dialog("caps", account)
    live.an_hour_passes(world.engine, world.now)
    app.run()
    assert "Raising it" in texts(app)
    app.number_input[0].set_value(100.0)
    press(app, "change_caps")
    assert live.caps(world.engine, world.ann, account) == {"USDT": Decimal(100)}
    app = open_dialog("caps", account)
    live.an_hour_passes(world.engine, world.now)
    app.run()
    app.number_input[0].set_value(900.0)
    press(app, "change_caps")
    assert "this was not it" in texts(app)
    assert live.caps(world.engine, world.ann, account) == {"USDT": Decimal(100)}
    app.number_input[0].set_value(900.0)
    fields(app)["Your Stepladder password, to raise a cap"].input(PASSWORD)
    press(app, "change_caps")
    assert live.caps(world.engine, world.ann, account) == {"USDT": Decimal(900)}


def test_a_second_coin_gets_a_cap_of_its_own(world, account, open_dialog):
    app = open_dialog("caps", account)
    fields(app)["Another coin"].input("usdc")
    app.number_input[1].set_value(50.0)
    press(app, "change_caps")
    assert live.caps(world.engine, world.ann, account) == {
        "USDT": Decimal(500), "USDC": Decimal(50),
    }  # fmt: skip


ASKED = [
    ({"bound": False, "addresses": []}, ["works from any address"], (True, False)),
    ({"withdraw": None}, ["cannot be verified"], (False, True)),
    ({"bound": False, "addresses": [], "readable": False},
     ["works from any address", "cannot be verified"], (True, True)),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "risks", "given"), ASKED)
def test_only_what_the_worker_asks_about_is_asked_each_with_its_risk(
    world, account, open_dialog, facts, risks, given
):
    live.is_said(
        world.engine, world.ann, account, world.now, key_state=KeyState.NEEDS_CONFIRMATION,
        sentence="Please look.", permissions=live.HARMLESS | facts,
    )  # fmt: skip
    app = open_dialog("consents", account)
    shown = texts(app)
    assert len(app.checkbox) == len(risks)
    assert all(risk in shown for risk in risks)
    for box in app.checkbox:
        box.check()
    press(app, "confirm_consents")
    found = run(world.engine, lambda s: accounts.account(s, world.ann, account))
    assert (found.accepts_no_address, found.accepts_unverified) == given


def test_the_self_test_says_exactly_what_it_will_do_and_counts_the_consent(
    world, account, open_dialog
):
    app = open_dialog("self_test", account)
    shown = texts(app)
    for word in ("smallest buy", "30 % below", "finds the order again", "cancels the order"):
        assert word in shown
    press(app, "ask_self_test")
    found = run(world.engine, lambda s: accounts.account(s, world.ann, account))
    assert found.self_test_rev == 1


def test_an_account_is_disconnected_and_its_owner_told_to_delete_the_key(
    world, account, open_dialog
):
    app = open_dialog("put_away", account)
    assert "Delete the key on the exchange as well" in texts(app)
    press(app, "confirm_archive")
    found = run(world.engine, lambda s: accounts.accounts(s, world.ann, archived=True))
    assert [each.account_id for each in found] == [account]
