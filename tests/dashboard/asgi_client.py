"""Asks an ASGI app without a server and without a further package."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        zipped = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if zipped else self.body).decode()

    def json(self) -> Any:
        return orjson.loads(self.body)


class AsgiClient:
    def __init__(self, app: Any) -> None:
        self.app = app

    def get(self, path: str) -> Answer:
        return self.ask("GET", path, {})

    def post(self, path: str, headers: Mapping[str, str]) -> Answer:
        return self.ask("POST", path, headers)

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        return asyncio.run(self._ask(method, path, {"Host": "testserver", **headers}))

    async def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        found = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], found, body)
