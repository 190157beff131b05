"""The key files in config/: made at the first start, readable only by whom Stepladder runs as, never in git.

cookie.key signs the login cookie (dashboard). audit.key chains the audit rows (worker). worker.private.key
opens the sealed exchange keys (worker only); worker.public.key seals them (dashboard).
"""

from __future__ import annotations

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
AUDIT = "audit.key"
PRIVATE = "worker.private.key"
PUBLIC = "worker.public.key"
OLD_PRIVATE = "worker.private.{}.key"
"""Of the pair with this id: kept while some exchange key is still sealed for it (`rotate-keys`)."""
KEY_BYTES = 32
LOSS = (
    "Keep a copy of the folder config/ in a safe place: losing the key files means that everyone must log in"
    " again and enter their exchange keys again."
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
    made = [name for name in (COOKIE, AUDIT) if _make(folder / name, secrets.token_hex(KEY_BYTES))]
    if (folder / PUBLIC).exists() and not (folder / PRIVATE).exists():
        raise KeyFileMissing(
            f"{folder / PRIVATE} is missing while {PUBLIC} is there. Put it back from your copy, or remove"
            f" {PUBLIC} to make a new pair; exchange keys sealed for the old one must be entered again."
        )
    if _make(folder / PRIVATE, bytes(PrivateKey.generate()).hex()):
        made.append(PRIVATE)
    if _make(folder / PUBLIC, bytes(worker_private_key(folder).public_key).hex()):
        made.append(PUBLIC)
    for name in (COOKIE, AUDIT, PRIVATE, PUBLIC):
        (folder / name).chmod(0o600)
    _check_pair(folder)
    return made


def cookie_key(folder: Path | None = None) -> bytes:
    return _read((folder or FOLDER) / COOKIE)


def audit_key(folder: Path | None = None) -> bytes:
    return _read((folder or FOLDER) / AUDIT)


def worker_private_key(folder: Path | None = None) -> PrivateKey:
    return PrivateKey(_read((folder or FOLDER) / PRIVATE))


def worker_private_keys(folder: Path | None = None) -> dict[str, PrivateKey]:
    """By the id of their pair: the one in use, and older ones kept until nothing is sealed for them."""
    folder = folder or FOLDER
    paths = [folder / PRIVATE, *sorted(folder.glob(OLD_PRIVATE.format("*")))]
    found = [PrivateKey(_read(path)) for path in paths]
    return {pair_id(bytes(key.public_key)): key for key in found}


def worker_pair_id(folder: Path | None = None) -> str:
    """The name of the pair that new keys are sealed for."""
    return pair_id(bytes(worker_public_key(folder)))


def pair_id(public_key: bytes) -> str:
    """The name of a key pair of the worker: of `public_key`'s 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def worker_public_key(folder: Path | None = None) -> PublicKey:
    return PublicKey(_read((folder or FOLDER) / PUBLIC))


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
    # Made with its final mode: there is no moment at which others could read it.
    draft = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:  # another start was quicker; its key counts
        return False
    finally:
        draft.unlink()
    return True


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
