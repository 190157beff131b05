"""The auditor finds every kind of broken row, and nothing where nothing is broken."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.orders import Role
from db.verify import verify
from db.verify.broken import INVARIANTS, LASTING, OF_CHECK
from tests.db.people import a_strategy, a_user
from tests.db.trading import has_traded


@pytest.fixture
def traded(engine):
    strategy = a_strategy(engine, a_user(engine))
    return has_traded(engine, strategy)


def test_whole_books_pass(engine, traded):
    report = verify(engine)
    assert report["broken"] == []
    assert report["ok"]
    counted = sum(len(cycle.orders) for cycle in traded)
    fills = sum(len(order.fills) for cycle in traded for order in cycle.orders)
    assert report["checked"] == {
        "accounts": 1,
        "cycles": 2,
        "orders": counted,
        "fills": fills,
        "ledger_orders": counted,
        "ledger_trades": fills,
    }


def test_an_empty_installation_passes(engine):
    assert verify(engine)["ok"]


TAMPERING = {
    "fills are equal": [
        "DELETE FROM fills WHERE role = 'take_profit'",
        "DELETE FROM venue_trades WHERE side = 'sell'",
        "UPDATE fills SET price = 77 WHERE role = 'take_profit'",
        "UPDATE fills SET fee = 0 WHERE role = 'take_profit'",
    ],
    "filled sums": [
        "UPDATE orders SET quantity = 5 WHERE status = 'filled'",
        "UPDATE orders SET reported_filled = 0 WHERE status = 'filled'",
        "DELETE FROM fills WHERE role = 'base'",
    ],
    "rows before orders": ["DELETE FROM orders WHERE status = 'filled' AND role = 'base'"],
    "fills have orders": [
        "DELETE FROM orders WHERE status = 'filled' AND role = 'base'",
        "UPDATE fills SET strategy_id = 999 WHERE role = 'base'",
    ],
    "orders are there": ["DELETE FROM venue_orders WHERE status = 'filled'"],
    "final orders": [
        "UPDATE venue_orders SET status = 'open' WHERE status = 'filled'",
        "UPDATE orders SET finished_at = NULL WHERE status = 'filled'",
        "UPDATE orders SET reason = 'person_says_gone', status = 'not_accepted' WHERE side = 'sell'",
    ],
    "orders are equal": ["UPDATE venue_orders SET quantity = 7 WHERE side = 'sell'"],
    "never sells more than held": ["UPDATE fills SET quantity = 50 WHERE side = 'sell'"],
    "never more than ordered": ["UPDATE fills SET quantity = 50 WHERE side = 'sell'"],
    "totals": [
        "UPDATE cycles SET realized_pnl = 1000 WHERE number = 1",
        "UPDATE cycles SET ended_by = 'stop_loss' WHERE number = 1",
        "UPDATE cycles SET dust_quantity = 1 WHERE number = 1",
    ],
    "cycles count up": ["UPDATE cycles SET number = 7 WHERE number = 2"],
    "one open cycle": ["UPDATE cycles SET closed_at = NULL WHERE number = 1"],
    "orders have cycles": ["DELETE FROM cycles WHERE number = 2"],
    "closed cycles": [
        "UPDATE cycles SET closed_at = '2026-01-02 00:00:00.000000', realized_pnl = 0 WHERE number = 2"
    ],
    "fencing token": ["UPDATE orders SET token = 9", "UPDATE leases SET token = 1"],
    "price steps": ["UPDATE orders SET price = 99.001 WHERE role = 'safety'"],
    "quantity steps": ["UPDATE orders SET quantity = 1.00001 WHERE role = 'safety'"],
    "minimum quantity": ["UPDATE orders SET quantity = 0 WHERE role = 'safety'"],
    "minimum notional": ["UPDATE orders SET quantity = 0.001 WHERE role = 'safety'"],
    "accepted once": ["UPDATE orders SET venue_order_id = 'one'"],
    "attempts count up": ["UPDATE orders SET attempt = 4 WHERE role = 'base'"],
    "ids follow from slots": ["UPDATE orders SET attempt = 4 WHERE role = 'base'"],
    "conservation": [
        "UPDATE venue_balances SET free = 1 WHERE asset = 'USDT'",
        "DELETE FROM venue_balances WHERE asset = 'BTC'",
    ],
    "ledger sums": [
        "UPDATE venue_orders SET filled = 0 WHERE status = 'filled'",
        "UPDATE venue_trades SET seq = seq + 10",
    ],
    "readable": ["UPDATE cycles SET market = '{' WHERE number = 2"],
}


def test_an_order_that_ended_on_its_persons_word_may_never_have_been_there(engine, traded):
    """Its venue has no such order, and nothing is broken by that."""
    name = "SELECT client_order_id FROM orders WHERE role = 'safety' AND status = 'open' LIMIT 1"
    with engine.begin() as connection:
        order = connection.execute(text(name)).scalar()
        for statement in (
            "UPDATE orders SET reason = 'person_says_gone', status = 'cancelled',"
            " finished_at = created_at WHERE client_order_id = :o",
            "UPDATE venue_balances SET free = free + (SELECT locked FROM venue_orders WHERE"
            " client_order_id = :o), used = used - (SELECT locked FROM venue_orders WHERE"
            " client_order_id = :o) WHERE asset = 'USDT'",
            "DELETE FROM venue_orders WHERE client_order_id = :o",
        ):
            assert connection.execute(text(statement), {"o": order}).rowcount == 1
    broken = [b for b in verify(engine)["broken"] if b["what"] == order]
    assert broken == []


@pytest.mark.parametrize(
    ("check", "statement"), [(check, one) for check, some in TAMPERING.items() for one in some]
)
def test_what_is_broken_is_found_and_named(engine, traded, check, statement):
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount > 0
    report = verify(engine)
    assert not report["ok"]
    (found,) = [broken for broken in report["broken"] if broken["check"] == check][:1]
    assert found["invariant"] in INVARIANTS


def test_every_check_belongs_to_an_invariant_in_plain_words():
    assert set(OF_CHECK.values()) == set(INVARIANTS)
    assert LASTING.keys() <= OF_CHECK.keys()


def test_a_trade_that_a_live_order_has_not_heard_of_yet_is_not_broken(engine, traded):
    _, opened = traded
    (take_profit,) = [o for o in opened.orders if o.slot.role is Role.TAKE_PROFIT and o.is_live]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO venue_trades (account_id, symbol, trade_id, seq, client_order_id, side,"
                " price, quantity, fee, fee_asset, fee_value, at) SELECT account_id, symbol, 'new', 99,"
                " client_order_id, side, 101, '0.5', 0, 'USDT', 0, created_at FROM venue_orders"
                " WHERE client_order_id = :id"
            ),
            {"id": take_profit.client_order_id},
        )
    checks = {broken["check"] for broken in verify(engine)["broken"]}
    assert "fills are equal" not in checks
