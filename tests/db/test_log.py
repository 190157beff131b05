"""Logging: three places, one line each, no secrets, and nothing that could hold up trading."""

from __future__ import annotations

import logging
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from db import log, log_database, retention
from db.engine import make_engine
from db.exchange_bans import bans_of, save_ban
from db.log_lines import LineFormatter
from db.tables import LogRecord
from db.transactions import run
from tests.faults import fault


@pytest.fixture
def settle():
    """Undoes what `set_up` changes for the whole process."""
    root = logging.getLogger()
    level, raising = root.level, logging.raiseExceptions
    hook = sys.excepthook
    made: list[log.LogSetup] = []
    yield made.append
    for setup in made:
        setup.close()
    root.setLevel(level)
    logging.raiseExceptions = raising
    sys.excepthook = hook


def rows(engine):
    return run(engine, lambda s: s.scalars(select(LogRecord).order_by(LogRecord.id)).all())


def test_a_record_reaches_console_file_and_database(engine, tmp_path, capsys, settle):
    setup = log.set_up("worker", engine=engine, folder=tmp_path)
    settle(setup)
    about = log.about(user_id=3, strategy_id=7, client_order_id="sabcd")
    logging.getLogger("worker.desk").info("Bought %s.", "1.5", extra=about)
    setup.close()
    line = capsys.readouterr().err.strip()
    assert line.endswith("INFO    user=3 strategy=7 order=sabcd Bought 1.5.")
    assert (tmp_path / "worker.log").read_text().strip() == line
    (row,) = rows(engine)
    assert (row.level, row.logger, row.process) == ("INFO", "worker.desk", "worker")
    assert (row.sentence, row.user_id, row.strategy_id) == ("Bought 1.5.", 3, 7)
    assert row.client_order_id == "sabcd"


@fault("S11")
def test_of_an_exception_only_class_and_place_are_told(engine, tmp_path, capsys, settle):
    setup = log.set_up("worker", engine=engine, folder=tmp_path)
    settle(setup)
    try:
        raise ValueError("https://api.example/order?signature=CANARY")
    except ValueError:
        logging.getLogger("x").exception("The request failed.")
    setup.close()
    told = capsys.readouterr().err + (tmp_path / "worker.log").read_text()
    told += repr([row.sentence for row in rows(engine)])
    assert "CANARY" not in told
    assert "ValueError at tests/db/test_log.py:" in told


@fault("I5")
def test_nobody_writes_a_second_line_through_a_name():
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nb\x1b[31m\u2028c", None, None)
    assert "\n" not in LineFormatter().format(record)
    assert "\x1b" not in LineFormatter().format(record)


@fault("D9", "P13")
def test_a_database_that_hangs_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(log_database, "WRITE_EVERY", 0.01)
    monkeypatch.setattr(log_database, "CLOSE_WITHIN", 0.1)
    monkeypatch.setattr(log_database, "MOST_WAITING", 50)
    hanging = threading.Event()
    monkeypatch.setattr(log_database, "run", lambda *given: hanging.wait(5))
    handler = log_database.DatabaseHandler(make_engine(f"sqlite:///{tmp_path / 'x.db'}"), "p")
    record = logging.LogRecord("x", logging.INFO, "f", 1, "said", None, None)
    began = time.monotonic()
    for _ in range(5000):
        handler.emit(record)
    assert time.monotonic() - began < 2
    handler.close()
    hanging.set()
    handler._thread.join()


@fault("D8", "P13")
def test_a_database_that_is_away_ends_nothing_and_is_told_later(engine, monkeypatch):
    monkeypatch.setattr(log_database, "WRITE_EVERY", 60)
    handler = log_database.DatabaseHandler(engine, "p")
    working, away = run, [True]

    def sometimes(*given):
        if away[0]:
            raise OSError
        return working(*given)

    monkeypatch.setattr(log_database, "run", sometimes)
    record = logging.LogRecord("x", logging.INFO, "f", 1, "said", None, None)
    handler.emit(record)
    handler._write_waiting()
    away[0] = False
    handler.emit(record)
    handler.close()
    assert [row.sentence for row in rows(engine)] == [
        "said",
        "1 log records are missing here; the file in var/log has them.",
    ]


def test_a_record_that_cannot_be_made_ends_nothing(engine, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = log_database.DatabaseHandler(engine, "p")
    handler.emit(logging.LogRecord("x", logging.INFO, "f", 1, "%d", ("no number",), None))
    handler.close()
    assert rows(engine) == []


def test_old_records_go_by_their_setting(engine):
    now = datetime(2026, 11, 22, tzinfo=UTC)

    def add(session):
        for days in (1, 89, 91, 400):
            session.add(
                LogRecord(
                    at=now - timedelta(days=days),
                    level="INFO",
                    logger="x",
                    process="p",
                    sentence=f"{days} days",
                )
            )

    run(engine, add)
    for exchange, days in (("binance", 2), ("okx", 0)):
        run(
            engine,
            partial(save_ban, exchange=exchange, address="a", until=now - timedelta(days=days)),
        )
    gone = run(engine, lambda s: retention.prune(s, log_days=90, journal_days=365, at=now))
    assert gone["log_records"] == 2
    assert gone["exchange_bans"] == 1
    assert set(gone.values()) == {0, 1, 2}
    assert list(run(engine, lambda s: bans_of(s, "a"))) == ["okx"]
    assert [row.sentence for row in rows(engine)] == ["1 days", "89 days"]
