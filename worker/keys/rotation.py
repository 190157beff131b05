"""`python -m worker rotate-keys`: a new key pair of the worker, and every exchange key sealed anew for it.

Addresses of notifications are sealed anew with them (`worker.keys.sealing_anew`).

Each step leaves everything readable, so it may break off anywhere: the old private key is kept beside the
new one until nothing is sealed for it, and workers that run find private keys by the pair's id. Run again,
it goes on where it broke off.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from db import account_keys, audit, keys, leases
from db.account_keys import SealedKey
from db.clock import utc_now
from db.errors import CommitUnknown
from db.handles import Engine, Session
from db.transactions import run
from worker.keys.sealing_anew import pairs_of_targets, reseal_targets, seal_anew

BATCH = 100
GRACE = 600.0
"""Seconds for which an old private key is kept in any case: somebody may be entering a key just now, with
a page that still seals for the old pair."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """`new_pair`: False when an earlier rotation was finished instead. `unreadable`: accounts whose stored
    key cannot be opened by any key file here. `kept`: old pairs whose private key stays for now."""

    new_pair: bool
    resealed: int
    unreadable: tuple[int, ...]
    kept: tuple[str, ...]


def rotate(
    engine: Engine,
    folder: Path | None = None,
    *,
    seal_anew: bool = True,
    grace: float = GRACE,
    reach: Callable[[str], None] = lambda step: None,
) -> Rotation:
    """`seal_anew`: False makes the pair only, so that its files can be copied to other hosts first.
    `reach` is told each step before it is done (tests break it off there)."""
    keys.prepare_keys(folder)
    is_new = not keys.old_pairs(folder)
    if is_new:
        reach("keep")
        keys.keep_private_key(folder)
        reach("replace")
        keys.replace_private_key(folder)
        reach("publish")
        keys.publish_pair(folder)
    if not seal_anew:
        return Rotation(is_new, 0, (), tuple(keys.old_pairs(folder)))
    resealed, unreadable = reseal_all(engine, folder, reach)
    kept = forget_old_pairs(engine, folder, grace=grace, reach=reach)
    return Rotation(is_new, resealed, unreadable, kept)


def other_hosts(engine: Engine) -> set[str]:
    """Hosts with workers that need the new private key before anything is sealed for it."""
    return run(engine, leases.hosts_of_workers, write=False) - {socket.gethostname()[:64]}


def reseal_all(
    engine: Engine, folder: Path | None, reach: Callable[[str], None] = lambda step: None
) -> tuple[int, tuple[int, ...]]:
    """How many keys are sealed for the newest pair now that were not, and whose cannot be opened."""
    pair, done = keys.worker_pair_id(folder), 0
    unreadable: set[int] = set()
    for batch in _batches(engine, pair):
        fresh, broken = seal_anew(batch, folder)
        unreadable |= {key.account_id for key in broken}
        reach("reseal")
        if fresh:
            done += _store(engine, fresh, pair)
            reach("resealed")
    reseal_targets(engine, folder)
    return done, tuple(sorted(unreadable))


def forget_old_pairs(
    engine: Engine,
    folder: Path | None,
    *,
    grace: float = GRACE,
    reach: Callable[[str], None] = lambda step: None,
) -> tuple[str, ...]:
    """Removes private keys that nothing needs any more; returns the pairs of those that stay."""
    old = keys.old_pairs(folder)
    if not old:
        return ()
    needed = pairs_of_targets(engine, folder)
    for batch in _batches(engine, keys.worker_pair_id(folder)):
        # A text that is damaged cannot be saved by any key.
        _, broken = seal_anew(batch, folder)
        needed |= {key.pair_id for key in batch if key not in broken}
    kept = []
    for pair, since in sorted(old.items()):
        if pair in needed or utc_now().timestamp() - since < grace:
            kept.append(pair)
            continue
        reach("forget")
        keys.forget_private_key(pair, folder)
    return tuple(kept)


def _batches(engine: Engine, pair: str) -> Iterator[list[SealedKey]]:
    after = 0
    while True:
        batch = _batch(engine, pair, after)
        if not batch:
            return
        after = batch[-1].key_id
        yield batch


def _batch(engine: Engine, pair: str, after: int) -> list[SealedKey]:
    def read(session: Session) -> list[SealedKey]:
        return account_keys.keys_not_of_pair(session, pair, after=after, most=BATCH)

    return run(engine, read, write=False)


def _store(engine: Engine, fresh: list[tuple[SealedKey, str]], pair: str) -> int:
    """A row that changed meanwhile is left as it is now: whoever changed it sealed it newly, or erased it."""

    def write(session: Session) -> int:
        done = [
            account_keys.reseal(session, key, sealed=sealed, pair_id=pair) for key, sealed in fresh
        ]
        audit.append(
            session,
            actor_id=None,
            subject_id=None,
            action="exchange keys sealed anew",
            details={"pair": pair, "accounts": sorted({key.account_id for key, _ in fresh})},
            at=utc_now(),
        )
        return sum(done)

    try:
        return run(engine, write)
    except CommitUnknown:
        # Both outcomes are readable. What was not committed is met again by a later run.
        return _count_sealed(engine, fresh, pair)


def _count_sealed(engine: Engine, fresh: list[tuple[SealedKey, str]], pair: str) -> int:
    ids = {key.key_id for key, _ in fresh}
    first = min(ids) - 1

    def read(session: Session) -> int:
        left = account_keys.keys_not_of_pair(session, pair, after=first, most=len(ids))
        return len(ids) - len({key.key_id for key in left} & ids)

    return run(engine, read, write=False)
