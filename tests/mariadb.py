"""A private MariaDB server in a folder of its own, for tests, benchmarks and the crash test.

    with PrivateMariaDB(folder) as server:
        url = server.new_database()

Nothing of it outlives the thread that started it: when that ends, the kernel kills the server.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

USER = "stepladder"
MISSING = "No MariaDB server found. Install the package mariadb-server-core, or run `make test`."
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
# The kernel allows 107 bytes in the path of a Unix socket.
LONGEST_SOCKET = 100


class MariaDBError(Exception):
    """The private server is missing or did not start; the message says which, with its log."""


def find(*names: str) -> str | None:
    """The first of these programs, looked for where Debian puts servers as well (/usr/sbin)."""
    path = (
        os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin:/usr/local/sbin:/usr/libexec"
    )
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    return None


def server_program() -> str | None:
    return find("mariadbd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dying_with_its_parent(*further: str) -> list[str]:
    """What a command is prefixed with, where the system has it (every Debian does)."""
    setpriv = find("setpriv")
    return [setpriv, "--pdeathsig=KILL", *further] if setpriv else []


class PrivateMariaDB:
    def __init__(self, folder: Path, *options: str) -> None:
        """`options` are further options of mariadbd, for example `--max-connections=500`."""
        self.folder = Path(folder).resolve()
        self.data = self.folder / "data"
        # Its own: a server that starts removes what it takes for left over from an earlier one.
        self.temporary = self.folder / "tmp"
        self.log = self.folder / "mariadbd.log"
        self.options = options
        self.password = secrets.token_hex(12)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None
        self.socket = self._choose_socket()

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

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the server, on the data it had before if it was stopped or killed."""
        first = not (self.data / "mysql").exists()
        if first:
            self._create_data()
        for attempt in range(3):
            # Another program may take the port between the question and the start.
            if not self.port or attempt:
                self.port = free_port()
            if self._launch(root_password="" if first else self.password):
                break
        else:
            raise MariaDBError(f"MariaDB did not start. Its log:\n{self._log_text()}")
        if first:
            self._create_user()

    def stop(self) -> None:
        """An orderly shutdown; `start` brings the server back with its data."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """What a power cut would do to the server."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freezes the server: connections hang, as on a host that stopped answering."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends the server and removes its data. The folder itself stays, if it was there before."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._running().pid

    # --- databases ------------------------------------------------------------------------------

    def new_database(self) -> str:
        """Creates an empty database and returns its URL."""
        name = f"t_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS `{url.rpartition('/')[2].partition('?')[0]}`")

    def url(self, database: str) -> str:
        return f"mysql+pymysql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            database=database,
            autocommit=True,
        )

    def execute(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    # --- the steps of a start -------------------------------------------------------------------

    def _choose_socket(self) -> Path:
        inside = self.folder / "mariadbd.sock"
        if len(str(inside)) <= LONGEST_SOCKET:
            return inside
        self._socket_folder = Path(tempfile.mkdtemp(prefix="stepladder-"))
        return self._socket_folder / "mariadbd.sock"

    def _create_data(self) -> None:
        installer = find("mariadb-install-db")
        if installer is None:
            raise MariaDBError(MISSING)
        self.data.mkdir(parents=True, exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        command = [
            installer,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.temporary}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            *self._as_root(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MariaDBError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")

    def _launch(self, root_password: str) -> bool:
        program = server_program()
        if program is None:
            raise MariaDBError(MISSING)
        command = [
            *self._launcher(),
            program,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.temporary}",
            f"--socket={self.socket}",
            f"--port={self.port}",
            f"--pid-file={self.folder / 'mariadbd.pid'}",
            f"--log-error={self.log}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            # Kept as in production: what was committed must survive a crash, here too.
            "--innodb-flush-log-at-trx-commit=1",
            # Small, because several engineers' machines are.
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--performance-schema=OFF",
            "--max-connections=300",
            *self._as_root(),
            *self.options,
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Its own group: Ctrl-C in the terminal reaches only the tests, which then end it.
            start_new_session=True,
        )
        return self._wait_until_it_answers(root_password)

    def _wait_until_it_answers(self, root_password: str) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._running().poll() is not None:
                self._process = None
                return False
            if self._listens():
                self._root(root_password).close()
                return True
            time.sleep(0.05)
        self.kill()
        return False

    def _listens(self) -> bool:
        # Asked with a socket of ours: PyMySQL leaves its own open when this fails.
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _root(self, password: str) -> pymysql.Connection[Any]:
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", password=password, autocommit=True
        )

    def _create_user(self) -> None:
        with self._root("") as connection, connection.cursor() as cursor:
            # Nameless users would come before ours for connections from this machine.
            cursor.execute("DELETE FROM mysql.global_priv WHERE User = ''")
            cursor.execute("FLUSH PRIVILEGES")
            for host in ("localhost", "127.0.0.1"):
                cursor.execute(f"CREATE USER '{USER}'@'{host}' IDENTIFIED BY '{self.password}'")
                cursor.execute(f"GRANT ALL ON *.* TO '{USER}'@'{host}' WITH GRANT OPTION")
            cursor.execute(f"SET PASSWORD FOR 'root'@'localhost' = PASSWORD('{self.password}')")

    def _as_root(self) -> list[str]:
        # MariaDB refuses to run as root unless it is told so.
        return ["--user=root"] if os.geteuid() == 0 else []

    def _launcher(self) -> list[str]:
        return dying_with_its_parent()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise MariaDBError("The private MariaDB server is not running.")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else "(no log)"
