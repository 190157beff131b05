"""Logging, set up in one place for every process: console, a rotating file, and the database.

`logging.getLogger(__name__).info("A sentence.", extra=about(strategy_id=7))`. Nothing here blocks or ends
the caller: the database is written by a thread of its own from a queue that drops what does not fit.
Whoever logs an exception of an exchange logs its class and code, never its text: it holds the signed URL.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine

from db.log_database import DatabaseHandler
from db.log_lines import LineFormatter
from db.settings import ROOT

FOLDER = ROOT / "var" / "log"
FILE_BYTES = 10_000_000
FILES_KEPT = 10
# Libraries that would tell everything they do; ccxt's debug lines hold signed URLs.
QUIET = ("asyncio", "ccxt", "urllib3", "websockets", "watchdog", "alembic", "PIL", "numba")


@dataclass(frozen=True, slots=True)
class LogSetup:
    """`close` writes what is waiting and gives the handlers back."""

    handlers: tuple[logging.Handler, ...]

    def close(self) -> None:
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


def about(
    *,
    user_id: int | None = None,
    strategy_id: int | None = None,
    client_order_id: str | None = None,
) -> dict[str, Any]:
    """Whom and what a record is about, for `extra`."""
    return {"user_id": user_id, "strategy_id": strategy_id, "client_order_id": client_order_id}


def set_up(
    process: str,
    *,
    engine: Engine | None,
    level: str = "INFO",
    folder: Path = FOLDER,
) -> LogSetup:
    """Call once, in main. `engine` None: console and file only."""
    # A mistake inside a handler must never reach the code that wanted to say something.
    logging.raiseExceptions = False
    console = logging.StreamHandler(sys.stderr)
    handlers: list[logging.Handler] = [console, _file(process, folder)]
    for handler in handlers:
        handler.setFormatter(LineFormatter())
    if engine is not None:
        handlers.append(DatabaseHandler(engine, process))
    root = logging.getLogger()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught
    return LogSetup(tuple(handlers))


def _file(process: str, folder: Path) -> logging.Handler:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(
        folder / f"{process}.log",
        maxBytes=FILE_BYTES,
        backupCount=FILES_KEPT,
        encoding="utf-8",
        delay=True,
    )


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("uncaught").critical(
        "The process ends because of a mistake in the program.", exc_info=(kind, error, trace)
    )
