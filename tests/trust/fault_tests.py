"""`python -m tests.trust.fault_tests [--times 20] E1 D4 ...`: the tests of these faults, again and again.

A fault that neither the simulation nor chaos draws (a full disk, a backup that is too old) is produced by the
tests that carry it, in the state where it matters. Each pass counts once. Prints JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys

import pytest

from tests.faults import CATALOGUE
from tests.trust.fault_coverage import Collector, collect


def run(ids: list[str], times: int) -> tuple[dict[str, int], bool]:
    """Passes by fault; whether every run was green."""
    tests, passed, green = collect(), dict.fromkeys(ids, 0), True
    while True:
        short = [name for name in ids if passed[name] < times and tests.get(name)]
        if not short or not green:
            return passed, green
        nodes = sorted({node for name in short for node in tests[name]})
        found = Collector()
        with contextlib.redirect_stdout(io.StringIO()):
            status = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *nodes], [found])
        green = status == 0
        if not any(found.passed.get(name) for name in short):
            return passed, green
        for name in ids:
            passed[name] += found.passed.get(name, 0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trust.fault_tests", description=__doc__)
    parser.add_argument("ids", nargs="*", default=list(CATALOGUE))
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    passed, green = run(given.ids, given.times)
    print(json.dumps({"faults": passed, "ok": green}, indent=1))
    return 0 if green else 1


if __name__ == "__main__":
    sys.exit(main())
