"""Every fault of the test exchange fires, and does what its name says."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.exchange.accounts import VenueOrder
from tests.exchange.by_hand import ExchangeAccount
from tests.exchange.exchange import Exchange
from tests.exchange.faults import ACTS, FAULTS
from tests.exchange.signed import Clock, answered, ask, limit
from tests.exchange.wire import Lost, Reply
from tests.faults import CATALOGUE

ORDER, TRADES = "/api/v3/order", "/api/v3/myTrades"


class Bench:
    """An exchange with one account, asked without sockets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.exchange = Exchange(self.clock)
        self.exchange.list_symbol("BTC", "USDT", price="50000")
        self.account: ExchangeAccount = self.exchange.add_account(
            balances={"USDT": Decimal(10_000), "BTC": Decimal(1), "BNB": Decimal(1)}
        )

    def arm(self, fault: str, **how: Any) -> None:
        self.exchange.faults.arm(fault, **how)

    def act(self, fault: str, **how: Any) -> bool:
        return self.exchange.faults.act(fault, self.account, **how)

    def buy(self, name: str = "s1", price: str = "49000", quantity: str = "0.01") -> VenueOrder:
        limit(self.exchange, "BUY", quantity, price, name)
        return self.account.of(name)[-1]

    def find(self, name: str = "s1") -> Any:
        return answered(self.exchange, "GET", ORDER, symbol="BTCUSDT", origClientOrderId=name)

    def cancel(self, name: str = "s1") -> Any:
        return answered(self.exchange, "DELETE", ORDER, symbol="BTCUSDT", origClientOrderId=name)

    def trades(self, **params: Any) -> Any:
        return answered(self.exchange, "GET", TRADES, symbol="BTCUSDT", **params)

    def prices(self) -> Any:
        return answered(self.exchange, "GET", "/api/v3/ticker/bookTicker", symbol="BTCUSDT")

    @property
    def fired(self) -> dict[str, int]:
        return dict(self.exchange.faults.fired)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_only_faults_of_the_catalogue_exist_and_none_is_forgotten() -> None:
    elsewhere = {"E12", "E29", "E38", "E39"}
    assert set(FAULTS) == {one for one in CATALOGUE if one.startswith("E")} - elsewhere


def test_an_unknown_fault_cannot_be_armed(bench: Bench) -> None:
    with pytest.raises(ValueError, match="E99"):
        bench.arm("E99")


def test_a_fault_fires_as_often_as_it_was_armed_and_where_it_fits(bench: Bench) -> None:
    bench.exchange.faults.arm("E2", 2, lambda request: request.client_order_id == "s2")
    limit(bench.exchange, "BUY", "0.01", "49000", "s1")
    outcomes = [limit(bench.exchange, "BUY", "0.01", "49000", "s2") for _ in range(3)]
    assert [isinstance(one, Lost) for one in outcomes] == [True, True, False]
    assert bench.fired == {"E2": 2}
    assert [one.client_order_id for one in bench.exchange.faults.log] == ["s2", "s2"]


def test_whoever_listens_is_told_when_a_fault_fires(bench: Bench) -> None:
    told: list[str] = []
    bench.exchange.faults.on_fire = lambda one: told.append(one.fault)
    bench.arm("E1")
    bench.buy()
    assert told == ["E1"]


def test_a_lost_answer_says_that_the_request_was_accepted(bench: Bench) -> None:
    bench.arm("E1")
    assert limit(bench.exchange, "BUY", "0.01", "49000", "s1") == Lost(accepted=True)
    assert bench.find()["status"] == "NEW"


def test_a_duplicate_answer_comes_although_the_order_is_placed(bench: Bench) -> None:
    bench.arm("E4")
    outcome = limit(bench.exchange, "BUY", "0.01", "49000", "s1")
    assert isinstance(outcome, Reply)
    assert "Duplicate order sent." in outcome.text
    assert len(bench.account.orders) == 1


