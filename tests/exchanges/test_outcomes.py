"""What an error proves about an order: a whitelist of what the exchange itself said, per exchange."""

import asyncio
import json

import aiohttp
import ccxt
import pytest

from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import ID, SECRET, Wire, limit_buy
from tests.faults import fault
from worker.exchanges.adapter import Fate, Outcome, Trouble
from worker.exchanges.adapters import ADAPTERS
from worker.exchanges.outcomes import accepted

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)
EXISTS, REFUSED, NOT_PLACED, UNKNOWN = Fate.EXISTS, Fate.REFUSED, Fate.NOT_PLACED, Fate.UNKNOWN
NONE, KEY, BAN, CLOCK = Trouble.NONE, Trouble.KEY, Trouble.BAN, Trouble.CLOCK
FILTER, GONE, MAINTENANCE = Trouble.FILTER, Trouble.GONE, Trouble.MAINTENANCE


async def outcome_of(exchange, body, status=400) -> Outcome:
    """What the adapter makes of that answer to a create request, through the real ccxt."""
    wire = Wire(ADAPTERS[exchange], [body])
    wire.status = status
    try:
        row = await wire.create(limit_buy())
    except Exception as error:  # whatever ccxt makes of it
        found = wire.adapter.outcome(error)
    else:
        found = accepted(exchange, row, ID)
    assert "http" not in found.code
    assert SECRET not in found.code
    assert len(found.code) <= 64
    assert found.code.isascii()
    return found


def binance(code, text):
    return {"code": code, "msg": text}


def bybit(code):
    return {"retCode": code, "retMsg": "said", "result": {}}


def okx(code):
    return {"code": "1", "msg": "", "data": [{"sCode": code, "sMsg": "said", "ordId": ""}]}


def kraken(*errors):
    return {"error": list(errors)}


def label(name, text="said"):
    return {"label": name, "message": text}


