"""A new key pair: every key is readable at every moment, wherever it breaks off."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import replace
from typing import Any

import pytest
from nacl.public import SealedBox
from sqlalchemy import update

from db import account_keys, keys, notification_targets
from db.account_keys import KEYS
from db.clock import utc_now
from db.handles import Session
from db.notification_targets import Kind
from db.tables import WorkerRow
from db.transactions import run
from tests.db.people import a_live_account, a_user
from tests.faults import fault
from tests.worker.live_keys import API_KEY, OURS, key_folder, known, store
from worker.__main__ import main
from worker.database import Database
from worker.keys import rotation, sealing_anew
from worker.keys.erasing import KeyEraser
from worker.keys.opening import open_key, opened_bytes
from worker.keys.rotate_command import rotate_keys, told
from worker.keys.rotation import Rotation, rotate


class PowerCut(BaseException):
    """Nothing catches this."""


class House:
    def __init__(self, engine, tmp_path) -> None:
        self.engine, self.folder = engine, key_folder(tmp_path)
        user_id = a_user(engine)
        self.ids = [a_live_account(engine, user_id, name=f"Place {n}") for n in range(3)]
        for account_id in self.ids:
            self.store(account_id)

    def store(self, account_id: int) -> None:
        store(self.engine, self.folder, known(self.engine, account_id))

    def rotate(self, cut_at: str | None = None, times: int = 1, **more) -> Rotation:
        more.setdefault("grace", 0)
        left = [times]

        def reach(step: str) -> None:
            if step == cut_at:
                left[0] -= 1
                if not left[0]:
                    raise PowerCut(step)

        return rotate(self.engine, self.folder, reach=reach, **more)

    def rows(self):
        return run(self.engine, lambda s: account_keys.newest_keys(s, self.ids))

    def pairs(self) -> set[str]:
        return {row.pair_id for row in self.rows().values()}

    def all_are_readable(self) -> bool:
        private = keys.worker_private_keys(self.folder)
        rows = self.rows()
        opened = [open_key(rows[i], private, known(self.engine, i), OURS).api_key for i in self.ids]
        return opened == [API_KEY] * len(self.ids)

    def old_files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("worker.private.*.key"))


@pytest.fixture
def house(sqlite_engine, tmp_path):
    return House(sqlite_engine, tmp_path)


def test_every_key_is_sealed_anew_and_the_old_private_key_goes(house):
    before = keys.worker_pair_id(house.folder)
    done = house.rotate()
    assert done == Rotation(new_pair=True, resealed=3, unreadable=(), kept=())
    assert house.pairs() == {keys.worker_pair_id(house.folder)} != {before}
    assert house.all_are_readable()
    assert house.old_files() == []
    assert oct((house.folder / keys.PRIVATE).stat().st_mode)[-3:] == "600"


def add_target(house) -> int:
    """An address of a notification, sealed by whichever pair is published now."""
    public = keys.worker_public_key(house.folder)
    at, kind, owner = utc_now(), Kind.TELEGRAM, 1
    sealed = notification_targets.seal_address(
        public, user_id=owner, kind=kind, address="tgram://1:a/2", at=at
    )
    return run(house.engine, lambda s: notification_targets.add_target(
        s, owner, kind=kind, name="Phone", sealed=sealed, at=at, events=(),
        pair_id=keys.worker_pair_id(house.folder),
    ))  # fmt: skip


def target_is_readable(house, number: int) -> bool:
    found = run(house.engine, lambda s: notification_targets.sealed_targets(s, [number]))[number]
    clear = opened_bytes(found, keys.worker_private_keys(house.folder))
    return clear is not None and b"tgram://1:a/2" in clear


def test_addresses_of_notifications_are_sealed_anew_too(house):
    number = add_target(house)
    house.rotate()
    assert house.old_files() == []
    assert target_is_readable(house, number)


def test_the_old_private_key_stays_while_an_address_needs_it(house, monkeypatch):
    number = add_target(house)
    before = keys.worker_pair_id(house.folder)
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "reseal_targets", lambda *_: None)
        assert house.rotate().kept == (before,)
    assert target_is_readable(house, number)
    assert house.rotate().kept == ()
    assert target_is_readable(house, number)


STEPS = [
    ("keep", 1),
    ("replace", 1),
    ("publish", 1),
    ("reseal", 1),
    ("reseal", 2),
    ("resealed", 1),
    ("resealed", 2),
    ("forget", 1),
]


@fault("P1")
@pytest.mark.parametrize(("step", "times"), STEPS)
def test_it_may_break_off_anywhere(house, monkeypatch, step, times):
    monkeypatch.setattr(rotation, "BATCH", 2)
    with pytest.raises(PowerCut):
        house.rotate(step, times)
    assert house.all_are_readable()
    # What is entered now is readable too, whichever pair the page has.
    house.store(house.ids[0])
    assert house.all_are_readable()
    # The next start finds nothing wrong, and mends what was half done.
    assert keys.prepare_keys(house.folder) == []
    assert house.all_are_readable()
    house.store(house.ids[1])
    assert house.all_are_readable()
    house.rotate()
    assert house.all_are_readable()
    assert house.old_files() == []
    assert house.pairs() == {keys.worker_pair_id(house.folder)}


@fault("P1")
@pytest.mark.parametrize("function", ["replace", "link", "fsync"])
def test_it_may_break_off_inside_each_step_on_the_files(house, monkeypatch, function):
    """At each call of the system that changes a file or makes it last."""
    kept: Any = {"replace": os.replace, "link": os.link, "fsync": os.fsync}[function]
    target = "pathlib.os.replace" if function == "replace" else f"os.{function}"
    for number in range(1, 20):
        left = [number]

        def cut(*args, left=left, **named):
            left[0] -= 1
            if not left[0]:
                raise PowerCut(function)
            return kept(*args, **named)

        with monkeypatch.context() as patched:
            patched.setattr(target, cut)
            try:
                house.rotate()
            except PowerCut:
                pass
            else:
                break
        assert house.all_are_readable()
        keys.prepare_keys(house.folder)
        assert house.all_are_readable()
    assert number > 1
    house.rotate()
    assert house.all_are_readable()


def test_the_old_private_key_stays_while_a_page_may_still_seal_for_it(house):
    old = keys.worker_public_key(house.folder)
    old_pair = keys.worker_pair_id(house.folder)
    done = house.rotate(grace=600)
    assert done.kept == (old_pair,)
    # A page that was open during the rotation stores its key only now.
    clear = SealedBox(old).encrypt(b"{}")
    row = house.rows()[house.ids[0]]
    assert clear
    sealed = account_keys.seal(
        old, user_id=row.user_id, account_id=row.account_id, exchange="binance",
        api_key=API_KEY, secret="s", password="", at=row.created_at,
    )  # fmt: skip
    run(
        house.engine,
        lambda s: account_keys.store_key(
            s, row.user_id, row.account_id, sealed=sealed, pair_id=old_pair, at=row.created_at
        ),
    )
    assert house.all_are_readable()
    again = house.rotate()
    assert again == Rotation(new_pair=False, resealed=1, unreadable=(), kept=())
    assert house.all_are_readable()


def test_a_key_that_is_replaced_during_the_rotation_is_not_overwritten(house, monkeypatch):
    seal_anew = sealing_anew.seal_anew

    def and_replaced_meanwhile(batch, folder):
        found = seal_anew(batch, folder)
        run(
            house.engine,
            lambda s: s.execute(
                update(KEYS).where(KEYS.c.id == batch[0].key_id).values(sealed=None)
            ),
        )
        monkeypatch.setattr(rotation, "seal_anew", seal_anew)
        return found

    monkeypatch.setattr(rotation, "seal_anew", and_replaced_meanwhile)
    assert house.rotate().resealed == 2
    assert len(house.rows()) == 2


def test_a_text_that_is_damaged_is_named_and_keeps_nothing_back(house):
    broken = house.ids[1]
    run(
        house.engine,
        lambda s: s.execute(
            update(KEYS).where(KEYS.c.account_id == broken).values(sealed="A" * 120)
        ),
    )
    done = house.rotate()
    assert (done.resealed, done.unreadable, done.kept) == (2, (broken,), ())
    assert f"cannot be read by any key file here: {broken}" in " ".join(told(done))


def test_a_running_worker_finishes_a_rotation(house, monkeypatch):
    house.rotate(grace=600)
    assert len(house.old_files()) == 1
    eraser = KeyEraser(Database(house.engine), house.folder)
    eraser.finish_rotation()
    assert len(house.old_files()) == 1
    monkeypatch.setattr(keys, "old_pairs", _long_ago(keys.old_pairs))
    eraser.finish_rotation()
    assert house.old_files() == []
    assert house.all_are_readable()
    eraser.finish_rotation()
    KeyEraser(Database(house.engine), house.folder / "nothing").finish_rotation()
    eraser.database.close()


def _long_ago(old_pairs):
    return lambda folder=None: {pair: since - 601 for pair, since in old_pairs(folder).items()}


# --- the command


@pytest.fixture
def command(house, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", house.engine.url.render_as_string())
    monkeypatch.setattr(keys, "FOLDER", house.folder)
    return house


def test_the_command_says_what_it_has_done(command, capsys):
    assert main(["rotate-keys"]) == 0
    said = capsys.readouterr().out
    assert "A new key pair is in use." in said
    assert "sealed anew: 3" in said
    assert "kept for another 10 minutes" in said
    assert API_KEY not in said
    assert main(["rotate-keys"]) == 0
    assert "was not finished" in capsys.readouterr().out


def test_with_workers_on_other_hosts_the_files_are_copied_first(command, capsys):
    values = {
        "pid": 1, "process_started": "x", "state": "alive", "build": "x", "lag_ms": 0.0,
        "accounts": 0, "strategies": 0,
    }  # fmt: skip
    for host in (socket.gethostname(), "far-away"):
        row = WorkerRow(
            name=f"w-{host}", host=host, started_at=utc_now(), beat_at=utc_now(), **values
        )
        run(command.engine, functools.partial(_add, row))
    before = command.pairs()
    assert rotate_keys([]) == 0
    assert "copy worker.*.key to config/ there" in capsys.readouterr().out
    assert command.pairs() == before
    assert command.all_are_readable()
    assert rotate_keys(["--copied"]) == 0
    assert command.pairs() != before


def test_a_wrong_word_is_refused(command, capsys):
    assert rotate_keys(["--now"]) == 2
    assert "usage" in capsys.readouterr().err


def test_without_key_files_it_says_which_is_missing(command, capsys):
    (command.folder / keys.PRIVATE).unlink()
    assert rotate_keys([]) == 2
    assert "worker.private.key is missing" in capsys.readouterr().err


def test_what_was_told_when_all_is_done():
    assert (
        told(replace(Rotation(True, 2, (), ()), new_pair=True))[-1]
        == "The old private key is removed."
    )


def _add(row: WorkerRow, session: Session) -> None:
    session.add(row)
