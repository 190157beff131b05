"""Where a person wants to be told things: kinds of services, addresses sealed like exchange keys.

The clear text is canonical JSON {v, user_id, kind, created, nonce, address}, sealed with the worker's public
key; the worker alone opens it, compares the owner, and refuses hosts that are not public. `address`: an
apprise URL of that kind (tgram://..., mailto://...).
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from nacl.public import PublicKey, SealedBox
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from db import audit
from db.account_keys import PAIR_ID, looks_sealed
from db.errors import Conflict, NotFound
from db.matched import rows_matched
from db.names import clean_name
from db.rights import lock_person
from db.tables import NotificationTargetRow, OutboxRow

FORMAT = 1
MOST_TARGETS = 10
LONGEST_ADDRESS = 1000
ADDRESS = re.compile(r"[a-z]+://[\x21-\x7e]+", re.ASCII)


class Kind(StrEnum):
    """Services that may be told; anything else is refused, here and by the worker."""

    TELEGRAM = "telegram"
    EMAIL = "email"
    DISCORD = "discord"
    SLACK = "slack"
    PUSHOVER = "pushover"
    NTFY = "ntfy"


SCHEMES: dict[Kind, tuple[str, ...]] = {
    Kind.TELEGRAM: ("tgram",),
    Kind.EMAIL: ("mailtos",),
    Kind.DISCORD: ("discord",),
    Kind.SLACK: ("slack",),
    Kind.PUSHOVER: ("pover",),
    Kind.NTFY: ("ntfys",),
}
"""How apprise's addresses of each kind begin; only encrypted ones."""


class Event(StrEnum):
    """What somebody may want to be told."""

    ALARM = "alarm"
    WARNING = "warning"
    CYCLE_ENDED = "cycle_ended"
    STOP_LOSS = "stop_loss"
    BUY = "buy"
    HALT = "halt"
    SIGN_IN = "sign_in"
    SECURITY = "security"
    TEST = "test"


CHOICES = tuple(event for event in Event if event is not Event.TEST)


class TargetState(StrEnum):
    UNTRIED = "untried"
    WORKS = "works"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Target:
    """`sentence`: what became of the last try, for the person. The address cannot be shown again."""

    target_id: int
    kind: Kind
    name: str
    events: frozenset[Event]
    state: TargetState
    sentence: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SealedTarget:
    """For the worker: nothing in it is trusted before it is opened."""

    target_id: int
    user_id: int
    kind: str
    pair_id: str
    sealed: str = field(repr=False)


def seal_address(
    public_key: PublicKey, *, user_id: int, kind: Kind, address: str, at: datetime
) -> str:
    """Base64 text for `add_target`. Raises InvalidInput, which never repeats what was typed."""
    typed = address.strip()
    if len(typed) > LONGEST_ADDRESS or not ADDRESS.fullmatch(typed):
        raise InvalidInput("address", "does not look like one; copy it again.")
    if typed.partition("://")[0] not in SCHEMES[kind]:
        raise InvalidInput("address", f"must begin with {SCHEMES[kind][0]}://")
    clear = {
        "v": FORMAT,
        "user_id": user_id,
        "kind": kind.value,
        "created": at.isoformat(),
        "nonce": secrets.token_hex(16),
        "address": typed,
    }
    sealed = SealedBox(public_key).encrypt(orjson.dumps(clear, option=orjson.OPT_SORT_KEYS))
    return base64.b64encode(sealed).decode("ascii")


def add_target(
    session: Session,
    user_id: int,
    *,
    kind: Kind,
    name: str,
    sealed: str,
    pair_id: str,
    events: Collection[Event],
    at: datetime,
) -> int:
    cleaned = clean_name("name", name)
    if not PAIR_ID.fullmatch(pair_id) or not looks_sealed(sealed):
        raise InvalidInput(
            "address", "was not sealed as it must be; reload the page and try again."
        )
    lock_person(session, user_id)
    mine = NotificationTargetRow.user_id == user_id
    count = session.scalar(select(func.count()).select_from(NotificationTargetRow).where(mine))
    if (count or 0) >= MOST_TARGETS:
        raise Conflict(f"You have {MOST_TARGETS} already; remove one first.")
    row = NotificationTargetRow(
        user_id=user_id,
        kind=kind.value,
        name=cleaned,
        pair_id=pair_id,
        sealed=sealed,
        events=_as_words(events),
        state=TargetState.UNTRIED.value,
        sentence="",
        created_at=at,
        changed_at=at,
    )
    session.add(row)
    session.flush()
    _note(session, user_id, "notifications added", row.id, {"kind": kind.value}, at)
    return row.id