FUNDS = "Account has insufficient balance for requested action."
TABLE = [
    ("binance", binance(-2010, FUNDS), NOT_PLACED, NONE),
    ("binance", binance(-2010, "Duplicate order sent."), EXISTS, NONE),
    ("binance", binance(-2010, "Order would immediately match and take."), REFUSED, NONE),
    ("binance", binance(-2010, "Market is closed."), NOT_PLACED, GONE),
    ("binance", binance(-2010, "This symbol is restricted for this account."), REFUSED, NONE),
    ("binance", binance(-2010, "Filter failure: MAX_NUM_ORDERS"), NOT_PLACED, NONE),
    ("binance", binance(-2010, "Something that nobody has seen yet."), UNKNOWN, NONE),
    ("binance", binance(-1013, "Filter failure: LOT_SIZE"), REFUSED, FILTER),
    ("binance", binance(-1013, "Filter failure: PRICE_FILTER"), REFUSED, FILTER),
    ("binance", binance(-1013, "Filter failure: NOTIONAL"), REFUSED, FILTER),
    ("binance", binance(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), REFUSED, FILTER),
    ("binance", binance(-1013, "Filter failure: MAX_NUM_ORDERS"), NOT_PLACED, NONE),
    ("binance", binance(-1111, "Precision is over the maximum."), REFUSED, FILTER),
    ("binance", binance(-1121, "Invalid symbol."), REFUSED, GONE),
    ("binance", binance(-1102, "Mandatory parameter was not sent."), REFUSED, NONE),
    ("binance", binance(-1021, "Timestamp is outside of the recvWindow."), NOT_PLACED, CLOCK),
    ("binance", binance(-1022, "Signature for this request is not valid."), NOT_PLACED, KEY),
    ("binance", binance(-2014, "API-key format invalid."), NOT_PLACED, KEY),
    ("binance", binance(-2015, "Invalid API-key, IP, or permissions."), NOT_PLACED, KEY),
    ("binance", binance(-1008, "Server is currently overloaded."), NOT_PLACED, MAINTENANCE),
    ("binance", binance(0, "System is under maintenance."), NOT_PLACED, MAINTENANCE),
    ("binance", binance(-1000, "An unknown error occurred."), UNKNOWN, NONE),
    ("binance", binance(-1001, "Internal error."), UNKNOWN, NONE),
    ("binance", binance(-1003, "Too many requests; IP banned until 1."), UNKNOWN, BAN),
    ("binance", binance(-1006, "Execution status unknown."), UNKNOWN, NONE),
    ("binance", binance(-1007, "Send status unknown."), UNKNOWN, NONE),
    ("binance", binance(-1015, "Too many new orders."), UNKNOWN, BAN),
    ("binance", binance(-9999, "New code."), UNKNOWN, NONE),
    ("bybit", bybit(170141), EXISTS, NONE),
    ("bybit", bybit(110072), EXISTS, NONE),
    ("bybit", bybit(170131), NOT_PLACED, NONE),
    ("bybit", bybit(170140), REFUSED, FILTER),
    ("bybit", bybit(170134), REFUSED, FILTER),
    ("bybit", bybit(170193), REFUSED, FILTER),
    ("bybit", bybit(170121), REFUSED, GONE),
    ("bybit", bybit(170151), NOT_PLACED, GONE),
    ("bybit", bybit(10002), NOT_PLACED, CLOCK),
    ("bybit", bybit(10003), NOT_PLACED, KEY),
    ("bybit", bybit(10010), NOT_PLACED, KEY),
    ("bybit", bybit(33004), NOT_PLACED, KEY),
    ("bybit", bybit(-2015), NOT_PLACED, KEY),
    ("bybit", bybit(170005), UNKNOWN, BAN),
    ("bybit", bybit(10006), UNKNOWN, BAN),
    ("bybit", bybit(10016), UNKNOWN, NONE),
    ("bybit", bybit(170146), UNKNOWN, NONE),
    ("bybit", bybit(170149), UNKNOWN, NONE),
    ("bybit", bybit(987654), UNKNOWN, NONE),
    ("okx", okx("51016"), EXISTS, NONE),
    ("okx", okx("51008"), NOT_PLACED, NONE),
    ("okx", okx("51008_1000"), NOT_PLACED, NONE),
    ("okx", okx("50036"), NOT_PLACED, NONE),
    ("okx", okx("50071"), EXISTS, NONE),
    ("okx", okx("50037"), UNKNOWN, NONE),
    ("okx", okx("51020"), REFUSED, FILTER),
    ("okx", okx("51121"), REFUSED, FILTER),
    ("okx", okx("51001"), REFUSED, GONE),
    ("okx", okx("51149"), UNKNOWN, NONE),
    ("okx", okx("51155"), REFUSED, NONE),
    ("okx", {"code": "50102", "msg": "Timestamp request expired"}, NOT_PLACED, CLOCK),
    ("okx", {"code": "50110", "msg": "Invalid IP"}, NOT_PLACED, KEY),
    ("okx", {"code": "50111", "msg": "Invalid OK-ACCESS-KEY"}, NOT_PLACED, KEY),
    ("okx", {"code": "50011", "msg": "Too Many Requests"}, UNKNOWN, BAN),
    ("okx", {"code": "50061", "msg": "Order rate limit"}, UNKNOWN, BAN),
    ("okx", {"code": "50004", "msg": "Endpoint request timeout"}, UNKNOWN, NONE),
    ("okx", {"code": "50001", "msg": "Upgrading"}, NOT_PLACED, MAINTENANCE),
    ("okx", {"code": "50036", "msg": "The expTime can't be earlier"}, NOT_PLACED, NONE),
    ("okx", {"code": "0", "data": [{"ordId": "5", "sCode": "51999", "sMsg": "?"}]}, UNKNOWN, NONE),
    ("okx", {"code": "50026", "msg": "System error"}, UNKNOWN, MAINTENANCE),
    ("kraken", kraken("EOrder:Insufficient funds"), NOT_PLACED, NONE),
    ("kraken", kraken("EOrder:Order minimum not met"), REFUSED, FILTER),
    ("kraken", kraken("EOrder:Invalid price:XBTUSD price has 1 decimal"), REFUSED, FILTER),
    ("kraken", kraken("EGeneral:Invalid arguments:volume minimum not met"), REFUSED, FILTER),
    ("kraken", kraken("EGeneral:Invalid arguments:deadline"), NOT_PLACED, NONE),
    ("kraken", kraken("EGeneral:Invalid arguments:cl_ord_id"), UNKNOWN, NONE),
    ("kraken", kraken("EService:Deadline elapsed"), UNKNOWN, NONE),
    ("kraken", kraken("EAccount:Invalid permissions:ABC trading restricted"), REFUSED, NONE),
    ("kraken", kraken("EAuth:Account temporary disabled"), NOT_PLACED, KEY),
    ("kraken", kraken("EOrder:Domain rate limit exceeded"), UNKNOWN, BAN),
    ("kraken", kraken("EQuery:Unknown asset pair"), REFUSED, GONE),
    ("kraken", kraken("EAPI:Invalid nonce"), NOT_PLACED, NONE),
    ("kraken", kraken("EAPI:Invalid key"), NOT_PLACED, KEY),
    ("kraken", kraken("EGeneral:Permission denied"), NOT_PLACED, KEY),
    ("kraken", kraken("EAPI:Rate limit exceeded"), UNKNOWN, BAN),
    ("kraken", kraken("EGeneral:Temporary lockout"), UNKNOWN, BAN),
    ("kraken", kraken("EAuth:Too many requests"), UNKNOWN, BAN),
    ("kraken", kraken("EService:Timeout"), UNKNOWN, NONE),
    ("kraken", kraken("EService:Unavailable"), UNKNOWN, MAINTENANCE),
    ("kraken", kraken("EService:Market in cancel_only mode"), NOT_PLACED, MAINTENANCE),
    ("kraken", kraken("EOrder:Insufficient funds", "EService:Timeout"), UNKNOWN, NONE),
    ("kucoin", {"code": "200004", "msg": "Balance insufficient!"}, NOT_PLACED, NONE),
    ("kucoin", {"code": "400100", "msg": "Order size increment invalid."}, REFUSED, FILTER),
    ("kucoin", {"code": "400100", "msg": "account.available.amount"}, NOT_PLACED, NONE),
    ("kucoin", {"code": "400100", "msg": "Something new."}, UNKNOWN, NONE),
    ("kucoin", {"code": "600100", "msg": "Funds below the minimum requirement."}, REFUSED, FILTER),
    ("kucoin", {"code": "200001", "msg": "Order creation suspended"}, NOT_PLACED, GONE),
    ("kucoin", {"code": "200003", "msg": "Number of orders breached"}, NOT_PLACED, NONE),
    ("kucoin", {"code": "200009", "msg": "Please complete the KYC"}, REFUSED, NONE),
    ("kucoin", {"code": "400002", "msg": "KC-API-TIMESTAMP Invalid"}, NOT_PLACED, CLOCK),
    ("kucoin", {"code": "400006", "msg": "IP not allowed"}, NOT_PLACED, KEY),
    ("kucoin", {"code": "429000", "msg": "Too many requests"}, UNKNOWN, BAN),
    ("kucoin", {"code": "126044", "msg": "clientOid duplicate"}, EXISTS, NONE),
    ("kucoin", {"code": "230005", "msg": "System busy"}, UNKNOWN, NONE),
    ("gate", label("BALANCE_NOT_ENOUGH"), NOT_PLACED, NONE),
    ("gate", label("REPEATED_CREATION"), EXISTS, NONE),
    ("gate", label("ORDER_EXISTS"), EXISTS, NONE),
    ("gate", label("INVALID_PARAM_VALUE", "Your order size 2 is too small"), REFUSED, FILTER),
    ("gate", label("INVALID_PARAM_VALUE"), UNKNOWN, NONE),
    ("gate", label("INTERNAL_SERVER_ERROR"), UNKNOWN, MAINTENANCE),
    ("gate", label("IP_FORBIDDEN"), NOT_PLACED, KEY),
    ("gate", {"succeeded": False, "id": "5", "text": f"t-{ID}"}, UNKNOWN, NONE),
    ("gate", label("INVALID_PRECISION"), REFUSED, FILTER),
    ("gate", label("INVALID_CURRENCY_PAIR"), REFUSED, GONE),
    ("gate", label("REQUEST_EXPIRED"), NOT_PLACED, CLOCK),
    ("gate", label("INVALID_KEY"), NOT_PLACED, KEY),
    ("gate", label("TOO_MANY_REQUESTS"), UNKNOWN, BAN),
    ("gate", label("SERVER_ERROR"), UNKNOWN, MAINTENANCE),
    ("gate", label("NEW_LABEL"), UNKNOWN, NONE),
    ("bitget", {"code": "40786", "msg": "Duplicate clientOid"}, EXISTS, NONE),
    ("bitget", {"code": "43012", "msg": "Insufficient balance"}, NOT_PLACED, NONE),
    ("bitget", {"code": "41103", "msg": "param price scale error"}, REFUSED, FILTER),
    ("bitget", {"code": "41114", "msg": "pair is under maintenance"}, NOT_PLACED, GONE),
    ("bitget", {"code": "41117", "msg": "selling price cannot be lower"}, REFUSED, FILTER),
    ("bitget", {"code": "45110", "msg": "less than the minimum amount"}, REFUSED, FILTER),
    ("bitget", {"code": "40008", "msg": "Request timestamp expired"}, NOT_PLACED, CLOCK),
    ("bitget", {"code": "40018", "msg": "Invalid IP"}, NOT_PLACED, KEY),
    ("bitget", {"code": "40015", "msg": "System is abnormal"}, UNKNOWN, MAINTENANCE),
    ("bitget", {"code": "40999", "msg": "New"}, UNKNOWN, NONE),
]


