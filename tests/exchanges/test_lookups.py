"""How an order of ours is found again, and that "not there" is only read out of a real answer."""

import contextlib
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import pytest
from ccxt.base.errors import BaseError

from core.market import Side
from core.orders import OrderStatus
from tests.exchanges.sample import TRADE_ID, VENUE_ID
from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import ID, NOW, NOW_MS, SYMBOL, Wire
from tests.faults import fault
from worker.errors import VenueUnavailable
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.answers import read_balances, read_order, read_trade
from worker.venues.protocol import Balance

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)
JUNK = ["", "null", "[]", "{}", "<html>bad gateway</html>", '[{"orderId": 5', '{"result": 1}']
JUNK_ANSWERS = pytest.mark.parametrize("junk", JUNK)
OTHER = "zzz12cdefghijklm0"


def wire_with(exchange, answers):
    return Wire(ADAPTERS[exchange], answers)


def listing(exchange, rows):
    """The answer to a list that may be bare or in pages: kucoin has both."""
    if exchange == "kucoin":
        return {"code": "200000", "data": rows}
    return SAMPLES[exchange].listing(rows)


def finished(exchange, rows):
    if exchange == "kucoin":
        return {"code": "200000", "data": {"lastId": 0, "items": rows}}
    return SAMPLES[exchange].listing(rows)


