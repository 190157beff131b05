"""V15 and V20: no secret in any byte written, and the exchange's budget and bans respected."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.exchange.weights import Weights

SHARE = 80
GRACE_MS = 1000


class KeptLog(logging.Handler):
    """Every line that would have been written, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def kept_log() -> Iterator[KeptLog]:
    """The log goes nowhere but here meanwhile."""
    root, kept = logging.getLogger(), KeptLog()
    before, level = list(root.handlers), root.level
    root.handlers[:] = [kept]
    root.setLevel(logging.INFO)
    try:
        yield kept
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def v15_no_secret_written(secrets: Iterable[str], written: Iterable[str]) -> Iterator[str]:
    """No byte string of a key appears in the log, in a table or in the trace."""
    wanted = list(secrets)
    for text in written:
        for number, secret in enumerate(wanted):
            if secret in text:
                yield f"secret {number} stands in what was written: {text.replace(secret, '***')[:120]}"


def v20_within_the_budget(weights: Weights) -> Iterator[str]:
    """Never more than 80 % of the weight that an address may use in a minute, no request during a ban."""
    if weights.heaviest() * 100 > weights.limit * SHARE:
        yield f"{weights.heaviest()} of {weights.limit} were used in a minute"
    for ignored in weights.requests_during_bans(GRACE_MS):
        yield f"{ignored.path} was asked {ignored.since_told} ms after {ignored.status} was told"


def everything_stored(connection: Any) -> Iterator[str]:
    """The whole database as text."""
    yield from connection.iterdump()
