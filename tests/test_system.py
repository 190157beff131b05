"""The machinery of the tests themselves: what they need, and the private database server."""

import pymysql
import pytest

from tests import chromium, galera, mariadb, system


def test_what_is_missing_is_named_when_it_may_not_be_installed(monkeypatch, capsys):
    monkeypatch.setattr(mariadb, "find", lambda *_: None)
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.setattr(galera, "find", lambda *_: None)
    monkeypatch.setattr(system, "way_to_root", lambda: None)

    assert system.main() == 1
    said = capsys.readouterr().err
    assert "sudo apt-get install --no-install-recommends mariadb-server-core" in said
    assert "chromium" in said
    assert "mariadb-server rsync" in said


def test_each_database_starts_empty(mariadb_server):
    first, second = mariadb_server.new_database(), mariadb_server.new_database()
    assert first != second
    for url in (first, second):
        with (
            mariadb_server.connect(url.rpartition("/")[2]) as connection,
            connection.cursor() as cursor,
        ):
            assert cursor.execute("SHOW TABLES") == 0
        mariadb_server.drop_database(url)
        with pytest.raises(pymysql.err.OperationalError, match="Unknown database"):
            mariadb_server.connect(url.rpartition("/")[2])


def test_what_was_committed_survives_a_power_cut(tmp_path):
    with mariadb.PrivateMariaDB(tmp_path) as server:
        name = server.new_database().rpartition("/")[2]
        server.execute(f"CREATE TABLE {name}.t (a INT)")
        server.execute(f"INSERT INTO {name}.t VALUES (1), (2)")
        server.kill()
        server.start()
        assert server.execute(f"SELECT a FROM {name}.t ORDER BY a") == ((1,), (2,))
        server.stop()
    assert not server.data.exists()
