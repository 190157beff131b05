"""The short form: a few seeds, the failing seeds of the past, and that a seed is always the same story."""

from __future__ import annotations

import pytest

from tests.faults import fault
from tests.simulation.campaign import regressions
from tests.simulation.world import Plan, simulate

SHORT = 240.0


@fault("P1", "P2", "P5", "P6", "P7", "P9", "P16", "D1", "D2", "D3", "D4", "D8", "D9", "D10", "D15")
@pytest.mark.parametrize("seed", range(1, 9))
def test_whatever_goes_wrong_no_invariant_breaks(seed: int) -> None:
    result = simulate(Plan(seed, seconds=SHORT, each=12.0))
    assert result.breaches == []
    assert result.figures["orders"] > 0


def test_the_same_seed_is_the_same_story() -> None:
    first, second = (simulate(Plan(77, seconds=SHORT, each=12.0)) for _ in range(2))
    assert first.digest == second.digest
    assert simulate(Plan(78, seconds=SHORT, each=12.0)).digest != first.digest


def test_what_broke_once_does_not_break_again() -> None:
    broken = {str(plan): simulate(plan).breaches for plan in regressions()}
    assert not any(broken.values()), broken
