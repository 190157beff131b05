"""What the worker says a strategy is doing, with a sentence why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.statements import table_of, upsert_rows
from db.tables import StrategyStatusRow

STATUSES = table_of(StrategyStatusRow)


class ActualState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    FINISHING = "finishing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    CLOSED = "closed"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class StrategyStatus:
    """`observed_rev`: the wish that this answers. `missing`: the money a waiting strategy lacks, in quote.

    checked_at: when it was last looked at; updated_at: when what is said last changed.
    """

    strategy_id: int
    account_id: int
    actual_state: ActualState
    observed_rev: int
    reason: str
    missing: Decimal | None
    checked_at: datetime
    updated_at: datetime


def save(session: Session, statuses: Sequence[StrategyStatus]) -> None:
    rows = [
        {
            "strategy_id": status.strategy_id,
            "account_id": status.account_id,
            "actual_state": status.actual_state,
            "observed_rev": status.observed_rev,
            "reason": status.reason,
            "missing": status.missing,
            "checked_at": status.checked_at,
            "updated_at": status.updated_at,
        }
        for status in statuses
    ]
    changing = [name for name in STATUSES.columns.keys() if name != "strategy_id"]  # noqa: SIM118
    upsert_rows(session, StrategyStatusRow, rows, changing)


def load(session: Session, account_ids: Sequence[int]) -> dict[int, StrategyStatus]:
    """By strategy, for all strategies of these accounts that have one."""
    rows = session.execute(select(STATUSES).where(STATUSES.c.account_id.in_(account_ids)))
    found = {}
    for row in rows.mappings():
        values = dict(row) | {"actual_state": ActualState(row["actual_state"])}
        found[row["strategy_id"]] = StrategyStatus(**values)
    return found
