"""`python -m worker rotate-keys`, for the operator."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import StepladderError
from db.engine import make_engine
from db.handles import Engine
from db.migrate import check_version
from db.settings import DatabaseSettings
from worker.keys.rotation import GRACE, Rotation, other_hosts, rotate

COPIED = "--copied"
USAGE = f"usage: python -m worker rotate-keys [{COPIED}]"
COPY_FIRST = (
    "A new key pair is in config/. Workers run on other hosts too ({hosts}): copy worker.*.key to config/"
    f" there, then run this again with {COPIED}. Until then new exchange keys are not accepted by them."
)


def rotate_keys(arguments: Sequence[str], folder: Path | None = None) -> int:
    """Exit 0: done, or to be finished as it says; 1: keys that cannot be read; 2: not possible."""
    if any(argument != COPIED for argument in arguments):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        engine = make_engine(DatabaseSettings().database_url)
        check_version(engine)
        return _rotate(engine, folder, COPIED in arguments)
    except StepladderError as problem:
        print(problem, file=sys.stderr)
        return 2


def _rotate(engine: Engine, folder: Path | None, copied: bool) -> int:
    others = other_hosts(engine)
    may_seal = copied or not others
    done = rotate(engine, folder, seal_anew=may_seal)
    if not may_seal:
        print(COPY_FIRST.format(hosts=", ".join(sorted(others))))
        return 0
    for sentence in told(done):
        print(sentence)
    return 1 if done.unreadable else 0


def told(done: Rotation) -> list[str]:
    """What was done, in sentences."""
    said = [
        "A new key pair is in use."
        if done.new_pair
        else "An earlier rotation was not finished; it was gone on with."
    ]
    said.append(f"Exchange keys sealed anew: {done.resealed}.")
    if done.unreadable:
        accounts = ", ".join(map(str, done.unreadable))
        said.append(
            f"The keys of these accounts cannot be read by any key file here: {accounts}. They must be"
            " entered again."
        )
    if done.kept:
        said.append(
            f"The old private key is kept for another {GRACE / 60:.0f} minutes at most, for keys that are"
            " being entered now; a running worker removes it, or run this again then."
        )
    else:
        said.append("The old private key is removed.")
    return said
