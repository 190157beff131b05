"""What the worker is told by its environment or `.env`. A wrong value stops the start by name."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import InvalidInput

SWITCH = {"0": False, "1": True, "false": False, "true": True}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class WorkerSettings(BaseSettings):
    """allow_live: whether live accounts are served at all. public_address: where exchanges see this worker,
    shown to people who bind their keys to it. replay_*: a file of candles that stands in for
    the simulated market (tests, drills). lag_file: where `worker.lags` writes a line each second
    (benchmarks)."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    allow_live: bool = False
    public_address: str | None = None
    venue_routes: str = "{}"
    heartbeat_url: str | None = None
    log_level: str = "INFO"
    log_retention_days: int = 90
    lag_file: Path | None = None
    replay_candles: Path | None = None
    replay_market: Path | None = None
    replay_symbol: str = "BTC/USDT"
    replay_speed: float = 1.0
    replay_lockstep: bool = False

    @field_validator("venue_routes")
    @classmethod
    def _only_loopback(cls, value: str) -> str:
        routes = orjson.loads(value)
        if not isinstance(routes, dict):
            raise ValueError("must be an object: host to URL")
        for host, url in routes.items():
            target = urlsplit(str(url))
            if target.scheme not in ("http", "https") or not _is_this_machine(
                target.hostname or ""
            ):
                raise ValueError(f"{host}: only addresses of this machine are accepted")
        return value

    @field_validator("public_address")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        return None if value is None else str(ipaddress.ip_address(value.strip()))

    @field_validator("allow_live", mode="before")
    @classmethod
    def _said_plainly(cls, value: object) -> object:
        """Whether real money moves hangs on it: only these words, nothing that might mean them."""
        if isinstance(value, bool):
            return value
        if value not in SWITCH:
            raise ValueError("must be 0 or 1 (or false, true)")
        return SWITCH[str(value)]

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in LEVELS:
            raise ValueError(f"must be one of {', '.join(LEVELS)}")
        return value.upper()

    @field_validator("log_retention_days")
    @classmethod
    def _some_days(cls, value: int) -> int:
        if value < 1:
            raise ValueError("must be 1 or more")
        return value

    @field_validator("replay_speed")
    @classmethod
    def _forward(cls, value: float) -> float:
        if not 0 < value <= 10_000:
            raise ValueError("must be above 0 and at most 10000")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must start with http:// or https://")
        return value

    @property
    def routes(self) -> dict[str, str]:
        found: dict[str, str] = orjson.loads(self.venue_routes)
        return found


def _is_this_machine(host: str) -> bool:
    """Names other than localhost are refused: somebody else's DNS says where they lead."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings() -> WorkerSettings:
    """Raises `InvalidInput` naming the variable."""
    try:
        return WorkerSettings()
    except ValidationError as problems:
        first = problems.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise InvalidInput(name, f"{said}. Mend it in the environment or in .env.") from None
