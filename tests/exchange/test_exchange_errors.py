"""Each error code of the test exchange becomes what ccxt makes of Binance's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from tests.exchange.conftest import Place

SYMBOL = "BTC/USDT"


def raw_order(**fields: str) -> Callable[[Place], Awaitable[Any]]:
    """Past ccxt's own rounding and checks."""
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "49000",
        "newClientOrderId": "s1",
    } | fields
    wanted = {name: value for name, value in order.items() if value}
    return lambda place: place.client.privatePostOrder(wanted)


REFUSED: list[tuple[str, type[Exception], Callable[[Place], Awaitable[Any]]]] = [
    ("-1013.*PRICE_FILTER|price is invalid", ccxt.InvalidOrder, raw_order(price="49000.005")),
    ("lot size", ccxt.InvalidOrder, raw_order(quantity="0.010001")),
    ("lot size", ccxt.InvalidOrder, raw_order(quantity="9001")),
    ("LOT_SIZE|lot size", ccxt.InvalidOrder,
     raw_order(type="MARKET", quantity="1001", price="", timeInForce="")),
    ("NOTIONAL", ccxt.BadRequest, raw_order(quantity="0.0001", price="10001")),
    ("PERCENT_PRICE_BY_SIDE", ccxt.InvalidOrder, raw_order(price="9999")),
    ("insufficient balance", ccxt.InsufficientFunds, raw_order(quantity="1")),
    ("immediately match", ccxt.OrderImmediatelyFillable,
     raw_order(type="LIMIT_MAKER", price="50001", timeInForce="")),
    ("-1121", ccxt.BadSymbol, raw_order(symbol="NOSUCHUSDT")),
    ("-1100", ccxt.BadRequest, raw_order(newClientOrderId="not allowed!")),
    ("-1111", ccxt.BadRequest, raw_order(quantity="0.0123456789")),
    ("-1102", ccxt.BadRequest, raw_order(price="")),
    ("-1115", ccxt.BadRequest, raw_order(timeInForce="SOON")),
    ("-1116", ccxt.BadRequest, raw_order(type="STOP_LOSS")),
    ("-1117", ccxt.BadRequest, raw_order(side="LONG")),
    ("-1106", ccxt.BadRequest, raw_order(type="MARKET", timeInForce="")),
    ("-2013", ccxt.OrderNotFound, lambda place: place.client.fetch_order("77", SYMBOL)),
    ("-2011", ccxt.OrderNotFound, lambda place: place.client.cancel_order("77", SYMBOL)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "act"), REFUSED)
async def test_what_is_refused_is_refused_in_binances_words(
    place: Place, text: str, kind: type[Exception], act: Callable[[Place], Awaitable[Any]]
) -> None:
    with pytest.raises(kind, match=text) as refused:
        await act(place)
    assert type(refused.value) is kind
    assert place.account.orders == []
    assert place.account.balance("USDT").free == Decimal(10_000)


async def test_too_many_open_orders_break_a_filter(place: Place) -> None:
    place.exchange.symbols["BTCUSDT"].rules.max_orders = 2
    await place.buy("s1")
    await place.buy("s2")
    with pytest.raises(ccxt.BaseError, match="MAX_NUM_ORDERS"):
        await place.buy("s3")


async def test_a_halted_symbol_takes_no_orders(place: Place) -> None:
    place.exchange.symbols["BTCUSDT"].status = "BREAK"
    with pytest.raises(ccxt.MarketClosed):
        await place.buy("s1")


async def test_a_delisted_symbol_is_gone(place: Place) -> None:
    place.exchange.faults.act("E16", place.account, how="delisted", symbol="BTC/USDT")
    with pytest.raises(ccxt.BadSymbol):
        await place.buy("s1")
    other = place.a_client()
    await other.load_markets()
    assert "BTC/USDT" not in other.markets


async def test_a_wrong_secret_a_strange_key_and_no_key_are_told_apart(place: Place) -> None:
    await place.client.close()
    for settings, code in (
        ({"secret": "wrong"}, "-1022"),
        ({"apiKey": "strange"}, "-2015"),
    ):
        client = place.a_client(**settings)
        await client.load_markets()
        with pytest.raises(ccxt.AuthenticationError, match=code):
            await client.fetch_balance()
    async with place.session.get(f"{place.server.url}/api/v3/account?timestamp=1") as response:
        assert (response.status, (await response.json())["code"]) == (401, -2014)


async def test_a_revoked_key_looks_like_overload_once_it_has_worked(place: Place) -> None:
    await place.client.fetch_balance()
    place.account.revoke_key()
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):
        await place.client.fetch_balance()


async def test_a_request_that_is_too_old_or_from_the_future_is_refused(place: Place) -> None:
    for offset in (6_000, -2_000):
        place.client.options["timeDifference"] = offset
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await place.buy("s1")
    assert place.account.orders == []


