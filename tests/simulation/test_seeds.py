"""The short form: a few seeds, the failing seeds of the past, and that a seed is always the same story."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults import fault
from tests.simulation.world import Plan, simulate

SHORT = 240.0


@fault("P1", "P2", "P5", "P6", "P7", "P9", "P16", "D1", "D2", "D3", "D4", "D8", "D9", "D10", "D15")
@pytest.mark.parametrize("seed", range(1, 3))
def test_whatever_goes_wrong_the_ledger_agrees(seed: int) -> None:
    result = simulate(Plan(seed, seconds=SHORT, venue="ledger", each=12.0))
    assert result.breaches == []
    assert result.figures["orders"] > 0


@fault(
    "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E18", "E20", "E21", "E22"
)
@fault("E23", "E24", "E25", "E26", "E27", "E28", "E30", "E33", "E34", "E35", "E37")
@pytest.mark.parametrize("seed", range(1, 4))
def test_whatever_goes_wrong_the_exchange_agrees(seed: int) -> None:
    result = simulate(Plan(seed, seconds=SHORT, each=12.0))
    assert result.breaches == []
    assert result.figures["orders"] > 0


def test_the_same_seed_is_the_same_story() -> None:
    first, second = (simulate(Plan(77, seconds=90.0, each=8.0)) for _ in range(2))
    assert first.digest == second.digest
    assert simulate(Plan(78, seconds=90.0, each=8.0)).digest != first.digest


def test_what_broke_once_does_not_break_again() -> None:
    assert_sound("regressions")


@fault("P1")
def test_killed_at_any_point_before_the_ledger() -> None:
    figures = assert_sound("crash-points", "--venue", "ledger", "--every", "40", "--jobs", "2")
    assert figures["crash_points"] > 5


@fault("P1")
def test_killed_at_any_point_before_an_exchange() -> None:
    """What is on its way then arrives, is lost, or fills at once."""
    figures = assert_sound("crash-points", "--every", "120", "--jobs", "2")
    assert figures["crash_points"] >= 3 * 6


def assert_sound(*arguments: str) -> Any:
    """A process of its own: crash points copy it, and it walks sets in the same order each time."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
