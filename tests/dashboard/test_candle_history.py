"""A chart without history asks the worker for it once, says how far it is, and draws it when it is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import streamlit as st

from core.candles import Candle
from dashboard.candle_gaps import HOUR_MS, MINUTE_MS, Span, fraction_done, gaps, to_ask
from db import accounts, candle_requests, candles, market_data, strategies
from db.candle_requests import RequestState
from db.candles import milliseconds
from db.transactions import run
from tests.builders import a_market
from tests.dashboard import stand_in
from tests.dashboard.conftest import texts
from tests.db.people import AT, PARAMETERS

SYMBOL = "BTC/USDT"
VENUE = "binance"
NOW = 100 * HOUR_MS


@pytest.fixture(autouse=True)
def _nothing_cached():
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def paper(world) -> int:
    """A strategy of ann on a paper account, and a worker that serves requests."""
    stand_in.is_alive(world.engine, [])

    def unit(session):
        account = accounts.add_paper_account(
            session, world.ann, name="Paper", exchange=VENUE, balance={"USDT": Decimal(9000)},
            at=world.now, key="1",
        )  # fmt: skip
        return strategies.create_strategy(
            session, world.ann, account_id=account, name="Papery", symbol=SYMBOL,
            parameters=PARAMETERS, at=world.now, start=True,
        )  # fmt: skip

    return run(world.engine, unit)


def claimed(world):
    return run(world.engine, lambda s: candle_requests.claim(s, stand_in.WORKER))


def fetch(world, since: int, until: int) -> None:
    rows = [
        Candle(at, Decimal(100), Decimal(101), Decimal(99), Decimal(100), Decimal(1))
        for at in range(since, until, MINUTE_MS)
    ]
    run(world.engine, lambda s: candles.save_history(s, VENUE, SYMBOL, rows))


def said(app) -> list[str]:
    """Words of the progress bars."""
    return [bar.proto.text for bar in app.get("progress")]


def test_a_chart_without_history_asks_once_and_says_so(world, open_page, paper):
    app = open_page(world.ann, "views/strategy.py", id=str(paper))
    app.run()
    open_page(world.ann, "views/strategy.py", id=str(paper))
    assert said(app) == ["History is being fetched: waiting for the worker."]
    request = claimed(world)
    assert (request.venue, request.symbol) == (VENUE, SYMBOL)
    assert request.since <= milliseconds(world.now - timedelta(hours=1))
    assert request.until >= milliseconds(world.now)
    assert claimed(world) is None


def test_progress_is_shown_and_then_the_history(world, open_page, paper):
    app = open_page(world.ann, "views/strategy.py", id=str(paper))
    request, now = claimed(world), milliseconds(world.now)
    half = request.since + (now - request.since) // 2
    run(world.engine, lambda s: candle_requests.progress(s, stand_in.WORKER, request.id, half))
    app.run()
    assert "49" in said(app)[0] or "50" in said(app)[0]
    assert "done" in said(app)[0]
    fetch(world, request.since, now)
    run(world.engine, lambda s: candle_requests.finish(s, stand_in.WORKER, request.id, now))
    app.run()
    assert not said(app)
    assert claimed(world) is None


def test_what_the_exchange_does_not_have_is_not_asked_for_again(world, open_page, paper):
    app = open_page(world.ann, "views/strategy.py", id=str(paper))
    request, now = claimed(world), milliseconds(world.now)
    run(world.engine, lambda s: candle_requests.finish(s, stand_in.WORKER, request.id, now))
    app.run()
    assert "nothing was traded then" in texts(app)
    assert claimed(world) is None


def test_a_longer_span_is_a_request_of_its_own(world, open_page, paper):
    app = open_page(world.ann, "views/strategy.py", id=str(paper))
    assert claimed(world) is not None
    app.session_state["chart_span"] = "1 week"
    app.run()
    longer = claimed(world)
    assert longer.since <= milliseconds(world.now - timedelta(days=7))


def test_a_failure_is_told_and_asked_again_only_on_request(world, open_page, paper):
    app = open_page(world.ann, "views/strategy.py", id=str(paper))
    request = claimed(world)
    run(
        world.engine,
        lambda s: candle_requests.fail(s, stand_in.WORKER, request.id, "No such market."),
    )
    app.run()
    assert "No such market." in texts(app)
    assert claimed(world) is None
    next(button for button in app.button if button.label == "Ask again").click().run()
    assert claimed(world).id != request.id


def test_made_up_markets_need_no_worker_for_their_history(world, open_page):
    app = open_page(world.ann, "views/new_strategy.py")
    app.session_state["ladder_view"] = "Past prices"
    app.run()
    assert not app.exception
    assert not said(app)
    assert "Dashed: the extra buys" in texts(app)
    assert claimed(world) is None


def test_the_form_asks_for_the_history_of_what_it_is_about(world, open_page, paper):
    ticker = market_data.Ticker(VENUE, SYMBOL, *(Decimal(100),) * 3, world.now)
    market = replace(a_market(), symbol=SYMBOL)

    def unit(session):
        market_data.save_symbols(
            session, [market_data.TradableSymbol(VENUE, SYMBOL, "BTC", "USDT")]
        )
        market_data.save_markets(session, VENUE, [market], world.now)
        market_data.save_tickers(session, [ticker])

    run(world.engine, unit)
    app = open_page(world.ann, "views/new_strategy.py")
    mine = app.selectbox(key="form_account").options
    app.selectbox(key="form_account").select_index(len(mine) - 1).run()
    app.session_state["ladder_view"] = "Past prices"
    app.run()
    assert said(app) == ["History is being fetched: waiting for the worker."]
    assert claimed(world).symbol == SYMBOL


def test_gaps_are_found_at_both_ends_and_between():
    known = [*range(10 * MINUTE_MS, 20 * MINUTE_MS, MINUTE_MS), 40 * MINUTE_MS]
    assert gaps(known, 0, 60 * MINUTE_MS) == (
        Span(0, 10 * MINUTE_MS),
        Span(20 * MINUTE_MS, 40 * MINUTE_MS),
        Span(41 * MINUTE_MS, 60 * MINUTE_MS),
    )
    assert gaps([], 0, HOUR_MS) == (Span(0, HOUR_MS),)


def test_a_market_may_be_quiet_for_some_minutes():
    assert gaps([0, 5 * MINUTE_MS], 0, 10 * MINUTE_MS) == ()


def a_request(since: int, until: int, state=RequestState.WANTED, done_until: int | None = None):
    return candle_requests.CandleRequest(
        1, VENUE, SYMBOL, since, until, state, None, done_until, None, 1, AT
    )


def test_the_same_wish_a_minute_later_is_the_same_request():
    first = to_ask([Span(NOW - HOUR_MS, NOW)], NOW, None, NOW)
    assert first is not None
    later = NOW + MINUTE_MS
    assert to_ask([Span(later - HOUR_MS, later)], later, None, later) == first
    open_one = a_request(first.since, first.until)
    assert to_ask([Span(later - HOUR_MS, later)], later, open_one, later) is None


def test_what_has_passed_since_the_last_answer_is_asked_for():
    done = a_request(NOW - HOUR_MS, NOW + HOUR_MS, RequestState.DONE, NOW)
    later = NOW + 20 * MINUTE_MS
    assert to_ask([Span(NOW, NOW + 3 * MINUTE_MS)], later, done, later) is None
    assert to_ask([Span(NOW, later)], later, done, later) is not None


def test_progress_never_leaves_its_bounds():
    assert fraction_done(a_request(0, 100), 50) == 0
    assert fraction_done(a_request(0, 100, done_until=25), 50) == 0.5
    assert fraction_done(a_request(0, 100, done_until=90), 50) == 1
    assert fraction_done(a_request(60, 100), 50) == 0
