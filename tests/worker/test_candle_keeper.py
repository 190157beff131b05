"""History on demand, and every new minute of what is in use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, update

from core.candles import Candle
from db import candle_requests, candles, leases
from db.candle_requests import CandleRequest, RequestState
from db.errors import DatabaseUnavailable
from db.tables import CandleChunkRow, CandleRequestRow
from db.transactions import run
from tests.builders import a_market
from tests.db.people import a_user
from tests.worker.fakes import FakeClock
from tests.worker.prices import FakePrices
from worker.candle_keeper import CandleKeeper
from worker.database import Database
from worker.desk import Desk
from worker.venues.ledger import Ledger
from worker.venues.ledger_venue import LedgerVenue

SYMBOL = "BTC/USDT"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Shop:
    """A keeper over a migrated database and prices that the test makes."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock = engine, clock
        self.database = Database(engine)
        self.prices = FakePrices(clock, a_market())
        venue = LedgerVenue("simulated", self.prices, Ledger(self.database))
        self.desk = Desk("simulated", venue, monotonic=clock.monotonic)
        self.person = a_user(engine)
        run(engine, lambda s: leases.register_worker(s, "w1", "here", 1, "now", "test"))
        self.keeper = self.another("w1")
        self.now = int(clock.now().timestamp() * 1000)

    def another(self, name: str) -> CandleKeeper:
        desks = {"simulated": self.desk}
        return CandleKeeper(self.database, lambda: name, desks, desks.__getitem__)

    def minutes(self, first: int, count: int, missing: frozenset[int] = frozenset()) -> None:
        price = [Decimal(100), Decimal(101), Decimal(99), Decimal(100)]
        self.prices.history = [
            Candle(first + n * MINUTE_MS, *price) for n in range(count) if n not in missing
        ]

    def ask(self, since: int, until: int, symbol: str = SYMBOL) -> int:
        return run(
            self.engine,
            lambda s: candle_requests.ask(
                s, self.person, "simulated", symbol, since, until, self.clock.now()
            ),
        )

    def request(self, number: int) -> CandleRequest:
        found = run(self.engine, lambda s: candle_requests.request(s, self.person, number))
        assert found is not None
        return found

    def stored(self, since: int, until: int) -> list[int]:
        series = run(self.engine, lambda s: candles.load(s, "simulated", SYMBOL, since, until))
        return [int(opened) for opened in series.opened]


@pytest.fixture
def shop(sqlite_engine: Engine, clock: FakeClock) -> Iterator[Shop]:
    made = Shop(sqlite_engine, clock)
    yield made
    made.database.close()


async def test_a_request_is_fulfilled_a_day_at_a_time(shop: Shop):
    since = shop.now - 3 * DAY_MS
    shop.minutes(since, 3 * 1440)
    number = shop.ask(since, shop.now)
    await shop.keeper.serve_one()
    done = shop.request(number)
    assert (done.state, done.done_until) == (RequestState.DONE, shop.now)
    assert len(shop.stored(since, shop.now)) == 3 * 1440
    assert len(shop.prices.asked) == 3


async def test_nothing_to_do_is_nothing_done(shop: Shop):
    await shop.keeper.serve_one()
    assert shop.prices.asked == []


async def test_a_gap_in_the_history_stays_a_gap(shop: Shop):
    since = shop.now - 20 * MINUTE_MS
    shop.minutes(since, 20, missing=frozenset({5, 6, 7}))
    shop.ask(since, shop.now)
    await shop.keeper.serve_one()
    found = shop.stored(since, shop.now)
    assert len(found) == 17
    assert since + 5 * MINUTE_MS not in found


async def test_a_request_of_a_dead_worker_is_resumed_where_it_was(shop: Shop):
    since = shop.now - 3 * DAY_MS
    shop.minutes(since, 3 * 1440)
    number = shop.ask(since, shop.now)
    run(shop.engine, lambda s: leases.register_worker(s, "w0", "there", 1, "now", "test"))
    run(shop.engine, lambda s: candle_requests.claim(s, "w0"))
    run(shop.engine, lambda s: candle_requests.progress(s, "w0", number, since + 2 * DAY_MS))
    await shop.keeper.serve_one()
    assert shop.request(number).state is RequestState.WORKING  # its worker lives
    run(shop.engine, lambda s: leases.retire(s, "w0"))
    await shop.keeper.serve_one()
    assert shop.request(number).state is RequestState.DONE
    assert len(shop.prices.asked) == 1


