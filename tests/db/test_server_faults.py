"""A real MariaDB that dies, hangs, is read-only, full or busy: whole units, and nothing done twice."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import Engine, event, insert, select, text
from sqlalchemy.exc import OperationalError

from db import leases, transactions
from db.clock import utc_now
from db.engine import make_engine
from db.errors import CommitUnknown, DatabaseUnavailable
from db.statements import table_of
from db.tables import ExchangeAccount, Setting, User
from db.transactions import Session, run
from tests.db.faults import SlowProxy
from tests.faults import count, fault
from tests.mariadb import PrivateMariaDB
from worker.database import Database

SETTINGS = table_of(Setting)


def put(session: Session, name: str) -> None:
    row = {"name": name, "value": 0, "changed_at": utc_now(), "changed_by": None}
    session.execute(insert(SETTINGS), row)


def stored(engine: Engine) -> set[str]:
    return set(run(engine, lambda s: s.scalars(select(SETTINGS.c.name)).all()))


def connection_id(session: Session) -> int:
    return session.execute(text("SELECT CONNECTION_ID()")).scalar_one()


@pytest.fixture
def quick(monkeypatch):
    """The pauses between attempts are not what is tested."""
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0.001)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PrivateMariaDB]:
    """A server that may be killed: not the one that other tests share."""
    folder = Path(tempfile.mkdtemp(prefix="stepladder-faults-"))
    try:
        with PrivateMariaDB(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_engine(own_server) -> Iterator[Engine]:
    engine = make_engine(own_server.new_database())
    Setting.__table__.create(engine)  # type: ignore[attr-defined]
    yield engine
    engine.dispose()


@pytest.fixture
def plain_engine(mariadb_engine, mariadb_server) -> Iterator[Engine]:
    """The same database for a user without special rights, as in production."""
    name = mariadb_engine.url.database
    mariadb_server.execute("CREATE OR REPLACE USER 'plain'@'127.0.0.1' IDENTIFIED BY 'plain'")
    mariadb_server.execute(f"GRANT ALL ON `{name}`.* TO 'plain'@'127.0.0.1'")
    url = mariadb_engine.url.set(username="plain", password="plain")
    engine = make_engine(url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    mariadb_server.execute("DROP USER 'plain'@'127.0.0.1'")


@fault("D8", "D1")
def test_a_server_that_is_killed_in_the_middle_leaves_nothing_and_is_of_use_when_it_is_back(
    own_server, own_engine, quick
):
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "first half")
        if len(calls) == 1:
            own_server.kill()
        put(session, "second half")

    with pytest.raises(DatabaseUnavailable):
        run(own_engine, unit)
    # While it is away every unit says so, and quickly: nothing waits for ever.
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        run(own_engine, stored_in)
    assert time.monotonic() - started < 5
    own_server.start()
    assert stored(own_engine) == set()
    run(own_engine, lambda s: put(s, "after"))
    assert stored(own_engine) == {"after"}
    count("D8")


def stored_in(session: Session) -> object:
    return session.scalars(select(SETTINGS.c.name)).all()


@fault("D15", "D8")
def test_a_server_that_shuts_down_in_order_does_the_same(own_server, own_engine, quick):
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, f"run {len(calls)}")
        if len(calls) == 1:
            own_server.stop()
            own_server.start()
        put(session, "second half")

    run(own_engine, unit)
    assert stored(own_engine) == {"run 2", "second half"}


@fault("D8")
def test_what_was_committed_survives_a_power_cut_of_the_server(own_server, own_engine, quick):
    for number in range(20):
        run(own_engine, partial(put, name=f"row {number}"))
    own_server.kill()
    own_server.start()
    assert stored(own_engine) == {f"row {n}" for n in range(20)}


# --- slow


@pytest.fixture
def slow(mariadb_engine) -> Iterator[tuple[SlowProxy, Engine]]:
    """A connection that gives up after a second instead of five: the test's patience, not its subject."""
    with SlowProxy(mariadb_engine.url.port) as proxy:
        url = mariadb_engine.url.set(port=proxy.port)
        engine = make_engine(url.render_as_string(hide_password=False))

        @event.listens_for(engine, "do_connect")
        def _patience(_dialect, _record, _arguments, named) -> None:
            named["read_timeout"] = 1

        yield proxy, engine
        engine.dispose()


