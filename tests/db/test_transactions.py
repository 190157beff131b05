"""Whole units or nothing, whatever the database answers."""

from __future__ import annotations

import sqlite3
import threading
from decimal import Decimal

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import OperationalError

from db import transactions
from db.clock import utc_now
from db.engine import make_engine
from db.errors import CommitUnknown, Conflict, DatabaseUnavailable, NotStorable
from db.statements import table_of
from db.tables import Setting, TickerRow
from db.transactions import Session, run
from tests.db.faults import CutAtCommit
from tests.faults import fault

SETTINGS, TICKERS = table_of(Setting), table_of(TickerRow)


def put(session: Session, name: str, value: object = 0) -> None:
    row = {"name": name, "value": value, "changed_at": utc_now(), "changed_by": None}
    session.execute(insert(SETTINGS), row)


def put_both(session: Session) -> None:
    put(session, "a")
    put(session, "b")


def change(session: Session, name: str, value: object) -> None:
    session.execute(update(SETTINGS).where(SETTINGS.c.name == name).values(value=value))


def read(session: Session, name: str) -> object:
    return session.scalar(select(SETTINGS.c.value).where(SETTINGS.c.name == name))


def stored(engine) -> dict[str, object]:
    rows = run(engine, lambda s: s.execute(select(SETTINGS.c.name, SETTINGS.c.value)).all())
    return {name: value for name, value in rows}


def test_what_a_unit_writes_is_there_afterwards_and_its_answer_comes_back(engine):
    def unit(session: Session) -> str:
        put(session, "a", {"on": True})
        return "done"

    assert run(engine, unit) == "done"
    assert stored(engine) == {"a": {"on": True}}


def test_a_unit_that_raises_leaves_nothing(engine):
    def unit(session: Session) -> None:
        put(session, "a")
        raise LookupError("no")

    with pytest.raises(LookupError):
        run(engine, unit)
    assert stored(engine) == {}


def test_a_value_that_cannot_be_stored_undoes_the_whole_unit_and_is_not_tried_again(engine):
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "a")
        row = {"venue": "x", "symbol": "y", "ask": Decimal(1), "last": Decimal(1), "at": utc_now()}
        session.execute(insert(TICKERS), row | {"bid": Decimal("NaN")})

    with pytest.raises(NotStorable):
        run(engine, unit)
    assert stored(engine) == {}
    assert len(calls) == 1


def test_a_key_that_is_taken_is_a_conflict_in_words(engine):
    run(engine, lambda s: put(s, "a"))
    with pytest.raises(Conflict):
        run(engine, lambda s: put(s, "a"))


def test_a_mistake_in_a_statement_is_not_blamed_on_the_server(mariadb_engine):
    with pytest.raises(Exception, match="nowhere") as caught:
        run(mariadb_engine, lambda s: s.execute(text("SELECT * FROM nowhere")))
    assert not isinstance(caught.value, DatabaseUnavailable)


@fault("D3")
def test_a_deadlock_runs_the_whole_unit_again(mariadb_engine):
    """Two units change two rows in opposite order; one is chosen as the victim and begins anew."""
    run(mariadb_engine, put_both)
    both_have_one = threading.Barrier(2)
    calls = {"ab": 0, "ba": 0}

    def unit(order: str, session: Session) -> None:
        calls[order] += 1
        change(session, order[0], order + "first")
        if calls[order] == 1:
            both_have_one.wait(10)
        change(session, order[1], order + "second")

    threads = [
        threading.Thread(target=lambda o=order: run(mariadb_engine, lambda s: unit(o, s)))
        for order in calls
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(calls.values()) == 3
    # Whole units, one after the other: both rows carry the mark of the same, the last one.
    assert stored(mariadb_engine) in (
        {"a": "abfirst", "b": "absecond"},
        {"b": "bafirst", "a": "basecond"},
    )


@fault("D4")
def test_a_lock_that_does_not_come_undoes_the_half_that_was_written(mariadb_engine):
    """Error 1205 rolls back one statement only: the first half must not be committed alone."""
    run(mariadb_engine, put_both)
    calls: list[dict[str, object]] = []
    with mariadb_engine.connect() as holder:
        holder.execute(update(SETTINGS).where(SETTINGS.c.name == "b").values(value=1))

        def unit(session: Session) -> None:
            session.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
            calls.append({"a": read(session, "a")})
            change(session, "a", f"half {len(calls)}")
            if len(calls) == 2:
                holder.rollback()
            change(session, "b", "whole")

        run(mariadb_engine, unit)
    # The second run found what was there before the first.
    assert calls == [{"a": 0}, {"a": 0}]
    assert stored(mariadb_engine) == {"a": "half 2", "b": "whole"}


@fault("D4")
def test_a_lock_that_never_comes_is_given_up_with_nothing_written(mariadb_engine, monkeypatch):
    monkeypatch.setattr(transactions, "ATTEMPTS", 2)
    run(mariadb_engine, put_both)
    with mariadb_engine.connect() as holder:
        holder.execute(update(SETTINGS).where(SETTINGS.c.name == "b").values(value=1))

        def unit(session: Session) -> None:
            session.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
            change(session, "a", "half")
            change(session, "b", "whole")

        with pytest.raises(DatabaseUnavailable):
            run(mariadb_engine, unit)
        holder.rollback()
    assert stored(mariadb_engine) == {"a": 0, "b": 0}


@fault("D1")
def test_a_connection_that_is_killed_in_the_middle_runs_the_unit_again(mariadb_engine):
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "a", len(calls))
        if len(calls) == 1:
            mine = session.scalar(text("SELECT CONNECTION_ID()"))
            with mariadb_engine.connect() as other:
                other.execute(text(f"KILL {mine}"))
        put(session, "b", len(calls))

    run(mariadb_engine, unit)
    assert stored(mariadb_engine) == {"a": 2, "b": 2}


