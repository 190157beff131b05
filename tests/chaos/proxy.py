"""Between one worker and its database: cuts, lost answers, error codes, silence and delay, one at a time."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from tests.kill_proxy import COM_QUERY, Aim, KillProxy, Moment, Wire, close, received, sent

# What a real server does beside answering these: it undoes the whole transaction.
UNDOING = frozenset({1213, 1290, 1836, 1792, 1020, 1047, 1053, 1927})
AT_STATEMENTS = (1205, 1213, 1020, 1290, 1053, 1317, 1969, 1047, 1927, 1040)
AT_COMMITS = (1213, 1290, 1020, 1047)
STATEMENTS = (b"INSERT", b"UPDATE")
FAULT_OF_CODE = {1205: "D4", 1213: "D3", 1290: "D10", 1053: "D15", 1040: "D15", 1047: "D10"}


class Kind(StrEnum):
    """LOST: COMMIT never arrives. SWALLOWED: it happened, nobody hears of it. ERROR: answered with `code`.
    SILENCE: the connection hangs until the client gives up. DELAY: everything is slow for a while."""

    LOST = "commit lost"
    SWALLOWED = "commit's answer swallowed"
    CUT = "cut in the middle"
    ERROR = "error"
    SILENCE = "silence"
    DELAY = "delay"


FAULT_OF_KIND = {
    Kind.LOST: "D2",
    Kind.SWALLOWED: "D2",
    Kind.CUT: "D1",
    Kind.SILENCE: "P14",
    Kind.DELAY: "D9",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """`at_commit`: strikes a COMMIT of trading rows, else a statement that writes."""

    kind: Kind
    at_commit: bool
    code: int = 0

    @property
    def fault(self) -> str | None:
        return FAULT_OF_CODE.get(self.code) if self.code else FAULT_OF_KIND[self.kind]

    def __str__(self) -> str:
        where = "commit" if self.at_commit else "statement"
        return f"error {self.code} at a {where}" if self.code else self.kind.value


@dataclass(slots=True)
class TroubledWire(Wire):
    """`commits`: whether the last COMMIT that was seen here was one of trading rows."""

    swallow: bool = False
    drop_answers: int = 0
    commits: bool = False


def random_trouble(luck: random.Random) -> Trouble:
    kind = luck.choice([*Kind, Kind.ERROR, Kind.ERROR, Kind.ERROR])
    if kind is not Kind.ERROR:
        return Trouble(kind, at_commit=kind in (Kind.LOST, Kind.SWALLOWED))
    at_commit = luck.random() < 0.3
    return Trouble(kind, at_commit, luck.choice(AT_COMMITS if at_commit else AT_STATEMENTS))


class FaultProxy(KillProxy):
    """`trouble` is used up by the first statement or commit that it fits; `troubles` counts what struck."""

    def __init__(self, server_port: int) -> None:
        super().__init__(server_port)
        self.trouble: Trouble | None = None
        self.troubles: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.delay_until = 0.0

    def _new_wire(self) -> TroubledWire:
        return TroubledWire()

    def _to_server(self, client: socket.socket, server: socket.socket, wire: Wire) -> None:
        assert isinstance(wire, TroubledWire)
        while data := received(client):
            if time.monotonic() < self.delay_until:
                time.sleep(random.uniform(0.05, 0.8))
            is_whole = not wire.buffer
            aim = self._look(wire, data)
            trouble = self._fitting(wire, data) if is_whole else None
            if aim is not None and aim.moment is Moment.BEFORE:
                aim.strike()
                break
            if trouble is not None and not self._befall(trouble, wire, client, server, data):
                break
            if trouble is not None and trouble.kind is not Kind.DELAY:
                continue
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
        assert isinstance(wire, TroubledWire)
        while data := received(server):
            if wire.drop_answers:
                wire.drop_answers -= 1
                continue
            if wire.swallow:
                break
            aim, wire.answer_kills = wire.answer_kills, None
            if not sent(client, data):
                break
            if aim is not None:
                time.sleep(aim.delay)
                aim.strike()
        close(client)
        close(server)

    def _statement(self, wire: Wire, text: bytes) -> Aim | None:
        assert isinstance(wire, TroubledWire)
        wire.commits = text == b"COMMIT" and bool(wire.written)
        return super()._statement(wire, text)

    def _fitting(self, wire: TroubledWire, data: bytes) -> Trouble | None:
        if data[4:5] != bytes([COM_QUERY]):
            return None
        is_commit, writes = wire.commits, data[5:11] in STATEMENTS
        with self._lock:
            trouble = self.trouble
            if trouble is None or not (is_commit if trouble.at_commit else writes):
                return None
            self.trouble = None
            self.troubles[str(trouble)] += 1
            if trouble.fault is not None:
                self.faults[trouble.fault] += 1
        return trouble

    def _befall(
        self, trouble: Trouble, wire: TroubledWire, client: socket.socket, server: socket.socket,
        data: bytes,
    ) -> bool:  # fmt: skip
        """Whether the connection goes on."""
        if trouble.kind is Kind.DELAY:
            self.delay_until = time.monotonic() + 5
        elif trouble.kind is Kind.SWALLOWED:
            wire.swallow = True
            sent(server, data)
        elif trouble.kind is Kind.ERROR:
            if trouble.code in UNDOING:
                wire.drop_answers += 1
                sent(server, _query(b"ROLLBACK"))
            sent(client, _error(trouble.code))
        return trouble.kind not in (Kind.LOST, Kind.CUT)


def _query(text: bytes) -> bytes:
    return (len(text) + 1).to_bytes(3, "little") + b"\x00" + bytes([COM_QUERY]) + text


def _error(code: int) -> bytes:
    state = b"40001" if code == 1213 else b"HY000"
    body = b"\xff" + code.to_bytes(2, "little") + b"#" + state + b"injected"
    return len(body).to_bytes(3, "little") + b"\x01" + body
