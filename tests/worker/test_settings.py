"""A wrong setting stops the start and is named."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest

from core.errors import InvalidInput
from worker.replay_file import read_replay
from worker.settings import read_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` of the developer's."""
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_defaults_hold():
    settings = read_settings()
    assert (settings.routes, settings.heartbeat_url, settings.log_level) == ({}, None, "INFO")
    assert read_replay(settings) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VENUE_ROUTES", "not json"),
        ("VENUE_ROUTES", "[]"),
        ("VENUE_ROUTES", '"http://127.0.0.1"'),
        ("VENUE_ROUTES", '{"api.binance.com": "https://example.com"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "http://127.0.0.1.example.com"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "http://127.example.com:80"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "http://10.0.0.1"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "127.0.0.1:80"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "ftp://127.0.0.1"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "http://[::2]"}'),
        ("VENUE_ROUTES", '{"api.binance.com": "http://["}'),
        ("VENUE_ROUTES", '{"api.binance.com": null}'),
        ("HEARTBEAT_URL", "ftp://example.com"),
        ("HEARTBEAT_URL", "example.com"),
        ("PUBLIC_ADDRESS", "my.host.example"),
        ("LOG_LEVEL", "loud"),
        ("LOG_RETENTION_DAYS", "0"),
        ("LOG_RETENTION_DAYS", "soon"),
        ("REPLAY_SPEED", "0"),
        ("REPLAY_SPEED", "nan"),
        ("REPLAY_SPEED", "1e9"),
        ("REPLAY_LOCKSTEP", "perhaps"),
        *[("ALLOW_LIVE", value) for value in ("yes", "on", "2", "True", "TRUE", "1 ", "y", "-1")],
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name) as problem:
        read_settings()
    assert "Mend it in the environment or in .env" in str(problem.value)


@pytest.mark.parametrize(
    ("value", "allowed"), [("0", False), ("1", True), ("false", False), ("true", True)]
)
def test_whether_real_money_moves_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, value: str, allowed: bool
):
    assert read_settings().allow_live is False
    monkeypatch.setenv("ALLOW_LIVE", value)
    assert read_settings().allow_live is allowed


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "https://localhost/x", "http://[::1]:9", "http://127.8.8.8"]
)
def test_addresses_of_this_machine_are_accepted(monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv("VENUE_ROUTES", orjson.dumps({"api.binance.com": url}).decode())
    assert read_settings().routes == {"api.binance.com": url}


# --- the file to replay


def a_file(folder: Path, **columns: list[object]) -> Path:
    file = folder / "candles.parquet"
    values = {"timestamp": [0, 60_000], "volume": [1.0, 1.0]}
    values |= {name: [100.0, 100.0] for name in ("open", "high", "low", "close")}
    pyarrow.parquet.write_table(pyarrow.table(values | columns), file)
    return file


def a_market_file(folder: Path, text: str = '{"tick_size": "0.01", "lot_size": "0.001"}') -> Path:
    file = folder / "market.json"
    file.write_text(text)
    return file


def test_a_replay_is_read_with_its_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPLAY_CANDLES", str(a_file(tmp_path)))
    monkeypatch.setenv("REPLAY_MARKET", str(a_market_file(tmp_path)))
    monkeypatch.setenv("REPLAY_SYMBOL", "ETH/USDT")
    replay = read_replay(read_settings())
    assert replay is not None
    assert (replay.traded.symbol, len(replay.series)) == ("ETH/USDT", 2)


def test_a_replay_file_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPLAY_CANDLES", str(tmp_path / "nowhere.parquet"))
    with pytest.raises(InvalidInput, match="REPLAY_CANDLES"):
        read_replay(read_settings())
    (tmp_path / "text.parquet").write_text("not parquet")
    monkeypatch.setenv("REPLAY_CANDLES", str(tmp_path / "text.parquet"))
    with pytest.raises(InvalidInput, match="REPLAY_CANDLES"):
        read_replay(read_settings())


@pytest.mark.parametrize("text", [None, "not json", "[]", '{"tick_size": "-1"}'])
def test_a_market_file_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
):
    monkeypatch.setenv("REPLAY_CANDLES", str(a_file(tmp_path)))
    if text is not None:
        monkeypatch.setenv("REPLAY_MARKET", str(a_market_file(tmp_path, text)))
    with pytest.raises(InvalidInput):
        read_replay(read_settings())
