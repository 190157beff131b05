"""An exchange's live and paper desks side by side: one hub, one feed, one name for prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from db import account_status, accounts, market_data
from db.clock import utc_now
from db.transactions import run
from tests.db.people import a_user
from tests.faults import fault
from tests.worker.live import SYMBOL, LiveRig, until
from worker.account import AccountRunner
from worker.database import Database
from worker.desk import Desk
from worker.errors import VenueUnavailable
from worker.exchanges.hub import Hub
from worker.places import Places
from worker.prices.public import PublicPrices
from worker.prices.source import PriceSource
from worker.rounds import AT_ONCE, EACH, Rounds
from worker.settings import WorkerSettings
from worker.supervisor import Supervisor
from worker.venues.ledger import Ledger
from worker.venues.live_venue import LiveVenue

D = Decimal


class Made:
    """Places over the rig's exchange."""

    def __init__(self, rig: LiveRig, engine: Engine) -> None:
        self.rig = rig
        self.database = Database(engine)
        self.woken: list[set[int]] = []
        self.places = Places(
            self.database, Ledger(self.database), None, self._hub, self._venue, with_feeds=True
        )
        self.places.wake = lambda ids, received: self.woken.append(ids)

    def _hub(self, exchange: str) -> Hub:
        assert exchange == "binance"
        return self.rig.hub

    def _venue(self, hub: Hub, source: PriceSource) -> LiveVenue:
        return LiveVenue(hub, self.rig._key_of, source, with_streams=False)


@pytest_asyncio.fixture
async def made(monkeypatch: pytest.MonkeyPatch, sqlite_engine: Engine) -> AsyncIterator[Made]:
    monkeypatch.setattr(PublicPrices, "period", 0.1)
    async with LiveRig(monkeypatch) as rig:
        rig.exchange.list_symbol("USDC", "USDT", price="1", tick="0.0001")
        rig.hub._loaded_at -= 60
        rig.hub.reload_soon()
        await rig.hub.tend()
        everything = Made(rig, sqlite_engine)
        yield everything
        await everything.places.close()
        everything.database.close()


async def test_one_request_serves_both_desks_and_prices_have_one_name(
    made: Made, sqlite_engine: Engine
):
    paper, live = made.places.named("binance"), made.places.live("binance")
    assert (paper.name, live.name, live.stored_as) == ("binance", "binance:live", "binance")
    for number, desk in enumerate((paper, live)):
        await desk.follow(SYMBOL, number)
    asked = made.rig.count("GET", "ticker/bookTicker")
    await until(lambda: SYMBOL in paper.latest and SYMBOL in live.latest)
    assert made.rig.count("GET", "ticker/bookTicker") - asked <= 2
    assert paper.latest[SYMBOL].quote.bid == live.latest[SYMBOL].quote.bid
    await until(lambda: run(sqlite_engine, market_data.load_tickers))
    assert set(run(sqlite_engine, market_data.load_tickers)) == {("binance", SYMBOL)}


@fault("E17", "E16")
async def test_new_rules_reach_every_desk_and_a_symbol_that_is_gone_is_named(made: Made):
    desks = [made.places.named("binance"), made.places.live("binance")]
    for desk in desks:
        await desk.follow(SYMBOL, 1)
        await desk.follow("BNB/USDT", 2)
    made.rig.exchange.faults.act("E17", made.rig.books, symbol=SYMBOL, tick="1")
    made.rig.exchange.faults.act("E16", made.rig.books, symbol="BNB/USDT", how="delisted")
    made.rig.hub._loaded_at -= 60
    made.rig.hub.reload_soon()
    await made.rig.hub.tend()
    for desk in desks:
        assert desk.markets[SYMBOL].tick_size == 1
        assert desk.markets["BNB/USDT"].tick_size == D("0.01")  # exits keep the rules they had
        assert set(desk.problems) == {"BNB/USDT"}
    await until(lambda: SYMBOL in desks[1].latest)  # the other symbols' prices go on


async def test_a_coin_off_its_dollar_and_a_wrong_clock_are_said_by_the_live_desk(made: Made):
    paper, live = made.places.named("binance"), made.places.live("binance")
    await live.follow(SYMBOL, 1)
    made.rig.exchange.move("USDCUSDT", "1.1")
    await until(lambda: live.quote_problem("USDT"))
    assert paper.quote_problem("USDT") is None
    made.rig.hub.clock._measured = None
    assert live.clock_problem() is not None


async def test_where_real_orders_are_not_possible_there_is_no_live_desk(made: Made):
    made.rig.hub.adapter = None
    with pytest.raises(VenueUnavailable, match="not possible"):
        made.places.live("binance")
    made.rig.hub.adapter = made.rig.venue.adapter


async def test_a_worker_that_may_not_trade_live_leaves_the_account_alone_and_says_why(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    person = a_user(sqlite_engine)
    account = run(
        sqlite_engine,
        lambda s: accounts.add_live_account(
            s, person, name="Live", exchange="binance", caps={"USDT": D(500)},
            accepts_no_address=False, accepts_unverified=False, at=utc_now(),
        ),
    )  # fmt: skip
    database = Database(sqlite_engine)
    supervisor = Supervisor(database, WorkerSettings(), None, None)
    served: list[int] = []
    monkeypatch.setattr(
        supervisor.runners, "start", lambda found, token: served.append(found.account_id)
    )
    await supervisor.ownership.register()
    await supervisor.ownership.share()
    assert account not in served
    found = run(sqlite_engine, lambda s: account_status.load(s, [account]))
    assert "ALLOW_LIVE=1" in str(found[account].hold)
    await supervisor.places.close()
    database.close()


# --- whose turn it is to be compared


class Turn:
    """As much of a runner as the rounds look at."""

    def __init__(self, account_id: int, desk: Desk) -> None:
        self.desk = desk
        self.facts = type("Facts", (), {"account_id": account_id})()


async def test_accounts_are_compared_each_minute_and_few_at_a_time_on_an_exchange(made: Made):
    now = [1_000.0]
    rounds = Rounds(lambda: now[0])
    live, paper = made.places.live("binance"), made.places.named("binance")
    turns = [Turn(number, live) for number in range(100)]
    others = [Turn(number, paper) for number in range(100, 200)]
    everybody: list[AccountRunner] = [*turns, *others]  # type: ignore[list-item]
    rounds.due(everybody)
    now[0] += EACH
    first = rounds.due(everybody)
    assert sum(each.desk is live for each in first) == AT_ONCE
    assert sum(each.desk is paper for each in first) == 100
    seen = {each.facts.account_id for each in first}
    for _ in range(20):
        now[0] += 1
        seen |= {each.facts.account_id for each in rounds.due(everybody)}
    assert seen >= set(range(100))


async def test_while_as_many_are_under_way_no_other_begins(made: Made):
    now = [1_000.0]
    rounds = Rounds(lambda: now[0])
    live = made.places.live("binance")
    turns: list[AccountRunner] = [Turn(number, live) for number in range(20)]  # type: ignore[misc]
    rounds.due(turns)
    now[0] += EACH
    for _ in range(AT_ONCE):
        await live.reconciling.acquire()
    assert rounds.due(turns) == []
    live.reconciling.release()
    assert rounds.due(turns) != []
