"""The book of one account: what is locked, moved and charged, exactly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.account_book import AccountBook, BookStatus, Money
from core.market import FeeCurrency, Market, Side
from core.money import ZERO
from core.orders import Kind, Order, OrderStatus, Role, Slot
from tests.builders import NOON, a_market

S = OrderStatus
D = Decimal


def a_book(quote: object = 1000, base: object = 0) -> AccountBook:
    return AccountBook({"USDT": Money(D(str(quote))), "BTC": Money(D(str(base)))})


def an_order(name: str, side: Side, quantity: object, price: object | None = None) -> Order:
    limit = None if price is None else D(str(price))
    return Order(
        name, Slot(Role.SAFETY, 1), 1, side, Kind.MARKET if limit is None else Kind.LIMIT,
        limit, limit or D(100), D(str(quantity)), S.SENDING, NOON,
    )  # fmt: skip


def with_fees(currency: FeeCurrency) -> Market:
    return a_market(maker_fee=D("0.001"), taker_fee=D("0.002"), fee_currency=currency)


def put(book: AccountBook, market: Market, order: Order, price: object = 100):
    return book.place(market, order, D(str(price)), D(str(price)), NOON)


@pytest.mark.parametrize(
    ("currency", "quote", "base"),
    [
        (FeeCurrency.QUOTE, D("899.8"), D(1)),
        (FeeCurrency.OTHER, D("899.8"), D(1)),
        (FeeCurrency.BASE, D(900), D("0.998")),
    ],
)
def test_a_market_buy_pays_its_taker_fee_in_the_coin_of_the_market(currency, quote, base):
    book = a_book()
    update = put(book, with_fees(currency), an_order("a", Side.BUY, 1))
    assert update.status is S.FILLED
    assert (book.money("USDT").free, book.money("BTC").free) == (quote, base)
    assert book.money("USDT").used == ZERO


def test_a_limit_that_is_marketable_gets_the_better_price_of_the_book():
    book = a_book()
    update = book.place(a_market(), an_order("a", Side.BUY, 1, 110), D(99), D(101), NOON)
    assert (update.status, update.fills[0].price) == (S.FILLED, D(101))
    sell = replace(an_order("b", Side.SELL, 1, 90), kind=Kind.LIMIT)
    update = book.place(a_market(), sell, D(99), D(101), NOON)
    assert update.fills[0].price == 99


def test_a_resting_buy_locks_cost_and_maker_fee_and_a_cancel_gives_both_back():
    book, market = a_book(), with_fees(FeeCurrency.QUOTE)
    assert put(book, market, an_order("a", Side.BUY, 2, 50)).status is S.OPEN
    assert book.money("USDT") == Money(D("899.9"), D("100.1"))
    update = book.cancel(market, "a")
    assert update is not None
    assert update.status is S.CANCELLED
    assert book.money("USDT") == Money(D(1000), ZERO)
    assert book.cancel(market, "a") is None


def test_what_is_locked_cannot_be_spent_again():
    book = a_book()
    put(book, a_market(), an_order("a", Side.BUY, 10, 90))
    assert put(book, a_market(), an_order("b", Side.BUY, 2, 90)).status is S.NOT_PLACED
    assert put(book, a_market(), an_order("c", Side.BUY, 1, 90)).status is S.OPEN
    assert set(book.orders) == {"a", "c"}


def test_nobody_sells_what_they_do_not_have():
    book = a_book(base=1)
    assert put(book, a_market(), an_order("a", Side.SELL, "0.6", 120)).status is S.OPEN
    answer = put(book, a_market(), an_order("b", Side.SELL, "0.6", 120))
    assert (answer.status, answer.reason) == (S.NOT_PLACED, "funds")


def test_a_market_order_beyond_its_collar_is_accepted_and_ends_without_a_fill():
    book = a_book(base=1)
    order = replace(an_order("a", Side.SELL, 1), price=D(101))
    update = put(book, a_market(), order)
    assert (update.status, update.expired, update.fills) == (S.CANCELLED, True, ())
    assert book.money("BTC") == Money(D(1), ZERO)
    assert book.changes.orders["a"].status is BookStatus.EXPIRED


def test_changes_say_what_was_touched_and_are_taken_once():
    book = a_book()
    put(book, a_market(), an_order("a", Side.BUY, 1))
    changes = book.take_changes()
    assert set(changes.orders) == {"a"}
    assert changes.assets == {"USDT", "BTC"}
    assert [fill.trade_id for _, fill in changes.trades] == ["1"]
    assert not book.take_changes()


MOVES = st.tuples(
    st.sampled_from(["buy", "sell", "limit buy", "limit sell", "cancel", "fill"]),
    st.integers(1, 4_000),
    st.integers(5_000, 20_000),
)


@given(
    moves=st.lists(MOVES, max_size=40),
    currency=st.sampled_from(FeeCurrency),
    start=st.integers(0, 500_000),
)
def test_money_is_conserved_to_the_last_digit_and_never_negative(moves, currency, start):
    market = replace(with_fees(currency), maker_fee=D("0.00075"))
    book = a_book(D(start) / 100, 3)
    paid = {"USDT": D(start) / 100, "BTC": D(3)}
    for number, (what, amount, ticks) in enumerate(moves):
        price, quantity = D(ticks) / 100, D(amount) / 1000
        side = Side.BUY if "buy" in what else Side.SELL
        if what in ("cancel", "fill"):
            name = next(iter(book.orders), None)
            if name is not None and what == "cancel":
                book.cancel(market, name)
            elif name is not None:
                resting = book.orders[name]
                book.fill(market, resting, resting.resting().price, NOON, taker=False)
        else:
            limit = price if "limit" in what else None
            put(book, market, an_order(str(number), side, quantity, limit), price)
        for order, fill in book.take_changes().trades:
            sign = 1 if order.side is Side.BUY else -1
            paid["BTC"] += sign * fill.quantity
            paid["USDT"] -= sign * fill.cost
            paid["BTC" if fill.fee_asset == "BTC" else "USDT"] -= (
                fill.fee if fill.fee_asset == "BTC" else fill.fee_value
            )
        for asset, expected in paid.items():
            money = book.money(asset)
            assert money.free >= 0
            assert money.used >= 0
            assert money.free + money.used == expected
        for asset, side in (("USDT", Side.BUY), ("BTC", Side.SELL)):
            locked = sum((o.locked for o in book.orders.values() if o.side is side), ZERO)
            assert book.money(asset).used == locked
