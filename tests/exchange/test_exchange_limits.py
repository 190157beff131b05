"""The request budget: what a client used, what it was told, and whether it listened."""

from __future__ import annotations

import pytest

from tests.exchange.exchange import Exchange
from tests.exchange.signed import Clock, answered, ask, limit
from tests.exchange.wire import Reply


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000_000 // 60_000 * 60_000)


@pytest.fixture
def exchange(clock: Clock) -> Exchange:
    exchange = Exchange(clock)
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.add_account()
    exchange.weights.limit = 100
    return exchange


def account(exchange: Exchange) -> Reply:
    """Weight 20."""
    outcome = ask(exchange, "GET", "/api/v3/account")
    assert isinstance(outcome, Reply)
    return outcome


def test_each_answer_says_how_much_was_used_in_this_minute(
    exchange: Exchange, clock: Clock
) -> None:
    assert [account(exchange).headers["x-mbx-used-weight-1m"] for _ in range(2)] == ["20", "40"]
    clock.pass_ms(60_000)
    assert account(exchange).headers["x-mbx-used-weight-1m"] == "20"
    assert exchange.weights.heaviest() == 40


def test_beyond_the_limit_comes_429_until_the_minute_is_over(
    exchange: Exchange, clock: Clock
) -> None:
    clock.pass_ms(45_000)
    for _ in range(5):
        assert account(exchange).status == 200
    refused = account(exchange)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "15")
    clock.pass_ms(15_000)
    assert account(exchange).status == 200
    assert exchange.weights.ignored == []


def test_who_goes_on_after_429_is_banned_and_it_is_remembered(
    exchange: Exchange, clock: Clock
) -> None:
    statuses = []
    for _ in range(14):
        clock.pass_ms(300)
        statuses.append(account(exchange).status)
    assert statuses[:6] == [200] * 5 + [429]
    assert statuses[-1] == 418
    assert len(exchange.weights.requests_during_bans(grace_ms=1000)) > 3
    clock.pass_ms(121_000)
    assert account(exchange).status == 200


def test_a_request_that_was_under_way_when_the_ban_came_is_forgiven(
    exchange: Exchange, clock: Clock
) -> None:
    exchange.weights.ban("127.0.0.1", 60_000)
    for _ in range(2):
        clock.pass_ms(500)
        assert account(exchange).status == 418
    assert exchange.weights.requests_during_bans(grace_ms=1000) == []
    clock.pass_ms(5_000)
    account(exchange)
    assert len(exchange.weights.requests_during_bans(grace_ms=1000)) == 1


def test_addresses_have_budgets_of_their_own_and_sapi_counts_apart(exchange: Exchange) -> None:
    exchange.weights.ban("10.0.0.9", 60_000)
    assert account(exchange).status == 200
    rights = ask(exchange, "GET", "/sapi/v1/account/apiRestrictions")
    assert isinstance(rights, Reply)
    assert rights.headers == {"x-sapi-used-ip-weight-1m": "1"}


def test_an_account_may_place_only_so_many_orders_in_ten_seconds(
    exchange: Exchange, clock: Clock
) -> None:
    exchange.orders_per_ten_seconds = 2
    exchange.accounts["test-key"].deposit("USDT", exchange.symbols["BTCUSDT"].last)
    outcomes = [limit(exchange, "BUY", "0.01", "49000", f"s{number}") for number in range(3)]
    assert [one.status for one in outcomes] == [200, 200, 429]  # type: ignore[union-attr]
    assert "-1015" in outcomes[-1].text  # type: ignore[union-attr]
    count = answered(exchange, "GET", "/api/v3/rateLimit/order")[0]["count"]
    assert count == 2
    clock.pass_ms(10_000)
    assert limit(exchange, "BUY", "0.01", "49000", "s9").status == 200  # type: ignore[union-attr]
