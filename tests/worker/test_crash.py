"""The crash test in short. The long one is `make crash-test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import crash_test


@pytest.mark.slow
def test_ten_kills_leave_two_books_that_agree(tmp_path: Path):
    figures = crash_test(tmp_path, kills=10, seed=3, accounts=3, minutes=5)
    assert figures["ok"], figures
    assert figures["kills_by_moment"].get("aimed", 0) >= 1, figures
    assert figures["fills"] > 20, figures
