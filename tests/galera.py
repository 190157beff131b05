"""A private MariaDB Galera cluster of three nodes on this host's loopback, for tests.

    with GaleraCluster() as cluster:
        url = cluster.new_database()
        cluster.url(1, url)            # the same database through the second node
        cluster.nodes[0].kill()
        cluster.bring_back(0)

What it needs from Debian: mariadb-server (the scripts that transfer data), galera-4, rsync, lsof. The nodes
never run as root.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql

from tests.mariadb import MariaDBError, PrivateMariaDB, dying_with_its_parent, find, server_program

SERVICE_USER = "mysql"
PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib/libgalera_smm.so")
SYNC_TIMEOUT = 60.0
NOT_READY = 1047
# Silence after which a node is suspected and left behind; the defaults (5 s and 15 s) are for real networks.
PROVIDER_OPTIONS = {
    "evs.keepalive_period": "PT0.3S",
    "evs.suspect_timeout": "PT1.5S",
    "evs.inactive_timeout": "PT3S",
    "evs.inactive_check_period": "PT0.3S",
    "evs.install_timeout": "PT3S",
    "gcache.size": "32M",
}


def provider() -> str | None:
    return next((path for path in PROVIDERS if Path(path).exists()), None)


def missing_packages() -> list[str]:
    """Debian's packages that a cluster needs and that are not here."""
    needed = {
        "galera-4": provider(),
        "mariadb-server": find("wsrep_sst_rsync"),
        "rsync": find("rsync"),
        "lsof": find("lsof"),
    }
    return [package for package, found in needed.items() if found is None]


@dataclass(frozen=True, slots=True)
class Ports:
    """`group`: the nodes among themselves; `ist`, `sst`: what a node that comes back is sent, in part or
    whole."""

    sql: int
    group: int
    ist: int
    sst: int


