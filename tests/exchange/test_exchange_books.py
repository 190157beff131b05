"""The exchange's own books must be right, or they prove nothing about ours."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

from tests.exchange.accounts import ZERO
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import KEY, Exchange
from tests.exchange.ledger import ledger
from tests.exchange.signed import Clock, ask, limit

START = {"USDT": Decimal(5_000), "BTC": Decimal("0.05"), "BNB": Decimal(1)}

ONE = {"symbol": "BTCUSDT"}
READS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/api/v3/myTrades", ONE),
    ("GET", "/api/v3/myTrades", {**ONE, "fromId": "3"}),
    ("GET", "/api/v3/myTrades", {**ONE, "orderId": "1005"}),
    ("GET", "/api/v3/allOrders", ONE),
    ("GET", "/api/v3/openOrders", {}),
    ("GET", "/api/v3/order", {**ONE, "origClientOrderId": "s3"}),
    ("GET", "/api/v3/account", {}),
    ("GET", "/api/v3/exchangeInfo", {}),
    ("GET", "/api/v3/ticker/bookTicker", {}),
    ("GET", "/api/v3/ticker/24hr", ONE),
    ("GET", "/api/v3/klines", {**ONE, "interval": "5m"}),
    ("GET", "/api/v3/rateLimit/order", {}),
    ("GET", "/sapi/v1/account/apiRestrictions", {}),
    ("GET", "/sapi/v1/asset/tradeFee", ONE),
    ("DELETE", "/api/v3/openOrders", ONE),
]


def prepared(fee_mode: str) -> tuple[Clock, Exchange, ExchangeAccount]:
    clock = Clock()
    exchange = Exchange(clock)
    exchange.list_symbol("BTC", "USDT", price="50000")
    exchange.list_symbol("BNB", "USDT", price="600")
    return clock, exchange, exchange.add_account(balances=START, fee_mode=fee_mode)


def check(account: ExchangeAccount, moved: dict[str, Decimal]) -> None:
    """Every coin is accounted for by trades, fees and what was moved in and out; nothing is below zero."""
    expected: defaultdict[str, Decimal] = defaultdict(lambda: ZERO, START)
    for asset, amount in moved.items():
        expected[asset] += amount
    for trade in account.trades:
        sign = 1 if trade.is_buyer else -1
        base, quote = trade.symbol[:-4], trade.symbol[-4:]
        expected[base] += sign * trade.quantity
        expected[quote] -= sign * trade.quote_quantity
        expected[trade.commission_asset] -= trade.commission
    locked: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for order in account.orders:
        locked[order.locked_asset] += order.locked
        assert order.is_open or order.locked == 0
        assert order.is_open == (order.order_id in account.open)
        assert order.filled == sum(one.quantity for one in account.trades_of(order))
        assert order.quote_filled == sum(one.quote_quantity for one in account.trades_of(order))
    for asset, balance in account.balances.items():
        assert balance.locked == locked[asset], asset
        assert balance.total == expected[asset], asset
        assert balance.free >= 0, asset


def act(random: Random, exchange: Exchange, account: ExchangeAccount, number: int) -> None:
    """Something that a client or the market does."""
    symbol = exchange.symbols["BTCUSDT"]
    match random.randrange(8):
        case 0 | 1:
            price = symbol.last * Decimal(random.randint(97, 103)) / 100
            price = (price - price % symbol.rules.tick).quantize(Decimal("0.00000001"))
            quantity = symbol.rules.lot * random.randint(10, 1000)
            kinds = [{}, {"timeInForce": "IOC"}, {"timeInForce": "FOK"}]
            side = random.choice(["BUY", "SELL"])
            limit(exchange, side, str(quantity), str(price), f"s{number}", **random.choice(kinds))
        case 2:
            fields = {"quoteOrderQty": "50"} if random.random() < 0.5 else {"quantity": "0.001"}
            side = random.choice(["BUY", "SELL"])
            order = {"symbol": "BTCUSDT", "side": side, "type": "MARKET"}
            ask(exchange, "POST", "/api/v3/order", newClientOrderId=f"s{number}", **order, **fields)
        case 3:
            if account.orders:
                named = random.choice(account.orders).client_order_id
                path = "/api/v3/order"
                ask(exchange, "DELETE", path, symbol="BTCUSDT", origClientOrderId=named)
        case 4 | 5:
            method, path, params = random.choice(READS)
            ask(exchange, method, path, **params)
        case _:
            factor = Decimal(random.randint(970, 1030)) / 1000
            bid = symbol.last * factor if 20_000 < symbol.last < 100_000 else Decimal(50_000)
            at_most = random.choice([None, Decimal("0.002")])
            exchange.move("BTCUSDT", bid - bid % symbol.rules.tick, at_most=at_most)


@pytest.mark.parametrize("fee_mode", ["base", "quote", "bnb"])
@pytest.mark.parametrize("with_faults", [False, True])
def test_the_books_add_up_whatever_happens(fee_mode: str, with_faults: bool) -> None:
    for seed in range(2):
        random = Random(seed)
        clock, exchange, account = prepared(fee_mode)
        moved: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)

        told: list[dict] = []

        def note(
            event: dict,
            moved: defaultdict[str, Decimal] = moved,
            told: list[dict] = told,
        ) -> None:
            # A fault may tell the same event twice.
            if event["e"] == "balanceUpdate" and not any(event is one for one in told):
                told.append(event)
                moved[event["a"]] += Decimal(event["d"])

        account.listeners.append(note)
        for number in range(250):
            clock.pass_ms(random.randint(1, 3_000))
            if with_faults:
                if random.random() < 0.3:
                    exchange.faults.draw(random)
                if random.random() < 0.1:
                    exchange.faults.heal()
            act(random, exchange, account, number)
            check(account, moved)
        assert len(account.trades) > 10


def test_overfills_are_booked_as_they_happened() -> None:
    _, exchange, account = prepared("base")
    exchange.faults.arm("E34", fraction="0.01")
    limit(exchange, "BUY", "0.01", "49000", "s1")
    exchange.move("BTCUSDT", "48000")
    order = account.of("s1")[0]
    assert (order.filled, order.status) == (Decimal("0.0101"), "FILLED")
    check(account, {})


def test_resting_orders_are_executed_at_their_own_price_best_first() -> None:
    _, exchange, account = prepared("base")
    for number, price in enumerate(["48000", "49000", "47000"]):
        limit(exchange, "BUY", "0.01", price, f"s{number}")
    exchange.move("BTCUSDT", "45000")
    assert [str(trade.price) for trade in account.trades] == ["49000", "48000", "47000"]
    assert [trade.trade_id for trade in account.trades] == [1, 2, 3]


def test_an_order_that_crosses_is_executed_at_the_better_price_as_taker() -> None:
    _, exchange, account = prepared("base")
    limit(exchange, "BUY", "0.01", "51000", "s1")
    trade = account.trades[0]
    assert (trade.price, trade.is_maker) == (Decimal("50000.01"), False)
    assert account.balance("USDT").locked == 0


@pytest.mark.parametrize(
    ("fee_mode", "buy_fee", "sell_fee"),
    [
        ("base", ("BTC", "0.00001"), ("USDT", "0.49")),
        ("quote", ("USDT", "0.49"), ("USDT", "0.49")),
        ("bnb", ("BNB", "0.00081666"), ("BNB", "0.00081666")),
    ],
)
def test_fees_are_taken_as_the_account_has_chosen(fee_mode: str, buy_fee, sell_fee) -> None:
    _, exchange, account = prepared(fee_mode)
    limit(exchange, "BUY", "0.01", "49000", "s1")
    exchange.move("BTCUSDT", "48999")
    limit(exchange, "SELL", "0.01", "49000", "s2")
    exchange.move("BTCUSDT", "49000")
    fees = [
        (trade.commission_asset, f"{trade.commission.normalize():f}") for trade in account.trades
    ]
    assert fees == [buy_fee, sell_fee]


def test_the_ledger_tells_everything_as_plain_text() -> None:
    _, exchange, account = prepared("base")
    limit(exchange, "BUY", "0.01000", "49000.00", "s1")
    exchange.move("BTCUSDT", "48999")
    account.purge(account.of("s1")[0])
    books = ledger(exchange)[KEY]
    assert books["orders"][0]["client_order_id"] == "s1"
    assert (books["orders"][0]["quantity"], books["orders"][0]["filled"]) == ("0.01", "0.01")
    assert (books["trades"][0]["trade_id"], books["trades"][0]["fee"]) == ("1", "0.00001")
    assert books["balances"]["USDT"] == {"free": "4510", "locked": "0"}
