"""Tries the seeded bugs: a copy of the program, one bug in it, the tests that are named for it."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db.settings import ROOT
from tests.trust.seeded_bugs import BUGS, Bug

PARTS = ("core", "db", "worker", "dashboard", "tests", "bench", ".streamlit")
FILES = ("pyproject.toml", "supervisord.conf", "Makefile", "requirements.txt")
LONGEST = 300.0
FAILED, NO_TESTS = 1, (4, 5)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outcome`: killed, survived, or what kept the bug from being tried."""

    bug: str
    outcome: str
    by: str | None = None

    @property
    def is_killed(self) -> bool:
        return self.outcome == "killed"


@contextmanager
def copy_of_the_program() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="stepladder-bugs-"))
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    try:
        for name in PARTS:
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int, str | None]:
    """(pytest's status, the test that failed first)."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", *tests]
    options = ["-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FAILED, "(it never ended)"
    marks = ("FAILED ", "ERROR ")
    first = next((line for line in done.stdout.splitlines() if line.startswith(marks)), None)
    return done.returncode, None if first is None else first.partition(" ")[2].partition(" - ")[0]


def attempt(folder: Path, bug: Bug) -> Verdict:
    """The copy is whole again afterwards."""
    file = folder / bug.file
    if not file.exists():
        return Verdict(bug.name, f"there is no {bug.file}")
    before = file.read_text()
    if before.count(bug.old) != 1:
        return Verdict(bug.name, f"its text stands {before.count(bug.old)} times in {bug.file}")
    file.write_text(before.replace(bug.old, bug.new))
    try:
        status, by = run_tests(folder, bug.tests)
    finally:
        file.write_text(before)
    if status in NO_TESTS:
        return Verdict(bug.name, "its tests are not there")
    return Verdict(bug.name, "killed" if status == FAILED else "survived", by)


def try_all(bugs: Sequence[Bug]) -> Iterator[Verdict]:
    with copy_of_the_program() as folder:
        for bug in bugs:
            yield attempt(folder, bug)


def figures_of(verdicts: Sequence[Verdict]) -> dict[str, object]:
    survivors = {v.bug: v.outcome for v in verdicts if not v.is_killed}
    return {
        "tried": len(verdicts),
        "killed": sum(verdict.is_killed for verdict in verdicts),
        "survived": len(survivors),
        "survivors": survivors,
        "caught_by": {verdict.bug: verdict.by for verdict in verdicts if verdict.is_killed},
    }


def main() -> int:
    """`python -m tests.trust.trial [--sample 4] [words of a bug's name]`"""
    parser = argparse.ArgumentParser(prog="python -m tests.trust.trial", description=__doc__)
    parser.add_argument("words", nargs="*", help="only bugs whose names hold one of these")
    parser.add_argument("--sample", type=int, help="only so many, the cheapest to try")
    given = parser.parse_args()
    chosen = [bug for bug in BUGS if not given.words or any(w in bug.name for w in given.words)]
    if given.sample is not None:
        chosen = [bug for bug in chosen if bug.is_quick][: given.sample]
    verdicts = []
    for verdict in try_all(chosen):
        verdicts.append(verdict)
        print(f"{verdict.outcome}: {verdict.bug}", file=sys.stderr, flush=True)
    print(json.dumps(figures_of(verdicts), indent=1))
    return 0 if all(verdict.is_killed for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
