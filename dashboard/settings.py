"""The dashboard's own settings, from the environment or `.env`."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class DashboardSettings(BaseSettings):
    """`secure_cookies`: served over TLS. `trust_proxy`: X-Real-IP is set by a proxy of ours."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    secure_cookies: bool = False
    trust_proxy: bool = False
    log_level: str = "INFO"

    @property
    def cookie_name(self) -> str:
        """Browsers keep a `__Host-` cookie to this very host, and only over TLS."""
        return "__Host-stepladder" if self.secure_cookies else "stepladder"
