"""The worker is the backtest: candles replayed in lockstep through a real worker on MariaDB give the same
orders and fills as `python -m core backtest`, in the same sequence."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from db.settings import ROOT
from db.verify import verify
from tests.worker_process import WorkerHouse

SHARED = ROOT.parent / "shared" / "candles" / "BTCUSDT-1m-2023.parquet"
JANUARY = 44_640
SYMBOL = "BTC/USDT"
Parameters = dict[str, Any]

QUOTE_FEES = {"tick_size": "0.01", "lot_size": "0.00001", "min_notional": "5", "fee_rate": "0.001"}
COARSE_BASE_FEES = {
    "tick_size": "0.01",
    "lot_size": "0.0003",
    "min_quantity": "0.0006",
    "min_notional": "5",
    "maker_fee": "0.0008",
    "taker_fee": "0.001",
    "fee_currency": "base",
}
BUSY: Parameters = {
    "base_order_size": "100",
    "safety_order_size": "80",
    "max_safety_orders": 6,
    "price_deviation": "0.0015",
    "step_scale": "1.3",
    "volume_scale": "1.3",
    "take_profit": "0.0022",
}
VARIANTS: dict[str, Parameters] = {
    "busy": BUSY,
    "trailing": BUSY | {"take_profit": "0.003", "trailing_deviation": "0.001"},
    "stop from average": BUSY
    | {
        "max_safety_orders": 2,
        "stop_loss": "0.004",
        "after_stop_loss": "continue",
        "stop_loss_cooldown": 3600,
        "max_stop_losses": None,
    },
    "stop from base": BUSY
    | {
        "max_safety_orders": 3,
        "stop_loss": "0.011",
        "stop_loss_reference": "base_order_price",
        "after_stop_loss": "continue",
        "stop_loss_cooldown": 600,
        "max_stop_losses": None,
        "trailing_deviation": "0.0007",
    },
    "few at once, pauses": BUSY
    | {"active_safety_orders": 2, "cooldown": 900, "take_profit_includes_fees": False},
    "waits for a trigger": BUSY | {"trigger_price": "19950", "reinvest": "0.7"},
    "stays in a band": BUSY | {"min_price": "19800", "max_price": "20100", "max_cycles": 40},
    "limit base order": BUSY | {"base_order_type": "limit"},
    "custom levels": {
        "base_order_size": "333.33",
        "custom_levels": [
            {"deviation": "0.001", "size": "50.5"},
            {"deviation": "0.0031", "size": "77"},
            {"deviation": "0.0123456789", "size": "1000"},
        ],
        "take_profit": "0.0021",
    },
}
DUSTY: dict[str, Parameters] = {
    name: VARIANTS[name] for name in ("busy", "trailing", "stop from average", "custom levels")
}


@pytest.fixture
def house(tmp_path: Path, mariadb_url: str) -> Iterator[WorkerHouse]:
    house = WorkerHouse(tmp_path / "house", mariadb_url)
    yield house
    house.close()


def lively_candles(count: int, seed: int) -> pa.Table:
    """Made up: a random walk with jumps between candles and with missing minutes."""
    luck = random.Random(seed)
    rows: list[tuple[float, ...]] = []
    opened, close = 1_700_000_000_000 // 60_000 * 60_000, 20_000.0
    for _ in range(count):
        opened += 60_000 if luck.random() > 0.003 else 60_000 * luck.randint(2, 90)
        jump = luck.gauss(0, 0.004) if luck.random() < 0.01 else 0.0
        # Pulled back to the middle, so that it stays lively for ever.
        drift = (20_000 - close) / 20_000 * 0.002
        start = close * (1 + jump)
        close = start * (1 + drift + luck.gauss(0, 0.0008))
        high = max(start, close) * (1 + abs(luck.gauss(0, 0.0005)))
        low = min(start, close) * (1 - abs(luck.gauss(0, 0.0005)))
        rows.append((opened, *(round(price, 2) for price in (start, high, low, close)), 1.0))
        close = rows[-1][4]
    names = ("timestamp", "open", "high", "low", "close", "volume")
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def replay(
    house: WorkerHouse, candles: pa.Table, market: Mapping[str, Any], variants: Mapping[str, Any]
) -> None:
    """All variants in one worker, an account each; every one must do what its backtest does."""
    series, rules = house.folder / "candles.parquet", house.folder / "market.json"
    pq.write_table(candles, series)
    rules.write_text(json.dumps(market))
    person = house.person()
    strategies = {}
    for name, parameters in variants.items():
        account = house.account(person, name, balance="1000000000")
        strategies[name] = house.strategy(person, account, SYMBOL, parameters)
    with house.start(
        REPLAY_CANDLES=str(series),
        REPLAY_MARKET=str(rules),
        REPLAY_SYMBOL=SYMBOL,
        REPLAY_LOCKSTEP="true",
    ) as worker:
        assert worker.wait(400) == 0, worker.said()
    for name, parameters in variants.items():
        expected = backtest(house.folder, series, rules, parameters)
        orders, fills = traded(house, strategies[name])
        assert expected["fills"], f"{name} does not trade on these candles: no test"
        assert fills == [_fill(fill) for fill in expected["fills"]], name
        assert orders == [_order(order) for order in expected["orders"]], name
    audited = verify(house.engine)
    assert audited["ok"], audited


def backtest(folder: Path, series: Path, rules: Path, parameters: Parameters) -> dict[str, Any]:
    wanted = folder / "parameters.json"
    wanted.write_text(json.dumps(parameters))
    command = [sys.executable, "-m", "core", "backtest", "--fills", "--orders"]
    files = ["--candles", str(series), "--market", str(rules), "--parameters", str(wanted)]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, check=True)
    return json.loads(done.stdout)


def _fill(fill: Mapping[str, Any]) -> tuple[Any, ...]:
    price, quantity = Decimal(fill["price"]), Decimal(fill["quantity"])
    return fill["cycle"], fill["role"], fill["level"], fill["side"], price, quantity


def _order(order: Mapping[str, Any]) -> tuple[Any, ...]:
    price = None if order["price"] is None else Decimal(order["price"])
    return (
        order["cycle"], order["role"], order["level"], order["attempt"], order["side"],
        order["kind"], price, Decimal(order["quantity"]),
    )  # fmt: skip


def traded(house: WorkerHouse, strategy_id: int) -> tuple[list[tuple[Any, ...]], list[Any]]:
    """The strategy's orders as they were written, and its fills as the venue numbered them."""
    orders = (
        "SELECT cycle_number, role, NULLIF(level, -1), attempt, side, kind, price, quantity"
        " FROM orders WHERE strategy_id = :id ORDER BY cycle_number, position"
    )
    fills = (
        "SELECT f.cycle_number, f.role, NULLIF(f.level, -1), f.side, f.price, f.quantity"
        " FROM fills f JOIN venue_trades t USING (account_id, symbol, trade_id)"
        " WHERE f.strategy_id = :id ORDER BY t.seq"
    )
    with house.engine.connect() as connection:
        found = [connection.execute(text(q), {"id": strategy_id}).all() for q in (orders, fills)]
    return [tuple(row) for row in found[0]], [tuple(row) for row in found[1]]


@pytest.mark.slow
def test_every_variant_trades_as_its_backtest(house):
    replay(house, lively_candles(1500, seed=7), QUOTE_FEES, VARIANTS)


@pytest.mark.slow
def test_fees_in_coins_and_dust_are_as_in_the_backtest(house):
    replay(house, lively_candles(1500, seed=8), COARSE_BASE_FEES, DUSTY)


@pytest.mark.slow
def test_a_month_of_real_candles_trades_as_its_backtest(house):
    if SHARED.exists():
        month = pq.read_table(SHARED).slice(0, JANUARY)
        assert month.num_rows == JANUARY
    else:
        month = lively_candles(8000, seed=9)
    replay(house, month, QUOTE_FEES, {"busy": BUSY})
