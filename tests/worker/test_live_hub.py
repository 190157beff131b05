"""What all users of an exchange share: its markets, its time, its silence, its request budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from core.errors import InvalidInput
from core.orders import OrderStatus
from db import account_status, accounts, exchange_bans
from db.accounts import Account
from db.clock import utc_now
from db.errors import DatabaseUnavailable
from db.transactions import run
from tests.db.people import a_user
from tests.faults import fault
from tests.worker.live import ACCOUNT, SYMBOL, LiveRig
from worker import clock
from worker.database import Database
from worker.errors import NotSent, VenueUnavailable
from worker.exchanges import exchange_clock
from worker.exchanges.adapters.binance import BINANCE
from worker.exchanges.bans import Bans
from worker.exchanges.budget import Urgency
from worker.exchanges.hub import Hub
from worker.venues.live_admission import Admission

D = Decimal


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    async with LiveRig(monkeypatch) as made:
        yield made


# --- time


@pytest.mark.parametrize("ms", [10**59, 10**16, 0, -1])
async def test_a_time_that_cannot_be_is_no_answer(rig: LiveRig, ms: int):
    rig.exchange.clock_offset_ms = ms - rig.exchange.clock()
    with pytest.raises(VenueUnavailable):
        await rig.hub._measure()
    assert abs(rig.hub.clock.offset) < timedelta(seconds=1)


@fault("E13")
@pytest.mark.parametrize("ms", [5_000, -5_000])
async def test_orders_are_signed_with_the_exchanges_time_and_a_wrong_clock_is_said(
    rig: LiveRig, ms: int
):
    assert rig.hub.clock_problem() is None
    rig.exchange.clock_offset_ms = ms
    [update] = await rig.place(rig.an_order())
    assert (update.status, update.reason) == (OrderStatus.NOT_PLACED, "clock")
    rig.hub.clock._tried = None
    await rig.hub.tend()
    there = utc_now() + timedelta(milliseconds=ms)
    assert abs(rig.venue.now() - there) < timedelta(milliseconds=200)
    problem = rig.hub.clock_problem()
    assert problem is not None
    assert ("5.0 s behind" if ms > 0 else "5.0 s ahead") in problem
    [update] = await rig.place(rig.an_order())
    assert update.status is OrderStatus.OPEN


@fault("E13", "P7")
async def test_after_a_jump_of_this_hosts_clock_nothing_is_signed_until_it_was_measured_again(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch
):
    jump = timedelta(hours=1)
    monkeypatch.setattr(exchange_clock, "wall_clock", lambda: clock.wall_clock() + jump)
    sent = len(rig.sent)
    [update] = await rig.place(rig.an_order())
    assert (update.status, update.reason, len(rig.sent)) == (
        OrderStatus.NOT_PLACED,
        "clock",
        sent,
    )
    rig.hub.clock._tried = None
    await rig.hub.tend()
    assert abs(rig.venue.now() - utc_now()) < timedelta(milliseconds=200)
    assert (await rig.place(rig.an_order()))[0].status is OrderStatus.OPEN


async def test_an_answer_that_took_long_says_nothing_about_the_time(
    rig: LiveRig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exchange_clock, "SLOWEST", 0.0)
    rig.hub.clock._measured = None
    assert "not known" in str(rig.hub.clock_problem())
    with pytest.raises(VenueUnavailable, match="time"):
        await rig.hub.ready()
    assert not rig.hub.clock.is_known()


# --- markets


async def test_a_market_knows_its_limits_and_how_fees_are_taken(rig: LiveRig):
    market = await rig.venue.market(SYMBOL)
    assert (market.max_open_orders, market.fee_currency) == (200, BINANCE.fee_currency)
    assert (market.tick_size, market.min_notional) == (D("0.01"), D(5))


@fault("E16")
async def test_a_symbol_that_is_gone_is_refused_in_words(rig: LiveRig):
    rig.exchange.faults.act("E16", rig.books, symbol=SYMBOL, how="delisted")
    rig.hub._loaded_at -= 60
    rig.hub.reload_soon()
    await rig.hub.tend()
    with pytest.raises(InvalidInput, match="BTC/USDT"):
        await rig.venue.market(SYMBOL)
    assert (await rig.venue.market("BNB/USDT")).symbol == "BNB/USDT"


async def test_markets_are_not_loaded_again_more_than_once_a_minute(rig: LiveRig):
    before = rig.count("GET", "exchangeInfo")
    for _ in range(5):
        rig.hub.reload_soon()
        await rig.hub.tend()
    assert rig.count("GET", "exchangeInfo") == before


# --- silence and budget


@fault("E14", "P9")
async def test_a_ban_outlives_the_process_and_is_honoured_by_others(
    rig: LiveRig, sqlite_engine: Engine
):
    database = Database(sqlite_engine)
    bans = Bans(database, lambda: [rig.hub])
    bans.watch(rig.hub)
    rig.hub.calm(100)
    await asyncio.gather(*bans._writing)
    other = Hub("binance", {}, BINANCE)
    later = Bans(database, lambda: [other])
    await later.read()
    later.watch(other)
    with pytest.raises(NotSent):
        other.gate()
    again = Bans(database, lambda: [other])
    other.calm_until = 0.0
    await again.read()
    assert clock.monotonic() + 90 < other.calm_until < clock.monotonic() + 101
    stored = run(sqlite_engine, lambda s: exchange_bans.bans_of(s, bans.address))
    assert set(stored) == {"binance"}
    database.close()


class AwayDatabase(Database):
    is_away = True

    async def write(self, unit: Any) -> Any:
        if self.is_away:
            raise DatabaseUnavailable("away")
        return await super().write(unit)


@fault("E14", "D8")
async def test_a_ban_that_the_database_did_not_take_is_written_when_it_is_back(
    rig: LiveRig, sqlite_engine: Engine
):
    database = AwayDatabase(sqlite_engine)
    bans = Bans(database, lambda: [rig.hub])
    bans.watch(rig.hub)
    rig.hub.calm(100)
    await asyncio.gather(*bans._writing)
    database.is_away = False
    for _ in range(2):
        await bans.keep()
    until = run(sqlite_engine, lambda s: exchange_bans.bans_of(s, bans.address))["binance"]
    assert timedelta(seconds=90) < until - utc_now() <= timedelta(seconds=100)
    assert bans._unwritten == {}
    database.close()


@fault("E14")
async def test_when_the_exchange_says_that_most_is_used_only_exits_go_on(rig: LiveRig):
    rig.hub.answered(200, {"X-MBX-USED-WEIGHT-1M": "4900"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await rig.venue.balances(ACCOUNT)
    order = rig.an_order()
    await asyncio.wait_for(rig.venue.cancel(ACCOUNT, SYMBOL, [order]), 1.0)
    rig.hub.budget._held_until = dict.fromkeys(Urgency, 0.0)


# --- may it be served?


def an_account(**changes: object) -> Account:
    made = Account(
        3, 1, "Live", accounts.AccountKind.LIVE, "binance", "binance", {}, utc_now(), None,
        caps={"USDT": D(500)},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_live_accounts_are_served_only_when_all_allows_it(sqlite_engine: Engine):
    database = Database(sqlite_engine)
    off = Admission(database, allow_live=False)
    on = Admission(database, allow_live=True)
    anywhere = Admission(database, allow_live=True, live_on_any_database=True)
    said = [
        await off.refuses(an_account()),
        await on.refuses(an_account()),
        await anywhere.refuses(an_account(exchange="mexc")),
        await anywhere.refuses(an_account(caps=None)),
    ]
    for sentence, word in zip(said, ("ALLOW_LIVE=1", "MySQL", "mexc", "cap"), strict=True):
        assert sentence is not None
        assert word in sentence
    assert await anywhere.refuses(an_account()) is None
    paper = an_account(kind=accounts.AccountKind.PAPER, caps=None)
    assert await off.refuses(paper) is None
    database.close()


async def test_why_not_is_written_once_for_its_owner(sqlite_engine: Engine):
    person = a_user(sqlite_engine)
    made = run(
        sqlite_engine,
        lambda s: accounts.add_live_account(
            s, person, name="Live", exchange="binance", caps={"USDT": D(500)},
            accepts_no_address=False, accepts_unverified=False, at=utc_now(),
        ),
    )  # fmt: skip
    database = Database(sqlite_engine)
    admission = Admission(database, allow_live=False)
    account = an_account(account_id=made, user_id=person)
    for _ in range(3):
        await admission.say(account, "Switched off.")
    found = run(sqlite_engine, lambda s: account_status.load(s, [made]))
    assert found[made].hold == "Switched off."
    database.close()


@fault("E14")
async def test_where_each_key_has_its_own_limit_one_that_is_over_it_silences_nobody_else(
    rig: LiveRig,
):
    own = replace(BINANCE, shares_budget=False)
    rig.hub.adapter = rig.venue.adapter = rig.venue._asker.adapter = own
    rig.exchange.faults.act("E14", rig.books, how="429", ms=30_000)
    with pytest.raises(VenueUnavailable):
        await rig.venue.balances(ACCOUNT)
    rig.exchange.faults.heal()
    asked = len(rig.sent)
    with pytest.raises(NotSent):
        await rig.venue.balances(ACCOUNT)
    assert len(rig.sent) == asked
    assert SYMBOL in await rig.venue.source.quotes([SYMBOL])
