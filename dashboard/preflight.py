"""`make run`: checks what would make a start fail, prepares the database, then keeps supervisord running.

supervisord gets a session of its own and this process stays in front of it. So a closed window (SIGHUP, which
supervisord would take for "restart everything") stops trading as promised, and nothing outlives this process.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SOCKET = Path("var") / "supervisor.sock"
# The kernel allows 107 bytes in the path of a Unix socket, and supervisord appends its process id to it.
LONGEST_SOCKET = 95
ANSWER_TIMEOUT = 3.0
READY_TIMEOUT = 60.0

WARNING = (
    "Closing this window or pressing Ctrl-C stops trading (resting orders stay on the exchange)."
)


class CannotStart(Exception):
    """The start is refused; the message is a sentence for the person who typed `make run`."""


class Listening(BaseSettings):
    """Where the dashboard listens; its other settings stand here so that a wrong one stops the start."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    dashboard_port: int = Field(default=8501, ge=1, le=65535)
    dashboard_address: str = "127.0.0.1"
    secure_cookies: bool = False
    trust_proxy: bool = False


SENTENCES = {
    "dashboard_port": "DASHBOARD_PORT must be a whole number from 1 to 65535, not '{}'.",
    "dashboard_address": "DASHBOARD_ADDRESS must be an IP address such as 127.0.0.1, not '{}'.",
    "secure_cookies": "SECURE_COOKIES must be true or false, not '{}'.",
    "trust_proxy": "TRUST_PROXY must be true or false, not '{}'.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dashboard is to listen, and where a browser on this machine finds it."""

    address: str
    port: int

    @property
    def reachable(self) -> str:
        """The address to ask: "every address" is asked at this machine's own."""
        address = ipaddress.ip_address(self.address)
        if not address.is_unspecified:
            return self.address
        return "127.0.0.1" if address.version == 4 else "::1"

    @property
    def url(self) -> str:
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"

    @property
    def family(self) -> Literal[socket.AddressFamily.AF_INET, socket.AddressFamily.AF_INET6]:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET


def read_place() -> Place:
    try:
        listening = Listening()
    except ValidationError as error:
        first = error.errors()[0]
        raise CannotStart(SENTENCES[str(first["loc"][0])].format(first["input"])) from error
    address = listening.dashboard_address
    address = {"localhost": "127.0.0.1", "": "127.0.0.1"}.get(address, address)
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise CannotStart(SENTENCES["dashboard_address"].format(address)) from error
    return Place(address, listening.dashboard_port)


def is_our_dashboard(place: Place) -> bool:
    """Whether a Stepladder dashboard answers there. Anything else that holds the port does not count."""
    connection = HTTPConnection(place.reachable, place.port, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        body = json.loads(answer.read(10_000))
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return answer.status == 200 and isinstance(body, dict) and body.get("app") == "stepladder"


def is_supervised(root: Path) -> bool:
    """Whether a supervisord of this folder is alive."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(root / SOCKET))
        except OSError:
            return False
    return True


def check_port(place: Place) -> None:
    """Raises CannotStart when the dashboard could not listen there."""
    with socket.socket(place.family) as probe:
        # As the server itself will do it: connections that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.address, place.port))
        except OSError as error:
            raise CannotStart(_why_not(place, error.errno)) from error


def _why_not(place: Place, number: int | None) -> str:
    if number == errno.EADDRINUSE:
        return (
            f"Port {place.port} is taken by another program. Stop that program, or choose another "
            f"port, for example: DASHBOARD_PORT={place.port % 65535 + 1} make run"
        )
    if number == errno.EACCES:
        return f"Port {place.port} may be opened by root only. Choose one above 1023 with DASHBOARD_PORT."
    if number == errno.EADDRNOTAVAIL:
        return f"DASHBOARD_ADDRESS {place.address} is not an address of this machine."
    return f"The dashboard cannot listen on {place.address} port {place.port}: {os.strerror(number or 0)}."


def check_folder(root: Path) -> None:
    length = len(os.fsencode(root / SOCKET))
    if length > LONGEST_SOCKET:
        raise CannotStart(
            f"The path of this folder is too long by {length - LONGEST_SOCKET} characters for the "
            "control socket in var/. Move the folder somewhere shorter."
        )
    (root / "var").mkdir(mode=0o700, exist_ok=True)


def prepare_database(root: Path) -> int:
    """Keys, a copy of the SQLite file, migrations; prints the set-up code on the very first start."""
    return subprocess.run([sys.executable, "-m", "db", "prepare"], cwd=root, check=False).returncode


def check_worker(root: Path) -> int:
    """The worker reads its own settings and says what is wrong with them."""
    return subprocess.run(
        [sys.executable, "-m", "worker", "--check"], cwd=root, check=False
    ).returncode


def environment_for(place: Place) -> dict[str, str]:
    return {
        **os.environ,
        "STEPLADDER_PYTHON": sys.executable,
        "DASHBOARD_PORT": str(place.port),
        "DASHBOARD_ADDRESS": place.address,
    }


def start_supervisord(root: Path, place: Place) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"]
    setpriv = shutil.which("setpriv")
    if setpriv:
        # Should this process be killed outright, the kernel asks supervisord to stop.
        command = [setpriv, "--pdeathsig=TERM", *command]
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment_for(place),
        stdin=subprocess.DEVNULL,
        # A pipe, because the programs reopen this file, and what systemd gives cannot be reopened.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def pass_on(source: IO[bytes]) -> None:
    """Copies what the programs say to the console, for as long as there is one."""
    for line in source:
        # Without a console the pipe is still read, or the programs would stop at a full one.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


def say(sentence: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(sentence, flush=True)


def watch_window() -> None:
    """Ends the run when the terminal is gone.

    A shell tells its programs that, but a window opened for `make run` alone tells only make, which
    then waits for us.
    """
    window = next((number for number in (0, 1, 2) if os.isatty(number)), None)
    if window is None:
        return
    poll = select.poll()
    poll.register(window, 0)  # a hang-up is always reported
    while not poll.poll(1000):
        pass
    os.kill(os.getpid(), signal.SIGHUP)


def announce_when_ready(place: Place, stopping: threading.Event) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    while not stopping.wait(0.3):
        if is_our_dashboard(place):
            say(f"\nStepladder is running at {place.url}\n{WARNING}\n")
            return
        if time.monotonic() > deadline:
            say("The dashboard does not answer yet; what is above says why. Trying goes on.")
            deadline = float("inf")


def run(root: Path, place: Place) -> int:
    stopping = threading.Event()
    supervisord: subprocess.Popen[bytes] | None = None

    def stop(_number: int, _frame: object) -> None:
        if stopping.is_set():
            return
        stopping.set()
        say("\nStopping: the dashboard first, then the worker. This takes up to 30 seconds.")
        if supervisord is not None:
            supervisord.terminate()

    # Started with nohup, a closed window is meant to change nothing.
    keeps_running = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGINT, signal.SIGTERM, *([] if keeps_running else [signal.SIGHUP])):
        signal.signal(number, stop)
    supervisord = start_supervisord(root, place)
    if stopping.is_set():
        supervisord.terminate()
    assert supervisord.stdout is not None
    copying = threading.Thread(target=pass_on, args=(supervisord.stdout,), daemon=True)
    copying.start()
    threading.Thread(target=announce_when_ready, args=(place, stopping), daemon=True).start()
    if not keeps_running:
        threading.Thread(target=watch_window, daemon=True).start()
    status = supervisord.wait()
    copying.join(timeout=2)
    if stopping.is_set():
        say("Stepladder has stopped; no process of it is left.")
        return 0
    stopping.set()
    say("Stepladder has stopped by itself; what is above says why.")
    return status or 1


def main() -> int:
    os.chdir(ROOT)
    try:
        place = read_place()
        if is_our_dashboard(place):
            say(f"Stepladder is already running at {place.url}")
            return 0
        if is_supervised(ROOT):
            say("Stepladder is already running from this folder (or just starting or stopping).")
            return 0
        check_port(place)
        check_folder(ROOT)
        failed = check_worker(ROOT) or prepare_database(ROOT)
        if failed:
            return failed
        say(f"Starting Stepladder. It will be at {place.url}\n{WARNING}")
        return run(ROOT, place)
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("Stopped before anything was started.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
