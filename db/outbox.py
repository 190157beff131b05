"""Notifications on their way: written where something happens, sent by a worker, at least once.

A row is one sentence to one target. A worker takes rows for a while (`taken_until`); if it dies, another
takes them then. What fails waits longer each time, and is given up after a day.
`db.retention` removes old rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from db.errors import Conflict, NotFound
from db.journal import LONGEST_SENTENCE
from db.matched import rows_matched
from db.notification_targets import Event, as_events
from db.rights import lock_person
from db.statements import insert_rows
from db.tables import NotificationTargetRow, OutboxRow

LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=2)
GIVEN_UP_AFTER = timedelta(days=1)
MOST_WAITING = 100
"""To one target. More would arrive as a flood, long after it was of use; the journal has everything."""
TEST_EVERY = timedelta(seconds=30)
TEST_SENTENCE = "This is a test of Stepladder's notifications. It arrived."
MORE = "More has happened than is sent here; the journal has everything."


class OutboxState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Notice:
    """For one person, in plain words, without secrets."""

    user_id: int
    event: Event
    sentence: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One that this worker has taken. attempts: including the one to come."""

    outbox_id: int
    user_id: int
    target_id: int
    event: str
    sentence: str
    attempts: int
    created_at: datetime


def add(session: Session, notices: Sequence[Notice], *, at: datetime) -> int:
    """How many will be sent: one per target that wants the event. One question when nobody wants any."""
    people = sorted({notice.user_id for notice in notices})
    if not people:
        return 0
    target = NotificationTargetRow
    wanting = session.execute(
        select(target.id, target.user_id, target.events).where(target.user_id.in_(people))
    ).all()
    if not wanting:
        return 0
    waiting = _waiting(session, [row.id for row in wanting])
    rows = []
    for notice in notices:
        for row in wanting:
            if row.user_id != notice.user_id or notice.event not in as_events(row.events):
                continue
            waiting[row.id] += 1
            if waiting[row.id] <= MOST_WAITING:
                said = notice.sentence if waiting[row.id] < MOST_WAITING else MORE
                rows.append(_row(row.user_id, row.id, notice.event, said, at))
    insert_rows(session, OutboxRow, rows)
    return len(rows)


def add_test(session: Session, user_id: int, target_id: int, *, at: datetime) -> None:
    """For the test button; at most twice a minute."""
    lock_person(session, user_id)
    owner = select(NotificationTargetRow.user_id).where(NotificationTargetRow.id == target_id)
    if session.scalar(owner) != user_id:
        raise NotFound("There is no such address.")
    just_now = select(OutboxRow.id).where(
        OutboxRow.target_id == target_id,
        OutboxRow.event == Event.TEST.value,
        OutboxRow.created_at > at - TEST_EVERY,
    )
    if session.execute(just_now.limit(1)).first() is not None:
        raise Conflict("A test was sent a moment ago; wait half a minute.")
    insert_rows(session, OutboxRow, [_row(user_id, target_id, Event.TEST, TEST_SENTENCE, at)])


def take(session: Session, worker: str, *, most: int, at: datetime) -> list[Outgoing]:
    """The oldest that are due and that nobody is sending; taken for two minutes, once this has committed."""
    row = OutboxRow
    free = and_(
        row.state == OutboxState.WAITING.value,
        row.next_at <= at,
        or_(row.taken_until.is_(None), row.taken_until <= at),
    )
    found = session.scalars(select(row.id).where(free).order_by(row.next_at, row.id).limit(most))
    mine = []
    for outbox_id in found.all():
        done = session.execute(
            update(row)
            .where(row.id == outbox_id, free)
            .values(taken_by=worker, taken_until=at + LEASE, attempts=row.attempts + 1)
        )
        if rows_matched(done) == 1:
            mine.append(outbox_id)
    columns = (row.id, row.user_id, row.target_id, row.event, row.sentence, row.attempts)
    taken = session.execute(
        select(*columns, row.created_at).where(row.id.in_(mine)).order_by(row.id)
    )
    return [Outgoing(*each) for each in taken]


def done(session: Session, worker: str, outbox_id: int, *, at: datetime) -> bool:
    """It was sent. False: it is no longer this worker's; it may be sent again."""
    return _finish(session, worker, outbox_id, OutboxState.SENT, at)


def failed(
    session: Session, worker: str, outgoing: Outgoing, *, for_good: bool, at: datetime
) -> bool:
    """Tried again later, each time later, unless it is hopeless (`for_good`) or a day old: then False."""
    if for_good or at - outgoing.created_at >= GIVEN_UP_AFTER:
        _finish(session, worker, outgoing.outbox_id, OutboxState.GIVEN_UP, at)
        return False
    pause = min(FIRST_PAUSE * 2 ** min(outgoing.attempts - 1, 20), LONGEST_PAUSE)
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == outgoing.outbox_id, OutboxRow.taken_by == worker)
        .values(next_at=at + pause, taken_by=None, taken_until=None)
    )
    return True


def _finish(
    session: Session, worker: str, outbox_id: int, state: OutboxState, at: datetime
) -> bool:
    finished = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == outbox_id, OutboxRow.taken_by == worker)
        .values(state=state.value, finished_at=at, taken_by=None, taken_until=None)
    )
    return rows_matched(finished) == 1


def _waiting(session: Session, target_ids: Iterable[int]) -> Counter[int]:
    rows = session.execute(
        select(OutboxRow.target_id, func.count())
        .where(OutboxRow.target_id.in_(target_ids), OutboxRow.state == OutboxState.WAITING.value)
        .group_by(OutboxRow.target_id)
    )
    return Counter({target_id: count for target_id, count in rows})


def _row(
    user_id: int, target_id: int, event: Event, sentence: str, at: datetime
) -> dict[str, object]:
    return {
        "user_id": user_id,
        "target_id": target_id,
        "event": event.value,
        "sentence": sentence[:LONGEST_SENTENCE],
        "state": OutboxState.WAITING.value,
        "attempts": 0,
        "created_at": at,
        "next_at": at,
        "taken_by": None,
        "taken_until": None,
        "finished_at": None,
    }
