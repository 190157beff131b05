"""SQLite keeps whatever is written into a column by hand. Such a row stops nothing but itself."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.candles import EPOCH
from core.cycle import DesiredState
from core.errors import InvalidInput
from db import accounts, halt, leases, status, wanted
from db.transactions import run
from tests.db.people import (
    AT,
    a_live_account,
    a_strategy,
    a_user,
    an_administrator,
    first_account,
    later,
)
from tests.faults import fault

GARBAGE = ["garbage", "2026-13-45", b"\xff\xfe"]


@pytest.fixture
def ann(sqlite_engine):
    return a_user(sqlite_engine)


def write(engine, table, column, value, row_id, key="id"):
    statement = text(f"UPDATE {table} SET {column} = :v WHERE {key} = :i")
    run(engine, lambda s: s.execute(statement, {"v": value, "i": row_id}))


@fault("P15", "I13")
@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize("column", ["desired_at", "desired_rev", "parameters_version", "release"])
def test_a_wish_that_cannot_be_read_counts_as_paused_and_the_others_go_on(
    sqlite_engine, ann, column, value
):
    bad, good = a_strategy(sqlite_engine, ann), a_strategy(sqlite_engine, ann, "ETH/USDT")
    write(sqlite_engine, "strategies", column, value, bad)
    home = first_account(sqlite_engine, ann)
    since = AT - timedelta(days=1)
    for read in (
        lambda s: wanted.all_wanted(s, [home]),
        lambda s: wanted.changed_since(s, [home], since),
        lambda s: wanted.wanted(s, [bad, good]),
    ):
        rows = {row.strategy_id: row for row in run(sqlite_engine, read)}
        assert rows[good].desired_state is DesiredState.RUNNING
        assert rows[good].fault is None
        assert rows[bad].desired_state is DesiredState.PAUSED
        assert column in str(rows[bad].fault)
        assert rows[bad].release is False
        known = run(sqlite_engine, lambda s: wanted.revisions(s, [bad]))[bad]
        assert known == wanted.Revision(rows[bad].desired_rev, rows[bad].parameters_version)
        assert known == run(sqlite_engine, lambda s: wanted.all_revisions(s, [home]))[bad]


@pytest.mark.parametrize("value", GARBAGE)
def test_a_time_of_change_that_cannot_be_read_stops_no_poll(sqlite_engine, ann, value):
    bad, good = a_strategy(sqlite_engine, ann), a_strategy(sqlite_engine, ann, "ETH/USDT")
    write(sqlite_engine, "strategies", "changed_at", value, bad)
    home = first_account(sqlite_engine, ann)
    found = run(sqlite_engine, lambda s: wanted.changed_since(s, [home], AT))
    assert good in {row.strategy_id for row in found}


@fault("I13")
@pytest.mark.parametrize(
    "column", ["created_at", "quote_start", "caps", "accepts_no_address", "rev"]
)
@pytest.mark.parametrize("value", GARBAGE)
def test_an_account_that_cannot_be_read_whole_is_served_with_what_can_be_read(
    sqlite_engine, ann, column, value
):
    bad, good = a_live_account(sqlite_engine, ann), first_account(sqlite_engine, ann)
    write(sqlite_engine, "exchange_accounts", column, value, bad)
    found = {
        account.account_id: account for account in run(sqlite_engine, accounts.trading_accounts)
    }
    assert found[good].stated_balance == {"USDT": Decimal(10_000)}
    account = found[bad]
    assert account.created_at == (EPOCH if column == "created_at" else AT)
    assert account.caps == (None if column == "caps" else {"USDT": Decimal(50)})
    assert account.accepts_no_address is False
    known = run(sqlite_engine, lambda s: accounts.terms(s, [bad]))[bad]
    assert (known.rev, known.caps) == (account.rev, account.caps)


@pytest.mark.parametrize(
    "value", ['{"USDT": "NaN"}', '{"USDT": 1e400}', "[5]", '{"USDT": null}', "x"]
)
def test_a_stated_balance_that_cannot_be_read_is_none(sqlite_engine, ann, value):
    home = first_account(sqlite_engine, ann)
    write(sqlite_engine, "exchange_accounts", "quote_start", value, home)
    (account,) = run(sqlite_engine, accounts.trading_accounts)
    assert account.stated_balance == {}


def test_an_account_of_an_unknown_kind_is_left_out(sqlite_engine, ann):
    home = first_account(sqlite_engine, ann)
    write(sqlite_engine, "exchange_accounts", "kind", "margin", home)
    assert run(sqlite_engine, accounts.trading_accounts) == ()
    assert run(sqlite_engine, lambda s: leases.claimable(s, "w")) == [home]


@fault("I13")
@pytest.mark.parametrize(
    "value", ["garbage", "[]", "{}", '{"on": true}', '{"on": false, "rev": "x"}', "null", "7"]
)
def test_a_halt_that_cannot_be_read_is_a_halt_until_it_is_lifted(engine, value):
    root = an_administrator(engine)
    run(engine, lambda s: halt.set_halt(s, root, on=True, reason="drill", at=AT))
    write(engine, "settings", "value", value, "halt", key="name")
    found = run(engine, halt.read_halt)
    assert found.on
    assert halt.effective_state(DesiredState.RUNNING, later(60), found) is DesiredState.PAUSED
    lifted = run(engine, lambda s: halt.set_halt(s, root, on=False, reason="looked", at=later(90)))
    assert run(engine, halt.read_halt) == lifted
    assert not lifted.on
    assert lifted.rev > found.rev


@pytest.mark.parametrize("column", ["updated_at", "missing"])
def test_elsewhere_it_is_an_error_in_words_and_not_one_of_a_library(sqlite_engine, ann, column):
    strategy = a_strategy(sqlite_engine, ann)
    home = first_account(sqlite_engine, ann)
    row = status.StrategyStatus(
        strategy, home, status.ActualState.RUNNING, 1, "x", Decimal(1), AT, AT
    )
    run(sqlite_engine, lambda s: status.save(s, [row]))
    write(sqlite_engine, "strategy_status", column, "garbage", strategy, key="strategy_id")
    with pytest.raises(InvalidInput, match="in the database is not"):
        run(sqlite_engine, lambda s: status.load(s, [home]))
