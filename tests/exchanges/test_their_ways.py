"""What is peculiar to one exchange, as its documents write it: where orders are found, how fees are told."""

import json
from copy import deepcopy
from decimal import Decimal

import pytest

from tests.exchanges.sample import TRADE_ID, VENUE_ID
from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import ID, NOW, NOW_MS, SYMBOL, Wire, limit_buy
from tests.faults import fault
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import Fate
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.answers import read_order, read_trade
from worker.exchanges.outcomes import accepted

D = Decimal
NOT_THERE = {"code": "43001", "msg": "The order does not exist", "data": None}


def wire_of(exchange, *answers):
    return Wire(ADAPTERS[exchange], answers)


def bitget(rows):
    return {"code": "00000", "msg": "success", "data": rows}


@pytest.mark.parametrize("nothing", [bitget([]), NOT_THERE])
@pytest.mark.parametrize("place", [1, 2])
@fault("E2", "E10")
async def test_bitget_finds_by_our_id_what_has_fills_in_its_lists_only(nothing, place):
    row = SAMPLES["bitget"].row
    lists = [bitget([]), bitget([])]
    lists[place - 1] = bitget([row])
    wire = wire_of("bitget", nothing, *lists)
    wire.statuses = [200 if nothing["code"] == "00000" else 400, 200, 200]

    found = await wire.adapter.find(wire.client, SYMBOL, ID, None)

    assert read_order(found, SYMBOL).venue_order_id == VENUE_ID
    assert [sent.path.rpartition("/")[2] for sent in wire.sent] == [
        "orderInfo",
        "unfilled-orders",
        "history-orders",
    ][: place + 1]


@fault("E10")
async def test_bitget_is_asked_by_its_own_id_once_that_is_known():
    wire = wire_of("bitget", bitget([SAMPLES["bitget"].row]))

    await wire.adapter.find(wire.client, SYMBOL, ID, VENUE_ID)

    assert wire.sent[0].fields == {"orderId": VENUE_ID}


@pytest.mark.parametrize("data", [None, []])
async def test_kucoin_says_null_where_nothing_rests(data):
    wire = wire_of("kucoin", {"code": "200000", "data": data})
    assert await wire.adapter.find_open(wire.client, SYMBOL) == []


@pytest.mark.parametrize("data", [{}, "", 0, False])
@fault("E11")
async def test_an_answer_of_kucoin_that_is_no_list_is_not_an_empty_one(data):
    wire = wire_of("kucoin", {"code": "200000", "data": data})
    with pytest.raises(VenueUnavailable):
        await wire.adapter.find_open(wire.client, SYMBOL)
    if data != "":
        with pytest.raises(VenueUnavailable):
            await wire.adapter.find_open(wire.client, None)


@pytest.mark.parametrize("symbols", [None, {"symbols": None}, {"symbols": []}])
async def test_kucoin_names_no_symbol_where_nothing_rests(symbols):
    wire = wire_of("kucoin", {"code": "200000", "data": symbols})
    assert await wire.adapter.find_open(wire.client, None) == []


async def trades_with(exchange, changes):
    answers = SAMPLES[exchange].trades
    (row,) = answers[0]["data"] if exchange in ("okx", "bitget") else _rows(exchange, answers)
    wire = wire_of(exchange, _wrapped(exchange, {**row, **changes}))
    return await wire.adapter.trades(wire.client, SYMBOL, VENUE_ID, NOW)


def _rows(exchange, answers):
    return answers[0]["data"]["items"] if exchange == "kucoin" else answers[0]


def _wrapped(exchange, row):
    if exchange == "kucoin":
        return {"code": "200000", "data": {"lastId": 0, "items": [row]}}
    if exchange == "gate":
        return [row]
    return {"code": "0" if exchange == "okx" else "00000", "data": [row]}


BGB = {"deduction": "yes", "feeCoin": "BGB", "totalDeductionFee": "-0.0041", "totalFee": "-0.0041"}
FEES = [
    ("okx", {"fee": "-0.000023", "feeCcy": "ABC"}, [("ABC", "0.000023")]),
    ("okx", {"fee": "0.0014", "feeCcy": "USDT"}, [("USDT", "-0.0014")]),
    ("okx", {"fee": "0", "feeCcy": ""}, []),
    ("gate", {"fee": "0", "fee_currency": "ABC", "gt_fee": "0.004"}, [("GT", "0.004")]),
    ("gate", {"fee": "0", "fee_currency": "ABC", "point_fee": "0.02"}, [("GATEPOINT", "0.02")]),
    ("gate", {"fee": "-0.0028", "fee_currency": "USDT"}, [("USDT", "-0.0028")]),
    ("kucoin", {"fee": "0.0001", "feeCurrency": "KCS"}, [("KCS", "0.0001")]),
    ("kucoin", {"fee": "-0.0028", "feeCurrency": "USDT"}, [("USDT", "-0.0028")]),
    ("bitget", {"feeDetail": BGB}, [("BGB", "0.0041")]),
    ("bitget", {"feeDetail": {**BGB, "totalFee": "0.0041"}}, [("BGB", "0.0041")]),
]


