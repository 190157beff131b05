"""The unmodified ccxt client trades on the test exchange over real sockets."""

from __future__ import annotations

from decimal import Decimal

import ccxt
import pytest

from tests.exchange.conftest import Place


async def test_markets_have_the_listed_rules(place: Place) -> None:
    market = place.client.market("BTC/USDT")
    assert market["precision"]["price"] == "0.01000000"
    assert market["precision"]["amount"] == "0.00001000"
    assert market["limits"]["cost"]["min"] == "5.00000000"
    assert market["limits"]["market"]["max"] == "1000.00000000"
    assert market["active"] is True
    assert place.exchange.requests == {("GET", "/api/v3/exchangeInfo"): 1}


async def test_an_order_is_placed_found_filled_and_its_trades_are_told(place: Place) -> None:
    made = await place.buy("s1")
    assert (made["status"], made["clientOrderId"]) == ("open", "s1")
    found = await place.client.fetch_order(None, "BTC/USDT", {"clientOrderId": "s1"})
    assert (found["id"], found["status"]) == (made["id"], "open")
    assert [one["id"] for one in await place.client.fetch_open_orders()] == [made["id"]]
    place.exchange.move("BTCUSDT", "48900")
    found = await place.client.fetch_order(made["id"], "BTC/USDT")
    assert (found["status"], found["filled"], found["average"]) == ("closed", "0.01000000", "49000")
    (trade,) = await place.client.fetch_order_trades(made["id"], "BTC/USDT")
    assert (trade["id"], trade["order"], trade["takerOrMaker"]) == ("1", made["id"], "maker")
    assert trade["fee"] == {"currency": "BTC", "cost": "0.00001000"}
    balance = await place.client.fetch_balance()
    assert balance["BTC"]["free"] == "0.00999000"
    assert balance["USDT"]["total"] == "9510"


async def test_a_cancel_answers_with_an_id_of_its_own(place: Place) -> None:
    await place.buy("s1")
    gone = await place.client.cancel_order(None, "BTC/USDT", {"clientOrderId": "s1"})
    assert gone["status"] == "canceled"
    assert gone["clientOrderId"] != "s1"
    assert gone["info"]["origClientOrderId"] == "s1"
    with pytest.raises(ccxt.OrderNotFound):
        await place.client.cancel_order(gone["id"], "BTC/USDT")


async def test_market_orders_are_taken_by_quantity_and_by_cost(place: Place) -> None:
    by_quantity = await place.client.create_order(
        "BTC/USDT", "market", "buy", "0.01", None, {"clientOrderId": "m1"}
    )
    assert (by_quantity["status"], by_quantity["filled"]) == ("closed", "0.01000000")
    by_cost = await place.client.create_market_buy_order_with_cost(
        "BTC/USDT", "100", {"clientOrderId": "m2"}
    )
    assert by_cost["status"] == "closed"
    assert Decimal(by_cost["cost"]) == Decimal("0.00199") * Decimal("50000.01")
    sold = await place.client.create_order("BTC/USDT", "market", "sell", "0.01", None)
    assert sold["fees"] == [{"currency": "USDT", "cost": "0.50000000"}]


@pytest.mark.parametrize(("in_force", "price", "status", "filled"), [
    ("IOC", "49000", "expired", "0"),
    ("FOK", "49000", "expired", "0"),
    ("IOC", "51000", "expired", "0.004"),
    ("FOK", "51000", "expired", "0"),
])  # fmt: skip
async def test_what_may_not_rest_expires(
    place: Place, in_force: str, price: str, status: str, filled: str
) -> None:
    place.exchange.symbols["BTCUSDT"].liquidity = Decimal("0.004")
    made = await place.client.create_order(
        "BTC/USDT", "limit", "buy", "0.01", price, {"timeInForce": in_force, "clientOrderId": "s1"}
    )
    assert (made["status"], Decimal(made["filled"])) == (status, Decimal(filled))
    assert place.account.balance("USDT").locked == 0


async def test_a_client_order_id_is_unique_among_open_orders_only(place: Place) -> None:
    await place.buy("s1")
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await place.buy("s1")
    place.exchange.move("BTCUSDT", "48900")
    again = await place.buy("s1", "48000")
    assert len(place.account.of("s1")) == 2
    found = await place.client.fetch_order(None, "BTC/USDT", {"clientOrderId": "s1"})
    assert found["id"] == again["id"]


async def test_trades_come_in_pages_by_id(place: Place) -> None:
    for number in range(5):
        await place.buy(f"s{number}")
    place.exchange.move("BTCUSDT", "48900")
    first = await place.client.fetch_my_trades("BTC/USDT", None, 2, {"fromId": 1})
    after = await place.client.fetch_my_trades("BTC/USDT", None, 10, {"fromId": 3})
    newest = await place.client.fetch_my_trades("BTC/USDT", None, 2)
    assert [one["id"] for one in first] == ["1", "2"]
    assert [one["id"] for one in after] == ["3", "4", "5"]
    assert [one["id"] for one in newest] == ["4", "5"]


async def test_only_binances_own_combinations_are_taken_when_asking_for_trades(
    place: Place,
) -> None:
    made = await place.buy("s1")
    with pytest.raises(ccxt.BadRequest):
        await place.client.fetch_order_trades(made["id"], "BTC/USDT", 1_700_000_000_000)
    week = 7 * 86_400_000
    since = place.exchange.now() - week
    with pytest.raises(ccxt.BadRequest):
        await place.client.fetch_my_trades("BTC/USDT", since, None, {"until": since + week})


async def test_all_orders_are_listed_finished_ones_included(place: Place) -> None:
    await place.buy("s1")
    await place.client.cancel_order(None, "BTC/USDT", {"clientOrderId": "s1"})
    await place.buy("s2")
    rows = await place.client.fetch_orders("BTC/USDT")
    assert [(one["clientOrderId"], one["status"]) for one in rows] == [
        ("s1", "canceled"),
        ("s2", "open"),
    ]
    closed = await place.client.fetch_canceled_and_closed_orders("BTC/USDT")
    assert [one["clientOrderId"] for one in closed] == ["s1"]


async def test_all_open_orders_of_a_symbol_are_cancelled_at_once(place: Place) -> None:
    await place.buy("s1")
    await place.buy("s2")
    assert len(await place.client.cancel_all_orders("BTC/USDT")) == 2
    assert await place.client.fetch_open_orders("BTC/USDT") == []


async def test_prices_candles_and_time_are_public(place: Place) -> None:
    client = place.a_client(apiKey=None, secret=None)
    await client.load_markets()
    tickers = await client.fetch_bids_asks(["BTC/USDT", "ETH/USDT"])
    assert tickers["BTC/USDT"]["ask"] == "50000.01000000"
    assert (await client.fetch_ticker("ETH/USDT"))["last"] == "3000.00000000"
    assert (await client.fetch_order_book("BTC/USDT"))["bids"][0][0] == 50000
    assert len(await client.fetch_ohlcv("BTC/USDT", "1m")) == 1
    assert abs(await client.load_time_difference()) < 1000


async def test_the_rights_of_a_key_are_told(place: Place) -> None:
    place.account.rights.can_withdraw = True
    rights = await place.client.sapiGetAccountApiRestrictions()
    assert rights["enableWithdrawals"] is True
    assert rights["enableSpotAndMarginTrading"] is True
    assert rights["ipRestrict"] is True


async def test_fees_can_be_asked_for(place: Place) -> None:
    fee = await place.client.fetch_trading_fee("BTC/USDT")
    assert (fee["maker"], fee["taker"]) == ("0.001", "0.001")
