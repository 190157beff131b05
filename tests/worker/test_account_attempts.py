"""A base order that never fills: its attempts do not pile up in memory, and no id is ever used twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.orders import Role
from tests.faults import fault
from tests.worker.house import House


async def try_in_vain(house: House, rounds: int) -> None:
    """The limit base order follows the bid every 30 s and is never met."""
    for number in range(rounds):
        house.clock.advance(31)
        for _ in range(3):
            await house.second(1, price=100 + number % 2)


@fault("P1")
async def test_attempts_without_fills_are_let_go_and_ids_never_repeat(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(house.venue, "move", lambda symbol, price: set())
    house.venue.prices["BTC/USDT"] = Decimal(1_000_000)  # the book never comes down to the bid
    strategy = house.strategy(base_order_type="limit")
    await house.start()
    await house.stand(100)
    await try_in_vain(house, 40)
    rows = house.rows(strategy)
    assert len(rows) >= 35
    assert [row.position for row in rows] == list(range(len(rows)))
    held = house.runner.tracked[strategy].cycle
    assert len(held.orders) < 30
    assert held.dropped + len(held.orders) == len(rows)
    await house.crash()
    await house.start()
    await house.stand(100)
    await try_in_vain(house, 3)
    rows = house.rows(strategy)
    assert [row.attempt for row in rows] == list(range(1, len(rows) + 1))
    assert {row.role for row in rows} == {Role.BASE}
    assert house.nothing_was_sent_twice()
