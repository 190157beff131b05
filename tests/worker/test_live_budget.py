"""The request budget: never more than 80 % in any window, urgent requests first, idle when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults import fault
from worker.errors import NotSent
from worker.exchanges.budget import Budget, Urgency, urgent

WINDOW = 60.0


class Timer:
    def __init__(self, at: float, act: Callable[[], None]) -> None:
        self.at, self.act = at, act

    def cancel(self) -> None:
        self.act = lambda: None


class Slow:
    """A loop whose time the test moves: no second is really waited."""

    def __init__(self) -> None:
        self.at = 0.0
        self.timers: list[Timer] = []

    def monotonic(self) -> float:
        return self.at


class Driven(Budget):
    """Its timers fire when the test says so."""

    def __init__(self, slow: Slow, unit: float = 0.05, window: float = WINDOW) -> None:
        super().__init__(unit, window, monotonic=slow.monotonic)
        self.slow = slow
        self.times = 0

    def _look_again(self, seconds: float) -> None:
        self.times += 1
        timer = Timer(self.slow.at + max(seconds, 0.001), self._release)
        self.slow.timers.append(timer)
        self._timer = timer  # type: ignore[assignment]

    async def drain(self, asked: list[asyncio.Task[None]]) -> list[float]:
        """When each of the requests that wait was let go."""
        done: list[float] = []
        for task in asked:
            task.add_done_callback(lambda _: done.append(self.slow.at))
        for _ in range(100_000):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if all(task.done() for task in asked):
                await asyncio.sleep(0)
                return done
            timer = self.slow.timers.pop(0)
            self.slow.at = max(self.slow.at, timer.at)
            timer.act()
        raise AssertionError("it never ends")


def ask(budget: Budget, cost: float, urgency: Urgency = Urgency.LATER) -> asyncio.Task[None]:
    with urgent(urgency):
        return asyncio.create_task(budget(cost))


@fault("E14")
@given(costs=st.lists(st.sampled_from([0.2, 0.8, 1.2, 4.0, 16.0]), min_size=1, max_size=300))
def test_no_window_holds_more_than_80_percent(costs: list[float]):
    async def run() -> None:
        slow = Slow()
        budget = Driven(slow)
        asked = [ask(budget, cost) for cost in costs]
        released = await budget.drain(asked)
        spent = sorted(zip(released, costs, strict=True))
        limit = WINDOW / 0.05
        for start, _ in spent:
            within = sum(cost for at, cost in spent if start <= at < start + WINDOW)
            assert within <= limit * 0.8 + 1e-6
        assert budget.times <= len(costs)  # one look for each that waits, no polling

    asyncio.run(run())


async def test_cancels_go_before_creates_and_creates_before_reads():
    slow = Slow()
    budget = Driven(slow)
    order: list[str] = []
    first = ask(budget, 500.0, Urgency.EXIT)  # empties the bucket and more
    await asyncio.sleep(0)
    names = {"read": Urgency.SOON, "create": Urgency.CREATE, "cancel": Urgency.EXIT}
    tasks = [first]
    for name, urgency in names.items():
        task = ask(budget, 4.0, urgency)
        task.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
        tasks.append(task)
    await budget.drain(tasks)
    assert order == ["cancel", "create", "read"]


async def test_reads_leave_a_reserve_for_exits():
    budget = Driven(Slow())
    reads = [ask(budget, 4.0) for _ in range(100)]
    exits = [ask(budget, 0.2, Urgency.EXIT) for _ in range(200)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert all(task.done() for task in exits)
    assert 0 < sum(task.done() for task in reads) < 50
    await budget.drain(reads)


async def test_somebody_who_gave_up_takes_nothing_and_holds_nobody_up():
    slow = Slow()
    budget = Driven(slow)
    big = ask(budget, 300.0)
    gone = ask(budget, 300.0)
    last = ask(budget, 1.0)
    await asyncio.sleep(0)
    gone.cancel()
    await budget.drain([big, last])
    assert budget.spent == 301.0


async def test_when_others_use_the_address_up_only_exits_go():
    slow = Slow()
    budget = Driven(slow)
    budget.used(81, 30)
    read, leave = ask(budget, 1.0), ask(budget, 1.0, Urgency.EXIT)
    await budget.drain([leave])
    assert not read.done()
    await budget.drain([read])
    assert slow.at >= 30


async def test_during_a_silence_nobody_even_queues():
    def silent() -> None:
        raise NotSent("ban", "silence")

    budget = Budget(0.05, WINDOW, silent)
    with pytest.raises(NotSent):
        await budget(1.0)
    assert budget.waiting == 0


async def test_what_became_of_orders_goes_before_new_ones_and_after_exits():
    budget = Driven(Slow())
    order: list[Urgency] = []
    tasks = [ask(budget, 500.0, Urgency.EXIT)]
    await asyncio.sleep(0)
    for urgency in reversed(Urgency):
        task = ask(budget, 4.0, urgency)
        task.add_done_callback(lambda _, urgency=urgency: order.append(urgency))  # type: ignore[misc]
        tasks.append(task)
    await budget.drain(tasks)
    assert order == list(Urgency)


@pytest.mark.parametrize(
    ("percent", "goes"),
    [(59, 5), (61, 4), (76, 3), (79.1, 1)],
)
async def test_the_more_of_the_limit_is_used_the_less_goes_and_near_80_percent_only_exits(
    percent: float, goes: int
):
    budget = Driven(Slow())
    budget._tokens = budget.capacity
    budget.used(percent, 30)
    tasks = [ask(budget, 1.0, urgency) for urgency in Urgency]
    for _ in range(3):
        await asyncio.sleep(0)
    assert sum(task.done() for task in tasks) == goes
    assert budget.has_room(Urgency.LATER) == (goes == 5)
    for task in tasks:
        task.cancel()
