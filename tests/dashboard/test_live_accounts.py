"""Accounts with real money on the screens: every state in words, for their owner and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.actual_state import ActualState
from dashboard import prices
from dashboard.formatting import when
from db import accounts, audit_findings, exchange_bans, market_data, reports
from db.account_status import KeyState, SelfTest
from db.audit_findings import Finding
from db.transactions import run
from tests.builders import a_market
from tests.dashboard import live_stand_in as live
from tests.dashboard import stand_in
from tests.dashboard.conftest import PASSWORD, texts


def labels(app):
    return [button.label for button in app.button]


def accounts_page(open_page, who):
    return open_page(who, "views/accounts.py")


def test_a_live_account_is_added_with_its_cap_and_asks_for_its_key(world, open_page):
    app = accounts_page(open_page, world.ann)
    app.radio(key="new_kind").set_value("ccxt").run()
    shown = texts(app)
    for word in ("You can lose all of it", "ALLOW_LIVE", "MySQL or MariaDB", "cap", "sub-account"):
        assert word in shown
    assert "not yet proven" in shown
    app.text_input[0].input("Real one")
    app.number_input[0].set_value(200.0)
    next(b for b in app.button if b.label == "Add this account").click().run()
    assert not app.exception
    (made,) = [a for a in run(world.engine, lambda s: accounts.accounts(s, world.ann))
               if a.name == "Real one"]  # fmt: skip
    assert made.caps == {"USDT": Decimal(200)}
    assert not made.accepts_no_address
    app.run()
    assert "no key yet" in texts(app)
    assert "Enter the key" in labels(app)


def test_without_a_cap_no_live_account_is_added(world, open_page):
    app = accounts_page(open_page, world.ann)
    app.radio(key="new_kind").set_value("ccxt").run()
    app.text_input[0].input("Real one")
    next(b for b in app.button if b.label == "Add this account").click().run()
    assert "state the most that may be in use" in texts(app)
    assert len(run(world.engine, lambda s: accounts.accounts(s, world.ann))) == 1


SAID = [
    ({}, "matches the exchange", None),
    ({"key_state": KeyState.REFUSED, "sentence": "This key can withdraw coins."}, "key refused",
     "This key can withdraw coins."),
    ({"key_state": KeyState.CHECKING}, "key is being checked", None),
    ({"key_state": KeyState.NEEDS_CONFIRMATION, "sentence": "It works from any address."},
     "needs confirmation", "Read and confirm"),
    ({"foreign_orders": 2}, "2 orders are on the exchange that Stepladder did not place", None),
    ({"mismatch": {"BTC/USDT": "0.5"}}, "0.5 BTC missing", "sell only what is there"),
    ({"hold": "The operator has not switched on real orders."}, "nothing is bought",
     "The operator has not switched on real orders."),
    ({"self_test": SelfTest.PASSED, "self_test_sentence": "All well."}, "self-test passed", "All well."),
    ({"self_test": SelfTest.FAILED, "self_test_sentence": "Not found."}, "self-test failed", "Not found."),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "word", "more"), SAID)
def test_each_state_is_said_in_words(world, open_page, facts, word, more):
    live.is_ready(world.engine, world.ann, world.now, **facts)
    app = accounts_page(open_page, world.ann)
    shown = texts(app) + " ".join(labels(app))
    assert word in shown
    assert more is None or more in shown
    assert "LIVE" in shown


def test_what_is_on_the_exchange_is_shown_quote_coins_first_and_when_it_was_read(world, open_page):
    held = {
        "ADA": {"free": "12.5", "locked": "0"},
        "BTC": {"free": "0.30000001", "locked": "0.2"},
        "EUR": {"free": "7", "locked": "0"},
        "USDT": {"free": "1234.5", "locked": "100"},
    }
    live.is_ready(world.engine, world.ann, world.now, balances=held)
    app = accounts_page(open_page, world.ann)
    (shown,) = [frame.value for frame in app.dataframe if "Coin" in frame.value]
    assert shown.to_csv(index=False).splitlines() == [
        "Coin,Free,In orders,Total",
        'USDT,"1,234.50",100.00,"1,334.50"',
        "EUR,7.00,0.00,7.00",
        "ADA,12.5,0,12.5",
        "BTC,0.30000001,0.2,0.50000001",
    ]
    assert f"Read on {when(world.now)}" in texts(app).replace(" UTC.", " UTC")


@pytest.mark.parametrize(("held", "said"), [(None, "Not read yet"), ({}, "holds no coins")])
def test_an_account_without_balances_says_whether_they_were_read(world, open_page, held, said):
    live.is_ready(world.engine, world.ann, world.now, balances=held)
    app = accounts_page(open_page, world.ann)
    assert said in texts(app)
    assert not app.dataframe


def test_a_comparison_that_is_too_old_freezes_what_is_shown(world, open_page):
    live.is_ready(
        world.engine, world.ann, world.now, reconciled_at=world.now - timedelta(minutes=4)
    )
    shown = texts(accounts_page(open_page, world.ann))
    assert "frozen" in shown
    assert "What is shown is as it was then" in shown


@pytest.mark.parametrize(
    ("days", "word"), [(20, None), (10, "key ends in"), (-1, "key has expired")]
)
def test_the_end_of_a_key_is_warned_of(world, open_page, days, word):
    live.is_ready(world.engine, world.ann, world.now, expires_at=world.now + timedelta(days=days))
    shown = texts(accounts_page(open_page, world.ann))
    assert word in shown if word else "key ends" not in shown


def test_an_unproven_exchange_has_a_low_cap(world, open_page):
    account = live.a_live_account(world.engine, world.ann, world.now)
    live.has_key(world.engine, world.ann, account, world.now)
    live.is_said(world.engine, world.ann, account, world.now)
    shown = texts(accounts_page(open_page, world.ann))
    assert "not yet proven" in shown
    assert "(for now 50.00 USDT)" in shown


def test_a_newer_key_that_waits_does_not_hide_that_the_older_one_works(world, open_page):
    account = live.is_ready(world.engine, world.ann, world.now)
    live.has_key(world.engine, world.ann, account, world.now)
    shown = texts(accounts_page(open_page, world.ann))
    assert "key works" in shown
    assert "Until the worker has accepted it, the one before is used" in shown


def test_nobody_else_sees_a_live_account(world, open_page):
    live.is_ready(world.engine, world.ann, world.now)
    for who in (world.bob, None):
        shown = texts(accounts_page(open_page, who))
        assert live.NAME not in shown
        assert "matches the exchange" not in shown


def is_traded(world):
    """BTC/USDT on Binance: offered, with its rules and a price."""
    offered = market_data.TradableSymbol("binance", "BTC/USDT", "BTC", "USDT")
    hundred = Decimal(100)

    def write(session):
        market_data.save_symbols(session, [offered])
        market_data.save_markets(session, "binance", [a_market()], world.now)

    run(world.engine, write)
    is_at(world, hundred)


def is_at(world, price):
    ticker = market_data.Ticker("binance", "BTC/USDT", price, price, price, world.now)
    run(world.engine, lambda session: market_data.save_tickers(session, [ticker]))


@pytest.fixture
def form(world, open_page, monkeypatch):
    """The form of a new strategy on the live account."""
    is_traded(world)
    monkeypatch.setattr(
        prices, "tradable", lambda venue: (prices.Tradable("BTC/USDT", "", is_practice=False),)
    )

    def opened():
        app = open_page(world.ann, "views/new_strategy.py")
        index = next(n for n, o in enumerate(app.selectbox[0].options) if "LIVE" in o)
        app.selectbox[0].select_index(index).run()
        assert not app.exception
        return app

    return opened


def test_a_strategy_with_real_money_starts_only_after_its_owner_has_said_so(world, form):
    live.is_ready(world.engine, world.ann, world.now)
    app = form()
    assert "real money on a real exchange" in texts(app)
    assert "of this account's cap is not in use" in texts(app)
    assert app.button(key="form_start").disabled
    (agree,) = [box for box in app.checkbox if "real money" in box.label]
    agree.check().run()
    assert not app.button(key="form_start").disabled


def test_what_was_agreed_to_holds_while_the_price_moves(world, form):
    """The sum that is shown moves with the price; a consent bound to it was gone with the next click."""
    live.is_ready(world.engine, world.ann, world.now)
    app = form()
    (agree,) = [box for box in app.checkbox if "real money" in box.label]
    agree.check().run()
    is_at(world, Decimal("101.37"))
    app.run()
    assert "101.37" in texts(app)
    assert not app.button(key="form_start").disabled


def test_whoever_has_not_given_their_password_lately_gives_it_before_real_money(world, form):
    live.is_ready(world.engine, world.ann, world.now)
    app = form()
    live.an_hour_passes(world.engine, world.now)
    (agree,) = [box for box in app.checkbox if "real money" in box.label]
    agree.check().run()
    for typed, refused in (("not mine at all", True), (PASSWORD, False)):
        assert app.button(key="form_start").disabled
        next(f for f in app.text_input if f.label == "Your Stepladder password").input(typed)
        app.button(key="confirm_person").click().run()
        assert ("This was not your password" in texts(app)) is refused
    assert not app.button(key="form_start").disabled
    app.button(key="form_start").click().run()
    (card,) = run(world.engine, lambda s: reports.home(s, world.ann, at=world.now))
    assert card.account_name == live.NAME


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"key_state": KeyState.REFUSED, "sentence": "It can withdraw."}, "It can withdraw."),
        ({"hold": "The operator has not set ALLOW_LIVE=1."}, "The operator has not set ALLOW_LIVE=1."),
    ],
)  # fmt: skip
def test_no_strategy_starts_on_an_account_that_cannot_trade(world, form, facts, why):
    live.is_ready(world.engine, world.ann, world.now, **facts)
    app = form()
    assert why in texts(app)
    assert app.button(key="form_start").disabled
    assert not [box for box in app.checkbox if "real money" in box.label]


def test_no_strategy_starts_in_a_coin_without_a_cap(world, form):
    account = live.is_ready(world.engine, world.ann, world.now)
    run(world.engine, lambda s: accounts.change_caps(
        s, world.ann, account, caps={"EUR": "100"}, at=world.now))  # fmt: skip
    assert "This account has no cap for USDT" in texts(form())


def test_the_page_of_a_strategy_says_what_holds_its_account(world, open_page):
    account = live.is_ready(
        world.engine, world.ann, world.now, hold="The exchange is closed for maintenance."
    )
    strategy = live.a_strategy_on(world.engine, world.ann, account, world.now)
    stand_in.says(world.engine, strategy, ActualState.WAITING, "Waits.", world.now)
    shown = texts(open_page(world.ann, "views/strategy.py", id=str(strategy)))
    assert "The exchange is closed for maintenance." in shown
    assert "matches the exchange" in shown
    assert "closed for maintenance" not in texts(
        open_page(world.bob, "views/strategy.py", id=str(strategy))
    )


def test_home_says_what_is_wrong_with_a_live_account(world, open_page):
    live.is_ready(world.engine, world.ann, world.now, key_state=KeyState.REFUSED, sentence="Gone.")
    assert f"{live.NAME}: key refused" in texts(open_page(world.ann))
    assert live.NAME not in texts(open_page(world.bob))


def administration(open_page, world, section):
    app = open_page(world.root, "views/administration.py")
    app.session_state["administration_section"] = section
    app.run()
    assert not app.exception
    return texts(app)


def test_the_administration_sees_live_accounts_and_bans_but_no_key(world, open_page):
    live.is_ready(world.engine, world.ann, world.now, foreign_orders=3)
    run(world.engine, lambda s: exchange_bans.save_ban(
        s, "kraken", "host-1", world.now + timedelta(minutes=3)))  # fmt: skip
    shown = administration(open_page, world, "Live accounts")
    for word in ("Ann", live.NAME, "key works", "3 orders of others", "refuses all requests"):
        assert word in shown
    assert live.SEALED not in shown


def test_the_administration_sees_what_the_auditor_found(world, open_page):
    assert "finds nothing broken" in administration(open_page, world, "Audit")
    account = live.is_ready(world.engine, world.ann, world.now)
    found = Finding("V4", account, None, "An order has more fills than it says.")
    run(world.engine, lambda s: audit_findings.record(s, [account], [found], at=world.now))
    shown = administration(open_page, world, "Audit")
    assert "V4: every fill is known, none twice" in shown
    assert "An order has more fills than it says." in shown
    run(world.engine, lambda s: audit_findings.record(s, [account], [], at=world.now))
    assert "In order again" in administration(open_page, world, "Audit")