@pytest.mark.parametrize(("exchange", "body", "fate", "trouble"), TABLE)
@fault("E3", "E4", "E13", "E15", "E16", "E17", "E31", "E33")
async def test_what_an_exchange_says_proves_no_more_than_it_says(exchange, body, fate, trouble):
    # Their refusals come with a status of their own and with 200; what is said counts, not the status.
    for status in (400, 200):
        found = await outcome_of(exchange, body, status)
        assert (found.fate, found.trouble) == (fate, trouble), (status, found)


@fault("E33")
async def test_codes_are_short_and_have_words_where_there_are_some():
    funds = await outcome_of("binance", binance(-2010, FUNDS))
    assert (funds.code, funds.reason) == ("binance -2010", "funds")
    new = await outcome_of("binance", binance(-9999, "New code."))
    assert (new.code, new.reason) == ("binance -9999", "binance -9999")
    kraken_funds = await outcome_of("kraken", kraken("EOrder:Insufficient funds"))
    assert kraken_funds.code == "kraken EOrder:Insufficient funds"


@fault("E31")
async def test_a_key_refused_after_it_has_worked_is_a_refused_key_and_no_ban():
    wire = Wire(ADAPTERS["binance"], [binance(-2015, "Invalid API-key, IP, or permissions.")])
    wire.client.options["hasAlreadyAuthenticatedSuccessfully"] = True
    wire.status = 401

    with pytest.raises(ccxt.DDoSProtection) as caught:
        await wire.create(limit_buy())

    found = wire.adapter.outcome(caught.value)
    assert (found.fate, found.trouble, found.code) == (NOT_PLACED, KEY, "binance -2015")