class GaleraNode(PrivateMariaDB):
    """One node. `start` joins the others, or `start(founds=True)` begins a cluster."""

    def __init__(self, folder: Path, name: str, ports: Ports, members: str, password: str) -> None:
        super().__init__(folder)
        self.name, self.ports, self.members = name, ports, members
        self.password = password
        self.port = ports.sql

    def start(self, *, founds: bool = False) -> None:
        """Returns when the server listens; see `wait_until_synced`."""
        first = founds and not (self.data / "mysql").exists()
        self.data.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        _give_to_service_user(self.folder)
        if first:
            self._create_data()
        self.options = (*self._wsrep(founds), *self._position())
        if not self._launch(root_password="" if first else self.password):
            raise MariaDBError(f"{self.name} did not start. Its log:\n{self._log_text()}")
        if first:
            self._create_first_user()

    def status(self, variable: str) -> str | None:
        """A `wsrep_` status variable; None while the node does not answer."""
        try:
            rows = self.execute(f"SHOW STATUS LIKE '{variable}'")
        except pymysql.err.MySQLError:
            return None
        return str(rows[0][1]) if rows else None

    def is_synced(self, size: int | None = None) -> bool:
        """Takes writes, in a cluster of that size."""
        return (
            self.status("wsrep_ready") == "ON"
            and self.status("wsrep_local_state_comment") == "Synced"
            and (size is None or self.status("wsrep_cluster_size") == str(size))
        )

    def wait_until_synced(self, size: int | None = None, seconds: float = SYNC_TIMEOUT) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_synced(size):
            if time.monotonic() > deadline or not self.is_running():
                raise MariaDBError(f"{self.name} is not synced. Its log:\n{self._log_text()}")
            time.sleep(0.05)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Scripts of the server that transfer data may outlive it; they are of its process group."""
        group = None if self._process is None else self._process.pid
        super().close()
        if group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    # --- the options

    def _wsrep(self, founds: bool) -> list[str]:
        ports = self.ports
        own = {
            "gmcast.listen_addr": f"tcp://127.0.0.1:{ports.group}",
            "ist.recv_addr": f"127.0.0.1:{ports.ist}",
        }
        provided = ";".join(f"{k}={v}" for k, v in (PROVIDER_OPTIONS | own).items())
        return [
            "--wsrep-on=ON",
            f"--wsrep-provider={provider()}",
            "--wsrep-cluster-name=stepladder",
            f"--wsrep-cluster-address=gcomm://{self.members}",
            f"--wsrep-node-name={self.name}",
            # With the port of the group: nodes on one host are told apart by it.
            f"--wsrep-node-address=127.0.0.1:{ports.group}",
            f"--wsrep-provider-options={provided}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{ports.sst}",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            *(["--wsrep-new-cluster"] if founds else []),
        ]

    def _position(self) -> list[str]:
        """Where a killed node stopped: with it the others send what is missing instead of everything."""
        state = self.data / "grastate.dat"
        if not state.exists() or "seqno:   -1" not in state.read_text():
            return []
        program = server_program()
        assert program is not None
        log = self.folder / "recover.log"
        log.unlink(missing_ok=True)
        command = [
            *self._launcher(), program, "--no-defaults", f"--datadir={self.data}",
            f"--tmpdir={self.temporary}", f"--log-error={log}", "--skip-networking",
            f"--socket={self.folder / 'recover.sock'}", "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M", "--wsrep-recover", *self._wsrep(founds=False),
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, check=False, timeout=SYNC_TIMEOUT)
        found = re.search(
            r"Recovered position:? ([0-9a-f-]{36}:\d+)", log.read_text(errors="replace")
        )
        return [f"--wsrep-start-position={found[1]}"] if found else []

    def _create_first_user(self) -> None:
        """The founding node listens a moment before it takes writes (error 1047)."""
        deadline = time.monotonic() + SYNC_TIMEOUT
        while True:
            try:
                return self._create_user()
            except pymysql.err.OperationalError as error:
                if error.args[0] != NOT_READY or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _as_root(self) -> list[str]:
        return [f"--user={SERVICE_USER}"] if os.geteuid() == 0 else []

    def _launcher(self) -> list[str]:
        # The user is changed before the server starts: changed by it, it would outlive its parent.
        if os.geteuid() != 0:
            return dying_with_its_parent()
        return dying_with_its_parent(
            f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--clear-groups"
        )


class GaleraCluster:
    """Nodes 0, 1 and 2. Everything of it lives in a folder of its own under /tmp, which the nodes' user may
    enter, and is removed at the end."""

    def __init__(self, size: int = 3) -> None:
        missing = missing_packages()
        if missing:
            raise MariaDBError(f"A cluster needs {' '.join(missing)}; `make test` installs them.")
        self.folder = Path(tempfile.mkdtemp(prefix="stepladder-galera-"))
        self.folder.chmod(0o755)
        ports = _free_ports(size)
        members = ",".join(f"127.0.0.1:{each.group}" for each in ports)
        password = secrets.token_hex(12)
        self.nodes = [
            GaleraNode(self.folder / f"node{i}", f"node{i}", each, members, password)
            for i, each in enumerate(ports)
        ]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        first, *others = self.nodes
        first.start(founds=True)
        for node in others:
            node.start()
        self.wait_until_synced()

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_until_synced(self, seconds: float = SYNC_TIMEOUT) -> None:
        """Every node that runs, in a cluster of as many."""
        running = [node for node in self.nodes if node.is_running()]
        for node in running:
            node.wait_until_synced(len(running), seconds)

    def bring_back(self, number: int) -> None:
        """A node that was stopped or killed joins the others again; returns when it takes writes."""
        self.nodes[number].start()
        self.nodes[number].wait_until_synced()

    def new_database(self) -> str:
        """Creates an empty database everywhere; its URL through the first running node."""
        return next(node for node in self.nodes if node.is_running()).new_database()

    def url(self, number: int, url: str) -> str:
        """The same database through that node."""
        return self.nodes[number].url(url.rpartition("/")[2])


def _free_ports(size: int) -> list[Ports]:
    """All asked for at once, so that none is named twice."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(size * 4)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        free = [int(probe.getsockname()[1]) for probe in probes]
    return [Ports(*free[i : i + 4]) for i in range(0, len(free), 4)]


def _give_to_service_user(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, SERVICE_USER, SERVICE_USER)
