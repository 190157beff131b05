"""The log in the database, where screens read it. A thread of its own writes it, many records at once."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.errors import StepladderError
from db.log_lines import one_line, sentence_of
from db.statements import insert_rows
from db.tables import LogRecord
from db.transactions import run

MOST_WAITING = 10_000
MOST_AT_ONCE = 200
WRITE_EVERY = 1.0
CLOSE_WITHIN = 5.0
LONGEST_SENTENCE = 4000


class DatabaseHandler(logging.Handler):
    """What does not fit into the queue is counted and told later, not waited for."""

    def __init__(self, engine: Engine, process: str) -> None:
        super().__init__()
        self._engine = engine
        self._process = process
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
        self._closing = threading.Event()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_always, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        # What writing a record says itself would write records for ever.
        if threading.current_thread() is self._thread or self._closing.is_set():
            return
        try:
            row = self._row(record)
        except (TypeError, ValueError):
            self.handleError(record)
            return
        try:
            self._waiting.put_nowait(row)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Writes what is waiting, for a few seconds at most."""
        self._closing.set()
        self._thread.join(CLOSE_WITHIN)
        super().close()

    def _write_always(self) -> None:
        while not self._closing.wait(WRITE_EVERY):
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        while rows := self._take():
            try:
                run(self._engine, functools.partial(_insert, rows=rows))
            except (StepladderError, SQLAlchemyError, OSError):
                # Console and file have them; when the database is away, trading has other worries.
                self._dropped += len(rows)
                return

    def _take(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while len(rows) < MOST_AT_ONCE:
            try:
                rows.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        if rows and self._dropped:
            dropped, self._dropped = self._dropped, 0
            said = f"{dropped} log records are missing here; the file in var/log has them."
            rows.append(rows[-1] | {"level": "WARNING", "logger": __name__, "sentence": said})
        return rows

    def _row(self, record: logging.LogRecord) -> dict[str, Any]:
        order = getattr(record, "client_order_id", None)
        return {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname[:24],
            "logger": _ascii(record.name)[:100],
            "process": _ascii(self._process)[:100],
            "sentence": one_line(sentence_of(record))[:LONGEST_SENTENCE],
            "user_id": getattr(record, "user_id", None),
            "strategy_id": getattr(record, "strategy_id", None),
            "client_order_id": None if order is None else _ascii(str(order))[:32],
        }


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    insert_rows(session, LogRecord, rows)


def _ascii(text: str) -> str:
    return "".join(c if " " < c <= "~" else "_" for c in text)
