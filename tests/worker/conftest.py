"""`house`: one account with 10,000 USDT, served by the real runners against a venue in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from tests.migrated import *  # noqa: F403
from tests.worker.fakes import FakeClock, FakeVenue
from tests.worker.house import House
from worker import runners


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def venue(clock: FakeClock) -> FakeVenue:
    return FakeVenue(clock)


@pytest_asyncio.fixture
async def house(
    sqlite_engine: Engine, clock: FakeClock, venue: FakeVenue, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(runners, "AGAIN_AFTER", 0.01)
    made = House(sqlite_engine, clock, venue)
    yield made
    await made.close()
