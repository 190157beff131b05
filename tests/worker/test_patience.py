"""An exchange that is down is asked less and less often, and the log says so once."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest

from db.errors import DatabaseUnavailable
from tests.worker.fakes import FakeClock
from tests.worker.house import House
from worker.errors import KeyAwaited, KeyRefused
from worker.patience import SAY_EACH, BackOff, Complaints


def test_each_failure_waits_twice_as_long_until_a_success():
    back_off = BackOff(1.0)
    assert [back_off.pause() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    back_off.succeeded()
    assert [back_off.pause(), back_off.pause()] == [1, 2]


def test_a_reason_is_a_warning_once_and_again_after_five_minutes(clock: FakeClock):
    complaints = Complaints(clock.monotonic)

    def said(reason: str) -> bool:
        return complaints.level(reason) == logging.WARNING

    assert [said("down"), said("down"), said("other"), said("other")] == [True, False, True, False]
    clock.advance(SAY_EACH)
    assert [said("other"), said("other")] == [True, False]
    complaints.succeeded()
    assert said("other")


class Pauses:
    """Takes the place of waiting; `ends` after so many."""

    def __init__(self, house: House, ends: int) -> None:
        self.house, self.ends = house, ends
        self.seconds: list[float] = []
        house.runners._pause = self  # type: ignore[method-assign]

    async def __call__(self, account_id: int, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) == self.ends:
            self.house.venue.deaf = False
        await asyncio.sleep(0)


def loud(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [
        record.levelname
        for record in caplog.records
        if words in record.getMessage() and record.levelno >= logging.WARNING
    ]


async def test_an_account_whose_exchange_is_down_backs_off_and_complains_once(
    house: House, caplog: pytest.LogCaptureFixture
):
    house.venue.deaf = True
    pauses = Pauses(house, 14)
    await house.start()
    assert pauses.seconds[:4] == [0.01, 0.02, 0.04, 0.08]
    assert pauses.seconds[-2:] == [30, 30]
    assert loud(caplog, "is read again") == ["WARNING"]
    house.venue.deaf = True  # after it was served once everything begins anew
    pauses.ends = 16
    house.runner.read_again()
    await house.until(lambda: len(pauses.seconds) == 16)
    await house.settle()
    assert pauses.seconds[14:] == [0.01, 0.01]  # rows to be read again, then the exchange
    assert len(loud(caplog, "is read again")) == 3


async def test_a_database_that_is_away_is_asked_again_quickly(house: House):
    ask, failures = house.runners._stored, iter(range(6))

    async def away(held):
        if next(failures, None) is not None:
            raise DatabaseUnavailable("away")
        return await ask(held)

    house.runners._stored = away  # type: ignore[assignment]
    pauses = Pauses(house, 0)
    await house.start()
    assert pauses.seconds == [0.01] * 6


async def test_who_waits_for_an_exchange_does_not_hold_up_the_end(house: House):
    house.venue.deaf = True
    await house.take([])
    task = asyncio.create_task(house.start())
    await house.until(lambda: bool(house.runners._pausing))
    async with asyncio.timeout(5):  # a runner that is at work is given ten
        await house.runners.stop(house.account)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert house.runners.held == set()


@pytest.mark.parametrize(
    ("refused", "level"), [(KeyAwaited("No key."), "WARNING"), (KeyRefused("Revoked."), "ERROR")]
)
async def test_an_account_without_a_key_is_an_expected_state_and_said_once(
    house: House,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    refused: KeyRefused,
    level: str,
):
    asked: list[int] = []

    async def attach(account_id: int, stated: dict[str, Decimal]) -> None:
        asked.append(account_id)
        raise refused

    monkeypatch.setattr(house.venue, "attach", attach)
    task = asyncio.create_task(house.start())
    while len(asked) < 4:
        await house.until(lambda: house.account in house.runners.aside)
        house.runners.aside.try_again(house.account)
        await asyncio.sleep(0)
    assert loud(caplog, "stands aside") == [level]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
