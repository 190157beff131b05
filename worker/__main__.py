"""`python -m worker`: settings, logging, signals, and the supervisor until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from core.errors import StepladderError
from db.engine import make_engine
from db.keys import audit_key
from db.log import set_up
from db.settings import DatabaseSettings
from worker.database import Database
from worker.replay_file import read_replay
from worker.settings import read_settings
from worker.supervisor import Supervisor

log = logging.getLogger("worker")


def main() -> int:
    try:
        settings = read_settings()
        replay = read_replay(settings)
        engine = make_engine(DatabaseSettings().database_url)
        key = audit_key()
    except StepladderError as problem:
        print(problem, file=sys.stderr)
        return 2
    logs = set_up("worker", engine=engine, level=settings.log_level)
    database = Database(engine)
    try:
        asyncio.run(serve(Supervisor(database, settings, replay, key)))
    except StepladderError as problem:
        log.error("the worker ends: %s", problem)
        return 1
    finally:
        logs.close()
        database.close()
    return 0


async def serve(supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stopping.set)
    await supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
