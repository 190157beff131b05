"""What the form says of the exchanges, what a key may do, and what no client of ours can ever ask for."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.errors import InvalidInput
from core.exchanges import LIVE_EXCHANGES
from tests.exchanges.samples import SAMPLES
from tests.exchanges.wire import SYMBOL, Wire, market
from tests.faults import fault
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import BOUND
from worker.exchanges.adapters import ADAPTERS, adapter_of

EXCHANGES = pytest.mark.parametrize("exchange", ADAPTERS)
FEARED = ("withdraw", "transfer", "sub", "loan", "margin", "borrow", "convert", "earn", "futures")


def implicit_calls(client):
    """Every (api, method, path) that this class of ccxt knows."""

    def walk(tree, api):
        for name, inner in tree.items():
            if name in ("get", "post", "put", "delete", "patch") and api:
                for path in inner:
                    yield "/".join(api), name.upper(), path
            elif isinstance(inner, dict):
                yield from walk(inner, [*api, name])

    return set(walk(client.api, []))


def test_the_form_lists_the_exchanges_that_have_an_adapter():
    assert set(LIVE_EXCHANGES) == set(ADAPTERS)
    for exchange, adapter in ADAPTERS.items():
        shown = LIVE_EXCHANGES[exchange]
        assert (adapter.exchange, shown.id) == (exchange, exchange)
        assert adapter.name == shown.name
        assert shown.address_help.endswith(".")


def test_an_exchange_without_an_adapter_can_only_be_traded_on_paper():
    with pytest.raises(InvalidInput, match="paper trading is"):
        adapter_of("mtgox")
    assert adapter_of("binance") is ADAPTERS["binance"]


@fault("S16")
@EXCHANGES
def test_nothing_that_moves_coins_away_can_ever_be_asked_for(exchange):
    adapter, client = ADAPTERS[exchange], Wire(ADAPTERS[exchange]).client
    known = implicit_calls(client)
    assert len(known) > 20

    assert adapter.allowed_calls <= known, adapter.allowed_calls - known
    allowed = {call for call in known if adapter.allows(call[0].split("/"), call[1], call[2])}
    assert allowed == adapter.allowed_calls
    for api, method, path in allowed:
        assert not any(word in path.lower() or word in api.lower() for word in FEARED)
        if method != "GET" and exchange != "kraken":
            assert "order" in path or path.startswith("bullet"), path


def test_the_same_path_under_another_api_is_another_call():
    adapter = ADAPTERS["binance"]

    assert adapter.allows(["private"], "POST", "order")
    assert not adapter.allows(["fapiPrivate"], "POST", "order")
    assert not adapter.allows("sapi", "POST", "capital/withdraw/apply")


@EXCHANGES
@fault("E32")
async def test_the_rights_of_a_key_are_read(exchange):
    wire = Wire(ADAPTERS[exchange], [SAMPLES[exchange].rights])

    found = await wire.adapter.permissions(wire.client)

    assert (found.can_trade, found.can_withdraw, found.can_transfer) == (True, False, False)
    assert found.addresses == (BOUND if exchange == "binance" else ("192.0.2.7",))
    assert found.readable is LIVE_EXCHANGES[exchange].can_read_permissions
    if exchange == "bybit":
        assert found.expires_at == datetime(2027, 1, 31, 8, tzinfo=UTC)


def changed(exchange, **changes):
    """The sample's rights with other values, wherever they stand in it."""

    def change(value):
        if isinstance(value, dict):
            return {k: changes[k] if k in changes else change(v) for k, v in value.items()}
        return [change(inner) for inner in value] if isinstance(value, list) else value

    return change(SAMPLES[exchange].rights)


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        ("binance", {"enableWithdrawals": True}),
        ("bybit", {"Wallet": ["AccountTransfer", "Withdraw"]}),
        ("okx", {"perm": "read_only,withdraw,trade"}),
        ("kraken", {"permissions": ["query-funds", "withdraw-funds", "modify-trades"]}),
        ("kucoin", {"permission": "General,Spot,Withdrawal"}),
        ("gate", {"perms": [{"name": "spot"}, {"name": "withdrawal", "read_only": False}]}),
        ("bitget", {"authorities": ["stow", "wtow"]}),
        ("bitget", {"authorities": ["stow", "wwow"]}),
    ],
)
@fault("E32", "S15")
async def test_a_key_that_can_withdraw_is_recognized(exchange, changes):
    wire = Wire(ADAPTERS[exchange], [changed(exchange, **changes)])

    assert (await wire.adapter.permissions(wire.client)).can_withdraw is True


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        ("binance", {"permitsUniversalTransfer": True}),
        ("binance", {"enableInternalTransfer": True}),
        ("bybit", {"Wallet": ["AccountTransfer"]}),
        ("kucoin", {"permission": "General,Spot,FlexTransfers"}),
        ("gate", {"perms": [{"name": "spot"}, {"name": "wallet", "read_only": False}]}),
        ("bitget", {"authorities": ["stow", "wtow"]}),
        ("bitget", {"authorities": ["stow", "chow"]}),
    ],
)
@fault("E32")
async def test_a_key_that_can_transfer_is_recognized(exchange, changes):
    wire = Wire(ADAPTERS[exchange], [changed(exchange, **changes)])

    assert (await wire.adapter.permissions(wire.client)).can_transfer is True


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        ("binance", {"ipRestrict": False}),
        ("bybit", {"ips": ["*"]}),
        ("okx", {"ip": ""}),
        ("kraken", {"ipAllowlist": []}),
        ("kucoin", {"ipWhitelist": ""}),
        ("gate", {"ip_whitelist": []}),
        ("bitget", {"ips": ""}),
    ],
)
@fault("E32")
async def test_a_key_that_is_bound_to_no_address_is_recognized(exchange, changes):
    wire = Wire(ADAPTERS[exchange], [changed(exchange, **changes)])

    assert (await wire.adapter.permissions(wire.client)).addresses == ()


@EXCHANGES
@pytest.mark.parametrize("junk", ["", "null", "[]", "{}", "<html></html>"])
async def test_junk_instead_of_rights_is_not_a_harmless_key(exchange, junk):
    wire = Wire(ADAPTERS[exchange], [junk])

    with pytest.raises((VenueUnavailable, wire.base_error)):
        await wire.adapter.permissions(wire.client)


def test_binance_states_its_limits_in_the_filters_of_a_market():
    row = market(
        "binance",
        filters=[
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": "90.5"},
            {"filterType": "LOT_SIZE", "maxQty": "9000"},
        ],
    )
    found = ADAPTERS["binance"].limits(row)

    assert (found.max_open_orders, found.max_market_quantity) == (200, Decimal("90.5"))
    assert (found.lowest_buy, found.highest_sell) == (Decimal("0.2"), Decimal(5))


@EXCHANGES
def test_a_market_without_stated_limits_has_none_that_are_made_up(exchange):
    found = ADAPTERS[exchange].limits(market(exchange))

    assert found.max_market_quantity is None
    assert found.lowest_buy is None


@EXCHANGES
def test_a_client_repeats_nothing_and_asks_for_nothing_by_itself(exchange):
    client = Wire(ADAPTERS[exchange]).client

    assert client.options["maxRetriesOnFailure"] == 0
    assert client.options["defaultType"] == "spot"
    assert client.has["fetchCurrencies"] is False
    assert client.market(SYMBOL)["spot"]
