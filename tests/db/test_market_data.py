"""Candles, prices and rules come back exactly, and many of them fast."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.candles import Candle
from core.market import FeeCurrency, Market
from db import candle_requests, candles, leases, market_data
from db.candle_requests import RequestState
from db.candle_series import CandleSeries, pack, unpack
from db.market_data import Ticker, TradableSymbol
from db.tables import CandleChunkRow
from db.transactions import run

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = 60_000
KEY = ("simulated", "BTC/USDT")

any_amount = st.integers(-(10**36) + 1, 10**36 - 1).map(lambda n: Decimal(n).scaleb(-18))
usual_amount = st.integers(0, 10**9).map(lambda n: Decimal(n).scaleb(-4))
some_candles = st.one_of(
    *(
        st.lists(st.builds(Candle, st.integers(0, 10**14), *[amount] * 5), max_size=20)
        for amount in (any_amount, usual_amount)
    )
)


def by_time(found: list[Candle]) -> list[Candle]:
    return sorted({candle.opened: candle for candle in found}.values(), key=lambda c: c.opened)


def months(session: Session) -> list[tuple[str, int]]:
    """What the chunks hold, month by month: (name, number of candles)."""
    row = CandleChunkRow
    found = session.execute(select(row.month, row.count).order_by(row.month))
    return [(month, count) for month, count in found]


def minutes(first: int, count: int, seed: int = 1) -> list[Candle]:
    rng = random.Random(seed)
    made = []
    price = Decimal(30_000)
    for number in range(count):
        prices = sorted(price + Decimal(rng.randint(-500, 500)) / 100 for _ in range(4))
        made.append(
            Candle(
                first + number * MINUTE,
                prices[1],
                prices[3],
                prices[0],
                prices[2],
                Decimal(rng.randint(0, 10**8)).scaleb(-5),
            )
        )
        price = prices[2]
    return made


@settings(deadline=None)
@given(some_candles)
def test_packed_candles_are_unpacked_equal(made):
    assert unpack(pack(CandleSeries.of(made))).candles() == by_time(made)


@settings(deadline=None)
@given(some_candles, some_candles)
def test_merging_keeps_every_minute_and_the_newer_of_two(older, newer):
    merged = CandleSeries.of(older).merged(CandleSeries.of(newer))
    assert merged.candles() == by_time(older + newer)


def test_history_and_the_open_day_are_read_as_one_series(engine):
    start = candles.milliseconds(datetime(2026, 10, 31, 22, 0, tzinfo=UTC))
    made = minutes(start, 400)
    run(engine, lambda s: candles.save_history(s, *KEY, made[100:300]))
    run(engine, lambda s: candles.save_history(s, *KEY, made[:150]))
    run(engine, lambda s: candles.save_open_day(s, *KEY, made[300:]))
    found = run(engine, lambda s: candles.load(s, *KEY, 0, start + 10**10), write=False)
    assert found.candles() == made
    part = run(engine, lambda s: candles.load(s, *KEY, made[50].opened, made[350].opened))
    assert part.candles() == made[50:350]
    assert run(engine, months) == [("2026-10", 120), ("2026-11", 180)]
    assert run(engine, lambda s: candles.latest(s, *KEY)) == made[-1].opened


def test_days_that_are_over_move_into_their_month(engine):
    noon = candles.milliseconds(AT)
    made = minutes(noon - candles.DAY_MS, 24 * 60)
    run(engine, lambda s: candles.save_open_day(s, *KEY, made))
    moved = run(engine, lambda s: candles.fold_closed_days(s, *KEY, noon))
    assert moved == 12 * 60
    assert run(engine, lambda s: candles.fold_closed_days(s, *KEY, noon)) == 0
    assert run(engine, lambda s: candles.load(s, *KEY, 0, noon * 2)).candles() == made
    assert [count for _, count in run(engine, months)] == [12 * 60]


def test_a_corrected_candle_replaces_the_former_one(engine):
    made = minutes(candles.milliseconds(AT), 3)
    other = minutes(candles.milliseconds(AT), 3, seed=2)
    run(engine, lambda s: candles.save_open_day(s, *KEY, made))
    run(engine, lambda s: candles.save_open_day(s, *KEY, other[1:2]))
    found = run(engine, lambda s: candles.load(s, *KEY, 0, 10**14))
    assert found.candles() == [made[0], other[1], made[2]]


def test_a_year_of_minutes_loads_well_under_a_second(engine):
    start = candles.milliseconds(datetime(2025, 1, 1, tzinfo=UTC))
    month = minutes(start, 5_000)
    series = CandleSeries.of(month)
    year = series
    for number in range(1, 105):
        shifted = CandleSeries(series.opened + number * 5_000 * MINUTE, series.columns)
        year = year.merged(shifted)
    run(engine, lambda s: candles.save_series(s, *KEY, year))
    began = time.perf_counter()
    found = run(engine, lambda s: candles.load(s, *KEY, 0, 10**14), write=False)
    took = time.perf_counter() - began
    assert len(found) == 525_000
    assert took < 0.9


MARKETS = [
    Market(symbol="BTC/USDT"),
    Market(
        symbol="ÄÖ/USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
        maker_fee=Decimal("-0.0001"),
        taker_fee=Decimal("0.00075"),
        fee_currency=FeeCurrency.BASE,
        max_market_quantity=Decimal("120.5"),
        max_open_orders=200,
    ),
]


def test_rules_of_markets_are_read_back_equal(engine):
    run(engine, lambda s: market_data.save_markets(s, "binance", MARKETS, AT - timedelta(hours=1)))
    run(engine, lambda s: market_data.save_markets(s, "binance", MARKETS[:1], AT))
    found = run(engine, lambda s: market_data.load_markets(s, "binance"))
    assert {m.symbol: m for m in MARKETS} == {k: v.market for k, v in found.items()}
    assert found["BTC/USDT"].fetched_at == AT
    assert list(run(engine, lambda s: market_data.load_markets(s, "binance", ["BTC/USDT"]))) == [
        "BTC/USDT"
    ]
    assert run(engine, lambda s: market_data.load_markets(s, "kraken")) == {}


def test_the_latest_price_of_a_symbol_replaces_the_one_before(engine):
    first = Ticker("paper", "BTC/USDT", Decimal("1.1"), Decimal("1.2"), Decimal("1.15"), AT)
    second = Ticker("paper", "ETH/USDT", Decimal(1), Decimal(2), Decimal("1.5"), AT)
    later = Ticker("paper", "BTC/USDT", Decimal(3), Decimal(4), Decimal("3.5"), AT)
    run(engine, lambda s: market_data.save_tickers(s, [first, second]))
    run(engine, lambda s: market_data.save_tickers(s, [later]))
    found = run(engine, market_data.load_tickers)
    assert found == {("paper", "BTC/USDT"): later, ("paper", "ETH/USDT"): second}
    key = ("paper", "ETH/USDT")
    assert run(engine, lambda s: market_data.load_tickers(s, [key])) == {key: second}


def test_symbols_that_are_gone_are_shown_only_on_request(engine):
    kept = TradableSymbol("binance", "BTC/USDT", "BTC", "USDT")
    gone = TradableSymbol("binance", "LUNA/USDT", "LUNA", "USDT", is_active=False, note="delisted")
    run(engine, lambda s: market_data.save_symbols(s, [kept, gone]))
    assert run(engine, lambda s: market_data.load_symbols(s, "binance")) == [kept]
    everything = run(engine, lambda s: market_data.load_symbols(s, "binance", active_only=False))
    assert everything == [kept, gone]


def test_a_wanted_history_is_worked_on_by_one_worker_and_taken_over_from_a_dead_one(engine):
    run(engine, lambda s: leases.register_worker(s, "w1", "host", 1, "x", "build"))
    run(engine, lambda s: leases.register_worker(s, "w2", "host", 2, "x", "build"))
    first = run(engine, lambda s: candle_requests.ask(s, 7, *KEY, 0, 1000, AT))
    again = run(engine, lambda s: candle_requests.ask(s, 7, *KEY, 100, 900, AT))
    assert again == first
    taken = run(engine, lambda s: candle_requests.claim(s, "w1"))
    assert taken is not None
    assert taken.id == first
    assert run(engine, lambda s: candle_requests.claim(s, "w2")) is None
    assert run(engine, lambda s: candle_requests.progress(s, "w1", first, 500))
    run(engine, lambda s: leases.retire(s, "w1"))
    resumed = run(engine, lambda s: candle_requests.claim(s, "w2"))
    assert resumed is not None
    assert resumed.done_until == 500
    assert not run(engine, lambda s: candle_requests.progress(s, "w1", first, 600))
    assert run(engine, lambda s: candle_requests.finish(s, "w2", first, 1000))
    shown = run(engine, lambda s: candle_requests.request(s, 7, first))
    assert shown is not None
    assert (shown.state, shown.done_until) == (RequestState.DONE, 1000)
    assert run(engine, lambda s: candle_requests.request(s, 8, first)) is None
    failing = run(engine, lambda s: candle_requests.ask(s, 7, *KEY, 0, 1000, AT))
    run(engine, lambda s: candle_requests.claim(s, "w2"))
    assert run(engine, lambda s: candle_requests.fail(s, "w2", failing, "no such symbol"))
