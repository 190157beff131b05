"""A history that somebody wants: the dashboard inserts a row, a worker fetches and says how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from db.leases import alive_workers
from db.matched import rows_matched
from db.statements import table_of
from db.tables import CandleRequestRow

REQUESTS = table_of(CandleRequestRow)
LONGEST_REASON = 1000


class RequestState(StrEnum):
    WANTED = "wanted"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """`since`, `until`, `done_until` in ms. `reason`: why it failed, in words."""

    id: int
    venue: str
    symbol: str
    since: int
    until: int
    state: RequestState
    taken_by: str | None
    done_until: int | None
    reason: str | None
    asked_by: int
    created_at: datetime


def ask(
    session: Session,
    user_id: int,
    venue: str,
    symbol: str,
    since: int,
    until: int,
    at: datetime,
) -> int:
    """The id of the request; the same wish twice is one, as long as it is not done."""
    pending = session.scalar(
        select(REQUESTS.c.id).where(
            REQUESTS.c.venue == venue,
            REQUESTS.c.symbol == symbol,
            REQUESTS.c.since <= since,
            REQUESTS.c.until >= until,
            REQUESTS.c.state.in_([RequestState.WANTED, RequestState.WORKING]),
            REQUESTS.c.asked_by == user_id,
        )
    )
    if pending is not None:
        return int(pending)
    row = CandleRequestRow(
        venue=venue,
        symbol=symbol,
        since=since,
        until=until,
        state=RequestState.WANTED,
        asked_by=user_id,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def request(session: Session, user_id: int, request_id: int) -> CandleRequest | None:
    """How far it is; None: there is none such of this person."""
    found = session.execute(
        select(REQUESTS).where(REQUESTS.c.id == request_id, REQUESTS.c.asked_by == user_id)
    )
    row = found.mappings().one_or_none()
    return None if row is None else _request(dict(row))


def claim(session: Session, worker: str) -> CandleRequest | None:
    """The oldest that nobody works on, or whose worker is gone; it is this worker's then."""
    alive = alive_workers(session)
    query = (
        select(REQUESTS)
        .where(
            or_(
                REQUESTS.c.state == RequestState.WANTED,
                (REQUESTS.c.state == RequestState.WORKING) & (REQUESTS.c.taken_by.not_in(alive)),
            )
        )
        .order_by(REQUESTS.c.id)
        .limit(1)
    )
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        return None
    taken = (
        update(REQUESTS)
        .where(
            REQUESTS.c.id == row["id"],
            REQUESTS.c.state == row["state"],
            REQUESTS.c.taken_by.is_not_distinct_from(row["taken_by"]),
        )
        .values(state=RequestState.WORKING, taken_by=worker)
    )
    if rows_matched(session.execute(taken)) != 1:
        return None
    return _request(dict(row) | {"state": RequestState.WORKING, "taken_by": worker})


def progress(session: Session, worker: str, request_id: int, done_until: int) -> bool:
    """False: another worker has it now."""
    return _change(session, worker, request_id, done_until=done_until)


def finish(session: Session, worker: str, request_id: int, done_until: int) -> bool:
    return _change(session, worker, request_id, state=RequestState.DONE, done_until=done_until)


def fail(session: Session, worker: str, request_id: int, reason: str) -> bool:
    reason = reason[:LONGEST_REASON]
    return _change(session, worker, request_id, state=RequestState.FAILED, reason=reason)


def _change(session: Session, worker: str, request_id: int, **values: Any) -> bool:
    statement = (
        update(REQUESTS)
        .where(
            REQUESTS.c.id == request_id,
            REQUESTS.c.taken_by == worker,
            REQUESTS.c.state == RequestState.WORKING,
        )
        .values(**values)
    )
    return rows_matched(session.execute(statement)) == 1


def _request(row: dict[str, Any]) -> CandleRequest:
    return CandleRequest(**row | {"state": RequestState(row["state"])})
