"""What was sealed for an older key pair of the worker, sealed for the newest: keys and addresses."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from nacl.public import SealedBox

from db import keys, notification_targets
from db.account_keys import SealedKey
from db.errors import CommitUnknown
from db.handles import Engine, Session
from db.notification_targets import SealedTarget
from db.transactions import run
from worker.errors import KeyRefused
from worker.keys.opening import opened_bytes

BATCH = 100


Kind = TypeVar("Kind", SealedKey, SealedTarget)


def seal_anew(
    batch: Sequence[Kind], folder: Path | None
) -> tuple[list[tuple[Kind, str]], list[Kind]]:
    """What is inside is sealed as it is, unread. The second list: texts that cannot be opened."""
    private, box = keys.worker_private_keys(folder), SealedBox(keys.worker_public_key(folder))
    fresh: list[tuple[Kind, str]] = []
    broken: list[Kind] = []
    for each in batch:
        try:
            clear = opened_bytes(each, private)
        except KeyRefused:
            clear = None
        if clear is None:
            broken.append(each)
        else:
            fresh.append((each, base64.b64encode(box.encrypt(clear)).decode("ascii")))
    return fresh, broken


def reseal_targets(engine: Engine, folder: Path | None) -> None:
    """Addresses of notifications; a row that changed meanwhile is left as it is now."""
    pair = keys.worker_pair_id(folder)
    for batch in _batches(engine, pair):
        fresh, _ = seal_anew(batch, folder)

        def write(session: Session, fresh: list[tuple[SealedTarget, str]] = fresh) -> None:
            for target, sealed in fresh:
                notification_targets.reseal_target(session, target, sealed=sealed, pair_id=pair)

        try:
            run(engine, write)
        except CommitUnknown:
            continue  # both outcomes are readable, and a later run meets what was not committed


def pairs_of_targets(engine: Engine, folder: Path | None) -> set[str]:
    """Older pairs that some address still needs. A text that is damaged cannot be saved by any key."""
    needed: set[str] = set()
    for batch in _batches(engine, keys.worker_pair_id(folder)):
        fresh, _ = seal_anew(batch, folder)
        needed |= {target.pair_id for target, _ in fresh}
    return needed


def _batches(engine: Engine, pair: str) -> Iterator[list[SealedTarget]]:
    after = 0
    while batch := _batch(engine, pair, after):
        after = batch[-1].target_id
        yield batch


def _batch(engine: Engine, pair: str, after: int) -> list[SealedTarget]:
    def read(session: Session) -> list[SealedTarget]:
        return notification_targets.targets_not_of_pair(session, pair, after=after, most=BATCH)

    return run(engine, read, write=False)
