"""prepare: everything that must be there before dashboard and worker start. Speaks plain words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from db import keys, links, migrate
from db.engine import is_sqlite
from db.transactions import run

BACKUPS_KEPT = 20


def prepare(engine: Engine, *, folder: Path, at: datetime) -> list[str]:
    """What to tell the person, one sentence each. `folder`: of the keys."""
    said = _prepare_keys(folder)
    before = migrate.current_version(engine)
    if before != migrate.newest_version():
        copy = _copy(engine, before, at)
        if copy is not None:
            said.append(
                f"The database is brought to a newer version; a copy of it is kept in {copy}."
            )
        migrate.upgrade(engine)
    if run(engine, links.needs_setup, write=False):
        code = run(engine, lambda session: links.make_setup_code(session, at=at))
        said += [
            "",
            f"    Your one-time set-up code: {code}",
            "",
            "Open the dashboard in your browser and enter this code to create the administrator's login."
            f" It works once, for {links.SETUP_LIFE.days} days; the next start makes a new one.",
        ]
    return said


def _prepare_keys(folder: Path) -> list[str]:
    made = keys.prepare_keys(folder)
    if not made:
        return []
    return [f"New keys were made in {folder}/ ({', '.join(made)}). {keys.LOSS}"]


def _copy(engine: Engine, version: str | None, at: datetime) -> Path | None:
    """A copy of the SQLite file, whole even while others write. None: there is nothing to copy."""
    name = engine.url.database
    if version is None or not is_sqlite(engine) or name is None or not Path(name).is_file():
        return None
    folder = Path(name).parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{Path(name).stem}-{version}-{at:%Y%m%dT%H%M%S}.db"
    draft = copy.with_suffix(".new")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with (
        contextlib.closing(sqlite3.connect(name)) as source,
        contextlib.closing(sqlite3.connect(draft)) as target,
    ):
        source.backup(target)
    draft.rename(copy)
    for old in sorted(folder.glob("*.db"), key=lambda file: file.stat().st_mtime)[:-BACKUPS_KEPT]:
        old.unlink()
    return copy
