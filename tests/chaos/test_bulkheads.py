"""One account that hangs must not hold up another; a worker without memory must not spoil the books."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from core.orders import Role
from tests.crash import BUSY
from tests.crash_books import examine, settle
from tests.faults import fault
from tests.migrated import *  # noqa: F403
from tests.worker.fakes import FakeClock, FakeVenue
from tests.worker.house import House
from tests.worker_process import WorkerHouse, wait_until


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def house(sqlite_engine: Engine, clock: FakeClock) -> AsyncIterator[House]:
    made = House(sqlite_engine, clock, FakeVenue(clock))
    yield made
    await made.close()


@fault("P11")
async def test_an_account_whose_exchange_never_answers_holds_up_nobody_else(house: House):
    other_account = house.add_account("10000", "Other")
    stuck = house.strategy()
    other = house.strategy(account=other_account)
    answers, place = asyncio.Event(), house.venue.place

    async def slow(account_id, symbol, orders):
        if account_id == house.account:
            await answers.wait()
        return await place(account_id, symbol, orders)

    house.venue.place = slow  # type: ignore[method-assign]
    await house.start()
    for _ in range(4):
        house.clock.advance(1)
        await house.show(100)
    await house.until(lambda: statuses(house, other, Role.TAKE_PROFIT) == ["open"])
    assert statuses(house, stuck, Role.BASE) == ["sending"]
    answers.set()
    await house.until(lambda: statuses(house, stuck, Role.BASE) == ["filled"])
    await house.settle()


def statuses(house: House, strategy: int, role: Role) -> list[str]:
    query = text("SELECT status FROM orders WHERE strategy_id = :id AND role = :role")
    return list(house.run(lambda s: s.scalars(query, {"id": strategy, "role": str(role)}).all()))


@pytest.fixture
def real(tmp_path: Path, mariadb_url: str) -> Iterator[WorkerHouse]:
    made = WorkerHouse(tmp_path / "house", mariadb_url)
    yield made
    made.close()


@fault("P4")
@pytest.mark.slow
def test_a_worker_that_gets_no_more_memory_leaves_books_that_agree(real: WorkerHouse):
    """Every allocation may fail from one moment on, anywhere; then it is killed, as a kernel would."""
    account = real.account(real.person(), "Account", balance="100000")
    for symbol in ("PRACTICE1/USDT", "PRACTICE2/USDT"):
        real.strategy(1, account, symbol, BUSY)

    def fills() -> int:
        with real.engine.connect() as connection:
            return int(connection.execute(text("SELECT COUNT(*) FROM fills")).scalar_one())

    with real.start(LOG_LEVEL="ERROR") as worker:
        wait_until("it trades", lambda: fills() > 8)
        pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[0])
        size = pages * resource.getpagesize()
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (size, size))
        until = time.monotonic() + 4
        while worker.is_running() and time.monotonic() < until:
            time.sleep(0.1)
        worker.signal(signal.SIGKILL)
    assert not settle(real)
    found = examine(real.engine)
    assert found.ok, found
