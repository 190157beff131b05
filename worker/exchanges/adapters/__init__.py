"""The exchanges on which real orders are possible: `ADAPTERS`, by ccxt's id."""

from __future__ import annotations

from core.errors import InvalidInput
from worker.exchanges.adapter import Adapter
from worker.exchanges.adapters.binance import BINANCE

ADAPTERS: dict[str, Adapter] = {adapter.exchange: adapter for adapter in (BINANCE,)}


def adapter_of(exchange: str) -> Adapter:
    """Raises `InvalidInput` where nobody has written down how orders travel."""
    found = ADAPTERS.get(exchange)
    if found is None:
        raise InvalidInput(
            "exchange",
            f"on {exchange[:40]} real orders are not possible; paper trading is.",
        )
    return found
