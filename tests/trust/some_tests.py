"""`python -m tests.trust.some_tests tests/chaos/test_galera.py`: these tests, with figures as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys

import pytest

from tests.trust.fault_coverage import Collector


class Counter(Collector):
    def __init__(self) -> None:
        super().__init__()
        self.green = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        super().pytest_runtest_logreport(report)
        self.green += report.when == "call" and report.passed


def main(tests: list[str]) -> int:
    counter, said = Counter(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(["-q", "-p", "no:cacheprovider", *tests], [counter])
    figures = {"tests": counter.green, "faults": dict(counter.passed), "ok": status == 0}
    if status:
        figures["said"] = said.getvalue()[-1500:]
    print(json.dumps(figures, indent=1))
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