def test_trades_and_events_come_twice(bench: Bench) -> None:
    events: list[Any] = []
    bench.buy()
    bench.exchange.move("BTCUSDT", "48000")
    bench.arm("E5")
    assert [row["id"] for row in bench.trades()] == [1, 1]
    bench.arm("E5", how="overlap")
    assert [row["id"] for row in bench.trades(fromId=2)] == [1]
    bench.account.listeners.append(events.append)
    bench.arm("E5", how="stream")
    bench.find()
    assert events == bench.account.events[-3:]


def test_an_order_is_closed_before_its_trades_are_there(bench: Bench) -> None:
    bench.buy()
    bench.arm("E6", ms=5_000)
    bench.exchange.move("BTCUSDT", "48000")
    assert (bench.find()["status"], bench.trades()) == ("FILLED", [])
    bench.clock.pass_ms(5_000)
    assert len(bench.trades()) == 1


def test_an_order_is_executed_in_part_and_cancelled(bench: Bench) -> None:
    bench.arm("E7", fraction="0.3")
    order = bench.buy()
    assert (order.status, order.filled) == ("CANCELED", Decimal("0.003"))


@pytest.mark.parametrize(("fraction", "code", "status"), [
    ("1", -2011, "FILLED"),
    ("0.4", None, "CANCELED"),
])  # fmt: skip
def test_an_order_is_executed_while_it_is_cancelled(
    bench: Bench, fraction: str, code: int | None, status: str
) -> None:
    order = bench.buy()
    bench.arm("E8", fraction=fraction)
    assert bench.cancel().get("code") == code
    assert (order.status, order.filled) == (status, Decimal(fraction) * Decimal("0.01"))


@pytest.mark.parametrize(
    ("how", "status"), [("filled", "FILLED"), ("open", "NEW"), ("cancelled", "CANCELED")]
)
def test_a_cancel_does_not_know_the_order(bench: Bench, how: str, status: str) -> None:
    order = bench.buy()
    bench.arm("E9", how=how)
    assert bench.cancel()["code"] == -2011
    assert order.status == status


