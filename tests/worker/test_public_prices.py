"""Real prices through the unmodified ccxt client, against a stub exchange on loopback."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from core.errors import InvalidInput
from tests.worker.stub_exchange import MINUTE_MS, StubExchange, a_kline, a_symbol
from worker.errors import VenueUnavailable
from worker.exchanges import hub
from worker.exchanges.hub import Hub
from worker.prices.public import PublicPrices

SYMBOL = "BTC/USDT"
START = datetime(2025, 1, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[StubExchange]:
    async with StubExchange() as stub:
        yield stub


@pytest_asyncio.fixture
async def prices(exchange: StubExchange) -> AsyncIterator[PublicPrices]:
    made = PublicPrices(Hub("binance", exchange.routes))
    yield made
    await made.close()


# --- markets


async def test_trading_rules_are_read_exactly(prices: PublicPrices):
    market = await prices.market(SYMBOL)
    assert (market.tick_size, market.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    assert (market.min_quantity, market.min_notional) == (Decimal("0.00001"), Decimal(5))
    assert market.max_market_quantity == 120


async def test_an_unknown_or_halted_symbol_is_refused_in_words(
    exchange: StubExchange, prices: PublicPrices
):
    exchange.symbols.append(a_symbol("SOL", status="BREAK"))
    with pytest.raises(InvalidInput, match="NIX/USDT is not traded on binance"):
        await prices.market("NIX/USDT")
    with pytest.raises(InvalidInput, match="SOL/USDT is halted"):
        await prices.market("SOL/USDT")
    assert {market.symbol for market in await prices.markets()} == {"BTC/USDT", "ETH/USDT"}


def test_an_exchange_that_nobody_knows_is_refused():
    with pytest.raises(InvalidInput, match="exchange"):
        Hub("notanexchange", {})


async def test_a_host_without_a_route_is_never_reached(exchange: StubExchange):
    strict = PublicPrices(Hub("kraken", exchange.routes))
    with pytest.raises(VenueUnavailable):
        await strict.quotes([SYMBOL])
    await strict.close()
    assert exchange.requests == []


# --- quotes


async def test_a_quote_is_the_book_and_one_request_serves_all_symbols(
    exchange: StubExchange, prices: PublicPrices
):
    exchange.book["ETHUSDT"] = ("9.99", "10.01")
    found = await prices.quotes([SYMBOL, "ETH/USDT"])
    assert (found[SYMBOL].quote.bid, found[SYMBOL].quote.ask) == (Decimal("99.5"), Decimal("100.5"))
    assert found["ETH/USDT"].quote.ask == Decimal("10.01")
    assert exchange.count("bookTicker") == 1


@pytest.mark.parametrize(
    "book",
    [
        (None, None),
        ("0", "0"),
        ("0.00000000", "100"),
        ("101", "100"),  # crossed
        ("-5", "100"),
        ("NaN", "100"),
        ("inf", "inf"),
        ("", ""),
        ("99.5", None),
    ],
)
async def test_a_price_that_is_none_is_missing_and_never_zero(
    exchange: StubExchange, prices: PublicPrices, book: tuple[object, object]
):
    exchange.book["BTCUSDT"] = book
    assert await prices.quotes([SYMBOL]) == {}


async def test_a_symbol_that_vanished_is_missing_and_takes_no_other_with_it(
    exchange: StubExchange, prices: PublicPrices
):
    assert set(await prices.quotes([SYMBOL, "GONE/USDT"])) == {SYMBOL}


FAULTS = [
    (500, "<html>oops</html>"),
    (502, "<html>bad gateway</html>"),
    (403, "<html>WAF</html>"),
    (451, '{"code": 0, "msg": "restricted"}'),
    (400, '{"code": -1003, "msg": "Too many requests"}'),
    (200, "<html>maintenance</html>"),
    (200, ""),
    (200, "null"),
    (200, "{}"),
    (200, '{"symbol": "BTCUSDT"}'),
    (200, "[1, 2, 3]"),
    (200, "[null]"),
    (200, '[{"symbol": "BTCUSDT", "bidPrice": '),
]


@pytest.mark.parametrize(("status", "text"), FAULTS)
async def test_a_garbage_answer_gives_no_price_and_no_other_error(
    exchange: StubExchange, prices: PublicPrices, status: int, text: str
):
    await prices.market(SYMBOL)
    exchange.fail("bookTicker", status, text)
    found, said = {}, ""
    try:
        found = dict(await prices.quotes([SYMBOL]))
    except VenueUnavailable as error:
        said = str(error)
    assert (found, "http" in said) == ({}, False)
    exchange.recover()
    prices.hub.calm_until = 0.0
    assert SYMBOL in await prices.quotes([SYMBOL])


@pytest.mark.parametrize(("status", "text"), FAULTS)
async def test_garbage_instead_of_markets_is_unavailable_until_they_come(
    exchange: StubExchange, prices: PublicPrices, status: int, text: str
):
    exchange.fail("exchangeInfo", status, text)
    for _ in range(2):
        with pytest.raises(VenueUnavailable):
            await prices.market(SYMBOL)
    exchange.recover()
    prices.hub.calm_until = 0.0
    assert (await prices.market(SYMBOL)).symbol == SYMBOL


@pytest.mark.parametrize("status", [418, 429])
async def test_nothing_is_asked_while_the_exchange_bans_us(
    exchange: StubExchange, prices: PublicPrices, status: int
):
    await prices.market(SYMBOL)
    exchange.fail(
        "bookTicker", status, '{"code": -1003, "msg": "banned"}', **{"Retry-After": "120"}
    )
    asked = len(exchange.requests)
    for _ in range(5):
        with pytest.raises(VenueUnavailable):
            await prices.quotes([SYMBOL])
    assert len(exchange.requests) == asked + 1
    assert prices.hub.calm_until > time.monotonic() + 100


async def test_markets_that_cannot_be_loaded_again_are_kept(
    exchange: StubExchange, prices: PublicPrices, monkeypatch: pytest.MonkeyPatch
):
    await prices.market(SYMBOL)
    monkeypatch.setattr(hub, "ASK_AGAIN", 0.0)
    exchange.fail("exchangeInfo", 500, "<html>")
    prices.hub.reload_soon()
    with pytest.raises(VenueUnavailable):
        await prices.hub.tend()
    assert SYMBOL in await prices.quotes([SYMBOL])


# --- candles


async def test_candles_come_in_pages_and_leave_out_what_is_no_candle(
    exchange: StubExchange, prices: PublicPrices
):
    exchange.klines = [
        a_kline(START_MS + n * MINUTE_MS, 100, 101, 99, 100) for n in range(1_200) if n != 7
    ]
    exchange.klines[3] = a_kline(exchange.klines[3][0], 100, None, 99, 100)
    exchange.klines[4] = a_kline(exchange.klines[4][0], 100, 99, 101, 100)
    found = await prices.candles(SYMBOL, START, START + timedelta(minutes=1_200))
    assert len(found) == 1_197
    assert exchange.count("klines") == 3
    assert [c.opened for c in found] == sorted({c.opened for c in found})


async def test_a_gap_longer_than_a_page_does_not_end_the_history(
    exchange: StubExchange, prices: PublicPrices
):
    exchange.klines = [
        a_kline(START_MS + n * MINUTE_MS, 100, 101, 99, 100) for n in (0, 1, 1_500, 1_501)
    ]
    found = await prices.candles(SYMBOL, START, START + timedelta(minutes=2_000))
    assert len(found) == 4


async def test_the_path_after_an_outage_leaves_out_the_minute_that_had_begun(
    exchange: StubExchange, prices: PublicPrices
):
    exchange.klines = [a_kline(START_MS + n * MINUTE_MS, 100, 101, 99, 100) for n in range(5)]
    found = await prices.path(SYMBOL, START + timedelta(seconds=90), START + timedelta(minutes=5))
    assert [candle.opened - START_MS for _, candle in found] == [
        2 * MINUTE_MS,
        3 * MINUTE_MS,
        4 * MINUTE_MS,
    ]


async def test_candles_of_an_exchange_that_is_away_are_unavailable(
    exchange: StubExchange, prices: PublicPrices
):
    await prices.market(SYMBOL)
    for status, text in FAULTS[:4]:
        exchange.fail("klines", status, text)
        with pytest.raises(VenueUnavailable):
            await prices.candles(SYMBOL, START, START + timedelta(minutes=5))
