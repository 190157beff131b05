"""Who may trade an account: a lease with a token that grows whenever the account changes hands.

A worker's life is its row in `workers`, judged by the database's clock (on SQLite: of its one host). A
lease counts only after its COMMIT. Leases keep two workers from working at once; no order's safety rests
on their timing, because every write is fenced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.orm import Session

from db.clock import DatabaseNow
from db.errors import LeaseLost
from db.matched import rows_matched
from db.statements import insert_rows, table_of, upsert_rows
from db.tables import ExchangeAccount, LeaseRow, WorkerRow

WORKERS, LEASES = table_of(WorkerRow), table_of(LeaseRow)
DEAD_AFTER = 15
"""Seconds without a beat. A worker beats every 5."""


class WorkerState(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """`process_started` with the pid names a process for good: pids come again."""

    name: str
    pid: int
    process_started: str


def register_worker(
    session: Session, name: str, host: str, pid: int, process_started: str, build: str
) -> None:
    """The birth of a worker. A name is used once: who was declared dead takes a new one."""
    born = {
        "name": name,
        "host": host,
        "pid": pid,
        "process_started": process_started,
        "started_at": session.scalar(select(DatabaseNow())),
        "state": WorkerState.ALIVE,
        "build": build,
        "lag_ms": 0,
        "accounts": 0,
        "strategies": 0,
    }
    insert_rows(session, WorkerRow, [born | {"beat_at": born["started_at"]}])


def beat(
    session: Session, name: str, *, lag_ms: float = 0, accounts: int = 0, strategies: int = 0
) -> bool:
    """False: I was declared dead. Drop every account, and go on under a new name."""
    statement = (
        update(WORKERS)
        .where(WorkerRow.name == name, WorkerRow.state != WorkerState.DEAD)
        .values(beat_at=DatabaseNow(), lag_ms=lag_ms, accounts=accounts, strategies=strategies)
    )
    return rows_matched(session.execute(statement)) == 1


def retire(session: Session, name: str) -> None:
    """The orderly end: its accounts are free at once."""
    session.execute(update(WORKERS).where(WorkerRow.name == name).values(state=WorkerState.DEAD))
    session.execute(
        update(LEASES)
        .where(LeaseRow.owner == name)
        .values(owner=None, token=LeaseRow.token + 1, taken_at=None)
    )


def processes_on(session: Session, host: str) -> list[WorkerProcess]:
    """The workers of this host that nobody declared dead: the caller can see whether they live."""
    rows = session.execute(
        select(WorkerRow.name, WorkerRow.pid, WorkerRow.process_started)
        .where(WorkerRow.host == host, WorkerRow.state != WorkerState.DEAD)
        .order_by(WorkerRow.name)
    )
    return [WorkerProcess(*row) for row in rows]


def alive_workers(session: Session) -> list[str]:
    """Those that beat in time and mean to stay: among them the accounts are shared."""
    rows = session.scalars(
        select(WorkerRow.name)
        .where(WorkerRow.state == WorkerState.ALIVE, WorkerRow.beat_at >= DatabaseNow(DEAD_AFTER))
        .order_by(WorkerRow.name)
    )
    return list(rows)


def hosts_of_workers(session: Session) -> set[str]:
    """Where workers are alive."""
    rows = session.scalars(
        select(WorkerRow.host)
        .where(WorkerRow.state != WorkerState.DEAD, WorkerRow.beat_at >= DatabaseNow(DEAD_AFTER))
        .distinct()
    )
    return set(rows)


def claimable(session: Session, worker: str, gone: Collection[str] = ()) -> list[int]:
    """Accounts that nobody alive holds. `gone`: workers of this host whose process is no more."""
    rows = session.scalars(
        select(ExchangeAccount.id)
        .join(LeaseRow, LeaseRow.account_id == ExchangeAccount.id, isouter=True)
        .join(WorkerRow, WorkerRow.name == LeaseRow.owner, isouter=True)
        .where(
            ExchangeAccount.archived_at.is_(None),
            or_(LeaseRow.owner.is_(None), LeaseRow.owner != worker),
            or_(
                WorkerRow.name.is_(None),
                WorkerRow.state == WorkerState.DEAD,
                _is_over(gone),
            ),
        )
        .order_by(ExchangeAccount.id)
    )
    return list(rows)


def take(session: Session, worker: str, account_id: int, gone: Collection[str] = ()) -> int | None:
    """The new token, or None: somebody alive has the account."""
    return take_all(session, worker, [account_id], gone).get(account_id)


def take_all(
    session: Session, worker: str, account_ids: Iterable[int], gone: Collection[str] = ()
) -> dict[int, int]:
    """{account: new token} of those that could be taken. It counts only once this has committed."""
    wanted = sorted(set(account_ids))
    if not wanted or not _am_alive(session, worker):
        return {}
    fresh = [
        {"account_id": account, "owner": None, "token": 0, "beat": 0, "taken_at": None}
        for account in wanted
    ]
    upsert_rows(session, LeaseRow, fresh, changing=())
    held = session.execute(
        select(LeaseRow.account_id, LeaseRow.token, LeaseRow.owner).where(
            LeaseRow.account_id.in_(wanted)
        )
    ).all()
    alive = _bury(session, {owner for _, _, owner in held if owner not in (None, worker)}, gone)
    free = {account: token for account, token, owner in held if owner not in alive}
    if not free:
        return {}
    session.execute(
        update(LEASES)
        .where(_exactly(free))
        .values(
            owner=worker,
            token=LeaseRow.token + 1,
            beat=LeaseRow.beat + 1,
            taken_at=DatabaseNow(),
        )
    )
    mine = owned(session, worker)
    return {account: mine[account] for account in free if mine.get(account) == free[account] + 1}


def release(session: Session, worker: str, account_ids: Iterable[int]) -> None:
    """Gives accounts back. The token grows, so that a late write under the old one is refused."""
    session.execute(
        update(LEASES)
        .where(LeaseRow.account_id.in_(sorted(account_ids)), LeaseRow.owner == worker)
        .values(owner=None, token=LeaseRow.token + 1, taken_at=None)
    )


def owned(session: Session, worker: str) -> dict[int, int]:
    """{account: token} that this worker holds, as committed."""
    rows = session.execute(
        select(LeaseRow.account_id, LeaseRow.token).where(LeaseRow.owner == worker)
    )
    return {account: token for account, token in rows}


def fence(session: Session, tokens: Mapping[int, int]) -> None:
    """The first statement of every worker transaction: raises `LeaseLost` unless all leases still hold.

    An UPDATE, not a locking read: on a cluster only written rows are certified against each other.
    """
    if not tokens:
        return
    statement = update(LEASES).where(_exactly(tokens)).values(beat=LeaseRow.beat + 1)
    if rows_matched(session.execute(statement)) != len(tokens):
        raise LeaseLost("Another worker has at least one of these accounts now.")


def _exactly(tokens: Mapping[int, int]) -> ColumnElement[bool]:
    # The first half is what the index is used for, the second is what is meant.
    return and_(
        LeaseRow.account_id.in_(sorted(tokens)),
        tuple_(LeaseRow.account_id, LeaseRow.token).in_(sorted(tokens.items())),
    )


def _is_over(gone: Collection[str]) -> ColumnElement[bool]:
    silent = WorkerRow.beat_at < DatabaseNow(DEAD_AFTER)
    return or_(silent, WorkerRow.name.in_(sorted(gone))) if gone else silent


def _am_alive(session: Session, worker: str) -> bool:
    statement = (
        update(WORKERS)
        .where(WorkerRow.name == worker, WorkerRow.state == WorkerState.ALIVE)
        .values(beat_at=DatabaseNow())
    )
    return rows_matched(session.execute(statement)) == 1


def _bury(session: Session, owners: set[str], gone: Collection[str]) -> set[str]:
    """Declares dead those of `owners` that are, for good; returns those that live."""
    if not owners:
        return set()
    session.execute(
        update(WORKERS)
        .where(
            WorkerRow.name.in_(sorted(owners)),
            WorkerRow.state != WorkerState.DEAD,
            _is_over(gone),
        )
        .values(state=WorkerState.DEAD)
    )
    living = select(WorkerRow.name).where(
        WorkerRow.name.in_(sorted(owners)), WorkerRow.state != WorkerState.DEAD
    )
    return set(session.scalars(living))
