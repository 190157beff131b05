"""The trust report: `python -m tests.trust [--hours 1] [--stage NAME] [--again] [--short]`, or `make trust`.

Runs stage by stage what shows that every order is placed exactly once, whatever fails, and adds the
figures up in var/trust.json: broken off, it goes on where it was. `--hours`: simulated per seed. `--short`
does a little of everything in at most five minutes, in a book of its own. Prints each figure with the
commands behind it; exits with 1 unless every goal is met.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from db.settings import ROOT
from tests.trust.book import Book, Figures
from tests.trust.stages import FIRED, Stage, full, seldom_fired, short, the_rest

FULL_BOOK, SHORT_BOOK = ROOT / "var" / "trust.json", ROOT / "var" / "trust-short.json"
LONGEST = 6 * 3600.0


def run_command(command: str) -> tuple[bool, Figures]:
    """Whether it went well, and the JSON that it printed (nothing of use: an error's last words)."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    start = done.stdout.find("{")
    try:
        figures = json.loads(done.stdout[start:]) if start >= 0 else {}
    except ValueError:
        figures = {}
    if not figures:
        figures = {"said": (done.stdout + done.stderr)[-2000:]}
    return done.returncode == 0 and "said" not in figures, figures


def run_stage(book: Book, stage: Stage) -> None:
    for command in list(stage.commands(book.of(stage.name))):
        print(f"  {command}", flush=True)
        began = time.monotonic()
        ok, figures = run_command(command)
        book.add(stage.name, command, ok, time.monotonic() - began, figures)
        if not ok:
            print(f"    failed: {_why(figures)}", flush=True)


def _why(figures: Figures) -> str:
    for name in ("breaches", "broken", "without_a_test", "survivors", "said"):
        if figures.get(name):
            return str(figures[name])[:600]
    return "see the book"


def report(book: Book, stages: Sequence[Stage], *, counts: bool) -> bool:
    """Prints what the book says; whether every goal is met."""
    met = True
    for stage in stages:
        runs = book.of(stage.name)
        totals = stage.totals(runs)
        unmet = stage.unmet(totals) if runs else ["not run yet"]
        met = met and not unmet
        print(f"\n{stage.name}: {stage.about}")
        for name, value in totals.items():
            print(f"  {name:45} {value}")
        for command in sorted({run.command for run in runs})[:6]:
            print(f"  $ {command}")
        print("  goal met" if not unmet else "  NOT MET: " + "; ".join(unmet))
    if counts:
        seldom = seldom_fired(book)
        met = met and not seldom
        print(
            f"\nfaults that struck fewer than {FIRED} times where they matter: {seldom or 'none'}"
        )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trust", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.5, help="simulated hours of each seed")
    parser.add_argument("--stage", help="only this one")
    parser.add_argument("--again", action="store_true", help="forget what these stages have shown")
    parser.add_argument("--short", action="store_true", help="a little of everything")
    parser.add_argument("--report", action="store_true", help="run nothing, print what is known")
    given = parser.parse_args()
    stages = short() if given.short else full(given.hours)
    if given.stage:
        stages = tuple(stage for stage in stages if stage.name == given.stage)
        if not stages:
            parser.error(f"there is no stage {given.stage}")
    book = Book.open(SHORT_BOOK if given.short else FULL_BOOK)
    for stage in stages:
        if given.report:
            break
        if given.again or given.short:
            book.forget(stage.name)
        print(f"{stage.name}: {stage.about}", flush=True)
        run_stage(book, stage)
    is_whole = not given.short and not given.stage
    if is_whole:
        rest = the_rest(book)
        if not given.report:
            if given.again:
                book.forget(rest.name)
            run_stage(book, rest)
        if book.of(rest.name):
            stages = (*stages, rest)
    met = report(book, stages, counts=is_whole)
    print(f"\n{'Every goal is met.' if met else 'NOT every goal is met.'} The book: {book.file}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
