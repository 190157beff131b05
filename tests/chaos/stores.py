"""The database of a run, and what can happen to it: one MariaDB server, or a cluster of three nodes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.galera import GaleraCluster
from tests.mariadb import PrivateMariaDB

PLAIN = "plain"


class Store(Protocol):
    """`url`: for the tests themselves. `port(i)`: where place i's proxy leads. `disasters`: name of each to
    what it does (it returns when the database is well again) and the faults that it stands for."""

    url: str

    def port(self, place: int) -> int: ...
    def worker_url(self, port: int) -> str: ...
    def disasters(self) -> dict[str, tuple[Callable[[random.Random], None], tuple[str, ...]]]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def plain_user(server: PrivateMariaDB, url: str) -> None:
    """A user without SUPER, as in production: it cannot write while the server is read-only."""
    database = url.rpartition("/")[2]
    for host in ("127.0.0.1", "localhost"):
        server.execute(f"CREATE USER '{PLAIN}'@'{host}' IDENTIFIED BY '{PLAIN}'")
        server.execute(f"GRANT ALL ON {database}.* TO '{PLAIN}'@'{host}'")


def plain_url(url: str, port: int) -> str:
    return f"mysql+pymysql://{PLAIN}:{PLAIN}@127.0.0.1:{port}/{url.rpartition('/')[2]}"


class OneServer:
    def __init__(self, folder: Path) -> None:
        self.server = PrivateMariaDB(folder)
        self.url = ""

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.url = self.server.new_database()
        plain_user(self.server, self.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, trace)

    def port(self, place: int) -> int:
        return self.server.port

    def worker_url(self, port: int) -> str:
        return plain_url(self.url, port)

    def disasters(self) -> dict[str, tuple[Callable[[random.Random], None], tuple[str, ...]]]:
        return {
            "database killed": (self._killed, ("D8",)),
            "database stopped": (self._stopped, ("D8", "D15")),
            "database frozen": (self._frozen, ("D9", "P14")),
            "database read-only": (self._read_only, ("D10",)),
            "all connections killed": (self._disconnected, ("D1", "D16")),
        }

    def _killed(self, luck: random.Random) -> None:
        self.server.kill()
        time.sleep(luck.uniform(0, 6))
        self.server.start()

    def _stopped(self, luck: random.Random) -> None:
        self.server.stop()
        time.sleep(luck.uniform(0, 6))
        self.server.start()

    def _frozen(self, luck: random.Random) -> None:
        self.server.pause()
        time.sleep(luck.uniform(1, 8))
        self.server.resume()

    def _read_only(self, luck: random.Random) -> None:
        self.server.execute("SET GLOBAL read_only = 1")
        time.sleep(luck.uniform(1, 6))
        self.server.execute("SET GLOBAL read_only = 0")

    def _disconnected(self, luck: random.Random) -> None:
        self.server.execute(f"KILL HARD USER '{PLAIN}'@'127.0.0.1'")


class Cluster:
    """Place i of the crew writes through node i modulo 3."""

    def __init__(self) -> None:
        self.cluster = GaleraCluster()
        self.url = ""

    def __enter__(self) -> Self:
        self.cluster.__enter__()
        self.url = self.cluster.new_database()
        plain_user(self.cluster.nodes[0], self.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cluster.__exit__(kind, error, trace)

    def port(self, place: int) -> int:
        return self.cluster.nodes[place % 3].port

    def worker_url(self, port: int) -> str:
        return plain_url(self.url, port)

    def disasters(self) -> dict[str, tuple[Callable[[random.Random], None], tuple[str, ...]]]:
        return {
            "node killed": (self._node_killed, ("D8", "D10")),
            "node frozen": (self._node_frozen, ("D9", "D10")),
            "majority frozen": (self._majority_frozen, ("D8", "D10")),
            "all connections killed": (self._disconnected, ("D1", "D16")),
        }

    def _node_killed(self, luck: random.Random) -> None:
        # The first node is the one through which people and the test itself write.
        number = luck.randrange(1, 3)
        self.cluster.nodes[number].kill()
        time.sleep(luck.uniform(0, 8))
        self.cluster.bring_back(number)
        self.cluster.wait_until_synced()

    def _node_frozen(self, luck: random.Random) -> None:
        self._freeze(luck, [luck.randrange(1, 3)])

    def _majority_frozen(self, luck: random.Random) -> None:
        self._freeze(luck, [1, 2])

    def _freeze(self, luck: random.Random, numbers: list[int]) -> None:
        for number in numbers:
            self.cluster.nodes[number].pause()
        time.sleep(luck.uniform(1, 7))
        for number in numbers:
            self.cluster.nodes[number].resume()
        self.cluster.wait_until_synced()

    def _disconnected(self, luck: random.Random) -> None:
        for node in self.cluster.nodes:
            node.execute(f"KILL HARD USER '{PLAIN}'@'127.0.0.1'")
