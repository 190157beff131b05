"""The chaos runs themselves: what they do to the accounts, people can put right."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from tests.chaos.live_market import FAULTS, arm
from tests.chaos.people import People
from tests.chaos.run import Run, Tally
from tests.exchange.exchange import Exchange


@pytest.mark.parametrize("seed", range(5))
def test_nobody_sells_our_coins_beside_us(seed: int):
    exchange, luck = Exchange(lambda: 0, seed), random.Random(seed)
    for _ in range(200):
        arm(exchange, luck)
    armed = exchange.faults.armed
    assert {each.fault for each in armed} == set(FAULTS)
    assert {each.how["side"] for each in armed if each.fault == "E30"} == {"BUY"}


class Market:
    def quiet(self) -> None:
        pass

    def change_by_hand(self, house: object, luck: object) -> tuple[int, float]:
        return 7, 3.0


def test_whose_order_was_cancelled_by_hand_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch):
    """Seed 21 did not settle: that strategy waited for its person for ever."""
    pressed: list[int] = []
    run = cast(Any, Run.__new__(Run))
    run.house, run.luck, run.tally, run.market = None, random.Random(1), Tally(), Market()
    run.people = People(run.house, run.luck, {7: 1}, {})
    monkeypatch.setattr(People, "start", lambda _, strategy: pressed.append(strategy))
    monkeypatch.setattr(run, "_quiet", lambda: None)
    run._measure_a_change_by_hand()
    assert (run.tally.noticed, pressed) == ([3.0], [7])
