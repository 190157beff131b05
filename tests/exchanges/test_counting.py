"""How exchanges count requests and orders is data of their adapters, and nothing sends more than that."""

import asyncio

import pytest

from tests.faults import fault
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.budget import Budget
from worker.exchanges.hub import Hub
from worker.venues.live_account import pace_of

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)


@EXCHANGES
@fault("E14")
async def test_no_more_orders_are_created_in_their_window_than_a_key_may(exchange):
    most, seconds = ADAPTERS[exchange].creates
    paced = pace_of((most, seconds))
    now = 0.0
    budget = Budget(seconds / most, seconds, monotonic=lambda: now)
    assert (budget.capacity, budget.rate) == (paced.capacity, paced.rate)

    sent = []
    asked = [asyncio.create_task(budget()) for _ in range(3 * most)]
    while not all(task.done() for task in asked):
        done = sum(task.done() for task in asked)
        budget._release()
        for _ in range(2):
            await asyncio.sleep(0)
        sent += [now] * (sum(task.done() for task in asked) - done)
        now += seconds / most / 4
    for first in sent:
        assert sum(first <= at < first + seconds for at in sent) <= most


@EXCHANGES
def test_prices_alone_are_asked_for_at_the_same_pace_as_where_orders_are_sent(exchange):
    with_orders, prices = Hub(exchange, {}, ADAPTERS[exchange]), Hub(exchange, {})
    assert with_orders.budget.capacity == prices.budget.capacity
    assert prices.adapter is None


def test_an_exchange_that_nobody_has_written_down_is_asked_with_care():
    assert Hub("bitstamp", {}).budget.capacity > 0
