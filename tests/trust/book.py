"""What has been shown so far: `var/trust.json`, one entry per run of a command, added up by the report."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.settings import ROOT

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One command that ran to its end. `figures`: what it printed."""

    stage: str
    command: str
    ok: bool
    seconds: float
    at: str
    commit: str
    figures: Figures


@dataclass(slots=True)
class Book:
    """Written after every run, so that a report that is broken off goes on where it was. Several reports may
    write it at the same time: each adds to what stands in the file."""

    file: Path
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path) -> Book:
        return cls(file, _stored(file))

    def of(self, stage: str) -> list[Run]:
        return [run for run in self.runs if run.stage == stage]

    def add(self, stage: str, command: str, ok: bool, seconds: float, figures: Figures) -> Run:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        run = Run(stage, command, ok, round(seconds, 1), at, commit(), figures)
        with self._alone():
            self.runs.append(run)
        return run

    def forget(self, stage: str) -> None:
        with self._alone():
            self.runs = [run for run in self.runs if run.stage != stage]
        for file in self.file.parent.glob(f"{self.file.stem}-{stage}-*.jsonl"):
            file.unlink()

    def pieces(self, stage: str, name: str) -> Path:
        """Where a long command of that stage keeps what it has done so far."""
        return self.file.with_name(f"{self.file.stem}-{stage}-{name}.jsonl")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Takes up what others have written, and writes what was changed."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.runs = _stored(self.file)
            yield
            rows = [{name: getattr(run, name) for name in run.__slots__} for run in self.runs]
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps({"runs": rows}, indent=1))
            fresh.replace(self.file)


def _stored(file: Path) -> list[Run]:
    if not file.exists():
        return []
    return [Run(**row) for row in json.loads(file.read_text())["runs"]]


def commit() -> str:
    """The version that was tried; empty where there is no git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip()
