"""Prices on request: for whoever sets up a strategy on a symbol that nobody trades yet."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

import pytest

from db import market_data, price_requests
from db.errors import NotFound
from db.market_data import TradableSymbol
from db.transactions import run
from tests.db.people import a_user

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def person(engine) -> int:
    rows = [
        TradableSymbol(venue="binance", symbol=f"C{n:02}/USDT", base=f"C{n:02}", quote="USDT")
        for n in range(60)
    ]
    run(engine, lambda s: market_data.save_symbols(s, rows))
    return a_user(engine)


def test_a_symbol_is_wanted_for_two_minutes_after_it_was_last_asked_for(engine, person):
    run(engine, lambda s: price_requests.ask(s, person, "binance", "C01/USDT", AT))
    later = AT + timedelta(seconds=90)
    run(engine, lambda s: price_requests.ask(s, person, "binance", "C01/USDT", later))
    still = later + timedelta(seconds=119)
    assert run(engine, lambda s: price_requests.wanted(s, still)) == {"binance": ["C01/USDT"]}
    over = later + timedelta(seconds=121)
    assert run(engine, lambda s: price_requests.wanted(s, over)) == {}


def test_a_symbol_that_is_not_offered_cannot_be_asked_for(engine, person):
    with pytest.raises(NotFound):
        run(engine, lambda s: price_requests.ask(s, person, "binance", "NIX/USDT", AT))


def test_nobody_can_make_a_worker_ask_for_everything(engine, person):
    for number in range(60):
        at, symbol = AT + timedelta(milliseconds=number), f"C{number:02}/USDT"
        ask = functools.partial(price_requests.ask, user_id=person, venue="binance")
        run(engine, functools.partial(ask, symbol=symbol, at=at))
    found = run(engine, lambda s: price_requests.wanted(s, AT + timedelta(seconds=1)))
    assert len(found["binance"]) == price_requests.MOST
    assert found["binance"][0] == "C59/USDT"
