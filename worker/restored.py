"""Has the database been set back? A backup or a failover that lost the last rows forgets orders that rest on
an exchange, or have filled there, and the same order would be placed again.

Each worker keeps on its host which row of the journal it has seen last. Where that row is gone, or is another
one now, the database was set back: live accounts are not served until the operator has looked and says so
(`python -m worker accept-database`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from datetime import datetime
from pathlib import Path

import orjson

from db import installation, journal
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from db.settings import ROOT
from worker.clock import monotonic
from worker.database import Database

log = logging.getLogger(__name__)
FILE = ROOT / "var" / "database.position"
LOOK_EACH = 5.0
LAGS = 10.0
"""Seconds for which a node of a cluster may be behind another without meaning anything."""
SET_BACK = (
    "The database is older than what was here before (row {seen} of the journal is gone): it was restored"
    " from a backup, or a failover lost its last rows. Orders may rest on exchanges that it does not know, so"
    " live accounts are not served. The operator compares them with the exchanges, cancels what starts with"
    " s{code} there, and runs: python -m worker accept-database"
)


Position = tuple[int, datetime]
"""Number and time of a row of the journal."""


class Restored:
    """`problem`: why nothing is traded live; None: the database is at least as new as it ever was."""

    def __init__(self, database: Database, file: Path = FILE) -> None:
        self.database = database
        self.file = file
        self.problem: str | None = None
        self._was_fine = False
        self._behind_since: float | None = None

    async def keep(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EACH)
            try:
                await self.look()
            except (CommitUnknown, DatabaseUnavailable) as error:
                log.warning("how old the database is could not be read: %s", error)

    async def look(self) -> None:
        """Compares, and remembers how far the journal goes now."""
        remembered = read_positions(self.file)
        code, last, is_there = await self.database.read(lambda s: _compare(s, remembered))
        if is_there:
            self.problem, self._behind_since, self._was_fine = None, None, True
            if last is not None and last != remembered.get(code):
                await self.database.call(write_position, self.file, code, last)
            return
        if self._behind_since is None:
            self._behind_since = monotonic()
        if not self._was_fine or monotonic() - self._behind_since >= LAGS:
            seen, _ = remembered[code]
            if self.problem is None:
                log.error("the database was set back: journal row %s is gone", seen)
            self.problem = SET_BACK.format(seen=seen, code=code)


def accept(session: Session, file: Path | None = None) -> int:
    """The operator has looked: from now on the database is taken as it is. Returns its last journal row."""
    code, last, _ = _compare(session, {})
    write_position(file or FILE, code, last)
    return 0 if last is None else last[0]


def read_positions(file: Path) -> dict[str, Position]:
    """By installation; what cannot be read is nothing, as on a new host."""
    try:
        known = orjson.loads(file.read_bytes())
        return {code: (int(row), datetime.fromisoformat(at)) for code, (row, at) in known.items()}
    except (OSError, AttributeError, TypeError, ValueError):
        return {}


def write_position(file: Path, code: str, position: Position | None) -> None:
    """In one step: the file is never half written. A disk that is full ends nothing."""
    known = read_positions(file)
    known.pop(code, None)
    if position is not None:
        known[code] = position
    written = {each: [row, at.isoformat()] for each, (row, at) in known.items()}
    draft = file.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(orjson.dumps(written))
        draft.replace(file)


def _compare(
    session: Session, remembered: dict[str, Position]
) -> tuple[str, Position | None, bool]:
    """The installation, the journal's last row, and whether the row remembered is there as it was."""
    code = installation.code(session)
    seen = remembered.get(code)
    is_there = seen is None or journal.written_at(session, seen[0]) == seen[1]
    return code, journal.last_row(session), is_there
