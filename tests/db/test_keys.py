"""The key files: made once, for our eyes only, never replaced."""

from __future__ import annotations

import os
import stat

import pytest
from nacl.public import SealedBox

from db import keys
from db.keys import KeyFileMissing
from tests.faults import fault


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "config"


def test_the_first_start_makes_all_keys_and_the_second_none(folder):
    made = keys.prepare_keys(folder)
    ours = ["audit.key", "cookie.key", "second-factor.key"]
    assert sorted(made) == [*ours, "worker.private.key", "worker.public.key"]
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert keys.prepare_keys(folder) == []
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(keys.cookie_key(folder)) == len(keys.audit_key(folder)) == 32
    random = {keys.cookie_key(folder), keys.audit_key(folder), keys.second_factor_key(folder)}
    assert len(random) == 3


def test_nobody_else_can_read_them_whatever_the_umask(folder):
    old = os.umask(0)
    try:
        keys.prepare_keys(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_what_is_sealed_with_the_public_key_opens_with_the_private_one(folder):
    keys.prepare_keys(folder)
    sealed = SealedBox(keys.worker_public_key(folder)).encrypt(b"secret")
    assert SealedBox(keys.worker_private_key(folder)).decrypt(sealed) == b"secret"


def test_a_lost_private_key_is_never_replaced_silently(folder):
    keys.prepare_keys(folder)
    (folder / keys.PRIVATE).unlink()
    with pytest.raises(KeyFileMissing, match=r"worker\.private\.key is missing"):
        keys.prepare_keys(folder)


def test_a_lost_public_key_comes_back_from_the_private_one(folder):
    keys.prepare_keys(folder)
    before = (folder / keys.PUBLIC).read_bytes()
    (folder / keys.PUBLIC).unlink()
    assert keys.prepare_keys(folder) == [keys.PUBLIC]
    assert (folder / keys.PUBLIC).read_bytes() == before


@fault("S14")
def test_halves_of_different_pairs_are_refused(folder, tmp_path):
    keys.prepare_keys(folder)
    keys.prepare_keys(tmp_path / "other")
    (tmp_path / "other" / keys.PUBLIC).replace(folder / keys.PUBLIC)
    with pytest.raises(KeyFileMissing, match="does not belong"):
        keys.prepare_keys(folder)


@pytest.mark.parametrize("content", ["", "zz", "00" * 16, "é"])
def test_a_damaged_key_is_refused_with_its_name(folder, content):
    keys.prepare_keys(folder)
    (folder / keys.COOKIE).write_text(content)
    with pytest.raises(KeyFileMissing, match=r"cookie\.key"):
        keys.cookie_key(folder)


def test_a_missing_key_says_what_to_run(folder):
    with pytest.raises(KeyFileMissing, match="python -m db prepare"):
        keys.cookie_key(folder)
