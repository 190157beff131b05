"""VENUE_ROUTES: an exchange's real hosts answered by a server on this machine (tests, drills)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from worker.errors import NotSent

SOCKETS = {"http": "ws", "https": "wss"}


class RoutingSession:
    """Stands in for ccxt's aiohttp session. ccxt keeps its real addresses, so that signing and its
    tables of errors behave as in production. Where routes are set, no other host is reached.

    `gate()` is asked last before anything leaves; it raises when nothing may.
    """

    def __init__(
        self, session: Any, routes: dict[str, str], gate: Callable[[], None] = lambda: None
    ) -> None:
        self._session = session
        self._routes = routes
        self._gate = gate

    @property
    def headers(self) -> Any:
        return self._session.headers

    @property
    def cookie_jar(self) -> Any:
        return self._session.cookie_jar

    @property
    def closed(self) -> bool:
        return bool(self._session.closed)

    async def close(self) -> None:
        await self._session.close()

    def _routed(self, url: str) -> str:
        self._gate()
        if not self._routes:
            return url
        parts = urlsplit(str(url))
        target = self._routes.get(parts.netloc) or self._routes.get(parts.hostname or "")
        if target is None:
            raise NotSent("no_route", f"{parts.hostname} has no route in VENUE_ROUTES")
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

    def ws_connect(self, url: str, **options: Any) -> Any:
        routed = self._routed(url)
        scheme, separator, rest = routed.partition("://")
        return self._session.ws_connect(SOCKETS.get(scheme, scheme) + separator + rest, **options)
