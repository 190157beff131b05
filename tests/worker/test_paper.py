"""A paper account end to end: the real worker in this process, the real ccxt client, a stub exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import Engine, select

from core.cycle import DesiredState
from core.market import Market
from db import accounts, leases, ledger, market_data, price_requests, status, strategies
from db.clock import utc_now
from db.tables import FillRow
from db.transactions import run
from tests.builders import a_market
from tests.db.people import a_user
from tests.worker.fakes import FakeClock
from tests.worker.prices import FakePrices
from tests.worker.stub_exchange import StubExchange
from worker import symbols
from worker.database import Database
from worker.prices.markets import TICK_SIZE, read_ccxt_market
from worker.prices.public import PublicPrices
from worker.settings import WorkerSettings
from worker.supervisor import Supervisor

SYMBOL = "BTC/USDT"
RECORDED = Path(__file__).parents[3] / "shared" / "exchange_responses" / "markets"
LADDER = {
    "base_order_size": "100",
    "safety_order_size": "100",
    "max_safety_orders": 1,
    "price_deviation": "0.1",
    "take_profit": "0.05",
}


class Paper:
    """A person with a paper account on the stub exchange."""

    def __init__(self, engine: Engine, exchange: StubExchange) -> None:
        self.engine, self.exchange = engine, exchange
        self.person = a_user(engine)
        self.account = run(
            engine,
            lambda s: accounts.add_paper_account(
                s, self.person, name="Paper", exchange="binance", balance={"USDT": "1000"},
                at=utc_now(),
            ),
        )  # fmt: skip
        routes = orjson.dumps(exchange.routes).decode()
        self.database = Database(engine)
        self.supervisor = Supervisor(self.database, WorkerSettings(venue_routes=routes), None, None)
        self.task: asyncio.Task[None] | None = None

    def strategy(self, symbol: str = SYMBOL) -> int:
        return run(
            self.engine,
            lambda s: strategies.create_strategy(
                s, self.person, account_id=self.account, name=symbol, symbol=symbol,
                parameters=LADDER, at=utc_now(),
            ),
        )  # fmt: skip

    def state(self, strategy: int) -> str:
        found = run(self.engine, lambda s: status.load(s, [self.account]))
        return str(found[strategy].actual_state) if strategy in found else "none"

    def fills(self) -> list[tuple[str, str, Decimal]]:
        query = select(FillRow).where(FillRow.account_id == self.account).order_by(FillRow.at)
        rows = run(self.engine, lambda s: list(s.scalars(query)))
        return [(row.side, row.role, row.price) for row in rows]

    def start(self) -> None:
        self.task = asyncio.create_task(self.supervisor.run())

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        assert self.task is not None
        async with asyncio.timeout(seconds):
            while not condition():
                assert not self.task.done(), self.task.exception()
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self.task is not None:
            self.supervisor.stopping.set()
            await asyncio.wait({self.task}, timeout=20)
            assert self.task.done()
        self.database.close()


@pytest_asyncio.fixture
async def paper(sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Paper]:
    monkeypatch.setattr(PublicPrices, "period", 1.0)
    async with StubExchange() as exchange:
        made = Paper(sqlite_engine, exchange)
        yield made
        await made.stop()


async def test_a_paper_strategy_buys_on_the_ask_sells_on_the_bid_and_outlives_an_outage(
    paper: Paper,
):
    strategy = paper.strategy()
    paper.start()
    await paper.until(lambda: paper.state(strategy) == "running")
    assert paper.fills() == [("buy", "base", Decimal("100.5"))]
    published = run(paper.engine, lambda s: market_data.load_symbols(s, "binance"))
    assert {row.symbol for row in published} == {"BTC/USDT", "ETH/USDT"}
    asked = paper.exchange.count("bookTicker")
    paper.exchange.fail("bookTicker", 500, "<html>oops</html>")
    await paper.until(lambda: paper.exchange.count("bookTicker") > asked + 1)
    gone = paper.strategy("NIX/USDT")
    await paper.until(lambda: paper.state(gone) == "needs_attention")
    paper.exchange.recover()
    paper.exchange.book["BTCUSDT"] = ("106", "107")
    await paper.until(lambda: len(paper.fills()) >= 2)
    side, role, price = paper.fills()[1]
    # Within 10 s of the last quote the limit's own price, after a longer silence the bid.
    assert (side, role, price >= Decimal("105.5")) == ("sell", "take_profit", True)
    stored = run(paper.engine, market_data.load_tickers)
    assert ("binance", SYMBOL) in stored


async def test_a_symbol_that_somebody_looks_at_gets_a_price_before_anything_trades_it(paper: Paper):
    """Without it nobody could set up the first strategy on an exchange: the form needs a price."""
    paper.start()
    offered = lambda s: market_data.load_symbols(s, "binance")  # noqa: E731
    await paper.until(lambda: bool(run(paper.engine, offered)))
    run(
        paper.engine,
        lambda s: price_requests.ask(s, paper.person, "binance", SYMBOL, utc_now()),
    )
    await paper.until(lambda: ("binance", SYMBOL) in run(paper.engine, market_data.load_tickers))


async def test_a_banned_worker_asks_nothing_and_goes_on_afterwards(paper: Paper):
    strategy = paper.strategy()
    paper.exchange.fail("bookTicker", 418, "{}", **{"Retry-After": "2"})
    paper.start()
    await paper.until(lambda: paper.exchange.count("bookTicker") == 1)
    assert paper.fills() == []
    paper.exchange.recover()
    await paper.until(lambda: paper.state(strategy) == "running")


async def test_a_stop_is_obeyed_and_leaves_no_order_in_the_ledger(paper: Paper):
    strategy = paper.strategy()
    paper.start()
    await paper.until(lambda: paper.state(strategy) == "running")
    run(
        paper.engine,
        lambda s: strategies.set_desired(
            s, paper.person, strategy, DesiredState.STOPPED, at=utc_now(), rev=None
        ),
    )
    await paper.until(lambda: paper.state(strategy) == "stopped")
    assert run(paper.engine, lambda s: ledger.open_orders(s, [paper.account])) == []


async def test_a_lease_whose_commit_was_unknown_is_served_all_the_same(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
):
    ownership, served = paper.supervisor.ownership, []
    monkeypatch.setattr(
        paper.supervisor.runners, "start", lambda account, token: served.append(account.account_id)
    )
    await ownership.register()
    name = ownership.name
    run(paper.engine, lambda s: leases.take_all(s, name, [paper.account]))
    await ownership.share()
    assert paper.account in served


# --- markets as they were recorded


@pytest.mark.parametrize("exchange", ["binance", "bybit", "kraken"])
async def test_recorded_markets_can_be_read_and_published(
    sqlite_engine: Engine, clock: FakeClock, exchange: str
):
    file = RECORDED / f"{exchange}.json"
    rows = orjson.loads(file.read_bytes()).values() if file.exists() else []
    spot = [row for row in rows if row.get("spot")]
    found = [read_ccxt_market(row, TICK_SIZE) for row in spot] or [a_market()]
    assert all(market.tick_size and market.lot_size for market in found)
    assert len(found) == max(1, len(spot))
    await published(sqlite_engine, clock, exchange, found)


async def test_a_market_that_cannot_be_written_does_not_keep_the_others_back(
    sqlite_engine: Engine, clock: FakeClock
):
    odd = [a_market(symbol="X" * 60 + "/USDT"), a_market(tick_size=Decimal("1e-30")), a_market()]
    odd[1] = Market(symbol="ODD/USDT", tick_size=Decimal("1e-30"), lot_size=Decimal(1))
    await published(sqlite_engine, clock, "binance", odd, {"BTC/USDT"})


async def published(
    engine: Engine,
    clock: FakeClock,
    exchange: str,
    found: list[Market],
    expected: set[str] | None = None,
) -> None:
    database = Database(engine)
    prices = FakePrices(clock, *found)
    async with asyncio.timeout(10):
        await symbols.publish_exchange(database, exchange, prices)
    rows = run(engine, lambda s: market_data.load_symbols(s, exchange))
    assert {row.symbol for row in rows} == (expected or {market.symbol for market in found})
    database.close()
