"""A server between us and MariaDB that loses the connection at COMMIT, before or after it happened."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

COMMIT = b"COMMIT"


class CutAtCommit:
    """Listens on `port`. `cut` is None (pass on), "before" (COMMIT is swallowed) or "after" (its answer is).

    Only the next COMMIT is cut; `cuts` counts them.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.cut: str | None = None
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            _close(end)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self._sockets += [client, server]
            swallow = threading.Event()
            self._start(self._to_server, client, server, swallow)
            self._start(self._to_client, server, client, swallow)

    def _to_server(
        self, client: socket.socket, server: socket.socket, swallow: threading.Event
    ) -> None:
        while data := _received(client):
            cut = self.cut if COMMIT in data else None
            if cut == "before":
                self._count()
                break
            if cut == "after":
                swallow.set()
            server.sendall(data)
        if not swallow.is_set():
            _close(server)
            _close(client)

    def _to_client(
        self, server: socket.socket, client: socket.socket, swallow: threading.Event
    ) -> None:
        while data := _received(server):
            if swallow.is_set():
                # The server has answered, so it has happened; the client will never hear of it.
                self._count()
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _close(client)
        _close(server)

    def _count(self) -> None:
        self.cut, self.cuts = None, self.cuts + 1


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class SlowProxy:
    """Listens on `port`; holds the server's next answer back for `delay_next` seconds. `delayed` counts."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.delay_next = 0.0
        self.delayed = 0
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            _close(end)
        for thread in self._threads:
            thread.join(5)

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self._sockets += [client, server]
            self._start(self._pass_on, client, server, False)
            self._start(self._pass_on, server, client, True)

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        while data := _received(source):
            if is_answer and self.delay_next:
                delay, self.delay_next = self.delay_next, 0.0
                self.delayed += 1
                self._closing.wait(delay)
            try:
                target.sendall(data)
            except OSError:
                break
        _close(target)
        _close(source)
