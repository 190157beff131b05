"""`python -m tests.trust.fault_coverage`: which test carries which fault of the catalogue, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections import defaultdict

import pytest

from tests.faults import CATALOGUE, NOT_PRODUCIBLE


class Collector:
    """A plugin of pytest: notes the fault marks of whatever is collected, and what passed."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.passed: dict[str, int] = defaultdict(int)
        self._ids: dict[str, tuple[str, ...]] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        ids = tuple(name for mark in item.iter_markers("fault") for name in mark.args)
        self._ids[item.nodeid] = ids
        for name in ids:
            self.tests[name].append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for name in self._ids.get(report.nodeid, ()):
                self.passed[name] += 1


def collect() -> dict[str, list[str]]:
    """By fault, the node ids of the tests that carry it."""
    found = Collector()
    with contextlib.redirect_stdout(io.StringIO()):
        status = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "tests"], [found])
    assert status == 0, f"the tests could not be collected: {status}"
    return dict(found.tests)


def without_a_test(tests: dict[str, list[str]]) -> list[str]:
    return [name for name in CATALOGUE if name not in tests and name not in NOT_PRODUCIBLE]


def main() -> int:
    tests = collect()
    missing = without_a_test(tests)
    figures = {
        "faults": len(CATALOGUE),
        "with_a_test": sum(name in tests for name in CATALOGUE),
        "tests": {name: len(tests.get(name, ())) for name in CATALOGUE},
        "not_producible": NOT_PRODUCIBLE,
        "without_a_test": missing,
        "ok": not missing,
    }
    print(json.dumps(figures, indent=1))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
