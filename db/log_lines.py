"""How a record reads: one line, and of an exception its class and place, never its text."""

from __future__ import annotations

import logging
import os
import time
import traceback
from pathlib import Path
from types import TracebackType

from db.settings import ROOT

ABOUT = ("user_id", "strategy_id", "client_order_id")


class LineFormatter(logging.Formatter):
    """time, level, person, strategy, order, sentence; one line, whatever the sentence holds."""

    def format(self, record: logging.LogRecord) -> str:
        person, strategy, order = (getattr(record, name, None) for name in ABOUT)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = (
            f"{moment}.{int(record.msecs):03d}Z {record.levelname:<7} user={person or '-'}"
            f" strategy={strategy or '-'} order={order or '-'} {sentence_of(record)}"
        )
        return one_line(line)


def sentence_of(record: logging.LogRecord) -> str:
    """The message, and of an exception its class and place only."""
    sentence = record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        sentence += f" [{place_of(record.exc_info[0], record.exc_info[2])}]"
    return sentence


def place_of(kind: type[BaseException], trace: TracebackType | None) -> str:
    """ "KeyError at worker/desk.py:41 in plan": where it came from without what it says."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return kind.__name__
    own = [frame for frame in frames if frame.filename.startswith(str(ROOT) + os.sep)]
    last = (own or frames)[-1]
    name = os.path.relpath(last.filename, ROOT) if own else Path(last.filename).name
    return f"{kind.__name__} at {name}:{last.lineno} in {last.name}"


def one_line(text: str) -> str:
    """Nobody writes a second line, or moves a terminal's cursor, by what they typed into a form."""
    return "".join(c if c.isprintable() else " " for c in text)