@fault("D1")
def test_a_connection_that_died_in_the_pool_is_not_noticed(mariadb_engine):
    mine = run(mariadb_engine, lambda s: s.scalar(text("SELECT CONNECTION_ID()")))
    killer = make_engine(mariadb_engine.url.render_as_string(hide_password=False))
    run(killer, lambda s: s.execute(text(f"KILL {mine}")))
    killer.dispose()
    run(mariadb_engine, lambda s: put(s, "a"))
    assert stored(mariadb_engine) == {"a": 0}


@fault("D2")
@pytest.mark.parametrize(("cut", "there"), [("before", {}), ("after", {"a": 1})])
def test_a_commit_whose_answer_is_lost_is_unknown_and_never_repeated(mariadb_engine, cut, there):
    """The same error comes back in both cases: only reading again tells."""
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "a", 1)

    with CutAtCommit(mariadb_engine.url.port) as proxy:
        url = mariadb_engine.url.set(port=proxy.port)
        engine = make_engine(url.render_as_string(hide_password=False))
        run(engine, lambda s: read(s, "a"))
        proxy.cut = cut
        with pytest.raises(CommitUnknown):
            run(engine, unit)
        assert proxy.cuts == 1
        # The engine is of use again at once.
        assert stored(engine) == there
        engine.dispose()
    assert len(calls) == 1
    assert stored(mariadb_engine) == there


@fault("D3")
def test_a_commit_that_was_answered_with_a_conflict_is_known_and_repeated(mariadb_engine):
    """A cluster says at COMMIT that another node was first: error 1213, nothing has happened."""
    calls: list[int] = []

    @event.listens_for(mariadb_engine, "commit")
    def refuse(_connection) -> None:
        if len(calls) == 1:
            raise OperationalError("COMMIT", None, Exception(1213, "Deadlock found"))

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "a", len(calls))

    run(mariadb_engine, unit)
    event.remove(mariadb_engine, "commit", refuse)
    assert stored(mariadb_engine) == {"a": 2}


@fault("D8")
def test_a_server_that_is_not_there_is_unavailable_not_an_error_of_ours(monkeypatch):
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0.001)
    engine = make_engine("mysql+pymysql://nobody:nothing@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        run(engine, lambda s: s.execute(text("SELECT 1")))


@fault("D6")
def test_a_reader_that_keeps_its_transaction_open_sees_a_stop_that_was_committed(mariadb_engine):
    """Under REPEATABLE READ, the default, it would go on reading "run" for ever."""
    run(mariadb_engine, lambda s: put(s, "wanted", "run"))
    with Session(mariadb_engine) as poller:
        assert read(poller, "wanted") == "run"
        run(mariadb_engine, lambda s: change(s, "wanted", "stop"))
        assert read(poller, "wanted") == "stop"
        poller.rollback()


@fault("D7")
def test_of_two_that_count_up_at_once_neither_is_lost(engine):
    """Compare-and-swap on what was read; who comes second reads again."""
    run(engine, lambda s: put(s, "count", 0))

    def count() -> None:
        for _ in range(20):
            while not run(engine, step):
                pass

    def step(session: Session) -> bool:
        known = read(session, "count")
        assert isinstance(known, int)
        result = session.execute(
            update(SETTINGS)
            .where(SETTINGS.c.name == "count", SETTINGS.c.value == known)
            .values(value=known + 1)
        )
        return result.rowcount == 1  # type: ignore[attr-defined]

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stored(engine) == {"count": 60}


@fault("D7")
def test_on_sqlite_a_unit_that_reads_first_and_writes_later_waits_for_its_turn(sqlite_engine):
    """Begun as a reader it would fail at once when another one wrote in between."""
    run(sqlite_engine, lambda s: put(s, "count", 0))

    def step(session: Session) -> None:
        known = read(session, "count")
        assert isinstance(known, int)
        change(session, "count", known + 1)

    def count() -> None:
        for _ in range(20):
            run(sqlite_engine, step)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stored(sqlite_engine) == {"count": 80}


def test_on_sqlite_readers_do_not_wait_for_a_writer(sqlite_engine):
    run(sqlite_engine, lambda s: put(s, "a", 1))
    with Session(sqlite_engine) as writer:
        change(writer, "a", 2)
        assert run(sqlite_engine, lambda s: read(s, "a"), write=False) == 1
        writer.rollback()


def test_on_sqlite_a_file_that_stays_locked_is_unavailable(sqlite_engine, monkeypatch):
    monkeypatch.setattr(transactions, "ATTEMPTS", 2)
    monkeypatch.setattr("db.engine.BUSY_SECONDS", 0.05)
    impatient = make_engine(sqlite_engine.url.render_as_string())
    holder = sqlite3.connect(sqlite_engine.url.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable):
        run(impatient, lambda s: put(s, "a"))
    holder.execute("ROLLBACK")
    holder.close()
    run(impatient, lambda s: put(s, "a"))
    impatient.dispose()


def test_sqlite_keeps_what_is_committed_and_checks_references(sqlite_engine):
    with sqlite_engine.connect() as connection:
        answers = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
        connection.rollback()
    assert answers == ["wal", 2, 1]


def test_a_connection_to_mariadb_is_set_up_as_it_must_be(mariadb_engine):
    with mariadb_engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT @@tx_isolation, @@time_zone, @@innodb_lock_wait_timeout,"
                " @@idle_transaction_timeout, @@sql_mode LIKE '%STRICT%', @@character_set_client"
            )
        ).one()
    assert tuple(found) == ("READ-COMMITTED", "+00:00", 3, 10, 1, "utf8mb4")