@pytest.mark.parametrize(("exchange", "changes", "fees"), FEES)
@fault("E18", "E19")
async def test_fees_are_told_in_any_coin_and_rebates_are_below_zero(exchange, changes, fees):
    (row,) = await trades_with(exchange, changes)

    trade = read_trade(row, SYMBOL)
    assert [(asset, amount) for asset, amount in trade.fees if amount] == [
        (asset, D(amount)) for asset, amount in fees
    ]
    assert (trade.trade_id, trade.at) == (TRADE_ID, NOW)


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        ("okx", {"fee": ""}),
        ("okx", {"fee": None}),
        ("gate", {"fee": None}),
        ("kucoin", {"fee": None}),
        ("bitget", {"feeDetail": {**BGB, "totalFee": ""}}),
        ("bitget", {"feeDetail": {**BGB, "totalFee": None, "deduction": "no"}}),
        ("bitget", {"feeDetail": None}),
    ],
)
@fault("E19")
async def test_a_trade_whose_fee_is_not_told_has_not_arrived(exchange, changes):
    (row,) = await trades_with(exchange, changes)

    with pytest.raises(VenueUnavailable):
        read_trade(row, SYMBOL)


@pytest.mark.parametrize("exchange", ["bybit", "kucoin", "gate", "bitget"])
@fault("E5")
async def test_a_trade_between_two_orders_of_the_account_is_two(exchange):
    """Both carry one number; one of them may be the one that is sought."""
    sample = SAMPLES[exchange]
    answer = deepcopy(sample.trades[0])
    rows = {
        "bybit": lambda: answer["result"]["list"],
        "kucoin": lambda: answer["data"]["items"],
        "gate": lambda: answer,
        "bitget": lambda: answer["data"],
    }[exchange]()
    order = "order_id" if exchange == "gate" else "orderId"
    rows.append({**rows[0], order: "700124"})
    wire = wire_of(exchange, answer)

    found = await wire.adapter.trades(wire.client, SYMBOL, None, NOW)

    assert [row["order"] for row in found] == [VENUE_ID, "700124"]


BUY = "buy 0.12300000 ABCUSDT @ limit 1234.50"
TAKEN = [
    ("binance", {"symbol": "ABCUSDT", "orderId": 28, "clientOrderId": ID, "transactTime": 1}),
    ("bybit", {"retCode": 0, "retMsg": "OK", "result": {"orderId": "28", "orderLinkId": ID}}),
    (
        "okx",
        {
            "code": "0",
            "msg": "",
            "data": [
                {"clOrdId": ID, "ordId": "28", "tag": "", "sCode": "0", "sMsg": "Order placed"}
            ],
        },
    ),
    ("kraken", {"error": [], "result": {"txid": ["28"], "descr": {"order": BUY}}}),
    ("kucoin", {"code": "200000", "data": {"orderId": "28", "clientOid": ID}}),
    ("kucoin", {"code": "200000", "data": {"orderId": "28"}}),
    ("gate", {"id": "28", "text": f"t-{ID}", "status": "open", "finish_as": "open"}),
    ("gate", {"id": "28", "text": f"t-{ID}", "status": "cancelled", "finish_as": "ioc"}),
    ("gate", {"id": "28", "text": f"t-{ID}", "update_time_ms": 1}),
    ("bitget", {"code": "00000", "msg": "success", "data": {"orderId": "28", "clientOid": ID}}),
]


@pytest.mark.parametrize(("exchange", "answer"), TAKEN)
@pytest.mark.parametrize("whose", [ID, "zzz12cdefghijklm0"])
@fault("E1")
async def test_an_answer_that_holds_little_more_than_an_id_is_an_accepted_order(
    exchange, answer, whose
):
    said = json.loads(json.dumps(answer).replace(ID, whose))
    tells_ours = ID in json.dumps(answer)

    row = await wire_of(exchange, said).create(limit_buy())

    is_accepted = whose == ID or not tells_ours
    found = accepted(exchange, row, ID)
    assert found.fate is (Fate.ACCEPTED if is_accepted else Fate.UNKNOWN)
    assert not is_accepted or row["id"] == "28"


@pytest.mark.parametrize(
    ("exchange", "changes", "is_read"),
    [
        ("gate", {"create_time_ms": None, "create_time": str(NOW_MS // 1000)}, True),
        ("gate", {"create_time_ms": f"{NOW_MS}.25"}, True),
        ("gate", {"create_time_ms": NOW_MS * 1000}, True),
        ("kucoin", {"createdAt": NOW_MS * 1_000_000}, False),
        ("kucoin", {"createdAt": NOW_MS // 1000}, False),
        ("okx", {"ts": str(NOW_MS // 1000)}, False),
        ("bitget", {"cTime": ""}, False),
    ],
)
@fault("E39")
async def test_a_time_in_other_units_than_theirs_is_not_taken_for_another_time(
    exchange, changes, is_read
):
    (row,) = await trades_with(exchange, changes)
    if not is_read:
        with pytest.raises(VenueUnavailable):
            read_trade(row, SYMBOL)
        return
    assert abs(read_trade(row, SYMBOL).at - NOW).total_seconds() < 1