@EXCHANGES
@pytest.mark.parametrize("status", [418, 429])
@fault("E14")
async def test_too_many_requests_stops_everybody_and_proves_nothing(exchange, status):
    found = await outcome_of(exchange, "<html>slow down</html>", status)

    assert found.fate is UNKNOWN
    assert found.trouble is BAN or (status == 418 and exchange != "binance"), found


@fault("E14")
async def test_a_ban_that_quotes_a_rejection_is_still_a_ban():
    found = await outcome_of("binance", binance(-2010, "Market is closed."), 429)

    assert (found.fate, found.trouble) == (UNKNOWN, BAN)


@EXCHANGES
@pytest.mark.parametrize(
    ("status", "trouble"), [(403, BAN), (500, NONE), (502, NONE), (503, MAINTENANCE), (504, NONE)]
)
@fault("E3", "E14", "E15")
async def test_a_page_of_a_proxy_proves_nothing(exchange, status, trouble):
    page = '<html><style>a {"code": -2010}</style>insufficient balance</html>'
    found = await outcome_of(exchange, page, status)

    assert found.fate is UNKNOWN
    assert found.trouble is trouble


@EXCHANGES
@pytest.mark.parametrize("junk", ["", "null", "[]", "{}", "<html></html>", '{"orderId": 1'])
@fault("E1", "E39")
async def test_an_answer_without_an_order_id_proves_nothing(exchange, junk):
    found = await outcome_of(exchange, junk, 200)

    assert found.fate is UNKNOWN


