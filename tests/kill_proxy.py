"""Between a worker and MariaDB: sees which transactions are committed, and strikes at the chosen one.

The worker knows nothing of it: moments such as "the order is written and not sent yet" are aimed at from
outside, by the statements that go over the wire.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

COM_QUERY = 3


class Target(StrEnum):
    """A transaction, by the table that it writes first of those that tell."""

    INTENT = "orders"  # rows of orders, as `sending`
    LEDGER = "venue_orders"  # the venue accepts, fills or cancels
    FILLS = "fills"  # fills are recorded


class Moment(StrEnum):
    """BEFORE: COMMIT never arrives. DURING: it arrives, nobody hears the answer. AFTER: the answer has
    come, and a few milliseconds have passed: what follows the commit is cut off."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Aim:
    target: Target
    moment: Moment
    delay: float
    strike: Callable[[], None]


@dataclass(slots=True)
class Wire:
    """One connection: what its transaction has written, and whether an answer is being waited for."""

    written: set[Target] = field(default_factory=set)
    answer_kills: Aim | None = None
    buffer: bytes = b""


class KillProxy:
    """`aim` is used up by the first commit that it fits. `first_commit`: since `watch` was called."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.aim: Aim | None = None
        self.strikes: Counter[str] = Counter()
        self.first_commit: float | None = None
        self._since = 0.0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.aim = None
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            close(end)

    def watch(self) -> None:
        """A new worker begins: the time until its first commit of trading is taken from here."""
        self._since, self.first_commit = time.monotonic(), None
        self._sockets = [end for end in self._sockets if end.fileno() >= 0]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:  # the server is down: so are we
                close(client)
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            wire = self._new_wire()
            start(self._to_server, client, server, wire)
            start(self._to_client, server, client, wire)

    def _new_wire(self) -> Wire:
        return Wire()

    def _to_server(self, client: socket.socket, server: socket.socket, wire: Wire) -> None:
        while data := received(client):
            aim = self._look(wire, data)
            if aim is not None and aim.moment is Moment.BEFORE:
                aim.strike()
                break
            if aim is not None and aim.moment is Moment.AFTER:
                wire.answer_kills = aim
            if not sent(server, data):
                break
            if aim is not None and aim.moment is Moment.DURING:
                aim.strike()
                break
        close(server)
        close(client)

    def _to_client(self, server: socket.socket, client: socket.socket, wire: Wire) -> None:
        while data := received(server):
            aim, wire.answer_kills = wire.answer_kills, None
            if not sent(client, data):
                break
            if aim is not None:
                time.sleep(aim.delay)
                aim.strike()
        close(client)
        close(server)

    def _look(self, wire: Wire, data: bytes) -> Aim | None:
        """Follow the statements of this connection; the aim that its COMMIT fits."""
        wire.buffer += data
        hit = None
        while len(wire.buffer) >= 4:
            length = int.from_bytes(wire.buffer[:3], "little")
            if len(wire.buffer) < 4 + length:
                break
            packet, wire.buffer = wire.buffer[4 : 4 + length], wire.buffer[4 + length :]
            if packet[:1] == bytes([COM_QUERY]):
                hit = self._statement(wire, packet[1:60]) or hit
        return hit

    def _statement(self, wire: Wire, text: bytes) -> Aim | None:
        words = text.replace(b"`", b"").split(b" ", 3)
        if words[:2] == [b"INSERT", b"INTO"] and words[2].decode() in list(Target):
            wire.written.add(Target(words[2].decode()))
        if text == b"ROLLBACK":
            wire.written.clear()
        if text != b"COMMIT":
            return None
        written, wire.written = wire.written, set()
        with self._lock:
            if written and self.first_commit is None:
                self.first_commit = time.monotonic() - self._since
            aim = self.aim
            if aim is None or aim.target not in written:
                return None
            self.aim = None
            self.strikes[f"{aim.moment} commit of {aim.target}"] += 1
            return aim


def random_aim(luck: random.Random, strike: Callable[[], None]) -> Aim:
    target, moment = luck.choice(list(Target)), luck.choice(list(Moment))
    return Aim(target, moment, luck.uniform(0, 0.006), strike)


def start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def sent(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
