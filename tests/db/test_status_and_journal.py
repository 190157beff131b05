"""What a strategy is doing, and what it did, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.errors import InvalidInput
from db import journal, status
from db.engine import make_engine
from db.journal import JournalEntry, JournalLevel
from db.settings import DatabaseSettings
from db.statements import table_of
from db.status import ActualState, StrategyStatus
from db.tables import JournalRow
from db.transactions import run

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JOURNAL = table_of(JournalRow)
WAITING = StrategyStatus(
    strategy_id=1,
    account_id=7,
    actual_state=ActualState.WAITING,
    observed_rev=2,
    reason="Waits for 12.5 USDT more.",
    missing=Decimal("12.5"),
    checked_at=AT,
    updated_at=AT,
)


def test_a_status_replaces_the_one_before(engine):
    other = replace(WAITING, strategy_id=2, missing=None)
    running = replace(WAITING, actual_state=ActualState.RUNNING, reason="Runs.", missing=None)
    run(engine, lambda s: status.save(s, [WAITING, other]))
    run(engine, lambda s: status.save(s, [running]))
    run(engine, lambda s: status.save(s, []))
    assert run(engine, lambda s: status.load(s, [7])) == {1: running, 2: other}
    assert run(engine, lambda s: status.load(s, [8])) == {}


def test_the_journal_keeps_every_entry_in_order(engine):
    first = JournalEntry(AT, 3, "base_order", "Bought 1 BTC.", account_id=7, strategy_id=1)
    second = JournalEntry(AT, 3, "halt", "x" * 2000, JournalLevel.ALARM)
    run(engine, lambda s: journal.append(s, [first, second]))
    rows = run(engine, lambda s: s.execute(select(JOURNAL).order_by(JOURNAL.c.id)).mappings().all())
    assert [(r["code"], r["level"], r["strategy_id"], r["at"]) for r in rows] == [
        ("base_order", "info", 1, AT),
        ("halt", "alarm", None, AT),
    ]
    assert rows[1]["sentence"] == "x" * 1000


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://a/b", "mysql:/x"])
def test_an_url_that_is_none_of_ours_is_refused_by_name(url):
    with pytest.raises(InvalidInput, match="DATABASE_URL"):
        make_engine(url)


@pytest.mark.parametrize(
    "url", ["mysql://u:p@h/d", "mysql+mysqldb://u:p@h/d", "mariadb+pymysql://u:p@h/d"]
)
def test_any_way_to_write_mysql_uses_the_driver_that_is_here(url):
    assert make_engine(url).dialect.driver == "pymysql"


def test_without_a_setting_the_database_is_a_file_in_var(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert DatabaseSettings().database_url.endswith("/var/stepladder.db")
    monkeypatch.setenv("DATABASE_URL", "")
    assert DatabaseSettings().database_url.startswith("sqlite:////")
    monkeypatch.setenv("DATABASE_URL", "mysql://u:p@h/d")
    assert DatabaseSettings().database_url == "mysql://u:p@h/d"
