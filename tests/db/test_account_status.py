"""What the worker says of accounts and exchanges."""

from __future__ import annotations

import functools
from dataclasses import replace
from decimal import Decimal

import pytest

from db import account_status, accounts, audit_findings, exchange_bans, exchange_proofs
from db.account_status import (
    ABOUT_THE_BALANCES,
    ABOUT_THE_KEY,
    ABOUT_THE_SELF_TEST,
    AccountStatus,
    KeyState,
    SelfTest,
)
from db.audit_findings import Finding
from db.errors import NotAllowed
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, an_administrator, later
from tests.faults import fault

STATUS = AccountStatus(
    account_id=7,
    user_id=1,
    key_version=2,
    key_state=KeyState.ACTIVE,
    sentence="Works.",
    permissions={"trade": True},
    fingerprint="ab" * 32,
    expires_at=later(9),
    checked_at=AT,
    self_test_rev=1,
    self_test=SelfTest.PASSED,
    self_test_sentence="Passed.",
    foreign_orders=3,
    mismatch={"BTC": {"ours": "1", "there": "0.5"}},
    balances={"BTC": {"free": "0.3", "locked": "0.2"}},
    reconciled_at=later(1),
    address="192.0.2.1",
    hold="Coins are missing.",
    taken_back={"s-1": {"shown": "0.5", "since": "2026-01-01T12:00:00+00:00", "accepted": False}},
    updated_at=later(2),
)


def said(engine, account_id=7):
    return run(engine, lambda s: account_status.load(s, [account_id])).get(account_id)


def test_everything_said_is_read_back_equal(engine):
    run(engine, lambda s: account_status.save(s, [STATUS]))
    assert said(engine) == STATUS
    assert said(engine, 8) is None


def test_those_who_say_one_part_leave_the_others_alone(engine):
    run(engine, lambda s: account_status.save(s, [STATUS]))
    other = AccountStatus(account_id=7, user_id=1, foreign_orders=9, updated_at=later(5))
    run(engine, lambda s: account_status.save(s, [other], only=ABOUT_THE_BALANCES))
    expected = replace(
        STATUS,
        foreign_orders=9,
        mismatch=None,
        balances=None,
        reconciled_at=None,
        hold=None,
        taken_back=None,
        updated_at=later(5),
    )
    assert said(engine) == expected


def test_the_parts_together_are_the_whole_row():
    parts = {*ABOUT_THE_KEY, *ABOUT_THE_SELF_TEST, *ABOUT_THE_BALANCES}
    assert parts == set(account_status.STATUSES.columns.keys()) - {"account_id", "user_id"}


def test_the_same_key_on_another_account_is_noticed(engine):
    ann = a_user(engine)
    places = [a_live_account(engine, ann, name=f"Place {n}") for n in range(4)]
    states = (KeyState.ACTIVE, KeyState.ACTIVE, KeyState.REFUSED, KeyState.ACTIVE)
    rows = [replace(STATUS, account_id=i, key_state=s) for i, s in zip(places, states, strict=True)]
    run(engine, lambda s: account_status.save(s, rows))
    run(engine, lambda s: accounts.archive_account(s, ann, places[3], at=AT))
    mark = str(STATUS.fingerprint)
    assert run(engine, lambda s: account_status.accounts_with_key(s, mark, places[0])) == [
        places[1]
    ]


@fault("E14")
def test_a_ban_is_kept_and_never_made_shorter(engine):
    for exchange, until in (("binance", 60), ("binance", 30), ("okx", 5)):
        ban = functools.partial(
            exchange_bans.save_ban, exchange=exchange, address="host", until=later(until)
        )
        run(engine, ban)
    assert run(engine, lambda s: exchange_bans.bans_of(s, "host")) == {
        "binance": later(60),
        "okx": later(5),
    }
    assert run(engine, lambda s: exchange_bans.bans_of(s, "other")) == {}
    run(engine, lambda s: exchange_bans.save_ban(s, "binance", "host", later(90)))


def test_the_first_proof_of_an_exchange_counts(engine):
    run(engine, lambda s: exchange_proofs.save_proof(s, "okx", 7, at=AT))
    run(engine, lambda s: exchange_proofs.save_proof(s, "okx", 8, at=later(1)))
    (proof,) = run(engine, exchange_proofs.proven).values()
    assert (proof.exchange, proof.proven_at, proof.account_id) == ("okx", AT, 7)


def test_on_an_exchange_that_nobody_has_proven_the_caps_are_low():
    caps = {"USDT": Decimal(500), "EUR": Decimal(20), "BTC": Decimal(1)}
    assert exchange_proofs.unproven_caps(caps) == {
        "USDT": Decimal(50),
        "EUR": Decimal(20),
        "BTC": Decimal("0.0005"),
    }


def test_a_finding_is_new_once_open_while_it_is_found_and_then_resolved(engine):
    administrator = an_administrator(engine)
    one, two = Finding("V1", 7, 3, "Two."), Finding("V5", 7, None, "Too much sold.")

    def check(found, seconds):
        said = run(engine, lambda s: audit_findings.record(s, [7], found, at=later(seconds)))
        return said.fresh, said.gone

    assert check([one, two], 0) == ((one, two), ())
    assert check([one], 60) == ((), (two,))
    assert check([], 120) == ((), (one,))
    assert check([one], 180) == ((one,), ())
    rows = run(engine, lambda s: audit_findings.audit_findings(s, administrator))
    assert [(r.finding.check_id, r.first_seen, r.last_seen, r.resolved_at) for r in rows] == [
        ("V1", later(180), later(180), None),
        ("V1", later(0), later(60), later(120)),
        ("V5", later(0), later(0), later(60)),
    ]


def test_a_check_of_one_account_resolves_nothing_of_another(engine):
    run(engine, lambda s: audit_findings.record(s, [8], [Finding("V1", 8, 1, "x")], at=AT))
    run(engine, lambda s: audit_findings.record(s, [7], [], at=later(60)))
    administrator = an_administrator(engine)
    (row,) = run(engine, lambda s: audit_findings.audit_findings(s, administrator))
    assert row.resolved_at is None


def test_findings_are_for_administrators(engine):
    somebody = a_user(engine)
    with pytest.raises(NotAllowed):
        run(engine, lambda s: audit_findings.audit_findings(s, somebody))
