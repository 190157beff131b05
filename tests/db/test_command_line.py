"""`python -m db`: JSON on standard output, one sentence and exit status 2 for mistakes."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest
from sqlalchemy import select, text

from db import keys, links, login, migrate
from db.__main__ import main
from db.command_line.prepare import prepare
from db.engine import make_engine
from db.tables import Strategy
from db.transactions import run
from tests.db.people import AT, a_strategy, a_user
from tests.db.trading import has_traded

PASSWORD = "correct horse battery"


@pytest.fixture
def _settings(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setattr(keys, "FOLDER", tmp_path / "config")


@pytest.fixture
def command(_settings, capsys):
    def call(*arguments, status=0):
        assert main(arguments) == status
        said = capsys.readouterr()
        if status == 2:
            assert said.out == ""
            assert len(said.err.strip().splitlines()) == 1
            return said.err.strip()
        return json.loads(said.out)

    return call


def enter(engine, username, password):
    return login.log_in(
        engine, username, password, address="192.0.2.1", agent="", trusted=False, at=AT
    )


def test_the_demo_is_made_once_and_its_ids_stay(command, engine):
    first = command("seed-demo", "--password", PASSWORD)
    assert first["username"] == "demo-admin"
    assert command("seed-demo", "--password", "another password") == first
    assert enter(engine, "demo-admin", PASSWORD).role == "administrator"
    (strategy,) = run(engine, lambda s: s.scalars(select(Strategy)).all())
    assert (strategy.id, strategy.desired_state) == (first["strategy_id"], "running")
    assert (strategy.account_id, strategy.user_id) == (first["account_id"], first["user_id"])


def test_people_are_made_and_their_passwords_set(command, engine, monkeypatch):
    made = command("create-user", "bob", "--password", PASSWORD, "--administrator")
    assert made["role"] == "administrator"
    monkeypatch.setattr("sys.stdin", io.StringIO("typed password\n"))
    assert command("create-user", "--username", "ann")["username"] == "ann"
    assert enter(engine, "ann", "typed password")
    command("reset-password", "ann", "--password", "a newer password")
    assert enter(engine, "ann", "a newer password")
    link = command("reset-password", "ann")["link"]
    token = link.partition("/?reset=")[2]
    assert run(engine, lambda s: links.reset_owner(s, token, at=AT)) == "ann"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "required"),
        (("fly",), "invalid choice"),
        (("create-user",), "username: is missing"),
        (("create-user", "x"), "username: must have 3 to 32"),
        (("create-user", "bob", "--password", "short"), "password: is too short"),
        (("reset-password", "nobody"), "There is no user nobody"),
        (("seed-demo",), "--password"),
        (("seed-demo", "--password", "x" * 73), "password: is too long"),
    ],
)
def test_a_mistake_is_one_sentence(command, monkeypatch, arguments, part):
    monkeypatch.setattr("sys.stdin", io.StringIO("typed password\n"))
    assert part in command(*arguments, status=2)


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle://x", "mysql+pymysql://u:secret@127.0.0.1:1/x"]
)
def test_a_wrong_database_is_named_without_its_password(command, monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    sentence = command("verify", status=2)
    assert sentence.startswith("DATABASE_URL")
    assert "secret" not in sentence


def test_verify_prints_what_it_checked_and_fails_on_what_is_broken(command, engine):
    has_traded(engine, a_strategy(engine, a_user(engine)))
    assert command("verify")["ok"]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM fills WHERE role = 'base'"))
    report = command("verify", status=1)
    assert not report["ok"]
    assert report["broken"][0]["sentence"]


def test_the_audit_is_verified(command, engine):
    keys.prepare_keys(keys.FOLDER)
    a_user(engine)
    assert command("verify-audit") == {"ok": True, "rows": 0, "unchained": 2, "broken_at": None}


def test_an_empty_database_says_what_to_run(database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["seed-demo", "--password", PASSWORD]) == 2
    assert "python -m db upgrade" in capsys.readouterr().err
    assert main(["upgrade"]) == 0
    newest = migrate.newest_version()
    assert json.loads(capsys.readouterr().out) == {"before": None, "version": newest}
    assert main(["seed-demo", "--password", PASSWORD]) == 0


def test_the_first_start_makes_keys_and_a_set_up_code_and_says_so(tmp_path, database_url):
    engine = make_engine(database_url)
    folder = tmp_path / "config"
    said = "\n".join(prepare(engine, folder=folder, at=AT))
    assert "losing the key files means that everyone must" in said
    code = said.partition("set-up code: ")[2].split()[0]
    again = "\n".join(prepare(engine, folder=folder, at=AT))
    assert "keys" not in again
    assert code not in again
    assert "set-up code" in again
    a_user(engine)
    assert prepare(engine, folder=folder, at=AT) == []
    assert not (tmp_path / "backups").exists()
    engine.dispose()


def test_a_copy_of_the_file_is_kept_before_it_is_changed(tmp_path, sqlite_engine, monkeypatch):
    a_user(sqlite_engine)
    before = migrate.newest_version()
    monkeypatch.setattr(migrate, "newest_version", lambda: "9999")
    monkeypatch.setattr(migrate, "upgrade", lambda engine: None)
    said = prepare(sqlite_engine, folder=tmp_path / "config", at=AT)
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name == f"stepladder-{before}-20261122T120000.db"
    assert str(copy) in "".join(said)
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT username FROM users").fetchall() == [("ann",)]
    connection.close()