async def test_a_request_survives_a_database_that_fails_in_the_middle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    since = shop.now - 3 * DAY_MS
    shop.minutes(since, 3 * 1440)
    number = shop.ask(since, shop.now)
    save, calls = shop.keeper._save, []

    async def fails_once(*args):
        calls.append(args)
        if len(calls) == 2:
            raise DatabaseUnavailable("gone")
        await save(*args)

    monkeypatch.setattr(shop.keeper, "_save", fails_once)
    with pytest.raises(DatabaseUnavailable):
        await shop.keeper.serve_one()
    await shop.keeper.serve_one()
    assert shop.request(number).state is RequestState.DONE
    assert len(shop.prices.asked) == 4
    assert len(shop.stored(since, shop.now)) == 3 * 1440


async def test_a_symbol_that_is_not_traded_fails_in_words(shop: Shop):
    number = shop.ask(shop.now - DAY_MS, shop.now, "NIX/USDT")
    await shop.keeper.serve_one()
    failed = shop.request(number)
    assert failed.state is RequestState.FAILED
    assert "not traded" in (failed.reason or "")


async def test_an_exchange_that_is_away_fails_in_words_and_later_requests_go_on(shop: Shop):
    shop.prices.away = True
    number = shop.ask(shop.now - DAY_MS, shop.now)
    await shop.keeper.serve_one()
    assert "did not answer" in (shop.request(number).reason or "")
    shop.prices.away = False
    again = shop.ask(shop.now - DAY_MS, shop.now)
    await shop.keeper.serve_one()
    assert shop.request(again).state is RequestState.DONE


@pytest.mark.parametrize(("since", "until"), [(-1, 10), (10**17, 10**18), (20, 10), (-(10**18), 0)])
async def test_times_written_by_hand_fail_in_words(shop: Shop, since: int, until: int):
    number = shop.ask(shop.now - DAY_MS, shop.now)
    row = update(CandleRequestRow).where(CandleRequestRow.id == number)
    run(shop.engine, lambda s: s.execute(row.values(since=since, until=until)))
    await shop.keeper.serve_one()
    assert shop.request(number).state is RequestState.FAILED


async def test_symbols_in_use_are_kept_current_minute_by_minute(shop: Shop):
    since = shop.now - 10 * MINUTE_MS
    shop.minutes(since, 30)
    await shop.desk.follow(SYMBOL, 1)
    await shop.keeper.keep_current()
    assert len(shop.stored(since, shop.now + DAY_MS)) == 10
    await shop.keeper.keep_current()
    assert len(shop.prices.asked) == 1  # not twice in the same minute
    shop.clock.advance(150)
    await shop.keeper.keep_current()
    assert len(shop.stored(since, shop.now + DAY_MS)) == 12
    assert shop.prices.asked[-1][1] - shop.prices.asked[-1][0] == timedelta(minutes=2)


async def test_minutes_missed_while_the_exchange_was_away_are_fetched_afterwards(shop: Shop):
    since = shop.now - 10 * MINUTE_MS
    shop.minutes(since, 30)
    await shop.desk.follow(SYMBOL, 1)
    await shop.keeper.keep_current()
    shop.prices.away = True
    shop.clock.advance(300)
    await shop.keeper.keep_current()
    shop.prices.away = False
    shop.clock.advance(60)
    await shop.keeper.keep_current()
    assert len(shop.stored(since, shop.now + DAY_MS)) == 16


async def test_a_new_day_folds_the_one_that_closed(shop: Shop):
    first = shop.now - shop.now % DAY_MS
    shop.minutes(first, 3000)
    await shop.desk.follow(SYMBOL, 1)
    await shop.keeper.keep_current()
    shop.clock.advance(86_400)
    await shop.keeper.keep_current()
    assert len(shop.stored(first, first + 2 * DAY_MS)) == 6 * 60 + 1440
    assert run(shop.engine, lambda s: s.scalars(select(CandleChunkRow.month)).all())
