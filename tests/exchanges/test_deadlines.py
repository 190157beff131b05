"""Until when a create request is good, as it stands in the request that leaves."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import ccxt.async_support as ccxt
import pytest

from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import ID, NOW, NOW_MS, SECRET, SYMBOL, Wire, limit_buy, market
from tests.faults import fault
from worker.errors import NotSent
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.clients import guarded
from worker.exchanges.requests import Request, watched

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)


def guarded_wire(exchange):
    """The client that accounts use, on a clock of its own, some seconds after the order was written."""
    wire = Wire(ADAPTERS[exchange], SAMPLES[exchange].found)
    secrets = {"apiKey": "key-canary", "secret": SECRET, "password": "password-canary"}
    client = guarded(getattr(ccxt, exchange))(
        {"number": str, "enableRateLimit": False, "options": wire.adapter.options, **secrets}
    )
    client.has.update(wire.adapter.has)
    client.set_markets([market(exchange)])
    client.allows, client.fetch = wire.adapter.allows, wire._fetch
    client.hub = SimpleNamespace(adapter=wire.adapter, now=lambda: NOW + timedelta(seconds=3))
    wire.client = client
    return wire


@EXCHANGES
@fault("E2", "E13")
async def test_the_captured_request_says_until_when_it_is_good_and_whose_it_is(exchange):
    wire, order = guarded_wire(exchange), limit_buy()
    pinned = order.created_at if wire.adapter.pins_time else None

    with watched(Request(pinned=pinned, not_after=order.created_at + wire.adapter.good_for)):
        await wire.create(order)

    (sent,) = wire.sent
    assert SAMPLES[exchange].good_until(sent.headers, sent.fields) == NOW_MS + 5_000
    assert ID in (sent.body or "") + sent.url


@pytest.mark.parametrize("exchange", ["kucoin", "bitget"])
async def test_what_they_compare_with_their_clock_is_the_time_that_is_signed(exchange):
    wire = guarded_wire(exchange)
    with watched(Request(pinned=NOW)):
        await wire.create(limit_buy())

    headers, fields = wire.sent[0].headers, wire.sent[0].fields
    signed = headers.get("KC-API-TIMESTAMP") or headers.get("ACCESS-TIMESTAMP")
    assert str(fields.get("clientTimestamp") or fields.get("requestTime")) == signed == str(NOW_MS)


@EXCHANGES
@fault("E13")
async def test_nothing_is_signed_any_more_when_it_is_too_late(exchange):
    wire, order = guarded_wire(exchange), limit_buy()
    wire.client.hub.now = lambda: NOW + timedelta(seconds=5.1)

    with watched(Request(not_after=NOW + wire.adapter.good_for)), pytest.raises(NotSent):
        await wire.create(replace(order, created_at=NOW))
    assert wire.sent == []


@EXCHANGES
def test_requests_are_good_for_less_than_they_could_be_accepted(exchange):
    adapter = ADAPTERS[exchange]
    assert timedelta(0) < adapter.good_for <= adapter.request_window
    assert adapter.create(limit_buy(), SYMBOL, market(exchange)).params
