"""The key files in config/: made at the first start, readable only by whom Stepladder runs as, never in git.

cookie.key signs the login cookie, second-factor.key seals what second factors are made of (dashboard).
audit.key chains the audit rows (worker). worker.private.key opens the sealed exchange keys (worker only);
worker.public.key seals them (dashboard).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey

from core.errors import StepladderError
from db.settings import ROOT

FOLDER = ROOT / "config"
COOKIE = "cookie.key"
SECOND_FACTOR = "second-factor.key"
AUDIT = "audit.key"
PRIVATE = "worker.private.key"
PUBLIC = "worker.public.key"
OLD_PRIVATE = "worker.private.{}.key"
"""Of the pair with this id: kept while some exchange key is still sealed for it (`rotate-keys`)."""
KEY_BYTES = 32
LOSS = (
    "Keep a copy of the folder config/ in a safe place: losing the key files means that everyone must log in"
    " again, set up their second factor again and enter their exchange keys again."
)


class KeyFileMissing(StepladderError):
    """A key file is absent or damaged; the sentence names it."""


def prepare_keys(folder: Path | None = None) -> list[str]:
    """Makes what is missing and returns the names made; never changes a key that is there.

    A private key without its public half gets it back; the other way round is a loss that only a person
    can decide about.
    """
    folder = folder or FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    random = (COOKIE, SECOND_FACTOR, AUDIT)
    made = [name for name in random if _make(folder / name, secrets.token_hex(KEY_BYTES))]
    if _rotation_broke_off(folder):
        publish_pair(folder)
    if (folder / PUBLIC).exists() and not (folder / PRIVATE).exists():
        raise KeyFileMissing(
            f"{folder / PRIVATE} is missing while {PUBLIC} is there. Put it back from your copy, or remove"
            f" {PUBLIC} to make a new pair; exchange keys sealed for the old one must be entered again."
        )
    if _make(folder / PRIVATE, bytes(PrivateKey.generate()).hex()):
        made.append(PRIVATE)
    if _make(folder / PUBLIC, bytes(worker_private_key(folder).public_key).hex()):
        made.append(PUBLIC)
    for path in (*(folder / name for name in (*random, PRIVATE, PUBLIC)), *_old(folder)):
        path.chmod(0o600)
    _check_pair(folder)
    return made


def cookie_key(folder: Path | None = None) -> bytes:
    return _read((folder or FOLDER) / COOKIE)


def second_factor_key(folder: Path | None = None) -> bytes:
    return _read((folder or FOLDER) / SECOND_FACTOR)


def audit_key(folder: Path | None = None) -> bytes:
    return _read((folder or FOLDER) / AUDIT)


def worker_private_key(folder: Path | None = None) -> PrivateKey:
    return PrivateKey(_read((folder or FOLDER) / PRIVATE))


def worker_private_keys(folder: Path | None = None) -> dict[str, PrivateKey]:
    """By the id of their pair: the one in use, and older ones kept until nothing is sealed for them."""
    folder = folder or FOLDER
    paths = [folder / PRIVATE, *_old(folder)]
    found = [PrivateKey(_read(path)) for path in paths]
    return {pair_id(bytes(key.public_key)): key for key in found}


def old_pairs(folder: Path | None = None) -> dict[str, float]:
    """Pairs replaced by a rotation whose private half is still kept, and since when (seconds since 1970)."""
    folder = folder or FOLDER
    current = pair_id(bytes(worker_private_key(folder).public_key))
    found = {path.name.split(".")[2]: path.stat().st_ctime for path in _old(folder)}
    return {pair: since for pair, since in found.items() if pair != current}


def keep_private_key(folder: Path | None = None) -> str:
    """First step of a rotation: the private key gets a second name, under which it is kept."""
    folder = folder or FOLDER
    pair = pair_id(bytes(worker_private_key(folder).public_key))
    with contextlib.suppress(FileExistsError):
        os.link(folder / PRIVATE, folder / OLD_PRIVATE.format(pair))
    _sync(folder)
    return pair


def replace_private_key(folder: Path | None = None) -> None:
    """Second step: a new private key. Refused unless the one before is kept under its other name."""
    folder = folder or FOLDER
    pair = pair_id(bytes(worker_private_key(folder).public_key))
    if not (folder / OLD_PRIVATE.format(pair)).exists():
        raise KeyFileMissing(f"{folder / PRIVATE} is not replaced before it is kept.")
    _replace(folder / PRIVATE, bytes(PrivateKey.generate()).hex())


def publish_pair(folder: Path | None = None) -> None:
    """Third step: from now on keys are sealed for the new pair."""
    folder = folder or FOLDER
    _replace(folder / PUBLIC, bytes(worker_private_key(folder).public_key).hex())


def forget_private_key(pair: str, folder: Path | None = None) -> None:
    """Last step, when nothing is sealed for that pair any more."""
    folder = folder or FOLDER
    (folder / OLD_PRIVATE.format(pair)).unlink(missing_ok=True)
    _sync(folder)


def worker_pair_id(folder: Path | None = None) -> str:
    """The name of the pair that new keys are sealed for."""
    return pair_id(bytes(worker_public_key(folder)))


def pair_id(public_key: bytes) -> str:
    """The name of a key pair of the worker: of `public_key`'s 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def worker_public_key(folder: Path | None = None) -> PublicKey:
    return PublicKey(_read((folder or FOLDER) / PUBLIC))


def _old(folder: Path) -> list[Path]:
    return sorted(folder.glob(OLD_PRIVATE.format("*")))


def _rotation_broke_off(folder: Path) -> bool:
    """Between its second and its third step: the public half is the one of a pair that is kept."""
    if not ((folder / PUBLIC).exists() and (folder / PRIVATE).exists()):
        return False
    try:
        return worker_pair_id(folder) in old_pairs(folder)
    except (KeyFileMissing, CryptoError, ValueError):
        return False  # a damaged file: the checks that follow name it


def _check_pair(folder: Path) -> None:
    try:
        matches = worker_private_key(folder).public_key == worker_public_key(folder)
    except (CryptoError, ValueError):
        matches = False
    if not matches:
        raise KeyFileMissing(
            f"{folder / PUBLIC} does not belong to {PRIVATE}. Put both back from the same copy."
        )


def _make(path: Path, text: str) -> bool:
    """Writes a new file in one step, so that a crash never leaves half a key; False when it is there."""
    if path.exists():
        return False
    draft = _draft(path, text)
    try:
        os.link(draft, path)
    except FileExistsError:  # another start was quicker; its key counts
        return False
    finally:
        draft.unlink()
    return True


def _replace(path: Path, text: str) -> None:
    """The file holds the old text or the new one, at every moment."""
    _draft(path, text).replace(path)
    _sync(path.parent)


def _draft(path: Path, text: str) -> Path:
    # Made with its final mode: there is no moment at which others could read it.
    draft = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync(folder: Path) -> None:
    """The names in the folder are kept as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise KeyFileMissing(
            f"The key file {path} is missing. Run: python -m db prepare"
        ) from error
    except (OSError, ValueError) as error:
        raise KeyFileMissing(
            f"The key file {path} cannot be read or is damaged. Put it back from your copy."
        ) from error
    if len(key) < KEY_BYTES:
        raise KeyFileMissing(
            f"The key file {path} is too short: it must hold {KEY_BYTES} bytes. Put it back from your copy."
        )
    return key
