"""VENUE_ROUTES: an exchange's real hosts answered by a server on this machine (tests, drills)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import aiohttp

from worker.errors import VenueUnavailable


class RoutingSession:
    """Stands in for ccxt's aiohttp session. ccxt keeps its real addresses, so that signing and its
    tables of errors behave as in production. Where routes are set, no other host is reached."""

    def __init__(self, session: aiohttp.ClientSession, routes: dict[str, str]) -> None:
        self._session = session
        self._routes = routes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def _routed(self, url: str) -> str:
        if not self._routes:
            return url
        parts = urlsplit(str(url))
        target = self._routes.get(parts.netloc) or self._routes.get(parts.hostname or "")
        if target is None:
            raise VenueUnavailable(f"{parts.hostname} has no route in VENUE_ROUTES")
        query = f"?{parts.query}" if parts.query else ""
        return target.rstrip("/") + parts.path + query

    def get(self, url: str, **options: Any) -> Any:
        return self._session.get(self._routed(url), **options)

    def post(self, url: str, **options: Any) -> Any:
        return self._session.post(self._routed(url), **options)

    def put(self, url: str, **options: Any) -> Any:
        return self._session.put(self._routed(url), **options)

    def patch(self, url: str, **options: Any) -> Any:
        return self._session.patch(self._routed(url), **options)

    def delete(self, url: str, **options: Any) -> Any:
        return self._session.delete(self._routed(url), **options)
