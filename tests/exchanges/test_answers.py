"""Rows of ccxt as values of ours: exact, and nothing is guessed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.market import Side
from core.orders import OrderStatus
from tests.faults import fault
from worker.errors import VenueUnavailable
from worker.exchanges.answers import read_balances, read_order, read_trade
from worker.venues.protocol import Balance

SYMBOL = "ABC/USDT"
ORDER = {
    "id": "7",
    "clientOrderId": "sab12cdefghijklm0",
    "symbol": SYMBOL,
    "type": "limit",
    "timeInForce": "GTC",
    "side": "buy",
    "price": "10.50",
    "amount": "2.000",
    "filled": "0.5",
    "status": "open",
}
TRADE = {
    "id": "3",
    "order": "7",
    "symbol": SYMBOL,
    "timestamp": 1_795_348_800_250,
    "price": "10.50",
    "amount": "0.5",
    "fee": {"cost": "0.0005", "currency": "ABC"},
}


def test_an_order_is_read_exactly():
    seen = read_order(ORDER, SYMBOL)

    assert (seen.venue_order_id, seen.client_order_id) == ("7", "sab12cdefghijklm0")
    assert (seen.symbol, seen.side) == (SYMBOL, Side.BUY)
    assert (seen.price, seen.quantity, seen.filled) == (
        Decimal("10.50"),
        Decimal(2),
        Decimal("0.5"),
    )
    assert (seen.status, seen.expired) == (OrderStatus.OPEN, False)


def test_the_prefix_that_gate_adds_is_taken_off():
    assert read_order({**ORDER, "clientOrderId": "t-sab12x"}, SYMBOL).client_order_id == "sab12x"


@pytest.mark.parametrize("id", [None, "", "0", 0])
def test_an_order_of_somebody_else_may_have_no_client_order_id(id):
    assert read_order({**ORDER, "clientOrderId": id}, SYMBOL).client_order_id is None


@pytest.mark.parametrize(
    ("changes", "status", "expired"),
    [
        ({"status": "closed", "filled": "2"}, OrderStatus.FILLED, False),
        ({"status": "closed", "filled": "2.002"}, OrderStatus.FILLED, False),
        ({"status": "closed"}, OrderStatus.CANCELLED, True),
        ({"status": "canceled"}, OrderStatus.CANCELLED, False),
        ({"status": "cancelled"}, OrderStatus.CANCELLED, False),
        ({"status": "canceled", "timeInForce": "IOC"}, OrderStatus.CANCELLED, True),
        ({"status": "canceled", "type": "market"}, OrderStatus.CANCELLED, True),
        ({"status": "expired"}, OrderStatus.CANCELLED, True),
        ({"status": "rejected"}, OrderStatus.CANCELLED, True),
        ({"status": "canceling"}, OrderStatus.OPEN, False),
    ],
)
@fault("E7", "E34", "E35")
def test_however_an_order_ends_its_fills_are_kept(changes, status, expired):
    seen = read_order({**ORDER, **changes}, SYMBOL)

    assert (seen.status, seen.expired) == (status, expired)
    assert seen.filled == Decimal(changes.get("filled", "0.5"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"status": None},
        {"status": "ok"},
        {"side": None},
        {"amount": None},
        {"amount": "0"},
        {"filled": None},
        {"filled": "-1"},
        {"filled": "NaN"},
        {"amount": "Infinity"},
        {"symbol": "BBB/USDT"},
        {"symbol": None, "asked": None},
    ],
)
@fault("E24", "E39")
def test_an_order_without_what_is_needed_counts_as_not_answered(changes):
    asked = changes.pop("asked", SYMBOL)
    with pytest.raises(VenueUnavailable):
        read_order({**ORDER, **changes}, asked)


@pytest.mark.parametrize("price", [None, "0", "", "market"])
def test_an_order_at_the_market_has_no_price(price):
    assert read_order({**ORDER, "price": price}, SYMBOL).price is None


@fault("E5")
def test_a_trade_is_read_exactly():
    trade = read_trade(TRADE, SYMBOL)

    assert (trade.trade_id, trade.venue_order_id) == ("3", "7")
    assert trade.at == datetime(2026, 11, 22, 12, 0, 0, 250_000, UTC)
    assert (trade.price, trade.quantity) == (Decimal("10.5"), Decimal("0.5"))
    assert trade.fees == (("ABC", Decimal("0.0005")),)


@pytest.mark.parametrize(
    ("fee", "fees", "read"),
    [
        ({"cost": "0.01", "currency": "USDT"}, None, [("USDT", "0.01")]),
        ({"cost": 0.01, "currency": "USDT"}, None, [("USDT", "0.01")]),
        ({"cost": "0", "currency": "USDT"}, None, [("USDT", "0")]),
        ({"cost": "0", "currency": None}, None, []),
        ({"cost": "-0.002", "currency": "USDT"}, None, [("USDT", "-0.002")]),
        ({"cost": "9", "currency": "BNB"}, None, [("BNB", "9")]),
        (
            None,
            [{"cost": "0.0001", "currency": "ABC"}, {"cost": "0.00002", "currency": "BNB"}],
            [("ABC", "0.0001"), ("BNB", "0.00002")],
        ),
        (
            None,
            [{"cost": "0.0001", "currency": "ABC"}, {"cost": "0.0002", "currency": "ABC"}],
            [("ABC", "0.0003")],
        ),
    ],
)
@fault("E18", "E19")
def test_fees_are_read_in_whatever_coin_they_were_taken(fee, fees, read):
    found = read_trade({**TRADE, "fee": fee, "fees": fees}, SYMBOL).fees

    assert found == tuple((asset, Decimal(amount)) for asset, amount in read)


@pytest.mark.parametrize(
    ("fee", "fees"),
    [
        (None, None),
        (None, []),
        ({}, None),
        ({"cost": None, "currency": "ABC"}, None),
        ({"cost": "0.1", "currency": None}, None),
        ({"cost": "x", "currency": "ABC"}, None),
        ({"cost": "0.026", "currency": "ABC"}, None),  # more than a twentieth of 0.5 ABC
        ({"cost": "0.263", "currency": "USDT"}, None),  # more than a twentieth of 5.25 USDT
        ({"cost": "2.625", "currency": "USDT"}, None),  # just half of it
        ({"cost": "-0.263", "currency": "USDT"}, None),
        (None, [{"cost": "0.0001", "currency": "ABC"}, {"cost": None, "currency": "BNB"}]),
    ],
)
@fault("E19")
def test_a_trade_whose_fee_is_unknown_or_absurd_has_not_arrived(fee, fees):
    with pytest.raises(VenueUnavailable):
        read_trade({**TRADE, "fee": fee, "fees": fees}, SYMBOL)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"order": None},
        {"price": None},
        {"price": "0"},
        {"amount": None},
        {"timestamp": None},
        {"timestamp": 0},
        {"timestamp": 1_795_348_800},
        {"symbol": "BBB/USDT"},
    ],
)
@fault("E39")
def test_a_trade_without_what_is_needed_has_not_arrived(changes):
    with pytest.raises(VenueUnavailable):
        read_trade({**TRADE, **changes}, SYMBOL)


def test_balances_are_read_and_what_is_missing_is_reckoned_from_the_total():
    row = {
        "free": {"ABC": "1.5", "USDT": None, "BNB": "2"},
        "used": {"ABC": "0.5", "USDT": "4", "BNB": None},
        "total": {"ABC": "2.0", "USDT": "10", "BNB": "2.5"},
    }
    assert read_balances(row) == {
        "ABC": Balance(Decimal("1.5"), Decimal("0.5")),
        "USDT": Balance(Decimal(6), Decimal(4)),
        "BNB": Balance(Decimal(2), Decimal("0.5")),
    }


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"free": None, "used": {}, "total": {}},
        {"free": {"ABC": None}, "used": {"ABC": None}, "total": {"ABC": "1"}},
        {"free": {"ABC": "x"}, "used": {"ABC": "1"}, "total": {"ABC": None}},
        {"free": {"ABC": "2"}, "used": {}, "total": {"ABC": "1"}},
    ],
)
@fault("E26")
def test_balances_that_cannot_be_read_are_not_coins_that_were_sold(row):
    with pytest.raises(VenueUnavailable):
        read_balances(row)