def renamed(exchange):
    """The sample's order under somebody else's client order id."""
    text = deepcopy(SAMPLES[exchange].found[0])

    def change(value):
        if isinstance(value, dict):
            return {name: change(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [change(inner) for inner in value]
        return value.replace(ID, OTHER) if isinstance(value, str) else value

    return change(text)


@EXCHANGES
async def test_an_order_is_found_by_our_id_and_read(exchange):
    wire = wire_with(exchange, SAMPLES[exchange].found)

    row = await wire.adapter.find(wire.client, SYMBOL, ID, None)

    assert ID in wire.sent[0].url + (wire.sent[0].body or "")
    assert len(wire.sent) == 1
    seen = read_order(row, SYMBOL)
    assert (seen.client_order_id, seen.venue_order_id) == (ID, VENUE_ID)
    assert (seen.side, seen.price) == ("buy", Decimal("1234.5"))
    assert (seen.quantity, seen.filled) == (Decimal("0.123"), Decimal("0.023"))
    assert (seen.status, seen.expired) == (OrderStatus.OPEN, False)


def told_by_number(exchange):
    """Their answer about one order, asked by their own number."""
    answer = deepcopy(SAMPLES[exchange].found[0])
    if exchange == "kraken":
        answer["result"] = answer["result"]["open"]
    return answer


@EXCHANGES
async def test_whose_an_order_is_that_they_number_so_is_asked_by_the_number_alone(exchange):
    wire = wire_with(exchange, [told_by_number(exchange)])

    row = await wire.adapter.by_number(wire.client, SYMBOL, VENUE_ID)

    (sent,) = wire.sent
    assert VENUE_ID in sent.url + (sent.body or "")
    assert ID not in sent.url + (sent.body or "")
    seen = read_order(row, SYMBOL)
    assert (seen.client_order_id, seen.venue_order_id) == (ID, VENUE_ID)
    assert seen.filled == Decimal("0.023")


@EXCHANGES
@JUNK_ANSWERS
async def test_junk_does_not_say_whose_an_order_is(exchange, junk):
    wire = wire_with(exchange, [junk] * 4)
    with contextlib.suppress(VenueUnavailable, BaseError):
        assert await wire.adapter.by_number(wire.client, SYMBOL, VENUE_ID) is None


@EXCHANGES
@fault("E2", "E11")
async def test_an_order_that_they_say_is_not_there_is_not_there(exchange):
    sample = SAMPLES[exchange]
    wire = wire_with(exchange, sample.missing)
    wire.status = 200 if exchange in ("bybit", "kraken", "bitget") else 400
    if exchange == "gate":
        wire.statuses = [400, 200]

    assert await wire.adapter.find(wire.client, SYMBOL, ID, None) is None


@fault("E10")
async def test_an_order_that_was_archived_is_not_shown_any_more():
    wire = wire_with("binance", [{"code": -2026, "msg": "Order was archived."}])
    wire.status = 400

    assert await wire.adapter.find(wire.client, SYMBOL, ID, VENUE_ID) is None


@EXCHANGES
@JUNK_ANSWERS
@fault("E1", "E11", "E39")
async def test_junk_instead_of_an_answer_never_means_that_the_order_is_not_there(exchange, junk):
    for ask in ("find", "find_again", "find_open", "trades"):
        wire = wire_with(exchange, [junk])
        is_bare_list = junk == "[]" and exchange in ("binance", "gate") and ask != "find"
        if is_bare_list:  # this is what an empty list looks like there
            continue
        calls = {
            "find": (SYMBOL, ID, None),
            "find_again": (SYMBOL, ID, NOW),
            "find_open": (SYMBOL,),
            "trades": (SYMBOL, VENUE_ID, NOW),
        }
        with pytest.raises((VenueUnavailable, wire.base_error)):
            await getattr(wire.adapter, ask)(wire.client, *calls[ask])


@EXCHANGES
async def test_another_order_than_asked_for_is_no_answer(exchange):
    wire = wire_with(exchange, [renamed(exchange)])

    with pytest.raises(VenueUnavailable):
        await wire.adapter.find(wire.client, SYMBOL, ID, None)


@EXCHANGES
async def test_their_own_id_decides_where_it_is_known(exchange):
    wire = wire_with(exchange, [renamed(exchange)])

    row = await wire.adapter.find(wire.client, SYMBOL, ID, VENUE_ID)

    assert read_order(row, SYMBOL).client_order_id == ID


@EXCHANGES
@fault("E1")
async def test_the_second_source_finds_an_order_that_rests(exchange):
    wire = wire_with(exchange, [listing(exchange, [SAMPLES[exchange].row])])

    row = await wire.adapter.find_again(wire.client, SYMBOL, ID, NOW)

    assert read_order(row, SYMBOL).client_order_id == ID


@EXCHANGES
@fault("E1", "E10")
async def test_the_second_source_looks_at_everything_since_the_order_was_written(exchange):
    row = SAMPLES[exchange].row
    answers = [finished(exchange, [row])]
    if exchange != "binance":  # its history holds what is open as well
        answers.insert(0, listing(exchange, []))
    wire = wire_with(exchange, answers)

    assert await wire.adapter.find_again(wire.client, SYMBOL, ID, NOW) is not None

    asked = wire.sent[-1].url + (wire.sent[-1].body or "")
    since = NOW_MS - 60_000
    assert str(since) in asked or str(since // 1000) in asked
    assert ID not in asked, "it must not rest on their index of client order ids"


@EXCHANGES
async def test_the_second_source_says_so_when_nothing_is_there(exchange):
    wire = wire_with(exchange, [finished(exchange, [])])
    wire.answers = [finished(exchange, [])]
    if exchange == "kucoin":
        wire.answers = [listing(exchange, []), finished(exchange, [])]

    assert await wire.adapter.find_again(wire.client, SYMBOL, ID, NOW) is None


@EXCHANGES
async def test_everything_that_rests_on_the_account_is_listed(exchange):
    sample = SAMPLES[exchange]
    answers = [listing(exchange, [sample.row])]
    if exchange == "kucoin":
        answers.insert(0, {"code": "200000", "data": {"symbols": ["ABC-USDT"]}})
    if exchange == "gate":
        answers = [[{"currency_pair": "ABC_USDT", "total": 1, "orders": [sample.row]}]]
    wire = wire_with(exchange, answers)

    rows = await wire.adapter.find_open(wire.client, None)

    assert [read_order(row, None).symbol for row in rows] == [SYMBOL]
    assert wire.adapter.lists_all_open


@EXCHANGES
@fault("E9")
async def test_a_cancel_carries_our_id(exchange):
    wire = wire_with(exchange, SAMPLES[exchange].found)

    await wire.adapter.cancel(wire.client, SYMBOL, ID, VENUE_ID)

    (sent,) = wire.sent
    assert ID in sent.url + (sent.body or "")
    assert VENUE_ID not in sent.url + (sent.body or "")


@pytest.mark.parametrize(
    ("exchange", "answer"),
    [
        ("binance", {"code": -2011, "msg": "Unknown order sent."}),
        ("bybit", {"retCode": 170213, "retMsg": "Order does not exist."}),
        ("okx", {"code": "1", "data": [{"sCode": "51400", "sMsg": "Cancellation failed"}]}),
        ("kucoin", {"code": "400100", "msg": "order_not_exist_or_not_allow_to_cancel"}),
        ("gate", {"label": "ORDER_NOT_FOUND", "message": "Order not found"}),
        ("bitget", {"code": "43001", "msg": "The order does not exist"}),
    ],
)
@fault("E9")
async def test_a_cancel_of_an_order_that_is_not_open_any_more_is_no_error(exchange, answer):
    wire = wire_with(exchange, [answer])
    wire.status = 400

    await wire.adapter.cancel(wire.client, SYMBOL, ID, VENUE_ID)


@EXCHANGES
@fault("E5", "E18")
async def test_the_trades_of_an_order_are_read_with_their_fees(exchange):
    wire = wire_with(exchange, SAMPLES[exchange].trades)

    (row,) = await wire.adapter.trades(wire.client, SYMBOL, VENUE_ID, NOW)

    assert VENUE_ID in wire.sent[0].url + (wire.sent[0].body or "")
    trade = read_trade(row, SYMBOL)
    assert (trade.trade_id, trade.venue_order_id) == (TRADE_ID, VENUE_ID)
    assert (trade.price, trade.quantity) == (Decimal("1234.5"), Decimal("0.023"))
    assert trade.at == NOW
    fee = {
        "kraken": ("USDT", Decimal("0.02839")),
        "kucoin": ("USDT", Decimal("0.0283935")),
    }.get(exchange, ("ABC", Decimal("0.000023")))
    assert trade.fees == (fee,)


@EXCHANGES
@fault("E10")
async def test_all_trades_of_the_account_since_a_time_are_read(exchange):
    """What proves that an order which nobody shows any more did not fill."""
    answers = SAMPLES[exchange].trades
    if exchange == "kraken":
        answers = [{"error": [], "result": {"trades": answers[1]["result"], "count": 1}}]
    wire = wire_with(exchange, answers)

    (row,) = await wire.adapter.trades(wire.client, SYMBOL, None, NOW)

    assert VENUE_ID not in wire.sent[0].url + (wire.sent[0].body or "")
    (since,) = [
        int(wire.sent[0].fields[name])
        for name in ("startTime", "begin", "from", "start", "startAt")
        if name in wire.sent[0].fields
    ]
    assert since // (1 if exchange in ("gate", "kraken") else 1000) == NOW_MS // 1000 - 60
    trade = read_trade(row, SYMBOL)
    assert (trade.trade_id, trade.venue_order_id, trade.side) == (TRADE_ID, VENUE_ID, Side.BUY)


@pytest.mark.parametrize("exchange", ["bybit", "gate"])
@fault("E37")
async def test_trades_of_a_month_ago_are_asked_for_in_ranges_that_they_answer(exchange):
    wire = wire_with(exchange, SAMPLES[exchange].trades)

    rows = await wire.adapter.trades(wire.client, SYMBOL, VENUE_ID, NOW - timedelta(days=30))

    assert len(wire.sent) >= 2
    assert len(rows) == 1, "the same trade in two ranges is one trade"


@fault("E37")
async def test_a_full_page_is_followed_by_the_next_one():
    trade = SAMPLES["binance"].trades[0][0]
    first = [{**trade, "id": number} for number in range(1000)]
    wire = wire_with("binance", [first, [{**trade, "id": 1000}]])

    rows = await wire.adapter.trades(wire.client, SYMBOL, VENUE_ID, NOW)

    assert len(rows) == 1001
    assert wire.sent[1].fields["fromId"] == "1000"


@fault("E37")
async def test_a_full_page_without_our_order_proves_nothing():
    row = {**SAMPLES["binance"].row, "clientOrderId": OTHER}
    wire = wire_with("binance", [[row] * 1000])

    with pytest.raises(VenueUnavailable):
        await wire.adapter.find_again(wire.client, SYMBOL, ID, NOW)


@EXCHANGES
async def test_balances_are_read(exchange):
    wire = wire_with(exchange, [SAMPLES[exchange].balances])

    found = read_balances(await wire.adapter.balances(wire.client))

    assert found == {"ABC": Balance(Decimal("1.5"), Decimal("0.25"))}
    assert len(wire.sent) == 1


@EXCHANGES
@JUNK_ANSWERS
async def test_junk_instead_of_balances_is_not_an_empty_account(exchange, junk):
    if junk == "[]" and exchange == "gate":  # this is what an empty account looks like there
        return
    wire = wire_with(exchange, [junk])

    # What ccxt raises while it reads junk is as good as no answer to its caller.
    with pytest.raises((VenueUnavailable, wire.base_error, TypeError, AttributeError, LookupError)):
        await wire.adapter.balances(wire.client)
