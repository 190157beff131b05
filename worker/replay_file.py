"""Reads the file that REPLAY_CANDLES names, when it names one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet

from core.command_line.reading import read_candles, read_market
from core.errors import InvalidInput
from core.market import Market
from worker.prices.replay import ReplayPrices
from worker.settings import WorkerSettings


def read_replay(settings: WorkerSettings) -> ReplayPrices | None:
    """The prices to replay; None when none are named. Raises `InvalidInput` naming the variable."""
    if settings.replay_candles is None:
        return None
    try:
        table = pyarrow.parquet.read_table(settings.replay_candles)
    except (OSError, pyarrow.ArrowInvalid):
        raise InvalidInput(
            "REPLAY_CANDLES", f"cannot be read as Parquet: {settings.replay_candles}."
        ) from None
    candles = read_candles({name: table.column(name).to_pylist() for name in table.column_names})
    market = replace(_market(settings.replay_market), symbol=settings.replay_symbol)
    return ReplayPrices(market, candles, settings.replay_speed)


def _market(path: Path | None) -> Market:
    if path is None:
        raise InvalidInput("REPLAY_MARKET", "is missing; name the file with the market's rules.")
    try:
        source = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise InvalidInput("REPLAY_MARKET", f"cannot be read as JSON: {path}.") from None
    return read_market(source)[0]
