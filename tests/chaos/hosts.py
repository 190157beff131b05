"""A worker's view of its node of a cluster, for tests that need no whole worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy import Engine, event, text, update

from db import leases
from db.clock import DatabaseNow
from db.statements import table_of
from db.tables import WorkerRow
from db.transactions import Session, run

WORKERS = table_of(WorkerRow)
# All alike and without a key: seconds to apply, row by row, on the other nodes; a moment here.
SLOW_ROWS = 6000


def prepare(engine: Engine) -> None:
    """Tables beside ours: one for marks, one whose changes keep the other nodes busy."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE marks (mark VARCHAR(60) PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE slow (a INT)"))
        connection.execute(text(f"INSERT INTO slow SELECT 0 FROM seq_1_to_{SLOW_ROWS}"))


class Host:
    """`codes` counts the errors that the node answered."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self.codes: Counter[int] = Counter()
        event.listen(engine, "handle_error", self._count)
        run(engine, lambda s: leases.register_worker(s, name, name, 1, "boot", "b1"))

    def _count(self, context) -> None:
        self.codes[context.original_exception.args[0]] += 1

    def take(self, account: int) -> int | None:
        return run(self.engine, lambda s: leases.take(s, self.name, account))

    def mark(self, mark: str, fence: Callable[[Session], None]) -> None:
        """A unit as workers write them: the fence first, then what is to be written."""

        def unit(session: Session) -> None:
            fence(session)
            session.execute(text("INSERT INTO marks VALUES (:mark)"), {"mark": mark})

        run(self.engine, unit)

    def sees(self, mark: str) -> bool:
        query = text("SELECT COUNT(*) FROM marks WHERE mark = :mark")
        return bool(run(self.engine, lambda s: s.scalar(query, {"mark": mark})))

    def catch_up(self) -> None:
        """Returns when this node has applied whatever was committed anywhere before."""

        def unit(session: Session) -> None:
            session.execute(text("SET SESSION wsrep_sync_wait = 1"))
            session.execute(text("SELECT 1"))
            session.execute(text("SET SESSION wsrep_sync_wait = 0"))

        run(self.engine, unit)

    def declare_silent(self, other: Host) -> None:
        """As if the other worker had not beaten for a minute."""
        row = update(WORKERS).where(WORKERS.c.name == other.name)
        run(self.engine, lambda s: s.execute(row.values(beat_at=DatabaseNow(60))))

    def slow_the_others_down(self) -> None:
        """What this node commits from now on is applied by the others only some seconds later."""
        run(self.engine, lambda s: s.execute(text("UPDATE slow SET a = a + 1")))
