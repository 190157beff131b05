"""What people want, as the worker reads it. Rows may be written by hand, so nothing in them is trusted."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, Integer, Text, select, type_coerce
from sqlalchemy.orm import Session

from core.candles import EPOCH
from core.cycle import DesiredState, PassedLevels
from core.errors import InvalidInput
from core.parameter_reading import read_parameters
from core.parameters import Parameters
from db.tables import Strategy, StrategyParameters
from db.types import read_time

Choice = TypeVar("Choice", bound=StrEnum)
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One strategy's wish. `fault`: the row says nothing usable; it counts as paused, with this sentence.

    An archived strategy counts as stopped. `passed_levels`, `release`: the choices made with the last
    press of run.
    """

    strategy_id: int
    account_id: int
    user_id: int
    name: str
    symbol: str
    parameters_version: int
    parameters_text: str
    desired_state: DesiredState
    desired_rev: int
    desired_at: datetime
    passed_levels: PassedLevels
    release: bool
    archived: bool
    fault: str | None

    def parameters(self) -> Parameters:
        """Checked as strictly as what comes from the form; raises InvalidInput."""
        return parameters_from_text(self.parameters_text)


@dataclass(frozen=True, slots=True)
class Revision:
    desired_rev: int
    parameters_version: int


@functools.lru_cache(
    maxsize=2048
)  # thousands of strategies share a few, and a cycle has its strategy's
def parameters_from_text(text: str) -> Parameters:
    try:
        source = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("parameters", "is not JSON; save the strategy again.") from error
    return read_parameters(source)


def all_wanted(session: Session, account_ids: Sequence[int]) -> list[Wanted]:
    """Every strategy of these accounts that is not archived."""
    found: list[Wanted] = []
    for ids in _chunks(account_ids):
        found += _read(session, Strategy.account_id.in_(ids), Strategy.archived_at.is_(None))
    return found


def changed_since(session: Session, account_ids: Sequence[int], since: datetime) -> list[Wanted]:
    """Those changed at or after `since`, archived ones included. The caller goes back 30 s: a transaction
    stamped earlier can commit later."""
    found: list[Wanted] = []
    for ids in _chunks(account_ids):
        found += _read(session, Strategy.account_id.in_(ids), Strategy.changed_at >= since)
    return found


def wanted(session: Session, strategy_ids: Sequence[int]) -> list[Wanted]:
    found: list[Wanted] = []
    for ids in _chunks(strategy_ids):
        found += _read(session, Strategy.id.in_(ids))
    return found


def all_revisions(session: Session, account_ids: Sequence[int]) -> dict[int, Revision]:
    """By strategy, archived ones absent: compared with what the worker knows every 30 s."""
    columns = (Strategy.id, Strategy.desired_rev, Strategy.parameters_version)
    found = {}
    for ids in _chunks(account_ids):
        rows = session.execute(
            select(*columns).where(Strategy.account_id.in_(ids), Strategy.archived_at.is_(None))
        )
        found.update({row[0]: Revision(_count(row[1]), _count(row[2])) for row in rows})
    return found


def revisions(session: Session, strategy_ids: Sequence[int]) -> dict[int, Revision]:
    """Of these strategies, read again in the transaction that plans their orders; archived ones absent."""
    columns = (Strategy.id, Strategy.desired_rev, Strategy.parameters_version)
    found = {}
    for ids in _chunks(strategy_ids):
        rows = session.execute(
            select(*columns).where(Strategy.id.in_(ids), Strategy.archived_at.is_(None))
        )
        found.update({row[0]: Revision(_count(row[1]), _count(row[2])) for row in rows})
    return found


def _read(session: Session, *conditions: ColumnElement[bool]) -> list[Wanted]:
    # As text: a row written by hand may hold anything, and one such row must not stop the others.
    text = type_coerce(StrategyParameters.parameters, Text).label("parameters_text")
    rows = session.execute(
        select(
            Strategy.id,
            Strategy.account_id,
            Strategy.user_id,
            Strategy.name,
            Strategy.symbol,
            Strategy.parameters_version,
            Strategy.desired_state,
            Strategy.desired_rev,
            type_coerce(Strategy.desired_at, Text).label("desired_at"),
            Strategy.passed_levels,
            type_coerce(Strategy.release, Integer).label("release"),
            type_coerce(Strategy.archived_at, Text).label("archived_at"),
            text,
        )
        .outerjoin(
            StrategyParameters,
            (StrategyParameters.strategy_id == Strategy.id)
            & (StrategyParameters.version == Strategy.parameters_version),
        )
        .where(*conditions)
        .order_by(Strategy.id)
    )
    return [_as_wanted(row) for row in rows]


def _as_wanted(row: Any) -> Wanted:
    state, fault = _choice(DesiredState, "desired_state", row.desired_state, DesiredState.PAUSED)
    passed, other = _choice(PassedLevels, "passed_levels", row.passed_levels, PassedLevels.WAIT)
    fault = fault or other or _fault(row)
    return Wanted(
        strategy_id=row.id,
        account_id=row.account_id,
        user_id=row.user_id,
        name=str(row.name),
        symbol=str(row.symbol),
        parameters_version=_count(row.parameters_version),
        parameters_text=row.parameters_text if isinstance(row.parameters_text, str) else "",
        desired_state=_effective(state, fault, row.archived_at is not None),
        desired_rev=_count(row.desired_rev),
        desired_at=_time(row.desired_at) or EPOCH,
        passed_levels=passed,
        release=row.release == 1,
        archived=row.archived_at is not None,
        fault=fault,
    )


def _fault(row: Any) -> str | None:
    """SQLite keeps in a column whatever was written into it by hand."""
    for name in ("desired_rev", "parameters_version"):
        if not isinstance(getattr(row, name), int):
            return f"{name}: is not a number; press a button of the strategy again."
    if row.release not in (0, 1):
        return "release: is neither 0 nor 1; press a button of the strategy again."
    if _time(row.desired_at) is None:
        return "desired_at: is not a time; press a button of the strategy again."
    return None


def _count(value: object) -> int:
    """A number that counts; what is none is 0, everywhere alike, so that it never seems to change."""
    return value if isinstance(value, int) else 0


def _time(value: object) -> datetime | None:
    try:
        return read_time(value)
    except InvalidInput:
        return None


def _effective(state: DesiredState, fault: str | None, archived: bool) -> DesiredState:
    if archived:
        return DesiredState.STOPPED
    return state if fault is None else DesiredState.PAUSED


def _choice(
    options: type[Choice], field: str, value: str, otherwise: Choice
) -> tuple[Choice, str | None]:
    try:
        return options(value), None
    except ValueError:
        known = ", ".join(option.value for option in options)
        return otherwise, f"{field}: is none of {known}; press a button of the strategy again."


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    """SQLite takes a limited number of values in one statement."""
    remaining = list(ids)
    for start in range(0, len(remaining), CHUNK):
        yield remaining[start : start + CHUNK]
