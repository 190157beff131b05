"""Live accounts: a cap from the beginning, and every change of it counted."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from core.errors import InvalidInput
from db import accounts, exchange_proofs
from db.accounts import AccountKind, Terms
from db.errors import Conflict, NotFound
from db.tables import AuditEntry, ExchangeAccount
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, first_account
from tests.faults import fault


@pytest.fixture
def ann(engine):
    return a_user(engine)


@pytest.fixture
def account_id(engine, ann):
    """On an exchange that somebody has proven."""
    run(engine, lambda s: exchange_proofs.save_proof(s, "binance", 1, at=AT))
    return a_live_account(engine, ann, caps={"usdt": "500", "BTC": Decimal("0.010")})


def known(engine, account_id):
    found = run(engine, accounts.trading_accounts)
    return next(account for account in found if account.account_id == account_id)


def test_the_worker_is_told_caps_consents_and_the_revision(engine, account_id):
    account = known(engine, account_id)
    assert account.kind is AccountKind.LIVE
    assert account.caps == {"USDT": Decimal(500), "BTC": Decimal("0.01")}
    assert (account.accepts_no_address, account.accepts_unverified) == (False, False)
    assert (account.self_test_rev, account.rev, account.stated_balance) == (0, 3, {})


@fault("I12")
def test_on_an_exchange_that_nobody_has_proven_the_caps_are_low_until_somebody_has(engine, ann):
    account_id = a_live_account(engine, ann, caps={"USDT": "500", "EUR": "20"})
    low = {"USDT": Decimal(50), "EUR": Decimal(20)}
    before = known(engine, account_id)
    assert before.caps == low
    assert run(engine, lambda s: accounts.terms(s, [account_id]))[account_id].caps == low
    # The person sees what they have stated.
    assert run(engine, lambda s: accounts.account(s, ann, account_id)).caps == {
        "USDT": Decimal(500),
        "EUR": Decimal(20),
    }
    run(engine, lambda s: exchange_proofs.save_proof(s, "binance", account_id, at=AT))
    after = known(engine, account_id)
    assert after.caps == {"USDT": Decimal(500), "EUR": Decimal(20)}
    assert after.rev != before.rev


def test_every_change_counts(engine, ann, account_id):
    run(engine, lambda s: accounts.change_caps(s, ann, account_id, caps={"USDT": "9"}, at=AT))
    assert run(engine, lambda s: accounts.terms(s, [account_id])) == {
        account_id: Terms(5, {"USDT": Decimal(9)})
    }
    run(
        engine,
        lambda s: accounts.confirm(
            s, ann, account_id, accepts_no_address=True, accepts_unverified=False, at=AT
        ),
    )
    run(engine, lambda s: accounts.ask_self_test(s, ann, account_id, at=AT))
    account = known(engine, account_id)
    assert (account.rev, account.self_test_rev) == (9, 1)
    assert (account.accepts_no_address, account.accepts_unverified) == (True, False)


def test_who_changed_a_cap_from_what_to_what_is_written_down(engine, ann, account_id):
    run(engine, lambda s: accounts.change_caps(s, ann, account_id, caps={"USDT": "9"}, at=AT))
    last = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    entry = run(engine, lambda s: s.scalars(last).one())
    assert entry.action == "live account changed"
    assert entry.details["before"] == {"caps": {"BTC": "0.01", "USDT": "500"}}
    assert entry.details["after"] == {"caps": {"USDT": "9"}}


@pytest.mark.parametrize(
    ("caps", "sentence"),
    [
        ({}, "is missing"),
        ({"USDT": "0"}, "above 0"),
        ({"USDT": "-1"}, "above 0"),
        ({"USDT": "1e5"}, "not a number"),
        ({"USDT": "NaN"}, "not a number"),
        ({"USDT": ""}, "is empty"),
        ({"$": "1"}, "must name a coin"),
        ({"USDT": "1", "usdt": "2"}, "twice"),
        ({f"C{n}": "1" for n in range(21)}, "too many"),
    ],
)
def test_a_cap_is_read_strictly(engine, ann, account_id, caps, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        run(engine, lambda s: accounts.change_caps(s, ann, account_id, caps=caps, at=AT))
    with pytest.raises(InvalidInput, match=sentence):
        a_live_account(engine, ann, name="Other", caps=caps)
    assert known(engine, account_id).rev == 3


@fault("I12")
@pytest.mark.parametrize("exchange", ["simulated", "", "Binance", "../x", "no such place"])
def test_only_exchanges_that_can_be_traded_live_are_taken(engine, ann, exchange):
    with pytest.raises(InvalidInput, match="exchange"):
        a_live_account(engine, ann, exchange=exchange)


@fault("I13")
@pytest.mark.parametrize("written", ["{}", "[]", '{"USDT": 5}', '{"USDT": "-5"}', "7"])
def test_a_cap_written_by_hand_that_cannot_be_read_is_no_cap(engine, account_id, written):
    statement = text("UPDATE exchange_accounts SET caps = :c WHERE id = :i")
    run(engine, lambda s: s.execute(statement, {"c": written, "i": account_id}))
    assert known(engine, account_id).caps is None
    assert run(engine, lambda s: accounts.terms(s, [account_id]))[account_id].caps is None


def test_a_simulated_account_has_no_caps(engine, ann):
    simulated = first_account(engine, ann)
    with pytest.raises(Conflict, match="not a live account"):
        run(engine, lambda s: accounts.change_caps(s, ann, simulated, caps={"USDT": "1"}, at=AT))
    assert known(engine, simulated).caps is None


def test_an_archived_account_has_no_terms_any_more(engine, ann, account_id):
    run(engine, lambda s: accounts.archive_account(s, ann, account_id, at=AT))
    assert run(engine, lambda s: accounts.terms(s, [account_id])) == {}


def test_rows_from_before_caps_existed_are_read(engine, account_id):
    row = {"caps": None}
    run(
        engine,
        lambda s: s.execute(
            update(ExchangeAccount).where(ExchangeAccount.id == account_id).values(**row)
        ),
    )
    assert known(engine, account_id).caps is None


def test_an_account_gets_another_name_by_its_owner_and_only_a_free_one(engine, ann, account_id):
    other = first_account(engine, ann)
    taken = run(engine, lambda s: accounts.account(s, ann, other)).name
    bob = a_user(engine, "bob")

    def rename(name, who=ann):
        run(engine, lambda s: accounts.rename_account(s, who, account_id, name=name, at=AT))

    rename("  Savings ")
    assert run(engine, lambda s: accounts.account(s, ann, account_id)).name == "Savings"
    with pytest.raises(InvalidInput):
        rename(taken)
    with pytest.raises(NotFound):
        rename("Mine now", bob)
    assert run(engine, lambda s: accounts.account(s, ann, account_id)).name == "Savings"
    assert "account renamed" in run(engine, lambda s: s.scalars(select(AuditEntry.action)).all())
