"""The simulated market and the replayed file as sources of prices; the heartbeat."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web

from core.candles import Candle
from core.errors import InvalidInput
from core.simulated_price import price_at
from core.simulated_symbols import SYMBOLS
from tests.builders import a_market, candles
from worker import heartbeat
from worker.heartbeat import Heartbeat
from worker.prices.replay import ReplayPrices
from worker.prices.simulated import SimulatedPrices

NOON = datetime(2025, 6, 1, 12, 0, 30, 400_000, tzinfo=UTC)
PRACTICE = next(found.symbol for found in SYMBOLS if found.is_practice)


def simulated(at: datetime = NOON) -> SimulatedPrices:
    return SimulatedPrices(clock=lambda: at, monotonic=lambda: 5.0)


async def test_simulated_quotes_are_a_function_of_the_second():
    first = await simulated().quotes([PRACTICE])
    again = await simulated(NOON + timedelta(milliseconds=500)).quotes([PRACTICE])
    assert first == again
    seen = first[PRACTICE]
    assert (seen.at.microsecond, seen.received) == (0, 5.0)
    assert 0 < seen.quote.bid <= seen.quote.ask
    assert await simulated().quotes([]) == {}


async def test_the_simulated_path_joins_seconds_whole_minutes_and_seconds():
    prices = simulated()
    until = NOON + timedelta(minutes=3)
    path = await prices.path(PRACTICE, NOON, until)
    ends = [ended for ended, _ in path]
    assert ends == sorted(set(ends))
    assert ends[0] == NOON.replace(second=31, microsecond=0)
    assert ends[-1] == until.replace(microsecond=0)
    assert sum(candle.high != candle.low for _, candle in path) <= 2
    assert path[-1][1].close == price_at(PRACTICE, until.replace(microsecond=0))


async def test_a_path_within_a_minute_is_its_seconds():
    path = await simulated().path(PRACTICE, NOON, NOON + timedelta(seconds=5))
    assert len(path) == 5


async def test_an_unknown_simulated_symbol_is_refused():
    with pytest.raises(InvalidInput):
        await simulated().market("BTC/USDT")


# --- replay

ROWS = candles((100, 104, 98, 102), (102, 103, 90, 91), first=1_700_000_040_000)


class Watch:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


def replay(watch: Watch, speed: float = 1.0, rows: list[Candle] | None = None) -> ReplayPrices:
    return ReplayPrices(a_market(), ROWS if rows is None else rows, speed, clock=watch.now)


async def shown(prices: ReplayPrices) -> Decimal | None:
    found = await prices.quotes(["BTC/USDT"])
    return found["BTC/USDT"].quote.bid if found else None


async def test_a_replay_walks_each_candle_over_its_turning_points(watch: Watch):
    prices = replay(watch)
    seen = []
    for _ in range(8):
        seen.append(await shown(prices))
        watch.at += timedelta(seconds=15)
    assert seen == [100, 98, 104, 102, 102, 103, 90, 91]


async def test_a_replay_runs_at_the_chosen_speed(watch: Watch):
    prices = replay(watch, speed=60)
    assert await shown(prices) == 100
    watch.at += timedelta(seconds=1)
    assert await shown(prices) == 102
    assert prices.now() == ROWS[1].at


async def test_after_its_last_candle_a_replay_has_no_price(watch: Watch):
    prices = replay(watch)
    prices.now()
    watch.at += timedelta(minutes=3, seconds=1)
    assert await shown(prices) is None


async def test_a_replay_tells_no_candle_that_has_not_closed_yet(watch: Watch):
    prices = replay(watch)
    prices.now()
    watch.at += timedelta(seconds=90)
    found = await prices.candles("BTC/USDT", ROWS[0].at, ROWS[0].at + timedelta(days=1))
    assert found == [ROWS[0]]


async def test_a_replay_has_one_symbol_and_at_least_one_candle(watch: Watch):
    with pytest.raises(InvalidInput, match="use BTC/USDT"):
        await replay(watch).market("ETH/USDT")
    with pytest.raises(InvalidInput, match="REPLAY_CANDLES"):
        replay(watch, rows=[])


# --- heartbeat


async def served(statuses: list[int]) -> tuple[web.AppRunner, str, list[str]]:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_get("/ping", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/ping", asked


async def test_the_address_is_pinged_again_and_again_whatever_it_answers(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(heartbeat, "EACH", 0.01)
    runner, url, asked = await served([200, 500, 404])
    task = asyncio.create_task(Heartbeat(url).run())
    async with asyncio.timeout(5):
        while len(asked) < 5:  # noqa: ASYNC110  (a server in another task)
            await asyncio.sleep(0.005)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()


async def test_a_ping_says_whether_it_arrived():
    runner, url, _ = await served([204, 503])
    async with aiohttp.ClientSession() as session:
        beat = Heartbeat(url)
        assert await beat.ping(session)
        assert not await beat.ping(session)
        await runner.cleanup()
        assert not await beat.ping(session)
        assert not await Heartbeat("http://").ping(session)