@EXCHANGES
@fault("E1")
async def test_an_answer_with_an_order_id_proves_that_it_was_accepted(exchange):
    assert accepted(exchange, {"id": "5", "clientOrderId": ID}, ID).fate is Fate.ACCEPTED
    assert accepted(exchange, {"id": "5", "clientOrderId": None}, ID).fate is Fate.ACCEPTED
    assert accepted("gate", {"id": "5", "clientOrderId": f"t-{ID}"}, ID).fate is Fate.ACCEPTED
    for row in ({"id": "5", "clientOrderId": "zzz"}, {"id": None}, {"id": ""}, {}, None):
        assert accepted(exchange, row, ID).fate is UNKNOWN


def raised(cause, kind, text):
    try:
        try:
            raise cause
        except BaseException as inner:
            raise kind(text) from inner
    except BaseException as error:
        return error


@EXCHANGES
@fault("E2", "P14")
def test_only_a_connection_that_was_never_made_proves_that_nothing_was_sent(exchange):
    outcome = ADAPTERS[exchange].outcome
    text = f"{exchange} POST https://host/order?signature={SECRET}"
    refused = aiohttp.ClientConnectorError(_KEY, OSError(111, "refused"))
    no_host = aiohttp.ClientConnectorDNSError(_KEY, OSError(-2, "unknown"))
    for unsent in (refused, no_host):
        found = outcome(raised(unsent, ccxt.ExchangeNotAvailable, text))
        assert (found.fate, found.trouble) == (NOT_PLACED, NONE)
        assert SECRET not in found.code
    for cause, kind in (
        (TimeoutError(), ccxt.RequestTimeout),
        (aiohttp.ServerDisconnectedError(), ccxt.ExchangeNotAvailable),
        (aiohttp.ClientPayloadError(), ccxt.ExchangeError),
        (aiohttp.ClientOSError(104, "reset"), ccxt.ExchangeNotAvailable),
    ):
        assert outcome(raised(cause, kind, text)).fate is UNKNOWN


@EXCHANGES
@fault("E1", "P3")
def test_any_other_exception_proves_nothing(exchange):
    outcome = ADAPTERS[exchange].outcome
    for error in (
        asyncio.CancelledError(),
        KeyError("inverse"),
        TypeError("x"),
        ccxt.ExchangeError(f"{exchange} something"),
        ccxt.BadResponse(f"{exchange} something"),
        ccxt.NullResponse(f"{exchange} something"),
        ccxt.NetworkError(f"{exchange} something"),
        ccxt.OperationFailed(f"{exchange} something"),
        ccxt.InvalidOrder(f"{exchange} something"),
        ccxt.BadRequest(f"{exchange} something"),
        ccxt.OrderNotFound(f"{exchange} something"),
        ccxt.PermissionDenied(f"{exchange} something"),
    ):
        assert outcome(error).fate is UNKNOWN


@EXCHANGES
def test_no_text_of_an_error_gets_into_a_code(exchange):
    code = "binance https://api?signature=" + SECRET
    for body in ({"code": code, "msg": code}, {"retCode": code}, {"error": [code]}, label(code)):
        found = ADAPTERS[exchange].outcome(ccxt.ExchangeError(f"{exchange} {json.dumps(body)}"))
        assert found.fate is UNKNOWN
        assert SECRET not in found.code
        assert "http" not in found.code


async def test_every_exchange_has_samples_and_rows_in_the_table():
    assert set(SAMPLES) == set(ADAPTERS) == {row[0] for row in TABLE}


_KEY = aiohttp.client_reqrep.ConnectionKey(
    host="host",
    port=443,
    is_ssl=True,
    ssl=True,
    proxy=None,
    proxy_auth=None,
    proxy_headers_hash=None,
    server_hostname=None,
)
