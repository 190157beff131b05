"""The book of the simulated and paper venues: written whole or not at all, by one writer at a time."""

from __future__ import annotations

import functools
import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.market import Side
from core.orders import Kind
from db import ledger
from db.errors import Stale
from db.ledger import LedgerBalance, LedgerChange, LedgerOrder, LedgerStatus, LedgerTrade
from db.transactions import run

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ACCOUNT = 5
START = {"USDT": Decimal(1000), "BTC": Decimal("0.5")}


def an_order(number: int = 1, account_id: int = ACCOUNT) -> LedgerOrder:
    return LedgerOrder(
        client_order_id=f"s0000x{account_id}y{number}",
        account_id=account_id,
        venue="simulated",
        symbol="BTC/USDT",
        venue_order_id=f"{number:08d}",
        side=Side.BUY,
        kind=Kind.LIMIT,
        price=Decimal("100.25"),
        quantity=Decimal("1.5"),
        filled=Decimal(0),
        status=LedgerStatus.OPEN,
        locked=Decimal("150.375"),
        created_at=AT,
        updated_at=AT,
    )


def a_trade(order: LedgerOrder, seq: int) -> LedgerTrade:
    return LedgerTrade(
        account_id=order.account_id,
        symbol=order.symbol,
        trade_id=f"T{seq}",
        seq=seq,
        client_order_id=order.client_order_id,
        side=order.side,
        price=Decimal("100.25"),
        quantity=Decimal("0.5"),
        fee=Decimal("0.050125"),
        fee_asset="USDT",
        fee_value=Decimal("0.050125"),
        at=AT,
    )


@pytest.fixture
def account(engine):
    run(engine, lambda s: ledger.open_account(s, ACCOUNT, START))
    return run(engine, lambda s: ledger.accounts(s, [ACCOUNT]))[ACCOUNT]


def test_an_account_gets_its_stated_balance_once(engine, account):
    run(engine, lambda s: ledger.open_account(s, ACCOUNT, {"USDT": Decimal(9)}))
    assert (account.next_order, account.next_trade, account.rev) == (1, 1, 0)
    assert run(engine, lambda s: ledger.balances(s, [ACCOUNT])) == [
        LedgerBalance(ACCOUNT, "BTC", Decimal("0.5"), Decimal(0)),
        LedgerBalance(ACCOUNT, "USDT", Decimal(1000), Decimal(0)),
    ]


def test_two_that_open_an_account_at_once_give_it_one_balance(engine):
    both_found_nothing = threading.Barrier(2)
    calls = []

    def unit(session) -> None:
        calls.append(1)
        if engine.dialect.name != "sqlite" and len(calls) <= 2:
            both_found_nothing.wait(10)
        ledger.open_account(session, 9, START)

    threads = [threading.Thread(target=run, args=(engine, unit)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(calls) >= 2
    assert len(run(engine, lambda s: ledger.balances(s, [9]))) == 2


def test_what_the_venue_wrote_is_read_back_equal(engine, account):
    orders = [an_order(n) for n in range(1, 4)]
    trades = [a_trade(orders[0], 1), a_trade(orders[0], 2)]
    moved = replace(account, next_order=4, next_trade=3, walked_until=AT)
    balance = LedgerBalance(ACCOUNT, "USDT", Decimal("548.875"), Decimal("451.125"))
    change = LedgerChange([moved], orders, trades, [balance])
    run(engine, lambda s: ledger.write(s, change))
    assert run(engine, lambda s: ledger.accounts(s, [ACCOUNT])) == {ACCOUNT: replace(moved, rev=1)}
    assert run(engine, lambda s: ledger.open_orders(s, [ACCOUNT])) == orders
    assert run(engine, lambda s: ledger.orders_of(s, ACCOUNT)) == orders
    ids = [orders[0].client_order_id, "unknown"]
    assert run(engine, lambda s: ledger.trades_of(s, ids)) == trades
    assert run(engine, lambda s: ledger.find_orders(s, ids)) == {ids[0]: orders[0]}
    assert balance in run(engine, lambda s: ledger.balances(s, [ACCOUNT]))


def test_an_order_that_is_done_is_open_no_more_but_still_known(engine, account):
    order = an_order()
    run(engine, lambda s: ledger.write(s, LedgerChange([account], [order])))
    done = replace(
        order, status=LedgerStatus.FILLED, filled=Decimal("1.5"), locked=Decimal(0), walked_until=AT
    )
    current = run(engine, lambda s: ledger.accounts(s, [ACCOUNT]))[ACCOUNT]
    run(engine, lambda s: ledger.write(s, LedgerChange([current], [done])))
    assert run(engine, lambda s: ledger.open_orders(s, [ACCOUNT])) == []
    assert run(engine, lambda s: ledger.orders_of(s, ACCOUNT)) == [done]


def test_who_writes_on_an_older_picture_is_refused_and_writes_nothing(engine, account):
    run(engine, lambda s: ledger.open_account(s, 6, START))
    other = run(engine, lambda s: ledger.accounts(s, [6]))[6]
    run(engine, lambda s: ledger.write(s, LedgerChange([account], [an_order(1)])))
    late = LedgerChange([other, account], [an_order(1, 6), an_order(2)])
    with pytest.raises(Stale):
        run(engine, lambda s: ledger.write(s, late))
    assert run(engine, lambda s: ledger.orders_of(s, ACCOUNT)) == [an_order(1)]
    assert run(engine, lambda s: ledger.orders_of(s, 6)) == []
    assert run(engine, lambda s: ledger.accounts(s, [6])) == {6: other}


def test_of_writers_that_race_each_step_is_made_once(engine, account):
    refused = []

    def steps(name: str) -> None:
        for _ in range(15):
            while True:
                known = run(engine, lambda s: ledger.accounts(s, [ACCOUNT]))[ACCOUNT]
                moved = replace(known, next_order=known.next_order + 1)
                change = LedgerChange([moved], [an_order(known.next_order)])
                try:
                    run(engine, functools.partial(ledger.write, change=change))
                    break
                except Stale:
                    refused.append(name)

    threads = [threading.Thread(target=steps, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = run(engine, lambda s: ledger.orders_of(s, ACCOUNT))
    assert [order.venue_order_id for order in found] == [f"{n:08d}" for n in range(1, 31)]
    assert run(engine, lambda s: ledger.accounts(s, [ACCOUNT]))[ACCOUNT].rev == 30
