"""Where the database is, from the environment or `.env`."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SQLITE_FILE = ROOT / "var" / "stepladder.db"


class DatabaseSettings(BaseSettings):
    """An empty DATABASE_URL means the built-in SQLite file. `make_engine` says what is wrong with an URL."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    database_url: str = f"sqlite:///{SQLITE_FILE}"
