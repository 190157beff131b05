"""Every state in which an exchange shows an order of ours, as its own documents write it."""

from decimal import Decimal

import pytest

from core.orders import OrderStatus
from tests.exchanges.sample import VENUE_ID
from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import ID, SYMBOL, Wire
from tests.faults import fault
from worker.errors import VenueUnavailable
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.answers import read_order

OPEN, FILLED, CANCELLED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELLED
BY_HAND, BY_ITSELF = False, True
ALL, SOME, NONE = Decimal("0.123"), Decimal("0.023"), Decimal(0)


def answer(exchange, row):
    """The answer to the first question of `find`."""
    if exchange in ("binance", "gate"):
        return row
    if exchange == "kucoin":
        return {"code": "200000", "data": row}
    if exchange == "kraken":
        table = {VENUE_ID: row}
        return {"error": [], "result": {"open": table, "closed": table, "count": 1}}
    return SAMPLES[exchange].listing([row])


async def found(exchange, changes):
    row = {**SAMPLES[exchange].row, **changes}
    row = {name: value for name, value in row.items() if value is not ...}
    wire = Wire(ADAPTERS[exchange], [answer(exchange, row)])
    return await wire.adapter.find(wire.client, SYMBOL, ID, VENUE_ID)


def kucoin(active, cancelled, filled, **more):
    return {"active": active, "cancelExist": cancelled, "dealSize": filled, **more}


def gate(status, how, left, **more):
    return {"status": status, "finish_as": how, "left": left, **more}


def bitget(status, filled, **more):
    return {"status": status, "baseVolume": filled, **more}


def okx(state, filled, **more):
    return {"state": state, "accFillSz": filled, **more}


def bybit(status, filled, **more):
    return {"orderStatus": status, "cumExecQty": filled, **more}


def kraken(status, filled, **more):
    return {"status": status, "vol_exec": filled, **more}


def binance(status, filled, **more):
    return {"status": status, "executedQty": filled, **more}


