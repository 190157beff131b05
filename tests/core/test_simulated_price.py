"""The simulated market: the same prices everywhere, lively where promised, calm where promised."""

import itertools
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.candles import check_candles
from core.errors import InvalidInput
from core.noise import exp
from core.simulated_price import (
    candles,
    last_prices,
    price_at,
    prices,
    tickers_at,
)
from core.simulated_symbols import SYMBOLS, calm_symbols, find_symbol, market_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARCH = 1_740_787_200
NAMES = [symbol.symbol for symbol in SYMBOLS]
PINNED = [
    "98.886",
    "2004.24",
    "0.510428",
    "19789.4",
    "2984.88",
    "198.270",
    "27.0082",
    "0.583519",
]
ANY_SYMBOL = st.sampled_from([*NAMES, "CALM42/USDT", "PRACTICE99/USDT"])
ANY_SECOND = st.integers(-(10**9), 10**10)


def moment(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def test_a_price_never_changes_between_releases():
    """Histories, open cycles and tests rest on it: whoever changes this moves everybody's market."""
    seen = [str(price_at(symbol, moment(MARCH))) for symbol in NAMES]
    assert seen == PINNED


@given(ANY_SYMBOL, ANY_SECOND, st.integers(1, 90_000), st.integers(0, 3))
def test_one_price_equals_the_same_price_in_a_series(symbol, start, step, seed):
    series = prices(symbol, start, 5, step, seed)
    tick = find_symbol(symbol).tick_size
    for number, count in enumerate(series.tolist()):
        at = moment(start + number * step)
        assert price_at(symbol, at, seed) == tick * count
        assert last_prices(("CALM3/USDT", symbol), at, seed)[1] == tick * count


@given(ANY_SYMBOL, st.integers(0, 2 * 10**9), st.sampled_from([1, 5, 60]))
def test_candles_are_made_of_the_prices_of_their_seconds(symbol, start, minutes):
    length = minutes * 60
    opened = -(-start // length) * length
    made = candles(symbol, start * 1000, (opened + 2 * length) * 1000, minutes)
    assert [candle.opened for candle in made] == [opened * 1000, (opened + length) * 1000]
    tick = find_symbol(symbol).tick_size
    for candle in made:
        seen = [tick * n for n in prices(symbol, candle.opened // 1000, length).tolist()]
        assert (candle.open, candle.close) == (seen[0], seen[-1])
        assert (candle.high, candle.low) == (max(seen), min(seen))


def test_candles_run_on_from_one_day_to_the_next():
    made = candles("CALM1/USDT", MARCH * 1000, (MARCH + 3 * 86_400) * 1000, 7)
    check_candles(made)
    assert 3 * 1440 // 7 - 1 <= len(made) <= 3 * 1440 // 7
    assert {b.opened - a.opened for a, b in itertools.pairwise(made)} == {420_000}


def test_only_whole_candles_are_given():
    made = candles("CALM1/USDT", MARCH * 1000 + 1, (MARCH + 179) * 1000)
    assert [candle.opened for candle in made] == [(MARCH + 60) * 1000]
    assert candles("CALM1/USDT", MARCH * 1000, MARCH * 1000) == []


@given(ANY_SYMBOL, st.datetimes(timezones=st.just(UTC)))
def test_every_price_is_a_positive_multiple_of_the_tick_at_any_time(symbol, at):
    price = price_at(symbol, at)
    assert price > 0
    assert price % find_symbol(symbol).tick_size == 0


@given(ANY_SYMBOL, ANY_SECOND)
def test_one_buys_a_tick_above_the_last_price_and_sells_at_it(symbol, second):
    (ticker,) = tickers_at((symbol,), moment(second))
    assert ticker.bid == ticker.last == price_at(symbol, moment(second))
    assert ticker.ask - ticker.bid == market_of(symbol).tick_size


def test_the_price_of_a_second_holds_until_the_next_one():
    late = moment(MARCH) + timedelta(microseconds=999_999)
    assert price_at("PRACTICE1/USDT", late) == price_at("PRACTICE1/USDT", moment(MARCH))


def test_each_symbol_and_each_seed_has_a_course_of_its_own():
    courses = [prices("CALM1/USDT", MARCH, 50, 60, seed).tolist() for seed in range(3)]
    courses += [prices(symbol, MARCH, 50, 60).tolist() for symbol in calm_symbols(20)[1:]]
    assert len({tuple(course) for course in courses}) == len(courses)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "CALM0/USDT", "CALM100/USDT", "calm1/USDT", ""])
def test_a_symbol_that_is_not_simulated_is_refused_in_words(symbol):
    with pytest.raises(InvalidInput, match="PRACTICE1/USDT"):
        find_symbol(symbol)


def test_practice_symbols_are_marked_as_made_up():
    practice = [symbol for symbol in SYMBOLS if symbol.is_practice]
    assert len(practice) >= 3
    assert all("Made up" in symbol.note and "Practice" in symbol.name for symbol in practice)
    assert sum(not symbol.is_practice for symbol in SYMBOLS) >= 3


@pytest.mark.parametrize("symbol", calm_symbols(20))
def test_a_calm_minute_moves_like_a_large_coins(symbol):
    for day in range(0, 700, 100):
        series = prices(symbol, MARCH + day * 86_400, 1440, 60)
        moved = np.diff(np.log(series.astype(float))).std()
        assert 0.0005 <= moved <= 0.0008


def separate_falls(series: list[float], depth: float) -> int:
    """Falls from a peak by `depth`; the next one counts after a rise by a third from its low."""
    found, peak, low = 0, series[0], None
    for price in series:
        if low is None:
            peak = max(peak, price)
            if price <= peak * (1 - depth):
                found, low = found + 1, price
        else:
            low = min(low, price)
            if price >= low * 4 / 3:
                low, peak = None, price
    return found


@pytest.mark.parametrize("symbol", calm_symbols(6))
@pytest.mark.parametrize("seed", [0, 1])
def test_any_calm_year_holds_two_falls_of_40_percent(symbol, seed):
    for start in range(40):
        first = 1_262_304_000 + start * 173 * 86_400
        series = prices(symbol, first, 365 * 24, 3600, seed).astype(float)
        assert separate_falls(series.tolist(), 0.4) >= 2


@pytest.mark.parametrize("symbol", [s.symbol for s in SYMBOLS if s.is_practice])
def test_a_practice_symbol_falls_deeply_once_or_twice_an_hour_and_comes_back(symbol):
    series = prices(symbol, MARCH, 24 * 3600).astype(float)
    middle = np.median(series.reshape(-1, 2700), axis=1)
    lowest = series.reshape(-1, 2700).min(axis=1)
    assert (lowest / middle < 0.94).mean() > 0.9
    assert np.abs(np.diff(np.log(middle))).max() < 0.06


def test_our_own_exp_agrees_with_the_librarys():
    value = np.linspace(-5, 5, 10_001)
    assert np.abs(exp(value) / np.exp(value) - 1).max() < 1e-14


def best_of(count: int, work) -> float:
    spent = []
    for _ in range(count):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


def test_a_tick_and_a_day_of_candles_are_fast_enough():
    """The worker asks once a second for some 25 symbols; limits are wide, for busy machines."""
    symbols = (*calm_symbols(20), *NAMES[:3])
    assert best_of(200, lambda: price_at("CALM1/USDT", moment(MARCH))) < 0.0005
    assert best_of(200, lambda: last_prices(symbols, moment(MARCH))) < 0.001
    day = best_of(3, lambda: candles("CALM1/USDT", MARCH * 1000, (MARCH + 86_400) * 1000))
    assert day < 0.3


def test_simulated_markets_have_sensible_rules():
    for symbol in SYMBOLS:
        market = symbol.market
        price = symbol.middle * symbol.tick_size
        assert market.taker_fee == market.maker_fee == Decimal("0.001")
        assert Decimal("0.000001") < symbol.tick_size / price <= Decimal("0.00001")
        assert market.lot_size is not None
        assert market.lot_size * price <= Decimal("0.1")
        assert market.is_tradable(Decimal(10) / price, price)
