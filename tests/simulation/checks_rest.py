"""Invariants of books at rest, asked when faults have stopped and five minutes have passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from core.accounting import position
from core.cycle import TAKE_PROFIT, Cycle, DesiredState
from core.orders import LIVE, OrderStatus
from core.slots import attention
from core.wanted import is_sellable
from db import audit
from db.cycles import load_open
from db.transactions import run
from tests.simulation.facts import Facts

AUDIT_KEY = b"k" * 32
UNDER_WAY = ("sending", "cancelling", "quarantined")


def v4_fills_equal(facts: Facts) -> Iterator[str]:
    """For each account: the trades of ours on the exchange are our fills, id by id and amount by amount."""
    beyond = facts.forgiven | facts.vanished()
    there = {
        (trade.account_id, trade.symbol, trade.trade_id): trade
        for trade in facts.book.trades
        if facts.is_ours(trade.client_order_id) and trade.client_order_id not in beyond
    }
    here = {
        key: fill
        for key, fill in facts.mirror.tables["fills"].items()
        if fill["client_order_id"] not in beyond
    }
    for key in there.keys() - here.keys():
        yield f"the trade {key} of {there[key].client_order_id} is missing here"
    for key in here.keys() - there.keys():
        yield f"the fill {key} is none of the exchange's"
    for key in here.keys() & there.keys():
        ours, theirs = here[key], there[key]
        if (ours["quantity"], ours["price"]) != (theirs.quantity, theirs.price):
            yield f"the fill {key} is {ours['quantity']} at {ours['price']}, there {theirs}"
        elif (ours["fee"], ours["fee_asset"]) != (theirs.fee, theirs.fee_asset):
            yield f"the fee of {key} is {ours['fee']} {ours['fee_asset']}, there {theirs}"


def v10_cycles_close(facts: Facts) -> Iterator[str]:
    """A closed cycle has no live order."""
    for key, cycle in facts.mirror.tables["cycles"].items():
        if cycle["closed_at"] is not None and any(
            facts.mirror.orders[cid]["status"] in LIVE for cid in facts.by_cycle[key]
        ):
            yield f"cycle {key} is closed with a live order"


def v16_audited(facts: Facts) -> Iterator[str]:
    """The chain of what people did verifies, nothing waits unchained, and every change of a wish is in it."""
    report = run(facts.store.engine, lambda s: audit.verify_chain(s, AUDIT_KEY), write=False)
    if not report.ok:
        yield f"the audit chain breaks at {report.broken_at}"
    if report.unchained:
        yield f"{report.unchained} audit rows are not chained"
    counted = dict(
        facts.store.rows(
            "SELECT json_extract(details, '$.strategy'), count(*) FROM audit"
            " WHERE action LIKE 'strategy %' AND json_extract(details, '$.rev') IS NOT NULL GROUP BY 1"
        )
    )
    for strategy_id, row in facts.mirror.tables["strategies"].items():
        if counted.get(strategy_id, 0) < row["desired_rev"] - 1:
            yield f"strategy {strategy_id} is at wish {row['desired_rev']}, audited {counted}"


def v18_alive(facts: Facts) -> Iterator[str]:
    """Nothing is in doubt, what people wanted last is answered, each proven position that can be sold rests
    for sale unless it trails or the person must decide, and every strategy says what it does."""
    vanished = facts.vanished()
    for cid, row in facts.mirror.orders.items():
        if row["status"] in UNDER_WAY and cid not in vanished:
            yield f"{cid} is {row['status']}"
    yield from _answered(facts)
    accounts = set(facts.mirror.tables["exchange_accounts"])
    for stored in run(facts.store.engine, lambda s: load_open(s, accounts), write=False):
        if stored.cycle is None:
            yield f"strategy {stored.strategy_id}: {stored.fault}"
        else:
            yield from _for_sale(facts, stored.cycle)


def _answered(facts: Facts) -> Iterator[str]:
    for strategy_id, wish in facts.mirror.tables["strategies"].items():
        status = facts.mirror.tables["strategy_status"].get(strategy_id)
        if wish["archived_at"] is not None:
            continue
        if status is None:
            yield f"strategy {strategy_id} was never looked at"
        elif status["observed_rev"] != wish["desired_rev"]:
            sentence = f"answers wish {status['observed_rev']} of {wish['desired_rev']}"
            yield f"strategy {strategy_id} {sentence}: {status['reason']}"
        elif not status["reason"]:
            yield f"strategy {strategy_id} is {status['actual_state']} without a reason"


def _for_sale(facts: Facts, cycle: Cycle) -> Iterator[str]:
    held = position(cycle)
    watched = cycle.parameters.trailing_deviation is not None or cycle.exit is not None
    if watched or cycle.wanted is DesiredState.STOPPED or not is_sellable(cycle, held):
        return
    live = cycle.live_in(TAKE_PROFIT)
    if live is not None and live.status is OrderStatus.OPEN:
        return
    status = facts.mirror.tables["strategy_status"].get(cycle.identity.strategy_id, {})
    if attention(cycle) is not None or status.get("actual_state") == "needs_attention":
        return
    if any(order.side.value == "buy" and order.fills and order.is_live for order in cycle.orders):
        return  # a level is partly filled: the take profit follows when it is complete
    where = f"strategy {cycle.identity.strategy_id} cycle {cycle.number}"
    yield f"{where}: {held.quantity} held, no take profit"


def v19_conserved(facts: Facts) -> Iterator[str]:
    """Coin by coin: what an account holds is what it began with, what people moved, and what the trades
    brought and took; and for ours the same sum over our own fills."""
    vanished = facts.vanished()
    for account_id, start in facts.start.items():
        expected: dict[str, Decimal] = defaultdict(Decimal, start)
        for (owner, coin), amount in facts.moved.items():
            if owner == account_id:
                expected[coin] += amount
        for trade in facts.book.trades:
            cid = trade.client_order_id
            is_theirs = not facts.is_ours(cid) or cid in vanished
            if trade.account_id == account_id and is_theirs:
                _add(expected, trade.symbol, trade.is_buy, trade.price, trade.quantity)
                expected[trade.fee_asset] -= trade.fee
        for fill in facts.mirror.tables["fills"].values():
            if fill["account_id"] == account_id and fill["client_order_id"] not in vanished:
                is_buy = fill["side"] == "buy"
                _add(expected, fill["symbol"], is_buy, fill["price"], fill["quantity"])
                expected[fill["fee_asset"]] -= fill["fee"]
        there = facts.book.balances(account_id)
        for coin in expected.keys() | there.keys():
            if expected[coin] != there.get(coin, Decimal(0)):
                yield f"account {account_id}: {there.get(coin)} {coin}, reckoned {expected[coin]}"


def _add(
    book: dict[str, Decimal], symbol: str, is_buy: bool, price: Decimal, quantity: Decimal
) -> None:
    base, _, quote = symbol.partition("/")
    sign = 1 if is_buy else -1
    book[base] += sign * quantity
    book[quote] -= sign * price * quantity
