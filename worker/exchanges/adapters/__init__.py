"""The exchanges on which real orders are possible: `ADAPTERS`, by ccxt's id."""

from __future__ import annotations

from core.errors import InvalidInput
from worker.exchanges.adapter import Adapter
from worker.exchanges.adapters.binance import BINANCE
from worker.exchanges.adapters.bitget import BITGET
from worker.exchanges.adapters.bybit import BYBIT
from worker.exchanges.adapters.gate import GATE
from worker.exchanges.adapters.kraken import KRAKEN
from worker.exchanges.adapters.kucoin import KUCOIN
from worker.exchanges.adapters.okx import OKX

_ALL = (BINANCE, BYBIT, OKX, KRAKEN, KUCOIN, GATE, BITGET)
ADAPTERS: dict[str, Adapter] = {adapter.exchange: adapter for adapter in _ALL}


def adapter_of(exchange: str) -> Adapter:
    """Raises `InvalidInput` where nobody has written down how orders travel."""
    found = ADAPTERS.get(exchange)
    if found is None:
        raise InvalidInput(
            "exchange",
            f"on {exchange[:40]} real orders are not possible; paper trading is.",
        )
    return found
