"""What really goes on the wire when an order of ours is created."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.market import Side
from core.orders import Kind
from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import (
    ID,
    NOW,
    NOW_MS,
    SYMBOL,
    Sent,
    Wire,
    limit_buy,
    market,
    market_buy,
    market_exit,
)
from tests.faults import fault
from worker.exchanges.adapter import Fate, Trouble
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.adapters.creating import check_exact, create_with
from worker.exchanges.outcomes import NotSendable

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)
TAKES_MARKET_BUYS = {"binance", "bybit", "okx", "kraken", "kucoin"}
SIGNED_TIME = {
    "binance": lambda sent: sent.fields["timestamp"],
    "bybit": lambda sent: sent.headers["X-BAPI-TIMESTAMP"],
    "okx": lambda sent: sent.headers["OK-ACCESS-TIMESTAMP"],
    "kucoin": lambda sent: sent.headers["KC-API-TIMESTAMP"],
    "gate": lambda sent: sent.headers["Timestamp"],
    "bitget": lambda sent: sent.headers["ACCESS-TIMESTAMP"],
}
STATED = {"okx": "2026-11-22T12:00:00.250Z", "gate": str(NOW_MS // 1000)}


async def sent_by(exchange, order) -> Sent:
    wire = Wire(ADAPTERS[exchange], SAMPLES[exchange].found)
    await wire.create(order)
    assert len(wire.sent) == 1, "a hidden request"
    return wire.sent[0]


def amount(exchange, sent):
    return sent.fields[SAMPLES[exchange].amount_field]


def price(exchange, sent):
    return sent.fields.get(SAMPLES[exchange].price_field)


def side(exchange, sent):
    return sent.fields[SAMPLES[exchange].side_field].lower()


def is_immediate(sent):
    fields = sent.fields
    words = {str(fields.get(n)).lower() for n in ("timeInForce", "time_in_force", "timeinforce")}
    return "ioc" in words | {str(fields.get(n)).lower() for n in ("force", "ordType")}


@EXCHANGES
@fault("E4", "E39")
async def test_a_limit_order_carries_our_id_and_exactly_our_numbers_in_one_request(exchange):
    sent = await sent_by(exchange, limit_buy())

    assert sent.method == "POST"
    assert sent.host in ADAPTERS[exchange].hosts
    assert sent.fields[SAMPLES[exchange].id_field] == (f"t-{ID}" if exchange == "gate" else ID)
    assert (amount(exchange, sent), price(exchange, sent)) == ("0.123", "1234.5")
    assert side(exchange, sent) == "buy"
    assert not is_immediate(sent)
    assert "ABC" in str(sent.fields)


@EXCHANGES
@fault("E2", "E13", "P6")
async def test_a_request_cannot_be_accepted_long_after_the_order_was_written(exchange):
    adapter = ADAPTERS[exchange]
    sent = await sent_by(exchange, limit_buy())

    assert adapter.request_window <= timedelta(seconds=60)
    if adapter.pins_time:
        assert SIGNED_TIME[exchange](sent) == STATED.get(exchange, str(NOW_MS))
    else:
        assert sent.fields["deadline"] == "2026-11-22T12:00:05.250Z"
    if exchange == "binance":
        assert sent.fields["recvWindow"] == "5000"
    if exchange == "bybit":
        assert sent.headers["X-BAPI-RECV-WINDOW"] == "5000"


@pytest.mark.parametrize(("exchange", "header"), [("okx", "expTime"), ("gate", "x-gate-exptime")])
def test_a_header_ends_a_request_after_five_seconds_where_there_is_one(exchange, header):
    assert ADAPTERS[exchange].headers(NOW) == {header: str(NOW_MS + 5_000)}


@EXCHANGES
async def test_a_market_exit_is_an_immediate_limit_at_its_collar(exchange):
    sent = await sent_by(exchange, market_exit())

    assert is_immediate(sent)
    assert (amount(exchange, sent), price(exchange, sent)) == ("0.123", "1234.5")
    assert side(exchange, sent) == "sell"


@EXCHANGES
async def test_a_market_buy_buys_its_quantity_and_never_an_amount_of_quote(exchange):
    sent = await sent_by(exchange, market_buy())

    assert amount(exchange, sent) == "0.123"
    assert not {"quoteOrderQty", "funds", "quoteSize"} & sent.fields.keys()
    if exchange in TAKES_MARKET_BUYS:
        assert price(exchange, sent) is None
        assert sent.fields.get("marketUnit", "baseCoin") == "baseCoin"
        assert sent.fields.get("tgtCcy", "base_ccy") == "base_ccy"
    else:
        assert is_immediate(sent)
        assert price(exchange, sent) == "1246.84"  # 1 % above 1234.50, down to the tick


@EXCHANGES
def test_what_is_not_on_the_grid_or_has_no_collar_is_refused_before_it_is_sent(exchange):
    adapter, row = ADAPTERS[exchange], market(exchange)
    for order in (
        limit_buy(quantity=Decimal("0.12305")),
        limit_buy(price=Decimal("1234.505")),
        limit_buy(quantity=Decimal(0)),
        limit_buy(price=None),
        replace(market_exit(), price=None),
    ):
        with pytest.raises(NotSendable) as caught:
            adapter.create(order, SYMBOL, row)
        outcome = adapter.outcome(caught.value)
        assert (outcome.fate, outcome.trouble) == (Fate.REFUSED, Trouble.FILTER)


@EXCHANGES
def test_ccxt_sends_any_price_and_quantity_on_the_grid_as_it_is(exchange):
    chance = random.Random(7)
    client = Wire(ADAPTERS[exchange]).client
    for _ in range(200):
        places, lots = chance.randint(0, 8), chance.randint(0, 8)
        tick = Decimal(chance.choice((1, 2, 5, 25))).scaleb(-places)
        lot = Decimal(chance.choice((1, 2, 5))).scaleb(-lots)
        row = client.markets[SYMBOL]
        row["precision"] = {"amount": format(lot, "f"), "price": format(tick, "f")}
        order = limit_buy(
            price=tick * chance.randint(1, 10**9), quantity=lot * chance.randint(1, 10**9)
        )
        request = ADAPTERS[exchange].create(order, SYMBOL, row)
        check_exact(client, request)
        assert request.price is not None
        assert (Decimal(request.price), Decimal(request.amount)) == (order.price, order.quantity)
        assert "E" not in request.price + request.amount


@EXCHANGES
@fault("E17")
def test_nothing_is_sent_when_ccxt_knows_another_grid_by_now(exchange):
    client = Wire(ADAPTERS[exchange]).client
    request = ADAPTERS[exchange].create(limit_buy(), SYMBOL, market(exchange))
    client.markets[SYMBOL]["precision"] = {"amount": "0.01", "price": "1"}

    with pytest.raises(NotSendable):
        check_exact(client, request)


def test_an_exchange_that_rounds_more_coarsely_gets_the_collar_on_its_own_grid():
    from worker.exchanges.adapters.gate import STYLE

    row = {**market("gate"), "precision": {"amount": "0.001", "price": "5"}}
    order = limit_buy(kind=Kind.MARKET, side=Side.BUY, price=None, planned_price=Decimal(1000))

    assert create_with(STYLE, order, SYMBOL, row).price == "1010"