STATES = [
    ("kucoin", kucoin(True, False, "0", inOrderBook=False), OPEN, BY_HAND, NONE),
    ("kucoin", kucoin(True, False, "0.023"), OPEN, BY_HAND, SOME),
    ("kucoin", kucoin(False, False, "0.123"), FILLED, BY_HAND, ALL),
    ("kucoin", kucoin(False, True, "0"), CANCELLED, BY_HAND, NONE),
    ("kucoin", kucoin(False, True, "0.023", cancelledSize="0.1"), CANCELLED, BY_HAND, SOME),
    ("kucoin", kucoin(False, True, "0", timeInForce="IOC"), CANCELLED, BY_ITSELF, NONE),
    ("kucoin", kucoin(False, True, "0.023", timeInForce="IOC"), CANCELLED, BY_ITSELF, SOME),
    ("kucoin", kucoin(False, True, "0.023", type="market", price="0"), CANCELLED, BY_ITSELF, SOME),
    ("gate", gate("open", "open", "0.123"), OPEN, BY_HAND, NONE),
    ("gate", gate("open", "_new", "0.123"), OPEN, BY_HAND, NONE),
    ("gate", gate("closed", "filled", "0"), FILLED, BY_HAND, ALL),
    ("gate", gate("closed", ..., "0"), FILLED, BY_HAND, ALL),
    ("gate", gate("cancelled", "cancelled", "0.123"), CANCELLED, BY_HAND, NONE),
    ("gate", gate("cancelled", "cancelled", "0.1"), CANCELLED, BY_HAND, SOME),
    ("gate", gate("cancelled", "unknown", "0.1"), CANCELLED, BY_HAND, SOME),
    ("gate", gate("cancelled", "ioc", "0.1", time_in_force="ioc"), CANCELLED, BY_ITSELF, SOME),
    ("gate", gate("closed", "ioc", "0.1", time_in_force="ioc"), CANCELLED, BY_ITSELF, SOME),
    ("gate", gate("cancelled", "stp", "0.123"), CANCELLED, BY_ITSELF, NONE),
    ("gate", gate("cancelled", "small", "0.1"), CANCELLED, BY_ITSELF, SOME),
    ("gate", gate("cancelled", "depth_not_enough", "0.123"), CANCELLED, BY_ITSELF, NONE),
    ("bitget", bitget("live", "0", feeDetail=""), OPEN, BY_HAND, NONE),
    ("bitget", bitget("partially_filled", "0.0230"), OPEN, BY_HAND, SOME),
    ("bitget", bitget("filled", "0.1230000000000000"), FILLED, BY_HAND, ALL),
    ("bitget", bitget("cancelled", "0", cancelReason="normal_cancel"), CANCELLED, BY_HAND, NONE),
    ("bitget", bitget("cancelled", "0.023"), CANCELLED, BY_HAND, SOME),
    ("bitget", bitget("cancelled", "0.023", force="ioc"), CANCELLED, BY_ITSELF, SOME),
    ("okx", okx("live", "0", fee="0", feeCcy=""), OPEN, BY_HAND, NONE),
    ("okx", okx("partially_filled", "0.023"), OPEN, BY_HAND, SOME),
    ("okx", okx("filled", "0.123"), FILLED, BY_HAND, ALL),
    ("okx", okx("canceled", "0", fee="", cancelSource="1"), CANCELLED, BY_HAND, NONE),
    ("okx", okx("canceled", "0.023"), CANCELLED, BY_HAND, SOME),
    ("okx", okx("canceled", "0.023", ordType="ioc"), CANCELLED, BY_ITSELF, SOME),
    ("okx", okx("canceled", "0", ordType="ioc"), CANCELLED, BY_ITSELF, NONE),
    ("okx", okx("canceled", "0.023", ordType="market", px=""), CANCELLED, BY_ITSELF, SOME),
    ("okx", okx("mmp_canceled", "0"), CANCELLED, BY_HAND, NONE),
    ("bybit", bybit("New", "0"), OPEN, BY_HAND, NONE),
    ("bybit", bybit("Filled", "0.123"), FILLED, BY_HAND, ALL),
    ("bybit", bybit("Cancelled", "0"), CANCELLED, BY_HAND, NONE),
    ("bybit", bybit("PartiallyFilledCanceled", "0.023"), CANCELLED, BY_HAND, SOME),
    ("bybit", bybit("Cancelled", "0.023", timeInForce="IOC"), CANCELLED, BY_ITSELF, SOME),
    ("bybit", bybit("Rejected", "0"), CANCELLED, BY_ITSELF, NONE),
    ("kraken", kraken("pending", "0.00000000"), OPEN, BY_HAND, NONE),
    ("kraken", kraken("closed", "0.12300000", reason=None), FILLED, BY_HAND, ALL),
    ("kraken", kraken("canceled", "0.023", reason="User requested"), CANCELLED, BY_HAND, SOME),
    ("kraken", kraken("canceled", "0", reason="Cannot IOC"), CANCELLED, BY_ITSELF, NONE),
    ("kraken", kraken("expired", "0.02300000"), CANCELLED, BY_ITSELF, SOME),
    ("binance", binance("NEW", "0.00000000"), OPEN, BY_HAND, NONE),
    ("binance", binance("PENDING_CANCEL", "0.023"), OPEN, BY_HAND, SOME),
    ("binance", binance("FILLED", "0.12300000"), FILLED, BY_HAND, ALL),
    ("binance", binance("CANCELED", "0.02300000"), CANCELLED, BY_HAND, SOME),
    ("binance", binance("EXPIRED", "0.023", timeInForce="IOC"), CANCELLED, BY_ITSELF, SOME),
    ("binance", binance("EXPIRED_IN_MATCH", "0.00000000"), CANCELLED, BY_ITSELF, NONE),
    ("binance", binance("REJECTED", "0.00000000"), CANCELLED, BY_ITSELF, NONE),
]


@pytest.mark.parametrize(("exchange", "changes", "status", "expired", "filled"), STATES)
@fault("E7", "E34", "E35")
async def test_each_state_of_an_order_is_read_as_it_is(exchange, changes, status, expired, filled):
    seen = read_order(await found(exchange, changes), SYMBOL)

    assert (seen.status, seen.expired, seen.filled) == (status, expired, filled)
    assert (seen.quantity, seen.client_order_id, seen.venue_order_id) == (ALL, ID, VENUE_ID)


@pytest.mark.parametrize("exchange", ADAPTERS)
@pytest.mark.parametrize("missing", [..., None, ""])
@fault("E39")
async def test_an_order_that_ended_is_not_filled_whole_where_that_is_not_said(exchange, missing):
    sample = SAMPLES[exchange]
    row = await found(exchange, {**sample.ended, sample.filled_field: missing})

    with pytest.raises(VenueUnavailable):
        read_order(row, SYMBOL)


@pytest.mark.parametrize("exchange", ADAPTERS)
@fault("E39")
async def test_a_state_that_nobody_has_heard_of_is_no_answer(exchange):
    row = await found(exchange, SAMPLES[exchange].unheard_of)

    with pytest.raises(VenueUnavailable):
        read_order(row, SYMBOL)