@pytest.mark.parametrize(("archived", "code"), [(False, -2013), (True, -2026)])
def test_an_order_vanishes(bench: Bench, archived: bool, code: int) -> None:
    bench.buy()
    bench.arm("E10", archived=archived)
    assert bench.find()["code"] == code
    rows = answered(bench.exchange, "GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert rows == []


def test_a_new_order_is_not_found_for_a_while(bench: Bench) -> None:
    bench.arm("E11", ms=3_000)
    bench.buy()
    assert bench.find()["code"] == -2013
    assert answered(bench.exchange, "GET", "/api/v3/openOrders") == []
    bench.clock.pass_ms(3_000)
    assert bench.find()["status"] == "NEW"


def test_the_exchanges_clock_is_off(bench: Bench) -> None:
    before = bench.exchange.now()
    assert bench.act("E13", ms=-7_000)
    assert bench.exchange.now() == before - 7_000


@pytest.mark.parametrize(("how", "status"), [("418", 418), ("429", 429), ("403", 403)])
def test_requests_are_refused_for_their_number(bench: Bench, how: str, status: int) -> None:
    bench.arm("E14", how=how, ms=2_000)
    outcome = ask(bench.exchange, "GET", "/api/v3/account")
    assert isinstance(outcome, Reply)
    assert outcome.status == status
    assert how == "403" or outcome.headers["Retry-After"] == "2"
    bench.clock.pass_ms(2_000)
    assert "balances" in answered(bench.exchange, "GET", "/api/v3/account")


def test_maintenance_lasts_and_overload_does_not(bench: Bench) -> None:
    bench.arm("E15", ms=1_000)
    for _ in range(2):
        outcome = ask(bench.exchange, "GET", "/api/v3/account")
        assert isinstance(outcome, Reply)
        assert outcome.status == 503
    bench.clock.pass_ms(1_000)
    bench.arm("E15", how="-1008")
    assert answered(bench.exchange, "GET", "/api/v3/account")["code"] == -1008
    assert "balances" in answered(bench.exchange, "GET", "/api/v3/account")


def test_a_symbol_is_halted_delisted_or_empty(bench: Bench) -> None:
    order = bench.buy()
    bench.act("E16", how="empty")
    assert bench.prices()["bidPrice"] == "0.00000000"
    bench.act("E16", how="halted")
    bench.exchange.move("BTCUSDT", "40000")
    assert order.status == "NEW"
    bench.act("E16", how="delisted")
    assert order.status == "EXPIRED"
    assert bench.prices()["code"] == -1121


def test_trading_rules_change(bench: Bench) -> None:
    bench.act("E17", tick="1", lot="0.001", min_notional="100")
    limit(bench.exchange, "BUY", "0.01", "49000.50", "s1")
    limit(bench.exchange, "BUY", "0.0105", "49000", "s2")
    limit(bench.exchange, "BUY", "0.002", "49000", "s3")
    assert bench.account.orders == []
    assert limit(bench.exchange, "BUY", "0.01", "49000", "s4").status == 200  # type: ignore[union-attr]


@pytest.mark.parametrize(("mode", "asset"), [("base", "BTC"), ("quote", "USDT"), ("bnb", "BNB")])
def test_one_fee_is_taken_in_another_coin(bench: Bench, mode: str, asset: str) -> None:
    bench.arm("E18", mode=mode)
    bench.buy(price="50001")
    assert bench.account.trades[0].commission_asset == asset


def test_fees_are_unknown_absurd_or_several(bench: Bench) -> None:
    bench.arm("E19", how="several")
    bench.buy(price="50001")
    assert {trade.commission_asset for trade in bench.account.trades} == {"BNB", "BTC"}
    bench.arm("E19", how="missing")
    assert bench.trades()[0]["commission"] is None
    bench.arm("E19", how="absent")
    assert "commission" not in bench.trades()[0]
    bench.arm("E19", how="absurd")
    assert Decimal(bench.trades()[1]["commission"]) > Decimal("0.002")
    assert Decimal(bench.trades()[1]["commission"]) == Decimal("0.000005")


def test_dust_is_left(bench: Bench) -> None:
    bench.arm("E20")
    order = bench.buy()
    assert (order.status, order.left) == ("CANCELED", Decimal("0.00001"))


def test_the_price_jumps_through_everything(bench: Bench) -> None:
    orders = [bench.buy(f"s{price}", str(price)) for price in (49000, 45000, 40000)]
    assert bench.act("E21", fraction="-0.3")
    assert [order.status for order in orders] == ["FILLED"] * 3
    assert bench.prices()["bidPrice"] == "35000.00000000"
    assert bench.act("E22", fraction="-0.3")


@pytest.mark.parametrize(("fault", "how", "bid"), [
    ("E23", "zero", "0.00000000"),
    ("E23", "huge", "5000000.00000000"),
    ("E23", "crossed", "52500.00000000"),
    ("E24", "none", None),
    ("E24", "empty", ""),
    ("E24", "nan", "NaN"),
])  # fmt: skip
def test_a_ticker_is_wrong_once(bench: Bench, fault: str, how: str, bid: str | None) -> None:
    bench.arm(fault, how=how)
    assert bench.prices()["bidPrice"] == bid
    assert bench.prices()["bidPrice"] == "50000.00000000"


def test_the_person_cancels_sells_withdraws_deposits_and_buys(bench: Bench) -> None:
    order = bench.buy()
    bench.arm("E25")
    bench.find()
    assert (order.status, order.ended_by) == ("CANCELED", "hand")
    bench.act("E26", fraction="0.5")
    assert bench.account.balance("BTC").free == Decimal("0.5")
    bench.act("E26", how="withdraw", fraction="0.2")
    assert bench.account.balance("BTC").free == Decimal("0.4")
    bench.act("E27", quantity="0.3")
    assert bench.account.balance("BTC").free == Decimal("0.7")
    bench.act("E27", how="buy", quantity="0.01")
    assert bench.account.orders[-1].made_by == "hand"


def test_an_act_that_has_nothing_to_act_on_stays_armed(bench: Bench) -> None:
    bench.arm("E25")
    answered(bench.exchange, "GET", "/api/v3/account")
    assert bench.fired == {}
    order = bench.buy()
    bench.find()
    assert order.status == "CANCELED"


def test_another_program_trades_on_the_account(bench: Bench) -> None:
    assert bench.act("E28", trades=True)
    assert [(one.made_by, one.client_order_id[:4]) for one in bench.account.orders] == [
        ("hand", "bot_"),
        ("hand", "web_"),
    ]


def test_a_trade_happens_close_to_ours(bench: Bench) -> None:
    bench.arm("E30", side="SELL")
    bench.buy()
    assert [trade.is_buyer for trade in bench.account.trades] == [False]


@pytest.mark.parametrize("how", ["revoked", "expired", "address"])
def test_the_key_is_refused(bench: Bench, how: str) -> None:
    bench.act("E31", how=how)
    assert answered(bench.exchange, "GET", "/api/v3/account")["code"] == -2015
    bench.exchange.faults.heal()
    assert "balances" in answered(bench.exchange, "GET", "/api/v3/account")


@pytest.mark.parametrize(("how", "name", "value"), [
    ("withdraw", "enableWithdrawals", True),
    ("transfer", "permitsUniversalTransfer", True),
    ("address", "ipRestrict", False),
])  # fmt: skip
def test_the_rights_of_the_key_change(bench: Bench, how: str, name: str, value: bool) -> None:
    bench.act("E32", how=how)
    rights = answered(bench.exchange, "GET", "/sapi/v1/account/apiRestrictions")
    assert rights[name] is value


def test_the_quote_coins_are_gone(bench: Bench) -> None:
    assert bench.act("E33", left="20")
    assert bench.account.balance("USDT").free == 20


@pytest.mark.parametrize("status", ["EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"])
def test_an_order_ends_at_once(bench: Bench, status: str) -> None:
    bench.arm("E35", status=status, fraction="0.5")
    order = bench.buy()
    assert (order.status, order.filled) == (status, Decimal("0.005"))


def test_a_trade_is_taken_back_and_the_book_wiped(bench: Bench) -> None:
    before = {asset: one.total for asset, one in bench.account.balances.items()}
    order = bench.buy(price="50001")
    bench.act("E36")
    assert (order.status, str(order.filled.normalize())) == ("EXPIRED", "0")
    assert bench.trades() == []
    assert {asset: one.total for asset, one in bench.account.balances.items()} == before
    resting = bench.buy("s2")
    bench.act("E36", how="book")
    assert resting.status == "EXPIRED"


def test_pages_are_short(bench: Bench) -> None:
    for number in range(4):
        bench.buy(f"s{number}", "50001")
    bench.arm("E37", size=2)
    assert [row["id"] for row in bench.trades(fromId=1)] == [1, 2]
    assert len(bench.trades(fromId=1)) == 4


def test_random_faults_are_drawn_the_same_by_the_same_seed() -> None:
    def drawn() -> list[tuple[str, Any]]:
        bench, random = Bench(), Random(5)
        for _ in range(100):
            bench.exchange.faults.draw(random)
        return [(one.fault, one.how) for one in bench.exchange.faults.armed]

    assert drawn() == drawn()
    assert {fault for fault, _ in drawn()} > {"E1", "E8", "E26"}


def test_everything_that_lasts_can_be_healed(bench: Bench) -> None:
    for fault in ACTS:
        bench.act(fault, **({"how": "halted"} if fault == "E16" else {}))
    bench.exchange.faults.heal()
    bench.account.deposit("USDT", Decimal(10_000))
    price = str(bench.exchange.symbols["BTCUSDT"].last.quantize(Decimal(1)) - 10)
    assert limit(bench.exchange, "BUY", "0.01", price, "s9").status == 200  # type: ignore[union-attr]