@pytest.mark.parametrize(("code", "status", "kind"), [
    (-1000, 500, ccxt.OperationFailed),
    (-1001, 500, ccxt.OperationFailed),
    (-1006, 500, ccxt.OperationFailed),
    (-1007, 408, ccxt.RequestTimeout),
    (-1008, 503, ccxt.OperationFailed),
    (-1015, 400, ccxt.RateLimitExceeded),
    (-1003, 429, ccxt.DDoSProtection),
    (-1003, 418, ccxt.DDoSProtection),
    (-1021, 400, ccxt.InvalidNonce),
    (-1022, 400, ccxt.AuthenticationError),
    (-2014, 401, ccxt.AuthenticationError),
    (-2015, 401, ccxt.AuthenticationError),
    (-9999, 400, ccxt.ExchangeError),
])  # fmt: skip
async def test_any_code_can_be_made_to_come(
    place: Place, code: int, status: int, kind: type[Exception]
) -> None:
    place.exchange.faults.arm("error", code=code, text="as armed", status=status)
    with pytest.raises(kind) as refused:
        await place.buy("s1")
    assert type(refused.value) is kind
    assert place.account.orders == []


@pytest.mark.parametrize(("options", "kind", "cause"), [
    ({"fault": "E1", "how": "lost"}, ccxt.RequestTimeout, TimeoutError),
    ({"fault": "E1", "how": "slow", "ms": 2_000}, ccxt.RequestTimeout, TimeoutError),
    ({"fault": "E1", "how": "cut"}, ccxt.ExchangeNotAvailable, aiohttp.ServerDisconnectedError),
    ({"fault": "E1", "how": "short"}, ccxt.ExchangeError, aiohttp.ClientPayloadError),
    ({"fault": "E3", "how": "500"}, ccxt.ExchangeNotAvailable, None),
    ({"fault": "E3", "how": "502"}, ccxt.ExchangeNotAvailable, None),
    ({"fault": "E3", "how": "503"}, ccxt.ExchangeNotAvailable, None),
    ({"fault": "E3", "how": "504"}, ccxt.RequestTimeout, None),
    ({"fault": "E3", "how": "-1000"}, ccxt.OperationFailed, None),
    ({"fault": "E3", "how": "-1001"}, ccxt.OperationFailed, None),
    ({"fault": "E3", "how": "-1006"}, ccxt.OperationFailed, None),
    ({"fault": "E3", "how": "-1007"}, ccxt.RequestTimeout, None),
])  # fmt: skip
async def test_an_accepted_order_whose_answer_is_lost(
    place: Place, options: dict[str, Any], kind: type[Exception], cause: type[Exception] | None
) -> None:
    place.client.timeout = 300
    place.exchange.faults.arm(**options)
    with pytest.raises(kind) as lost:
        await place.buy("s1")
    assert type(lost.value) is kind
    assert isinstance(lost.value.__cause__, cause) if cause else lost.value.__cause__ is None
    assert [order.client_order_id for order in place.account.orders] == ["s1"]
    assert place.exchange.faults.fired == {options["fault"]: 1}


@pytest.mark.parametrize("how", ["html", "empty", "null", "list", "object", "cut_json"])
@pytest.mark.parametrize("accepted", [True, False])
async def test_an_answer_without_sense_is_an_order_without_id(
    place: Place, how: str, accepted: bool
) -> None:
    place.exchange.faults.arm("E3", how=how, accepted=accepted)
    made = await place.buy("s1")
    assert made["id"] is None
    assert len(place.account.of("s1")) == accepted


@pytest.mark.parametrize(("how", "kind"), [
    ("lost", ccxt.RequestTimeout),
    ("cut", ccxt.ExchangeNotAvailable),
])  # fmt: skip
async def test_an_order_that_is_lost_on_the_way(
    place: Place, how: str, kind: type[Exception]
) -> None:
    place.client.timeout = 300
    place.exchange.faults.arm("E2", how=how)
    with pytest.raises(kind):
        await place.buy("s1")
    assert place.account.orders == []


async def test_an_order_that_comes_late_is_refused_by_its_own_time(place: Place) -> None:
    place.client.timeout = 200
    place.client.options["recvWindow"] = 300
    place.exchange.faults.arm("E2", how="late", ms=500)
    with pytest.raises(ccxt.RequestTimeout):
        await place.buy("s1")
    while not place.exchange.requests["POST", "/api/v3/order"]:
        await place.client.sleep(20)
    assert place.account.orders == []
    assert "-1021" in place.exchange.recent[-1][2].text  # type: ignore[union-attr]


async def test_an_order_that_comes_a_little_late_is_placed_although_nobody_waits(
    place: Place,
) -> None:
    place.client.timeout = 100
    place.exchange.faults.arm("E2", how="late", ms=300)
    with pytest.raises(ccxt.RequestTimeout):
        await place.buy("s1")
    while not place.account.orders:
        await place.client.sleep(20)
    assert place.account.orders[0].client_order_id == "s1"
