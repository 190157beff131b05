"""`python -m worker`: settings, logging, signals, and the supervisor until SIGTERM.

`python -m worker --check` reads the settings only: exit 2 with a sentence when one of them is wrong.
`python -m worker rotate-keys` makes a new key pair and seals every exchange key anew.
`python -m worker accept-database` says that a database that was set back may be traded with again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from core.errors import StepladderError
from db.engine import make_engine
from db.keys import audit_key
from db.log import set_up
from db.migrate import check_version
from db.settings import DatabaseSettings
from db.transactions import run
from worker.database import Database
from worker.keys.rotate_command import rotate_keys
from worker.replay_file import read_replay
from worker.restored import FILE, accept
from worker.settings import read_settings
from worker.supervisor import Supervisor

log = logging.getLogger("worker")
SWITCH_EACH = 0.001
"""Seconds after which a thread that computes lets another in: an answer from the database must not wait
the usual 5 ms for each of its packets."""


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["rotate-keys"]:
        return rotate_keys(arguments[1:])
    if arguments[:1] == ["accept-database"]:
        return accept_database()
    try:
        settings = read_settings()
        replay = read_replay(settings)
        engine = make_engine(DatabaseSettings().database_url)
        if "--check" in arguments:
            return 0
        key = audit_key()
        check_version(engine)
    except StepladderError as problem:
        print(problem, file=sys.stderr)
        return 2
    logs = set_up("worker", engine=engine, level=settings.log_level)
    database = Database(engine)
    sys.setswitchinterval(SWITCH_EACH)
    try:
        asyncio.run(serve(Supervisor(database, settings, replay, key, position_file=FILE)))
    except StepladderError as problem:
        log.error("the worker ends: %s", problem)
        return 1
    finally:
        logs.close()
        database.close()
    return 0


def accept_database() -> int:
    try:
        engine = make_engine(DatabaseSettings().database_url)
        check_version(engine)
        last = run(engine, accept, write=False)
    except StepladderError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"The database is taken as it is, up to journal row {last}.")
    return 0


async def serve(supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stopping.set)
    await supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
