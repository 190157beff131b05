"""`make run` without make: real processes, with a worker and a dashboard that do nothing."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.preflight import ROOT
from tests.mariadb import free_port

PATIENCE = 60.0

DATABASE = 'print("the set-up code")\n'
WORKER = """
import signal, sys, time

def stop(*_):
    print("worker: finishing its step")
    sys.exit(0)

if sys.argv[1:] == ["--check"]:
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("worker: started")
while True:
    time.sleep(1)
"""
DASHBOARD = """
import streamlit as st
from starlette.responses import JSONResponse
from starlette.routing import Route

def healthz(_request):
    return JSONResponse({"app": "stepladder"})

app = st.App("app.py", routes=[Route("/healthz", healthz)])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: the path of a Unix socket must be short. The space in it is on purpose.
    folder = Path(tempfile.mkdtemp(prefix="step ladder-"))
    for name in ("supervisord.conf", "dashboard/preflight.py", ".streamlit/config.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    programs = {
        "db/__main__.py": DATABASE,
        "worker/__main__.py": WORKER,
        "dashboard/asgi.py": DASHBOARD,
        "dashboard/app.py": "",
    }
    for name, text in programs.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    yield folder
    shutil.rmtree(folder)


def _heed_hangups() -> None:
    """As from a terminal: under nohup they are ignored, by whatever is started then too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Run:
    """One `make run`, and what it has said so far."""

    def __init__(self, folder: Path, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.preflight"],
            cwd=folder,
            # A stray % in the environment must not confuse supervisord's own placeholders.
            env={**os.environ, "DASHBOARD_PORT": str(port), "ODD": "50%s of %(x)s"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_heed_hangups,  # noqa: PLW1509  (it only sets a signal)
        )
        self.said = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.said:
            line = self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            assert line is not None, f"it ended without saying {words!r}:\n{self.said}"
            self.said += line

    def finish(self) -> int:
        status = self.process.wait(PATIENCE)
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.said += line
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def processes_in(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and Path(os.readlink(entry / "cwd")) == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_until_nothing_runs_in(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := processes_in(folder):
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_it_runs_both_programs_until_it_is_stopped(folder, how):
    port = free_port()
    run = Run(folder, port)
    try:
        run.wait_for("is running at")
        again = Run(folder, port)
        assert again.finish() == 0
        assert "already running" in again.said
        # The same folder on another port would be two workers and one database file.
        elsewhere = Run(folder, free_port())
        assert elsewhere.finish() == 0
        assert "already running" in elsewhere.said
        run.process.send_signal(how)
        assert run.finish() == 0
    finally:
        run.process.terminate()
        run.process.wait(PATIENCE)

    wait_until_nothing_runs_in(folder)
    order = [
        "the set-up code",
        f"http://127.0.0.1:{port}",
        "stops trading",
        "is running at",
        "Stopping",
        "worker: finishing its step",
        "no process of it is left",
    ]
    places = [run.said.find(words) for words in order]
    assert -1 not in places, run.said
    assert places == sorted(places), run.said


def test_nothing_is_left_when_it_is_killed_outright(folder):
    run = Run(folder, free_port())
    try:
        run.wait_for("is running at")
    finally:
        run.process.kill()
        run.finish()

    wait_until_nothing_runs_in(folder)


def test_nothing_starts_when_the_database_cannot_be_prepared(folder):
    (folder / "db/__main__.py").write_text("raise SystemExit(3)")

    run = Run(folder, free_port())

    assert run.finish() == 3
    assert not processes_in(folder)
