"""What has been shown so far: `var/trust.json`, one entry per run of a command, added up by the report."""

from __future__ import annotations

import json
import subprocess
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
    """Written after every run, so that a report that is broken off goes on where it was."""

    file: Path
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path) -> Book:
        if not file.exists():
            return cls(file)
        stored = json.loads(file.read_text())
        return cls(file, [Run(**row) for row in stored["runs"]])

    def of(self, stage: str) -> list[Run]:
        return [run for run in self.runs if run.stage == stage]

    def add(self, stage: str, command: str, ok: bool, seconds: float, figures: Figures) -> Run:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        run = Run(stage, command, ok, round(seconds, 1), at, commit(), figures)
        self.runs.append(run)
        self.save()
        return run

    def forget(self, stage: str) -> None:
        self.runs = [run for run in self.runs if run.stage != stage]
        self.save()

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        rows = [{name: getattr(run, name) for name in run.__slots__} for run in self.runs]
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"runs": rows}, indent=1))
        fresh.replace(self.file)


def commit() -> str:
    """The version that was tried; empty where there is no git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip()
