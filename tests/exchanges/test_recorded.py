"""Real recorded answers through our adapters, where the recordings of ccxt's own tests are at hand."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from core.orders import OrderStatus
from tests.exchanges.wire import NOW, Wire
from tests.faults import fault
from worker.exchanges.adapter import Fate
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.answers import read_balances, read_client_order_id, read_order, read_trade
from worker.exchanges.outcomes import accepted

RECORDED = Path(__file__).parents[3] / "shared" / "exchange_responses"


def load(kind, exchange):
    return json.loads((RECORDED / kind / f"{exchange}.json").read_text())


def cases(*methods):
    found = []
    for path in sorted((RECORDED / "response").glob("*.json")):
        if path.stem not in ADAPTERS:
            continue
        for method in methods:
            for case in json.loads(path.read_text())["methods"].get(method, []):
                name = f"{path.stem}-{method}-{case['description']}".replace(" ", "_")
                found.append(pytest.param(path.stem, case, id=name))
    if not found:
        skip = pytest.mark.skip(reason="the recordings are not at hand")
        found.append(pytest.param(None, None, marks=skip))
    return pytest.mark.parametrize(("exchange", "case"), found)


def wire_for(exchange, case):
    wire = Wire(ADAPTERS[exchange], [case["httpResponse"]])
    markets = list(load("markets", exchange).values())
    wire.client.set_markets(markets, load("currencies", exchange))
    return wire


def rows_of(case):
    parsed = case["parsedResponse"]
    return parsed if isinstance(parsed, list) else [parsed]


def same(ours, theirs):
    return ours == Decimal(str(theirs))


@cases("fetchOrder", "fetchOpenOrders", "fetchClosedOrders", "fetchOrders")
@fault("E39")
async def test_recorded_orders_are_read_exactly(exchange, case):
    wire = wire_for(exchange, case)
    for row in rows_of(case):
        if row["status"] is None:
            continue
        seen = read_order(row, row["symbol"])
        assert seen.venue_order_id == row["id"]
        assert seen.side == row["side"]
        assert same(seen.quantity, row["amount"])
        assert same(seen.filled, row["filled"])
        is_open = row["status"] == "open"
        assert (seen.status is OrderStatus.OPEN) is is_open
    assert wire.client.markets


@cases("fetchOpenOrders", "fetchOrders")
@fault("E39")
async def test_recorded_lists_are_read_through_the_adapter(exchange, case):
    wire = wire_for(exchange, case)

    rows = await wire.adapter.find_open(wire.client, None)

    assert [row["id"] for row in rows] == [row["id"] for row in rows_of(case)]
    for row in rows:
        if "/" in str(row["symbol"]):  # not of a market that has gone since
            assert read_order(row, None).symbol == row["symbol"]


@cases("fetchOrder")
@fault("E1", "E39")
async def test_a_recorded_order_is_found_through_the_adapter(exchange, case):
    wire = wire_for(exchange, case)
    (parsed,) = rows_of(case)
    client_order_id = read_client_order_id(parsed)
    if exchange == "kraken" or client_order_id is None:
        pytest.skip("this order has none, or stands in an answer that is not asked for")

    row = await wire.adapter.find(wire.client, parsed["symbol"], client_order_id, None)

    assert row is not None
    seen = read_order(row, parsed["symbol"])
    assert (seen.venue_order_id, seen.client_order_id) == (parsed["id"], client_order_id)
    assert same(seen.filled, parsed["filled"])


@cases("fetchMyTrades")
@fault("E18", "E39")
async def test_recorded_trades_are_read_with_their_fees(exchange, case):
    wire = wire_for(exchange, case)
    first = rows_of(case)[0]
    if exchange == "kraken":
        pytest.skip("trades are asked for by name there")

    rows = await wire.adapter.trades(wire.client, first["symbol"], first["order"], NOW)

    found = {row["id"]: read_trade(row, first["symbol"]) for row in rows}
    for parsed in rows_of(case):
        trade = found[parsed["id"]]
        assert same(trade.price, parsed["price"])
        assert same(trade.quantity, parsed["amount"])
        fees = [(fee["currency"], Decimal(str(fee["cost"]))) for fee in parsed["fees"]]
        assert list(trade.fees) == fees


@cases("createOrder")
@fault("E1", "E39")
async def test_a_recorded_answer_to_a_create_request_proves_acceptance(exchange, case):
    (parsed,) = rows_of(case)
    ours = read_client_order_id(parsed) or "none"

    assert accepted(exchange, parsed, ours).fate is Fate.ACCEPTED
    assert accepted(exchange, {**parsed, "id": None}, ours).fate is Fate.UNKNOWN


@cases("fetchBalance")
@fault("E26", "E39")
async def test_recorded_balances_are_read(exchange, case):
    if case["input"]:
        pytest.skip("not of a spot account")
    wire = wire_for(exchange, case)

    found = read_balances(await wire.adapter.balances(wire.client))

    parsed = case["parsedResponse"]
    assert set(found) == set(parsed["total"])
    for asset, total in parsed["total"].items():
        assert abs(found[asset].free + found[asset].used - Decimal(str(total))) < Decimal("1e-8")
