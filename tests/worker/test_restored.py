"""A database that was set back forgets orders: nothing is traded live until somebody has looked."""

from __future__ import annotations

import shutil
import sqlite3
import time

import pytest
import pytest_asyncio

from db import installation, journal
from db.engine import make_engine
from db.journal import JournalEntry
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, later
from tests.faults import fault
from tests.worker.live_keys import known
from worker import __main__ as program
from worker import restored
from worker.clock import use_monotonic
from worker.database import Database
from worker.restored import Restored, accept, read_positions
from worker.venues.live_admission import Admission


class Place:
    """A worker's host: the database, and the file that the worker keeps beside it."""

    def __init__(self, engine, tmp_path) -> None:
        self.engine, self.tmp_path = engine, tmp_path
        self.file = tmp_path / "var" / "database.position"
        self.backup_file = tmp_path / "backup.db"
        self.databases: list[Database] = []
        self.seconds = 0

    def starts(self) -> Restored:
        """A worker, with what its host remembers."""
        self.databases.append(Database(self.engine))
        return Restored(self.databases[-1], self.file)

    def trades(self, rows: int = 1) -> None:
        self.seconds += 1
        entry = JournalEntry(later(self.seconds), 1, "bought", "Bought.")
        run(self.engine, lambda s: journal.append(s, [entry] * rows))

    def back_up(self) -> None:
        source, copy = sqlite3.connect(self.engine.url.database), sqlite3.connect(self.backup_file)
        source.backup(copy)
        copy.close()
        source.close()

    def restore(self) -> None:
        self.engine.dispose()
        for end in ("-wal", "-shm"):
            (self.tmp_path / f"stepladder.db{end}").unlink(missing_ok=True)
        shutil.copyfile(self.backup_file, self.engine.url.database)


@pytest_asyncio.fixture
async def place(sqlite_engine, tmp_path):
    made = Place(sqlite_engine, tmp_path)
    yield made
    for database in made.databases:
        database.close()


async def test_a_database_that_goes_on_is_trusted_by_every_start(place):
    for _ in range(3):
        worker = place.starts()
        await worker.look()
        assert worker.problem is None
        place.trades(5)
        await worker.look()
    assert [row for row, _ in read_positions(place.file).values()] == [15]


@fault("D20", "D11")
async def test_an_old_backup_is_noticed_at_the_start_and_stays_noticed(place):
    place.trades(10)
    place.back_up()
    place.trades(1)
    await place.starts().look()
    place.restore()
    worker = place.starts()
    await worker.look()
    assert "row 11 of the journal is gone" in str(worker.problem)
    assert "accept-database" in str(worker.problem)
    code = run(place.engine, installation.code)
    assert f"starts with s{code}" in str(worker.problem)
    await worker.look()
    assert worker.problem is not None
    assert read_positions(place.file)[code][0] == 11
    # Rows that others write meanwhile have the same numbers and do not hide it.
    place.trades(5)
    await worker.look()
    assert worker.problem is not None
    assert read_positions(place.file)[code][0] == 11


@fault("D20")
async def test_live_accounts_are_not_served_until_the_operator_has_said_so(place, monkeypatch):
    account_id = a_live_account(place.engine, a_user(place.engine))
    account = known(place.engine, account_id)
    place.back_up()
    place.trades()
    await place.starts().look()
    place.restore()
    worker = place.starts()
    await worker.look()
    gate = Admission(place.databases[-1], allow_live=True, set_back=lambda: worker.problem)
    monkeypatch.setattr("db.durability.problem", lambda session: None)
    assert await gate.refuses(account) == worker.problem
    run(place.engine, lambda s: accept(s, place.file))
    await worker.look()
    assert await gate.refuses(account) is None


@fault("D11")
async def test_rows_that_a_failover_lost_are_noticed_while_the_worker_runs(place):
    """A node of a cluster may be behind for a moment; that alone means nothing."""
    seconds = [0.0]
    use_monotonic(lambda: seconds[0])
    try:
        place.trades(3)
        place.back_up()
        place.trades(2)
        worker = place.starts()
        await worker.look()
        place.restore()
        await worker.look()
        assert worker.problem is None
        seconds[0] += 9
        await worker.look()
        assert worker.problem is None
        seconds[0] += 2
        await worker.look()
        assert worker.problem is not None
    finally:
        use_monotonic(time.monotonic)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": "y"}', b'{"x": [1, 2]}', None])
async def test_a_file_that_cannot_be_read_is_as_on_a_new_host(place, content):
    place.trades(3)
    if content is not None:
        place.file.parent.mkdir()
        place.file.write_bytes(content)
    worker = place.starts()
    await worker.look()
    assert worker.problem is None
    assert [row for row, _ in read_positions(place.file).values()] == [3]


async def test_another_installation_has_a_position_of_its_own(place):
    restored.write_position(place.file, "zzzz", (900, AT))
    await place.starts().look()
    place.trades()
    worker = place.starts()
    await worker.look()
    assert worker.problem is None
    assert read_positions(place.file)["zzzz"] == (900, AT)


def test_the_command_takes_the_database_as_it_is(place, monkeypatch, capsys):
    place.trades(4)
    restored.write_position(place.file, run(place.engine, installation.code), (9, AT))
    monkeypatch.setenv("DATABASE_URL", place.engine.url.render_as_string())
    monkeypatch.setattr(restored, "FILE", place.file)
    assert program.main(["accept-database"]) == 0
    assert "up to journal row 4" in capsys.readouterr().out
    assert [row for row, _ in read_positions(place.file).values()] == [4]
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{place.tmp_path / 'none.db'}")
    assert program.main(["accept-database"]) == 2
    make_engine(f"sqlite:///{place.tmp_path / 'none.db'}").dispose()
