"""An administrator's halt: everybody paused. Lifting it restores nobody silently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.orm import Session

from core.candles import EPOCH
from core.cycle import DesiredState
from db import audit
from db.errors import Conflict
from db.matched import rows_matched
from db.names import clean_sentence
from db.rights import require_administrator
from db.tables import HaltAcknowledgement, Setting

NAME = "halt"
BUYING = (DesiredState.RUNNING, DesiredState.FINISHING)


@dataclass(frozen=True, slots=True)
class Halt:
    """`at`: when the last halt began; `lifted_at`: when it ended. `rev` counts every change."""

    on: bool
    rev: int
    at: datetime | None
    lifted_at: datetime | None
    by: int | None
    reason: str


NEVER = Halt(on=False, rev=0, at=None, lifted_at=None, by=None, reason="")
UNREADABLE = Halt(
    on=True,
    rev=10**9,
    at=EPOCH,
    lifted_at=None,
    by=None,
    reason="What the database says about a halt cannot be read, so it counts as one. Lift it to go on.",
)


def effective_state(desired: DesiredState, desired_at: datetime, halt: Halt) -> DesiredState:
    """What holds for a strategy whose person wanted `desired` since `desired_at`.

    After a halt whoever was buying stays paused until they press run again. Stopping and closing are the
    person's own and go on.
    """
    if desired not in BUYING or halt.at is None:
        return desired
    until = halt.lifted_at if not halt.on else None
    if until is None or desired_at <= until:
        return DesiredState.PAUSED
    return desired


def read_halt(session: Session) -> Halt:
    """What cannot be read was written by hand: nobody buys until an administrator has decided."""
    text = session.scalar(select(type_coerce(Setting.value, Text)).where(Setting.name == NAME))
    if text is None:
        return NEVER
    try:
        return _from_value(orjson.loads(text))
    except (KeyError, TypeError, ValueError):
        return UNREADABLE


def set_halt(
    session: Session, administrator_id: int, *, on: bool, reason: str, at: datetime
) -> Halt:
    """Halts everybody, or lets people start again. Doing what is done already changes nothing."""
    require_administrator(session, administrator_id)
    said = clean_sentence("reason", reason)
    before = read_halt(session)
    if before.on is on:
        return before
    halt = Halt(
        on=on,
        rev=before.rev + 1,
        at=at if on else before.at,
        lifted_at=None if on else at,
        by=administrator_id,
        reason=said,
    )
    _swap(session, before, halt, at)
    audit.append(
        session,
        actor_id=administrator_id,
        subject_id=None,
        action="halt" if on else "halt lifted",
        details={"rev": halt.rev, "reason": said},
        at=at,
    )
    return halt


def acknowledge(session: Session, worker: str, rev: int, *, at: datetime) -> None:
    """For the worker, once nothing of it can buy under an older revision."""
    known = session.get(HaltAcknowledgement, worker)
    if known is None:
        session.add(HaltAcknowledgement(worker=worker, rev=rev, at=at))
    elif known.rev != rev:
        known.rev, known.at = rev, at
    session.flush()


def _swap(session: Session, before: Halt, after: Halt, at: datetime) -> None:
    """Only if nobody else changed it meanwhile."""
    if before.rev == 0:
        # Two first halts at once: the primary key lets one of them in.
        session.add(Setting(name=NAME, value=_as_value(after), changed_at=at, changed_by=after.by))
        session.flush()
        return
    unchanged = Setting.name == NAME
    if before is not UNREADABLE:
        unchanged &= Setting.value == _as_value(before)
    done = session.execute(
        update(Setting)
        .where(unchanged)
        .values(value=_as_value(after), changed_at=at, changed_by=after.by)
    )
    if rows_matched(done) != 1:
        raise Conflict("Somebody else changed the halt just now; look at it and decide again.")


def _as_value(halt: Halt) -> dict[str, object]:
    return {
        "on": halt.on,
        "rev": halt.rev,
        "at": None if halt.at is None else halt.at.isoformat(),
        "lifted_at": None if halt.lifted_at is None else halt.lifted_at.isoformat(),
        "by": halt.by,
        "reason": halt.reason,
    }


def _from_value(value: dict[str, object]) -> Halt:
    return Halt(
        on=value["on"] is True,
        rev=int(str(value["rev"])),
        at=_instant(value["at"]),
        lifted_at=_instant(value["lifted_at"]),
        by=None if value["by"] is None else int(str(value["by"])),
        reason=str(value["reason"]),
    )


def _instant(text: object) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(str(text))
    if at.utcoffset() is None:
        raise ValueError("a time without a time zone")
    return at