def targets(session: Session, user_id: int) -> tuple[Target, ...]:
    """In the order in which they were added; those of a kind that is not known are left out."""
    rows = session.scalars(
        select(NotificationTargetRow)
        .where(NotificationTargetRow.user_id == user_id)
        .order_by(NotificationTargetRow.id)
    )
    return tuple(
        Target(
            row.id,
            Kind(row.kind),
            row.name,
            as_events(row.events),
            TargetState(row.state),
            row.sentence,
            row.created_at,
        )
        for row in rows
        if row.kind in set(Kind) and row.state in set(TargetState)
    )


def set_events(
    session: Session, user_id: int, target_id: int, *, events: Collection[Event], at: datetime
) -> None:
    chosen = _as_words(events)
    done = session.execute(
        update(NotificationTargetRow)
        .where(*_own(user_id, target_id))
        .values(events=chosen, changed_at=at)
    )
    if rows_matched(done) != 1:
        raise NotFound("There is no such address.")
    _note(session, user_id, "notifications changed", target_id, {"events": chosen}, at)


def remove_target(session: Session, user_id: int, target_id: int, *, at: datetime) -> None:
    """The sealed address is gone, and what was still to be sent there."""
    done = session.execute(delete(NotificationTargetRow).where(*_own(user_id, target_id)))
    if rows_matched(done) != 1:
        raise NotFound("There is no such address.")
    session.execute(delete(OutboxRow).where(OutboxRow.target_id == target_id))
    _note(session, user_id, "notifications removed", target_id, {}, at)


def sealed_targets(session: Session, target_ids: Sequence[int]) -> dict[int, SealedTarget]:
    """For the worker, by id."""
    rows = session.scalars(
        select(NotificationTargetRow).where(NotificationTargetRow.id.in_(target_ids))
    )
    return {row.id: _as_sealed(row) for row in rows}


def tried(session: Session, target_id: int, *, works: bool, sentence: str, at: datetime) -> None:
    """For the worker: what became of sending there. `sentence` holds nothing of the address."""
    state = TargetState.WORKS if works else TargetState.FAILS
    session.execute(
        update(NotificationTargetRow)
        .where(NotificationTargetRow.id == target_id)
        .values(state=state.value, sentence=sentence[:1000], changed_at=at)
    )


def targets_not_of_pair(
    session: Session, pair: str, *, after: int, most: int
) -> list[SealedTarget]:
    """For the rotation of the worker's keys, by id, those after this id."""
    row = NotificationTargetRow
    found = session.scalars(
        select(row).where(row.pair_id != pair, row.id > after).order_by(row.id).limit(most)
    )
    return [_as_sealed(each) for each in found]


def reseal_target(session: Session, target: SealedTarget, *, sealed: str, pair_id: str) -> bool:
    """For the rotation. False: the row is no longer what it was; nothing was changed."""
    row = NotificationTargetRow
    done = session.execute(
        update(row)
        .where(row.id == target.target_id, row.sealed == target.sealed)
        .values(sealed=sealed, pair_id=pair_id)
    )
    return rows_matched(done) == 1


def as_events(words: Any) -> frozenset[Event]:
    """What was written by hand and means nothing is left out."""
    listed = words if isinstance(words, list) else []
    return frozenset(Event(word) for word in listed if word in set(Event))


def _as_words(events: Collection[Event]) -> list[str]:
    return [event.value for event in CHOICES if event in events]


def _own(user_id: int, target_id: int) -> tuple[Any, ...]:
    return NotificationTargetRow.id == target_id, NotificationTargetRow.user_id == user_id


def _as_sealed(row: NotificationTargetRow) -> SealedTarget:
    return SealedTarget(row.id, row.user_id, row.kind, row.pair_id, row.sealed)


def _note(
    session: Session, user_id: int, action: str, target_id: int, more: dict[str, Any], at: datetime
) -> None:
    details = {"target": target_id} | more
    audit.append(
        session, actor_id=user_id, subject_id=user_id, action=action, details=details, at=at
    )