@fault("D9", "P14")
def test_a_statement_whose_answer_is_too_slow_runs_the_unit_again_and_writes_once(slow):
    proxy, engine = slow
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, f"run {len(calls)}")
        if len(calls) == 1:
            proxy.delay_next = 2.0
        session.execute(text("SELECT 1"))

    run(engine, unit)
    assert stored(engine) == {"run 2"}
    assert proxy.delayed == 1


@fault("D9", "D2")
def test_a_commit_whose_answer_is_too_slow_is_unknown_and_read_again(slow):
    proxy, engine = slow
    run(engine, stored_in)

    def unit(session: Session) -> None:
        put(session, "a")
        session.flush()
        proxy.delay_next = 2.0

    with pytest.raises(CommitUnknown):
        run(engine, unit)
    # It did happen; only the answer was late.
    assert stored(engine) == {"a"}


def test_a_little_slowness_is_only_slow(slow):
    proxy, engine = slow
    proxy.delay_next = 0.3
    run(engine, lambda s: put(s, "a"))
    assert stored(engine) == {"a"}


# --- read-only, full, busy


@fault("D10")
def test_a_server_that_became_read_only_writes_nothing_and_the_connection_is_left(
    plain_engine, mariadb_server, quick
):
    run(plain_engine, lambda s: put(s, "before"))
    before = run(plain_engine, connection_id)
    mariadb_server.execute("SET GLOBAL read_only = 1")
    try:
        with pytest.raises(DatabaseUnavailable):
            run(plain_engine, lambda s: put(s, "during"))
        # Reading goes on; a halt, for one, is still heard.
        assert stored(plain_engine) == {"before"}
    finally:
        mariadb_server.execute("SET GLOBAL read_only = 0")
    run(plain_engine, lambda s: put(s, "after"))
    assert stored(plain_engine) == {"before", "after"}
    # After a failover the same socket would go on leading to the old server.
    assert before != run(plain_engine, connection_id)
    count("D10")


@fault("D10", "D2")
def test_a_commit_that_is_refused_because_of_read_only_has_surely_not_happened(
    plain_engine, mariadb_server, quick
):
    calls = []

    def unit(session: Session) -> None:
        calls.append(1)
        put(session, "a")
        session.flush()
        if len(calls) == 1:
            # Waits for the transaction to end, which the server refuses to commit from then on.
            setter.start()
            _until(lambda: _is_waiting_or_set(mariadb_server))

    setter = threading.Thread(target=lambda: mariadb_server.execute("SET GLOBAL read_only = 1"))
    try:
        with pytest.raises(DatabaseUnavailable):
            run(plain_engine, unit)
        setter.join(10)
    finally:
        mariadb_server.execute("SET GLOBAL read_only = 0")
    assert stored(plain_engine) == set()


def _is_waiting_or_set(server: PrivateMariaDB) -> bool:
    busy = server.execute(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SET GLOBAL read_only%'"
    )
    return bool(busy[0][0]) or bool(server.execute("SELECT @@global.read_only")[0][0])


def _until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@fault("D14")
def test_a_table_that_is_full_is_the_servers_trouble_and_undoes_the_unit(mariadb_engine, quick):
    """Error 1114, as on a full disk."""

    def fill(session: Session) -> None:
        put(session, "a")
        session.execute(text("SET SESSION max_heap_table_size = 16384"))
        session.execute(text("CREATE TEMPORARY TABLE small (x VARCHAR(1000)) ENGINE = MEMORY"))
        for _ in range(1000):
            session.execute(text("INSERT INTO small VALUES (REPEAT('x', 1000))"))

    with pytest.raises(DatabaseUnavailable):
        run(mariadb_engine, fill)
    assert stored(mariadb_engine) == set()
    count("D14")


