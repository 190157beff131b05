"""The inbox, the group commit, the proof, the index of live orders: small parts that others stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from core.orders import OrderStatus, OrderUpdate
from db.errors import CommitUnknown, LeaseLost
from tests.builders import a_fill, a_market, started
from tests.worker.house import House
from worker.database import Database
from worker.group_commit import GroupCommit
from worker.inbox import Inbox
from worker.live_orders import says_nothing_new
from worker.proof import Proof
from worker.units import Writer

# --- inbox


async def test_hints_given_twice_are_one_and_one_take_empties_the_inbox():
    inbox = Inbox()
    inbox.wake({1, 2}, since=5.0)
    inbox.wake({2}, since=3.0)
    inbox.look({"a"})
    inbox.look({"a"}, since=9.0)
    inbox.reconcile()
    taken = await inbox.take()
    assert (taken.wakes, taken.orders, taken.reconcile, taken.since) == ({1, 2}, {"a"}, True, 3.0)
    inbox.finished()
    await asyncio.wait_for(inbox.settled(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(inbox.take(), 0.01)


async def test_an_inbox_is_not_settled_while_more_has_come():
    inbox = Inbox()
    inbox.wake({1})
    await inbox.take()
    inbox.wake({2})
    inbox.finished()
    assert not inbox.is_settled


async def test_an_empty_hint_wakes_nobody():
    inbox = Inbox()
    inbox.wake(set())
    assert inbox.is_settled


async def test_nobody_waits_for_an_inbox_without_a_consumer():
    inbox = Inbox()
    inbox.wake({1})
    await inbox.take()
    inbox.close()
    inbox.wake({2})
    await asyncio.wait_for(inbox.settled(), 1)


# --- group commit


class Work:
    """Counts, and fails for the units that the test names."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.bad: dict[int, BaseException] = {}
        self.broken: Exception | None = None

    def __call__(self, units: Sequence[int]) -> Sequence[int | BaseException]:
        self.batches.append(list(units))
        if self.broken is not None:
            raise self.broken
        return [self.bad.get(unit, unit * 10) for unit in units]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest_asyncio.fixture
async def group(sqlite_engine: Engine, work: Work) -> AsyncIterator[GroupCommit[int, int]]:
    database = Database(sqlite_engine)
    made: GroupCommit[int, int] = GroupCommit(database, work, largest=4)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    database.close()


async def test_units_that_arrive_together_are_one_commit(group: GroupCommit[int, int], work: Work):
    assert await asyncio.gather(*(group.submit(n) for n in range(4))) == [0, 10, 20, 30]
    assert work.batches == [[0, 1, 2, 3]]


async def test_more_than_the_largest_batch_goes_into_the_next(
    group: GroupCommit[int, int], work: Work
):
    await asyncio.gather(*(group.submit(n) for n in range(10)))
    assert [len(batch) for batch in work.batches] == [4, 4, 2]


async def test_a_unit_that_fails_does_not_fail_the_others(group: GroupCommit[int, int], work: Work):
    work.bad[2] = LeaseLost("gone")
    found = await asyncio.gather(*(group.submit(n) for n in range(4)), return_exceptions=True)
    assert [type(one) for one in found] == [int, int, LeaseLost, int]


async def test_work_that_breaks_tells_everybody_and_the_next_batch_goes_on(
    group: GroupCommit[int, int], work: Work
):
    work.broken = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await group.submit(1)
    work.broken = None
    assert await group.submit(2) == 20


async def test_a_commit_of_unknown_outcome_is_never_repeated(
    group: GroupCommit[int, int], work: Work
):
    work.bad = {n: CommitUnknown("lost") for n in range(3)}
    found = await asyncio.gather(*(group.submit(n) for n in range(3)), return_exceptions=True)
    assert {type(one) for one in found} == {CommitUnknown}
    assert len(work.batches) == 1


async def test_who_stops_waiting_does_not_stop_the_commit(group: GroupCommit[int, int], work: Work):
    waiting = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await group.submit(2) == 20
    assert sorted(n for batch in work.batches for n in batch) == [1, 2]


async def test_two_units_of_one_account_stand_each_behind_its_own_token(house: House):
    house.strategy()
    await house.start()
    runner, at = house.runner, house.clock.now()
    now = runner.rows.plain_unit(at)
    old = replace(now, token=now.token - 1)
    results = Writer(house.engine).commit([old, now])
    assert [type(result) for result in results] == [LeaseLost, type(None)]


async def test_an_account_that_lost_its_lease_does_not_take_others_with_it(house: House):
    house.strategy()
    other = house.add_account("500", "Other")
    await house.start()
    at = house.clock.now()
    units = [house.runners.running[i].rows.plain_unit(at) for i in (house.account, other)]
    house.steal_lease()
    results = Writer(house.engine).commit(units)
    assert [type(result) for result in results] == [LeaseLost, type(None)]


# --- proof


def proof() -> Proof:
    return Proof(timedelta(seconds=5), timedelta(seconds=2))


def test_only_questions_asked_after_window_margin_and_lag_count():
    doubts = proof()
    doubts.doubt("a", 100.0)
    for asked in (101.0, 105.0, 108.0):
        assert doubts.not_found("a", asked) is None
    assert doubts.not_found("a", 108.1) is None
    assert doubts.not_found("a", 109.1) is None
    update = doubts.not_found("a", 110.1)
    assert update is not None
    assert update.status is OrderStatus.NOT_ACCEPTED
    assert doubts.open == frozenset()


def test_doubting_again_does_not_start_the_wait_anew():
    doubts = proof()
    doubts.doubt("a", 100.0)
    doubts.doubt("a", 107.0)
    assert [doubts.not_found("a", 108.5 + n) is None for n in range(3)] == [True, True, False]


def test_an_order_that_was_found_is_doubted_no_more():
    doubts = proof()
    doubts.doubt("a", 100.0)
    doubts.settle("a")
    assert doubts.not_found("a", 200.0) is None
    assert doubts.unanswered("a", 2_000.0) is None


def test_silence_for_15_minutes_asks_a_person_and_keeps_asking_the_venue():
    doubts = proof()
    doubts.doubt("a", 100.0)
    assert doubts.unanswered("a", 100.0 + 899) is None
    update = doubts.unanswered("a", 100.0 + 900)
    assert update is not None
    assert update.status is OrderStatus.QUARANTINED
    assert doubts.open == {"a"}


# --- what a snapshot says


def test_a_snapshot_with_a_trade_that_is_new_says_something_however_many_it_holds():
    play = started()
    order = next(o for o in play.cycle.orders if o.slot.level == 1)
    first = a_fill(order, a_market(), "0.3", trade_id="1")
    second = a_fill(order, a_market(), "0.3", trade_id="2")
    known = replace(order, fills=(first,), reported_filled=Decimal("0.6"))
    same = OrderUpdate(order.client_order_id, OrderStatus.OPEN, Decimal("0.6"), (first,))
    assert says_nothing_new(known, same)
    assert not says_nothing_new(known, replace(same, fills=(second,)))
    assert not says_nothing_new(known, replace(same, filled=Decimal("0.9")))
    assert not says_nothing_new(known, replace(same, status=OrderStatus.FILLED))