@fault("D14")
@pytest.mark.parametrize("code", [1021, 1030, 1114, 28])
def test_other_words_for_a_full_disk_are_the_same(mariadb_engine, code, quick):
    def unit(session: Session) -> None:
        put(session, "a")
        raise OperationalError("INSERT", None, pymysql.err.OperationalError(code, "full"))

    with pytest.raises(DatabaseUnavailable):
        run(mariadb_engine, unit)
    assert stored(mariadb_engine) == set()


@fault("D15")
def test_with_too_many_connections_units_wait_for_their_turn(plain_engine, mariadb_server, quick):
    url = plain_engine.url
    (before,) = mariadb_server.execute("SELECT @@global.max_connections")[0]
    held: list[pymysql.Connection] = []
    mariadb_server.execute("SET GLOBAL max_connections = 20")
    try:
        with contextlib.suppress(pymysql.err.OperationalError):
            while len(held) < 40:
                held.append(
                    pymysql.connect(
                        host=url.host, port=url.port, user=url.username, password=url.password
                    )
                )
        assert len(held) < 40
        with pytest.raises(DatabaseUnavailable):
            run(plain_engine, lambda s: put(s, "a"))
        for connection in held:
            connection.close()
        _until(lambda: _works(plain_engine))
    finally:
        mariadb_server.execute(f"SET GLOBAL max_connections = {before}")
    assert stored(plain_engine) == {"b"}
    count("D15")


def _works(engine: Engine) -> bool:
    try:
        run(engine, lambda s: put(s, "b"))
    except DatabaseUnavailable:
        return False
    return True


# --- leases, threads


@fault("D16")
def test_a_lease_outlives_its_connection(mariadb_engine, mariadb_server):
    """It is a row, not a lock of a connection."""

    def born(session: Session) -> int:
        user = User(
            username="ann", display_name="Ann", password_hash="x", role="person", is_active=True,
            auth_version=1, created_at=utc_now(), time_zone="UTC",
        )  # fmt: skip
        session.add(user)
        session.flush()
        account = ExchangeAccount(
            user_id=user.id, name="A", kind="simulated", exchange="simulated", quote_start={},
            is_active=True, created_at=utc_now(),
        )  # fmt: skip
        session.add(account)
        session.flush()
        leases.register_worker(session, "w", "host", 1, "x", "test")
        return account.id

    account_id = run(mariadb_engine, born)
    token = run(mariadb_engine, lambda s: leases.take(s, "w", account_id))
    assert token is not None
    mine = run(mariadb_engine, connection_id)
    mariadb_server.execute(f"KILL {mine}")
    run(mariadb_engine, lambda s: leases.fence(s, {account_id: token}))
    assert run(mariadb_engine, lambda s: leases.owned(s, "w")) == {account_id: token}


@fault("D18")
async def test_who_is_cancelled_in_a_question_leaves_no_answer_behind_for_the_next(mariadb_engine):
    database = Database(mariadb_engine)

    def ask(number: int):
        return lambda s: s.scalar(text(f"SELECT {number} + SLEEP(0.02)"))

    try:
        for number in range(30):
            cancelled = asyncio.create_task(database.read(ask(number)))
            await asyncio.sleep(0.001 * (number % 5))
            cancelled.cancel()
            assert await database.read(ask(1000 + number)) == 1000 + number
        assert cancelled.cancelled()
    finally:
        database.close()
    count("D18")


@fault("D19")
def test_threads_never_share_a_connection(mariadb_engine):
    """Each unit has one of its own, from its first statement to its COMMIT."""
    seen: dict[int, set[int]] = {}
    barrier = threading.Barrier(6)

    def unit(session: Session) -> None:
        first = session.scalar(text("SELECT CONNECTION_ID()"))
        barrier.wait(10)
        assert session.scalar(text("SELECT CONNECTION_ID()")) == first
        seen.setdefault(int(first), set()).add(threading.get_ident())

    threads = [threading.Thread(target=lambda: run(mariadb_engine, unit)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(seen) == 6
    assert all(len(users) == 1 for users in seen.values())
