"""Invariants of what the exchange took and traded, asked after each change of its book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from core.orders import OrderStatus
from db.cycle_rows import market_of
from tests.exchange.wire import Request
from tests.simulation.checks_rows import NEVER_THERE, WINDOW
from tests.simulation.facts import Facts, slot_of
from tests.simulation.mirror import Row
from tests.simulation.there import News, Taken

CLOCKS_DIFFER = timedelta(seconds=2)


def fresh_of_ours(facts: Facts, news: News) -> Iterator[Taken]:
    for before, taken in news.orders:
        if before is None and facts.is_ours(taken.client_order_id):
            yield taken


def rows_of_ours(facts: Facts, news: News) -> Iterator[tuple[Taken, Row]]:
    for taken in fresh_of_ours(facts, news):
        row = facts.row_of(taken)
        if row is not None:
            yield taken, row


def v1_one_open_order_per_slot(facts: Facts, news: News) -> Iterator[str]:
    """At most one order of a slot is open on the exchange."""
    for _, row in rows_of_ours(facts, news):
        there = facts.open_there.get(slot_of(row), set())
        if len(there) > 1:
            yield f"slot {slot_of(row)} has open orders {sorted(there)} on the exchange"


def v2_written_before(facts: Facts, news: News) -> Iterator[str]:
    """What has our prefix has a row that was there when the exchange took it (but for a declared loss)."""
    for taken in fresh_of_ours(facts, news):
        row = facts.row_of(taken)
        if row is None:
            if taken.client_order_id not in facts.forgiven:
                yield f"the exchange took {taken.client_order_id}, which has no row"
        elif row["created_at"] > taken.at + CLOCKS_DIFFER:
            yield f"{taken.client_order_id} was taken at {taken.at}, written {row['created_at']}"


def v3_accepted_once(facts: Facts, news: News) -> Iterator[str]:
    """No id of ours is ever taken twice."""
    for taken in fresh_of_ours(facts, news):
        times = facts.taken_by_id[taken.account_id, taken.client_order_id]
        if times > 1:
            yield f"{taken.client_order_id} was taken {times} times"


def v5_sells_only_its_own(facts: Facts, news: News) -> Iterator[str]:
    """What a strategy has resting for sale never exceeds what it holds by the exchange's own trades."""
    for _, row in rows_of_ours(facts, news):
        strategy_id = row["strategy_id"]
        selling = sum(facts.selling[strategy_id].values(), Decimal(0))
        held = facts.held[strategy_id].quantity
        if row["side"] == "sell" and selling > held + facts.oversold_by(strategy_id):
            yield f"strategy {strategy_id} sells {selling} and holds {held}"
    for trade in news.trades:
        traded = facts.mirror.orders.get(trade.client_order_id)
        if traded is None:
            continue
        strategy_id = traded["strategy_id"]
        if facts.held[strategy_id].quantity + facts.oversold_by(strategy_id) < 0:
            yield f"strategy {strategy_id} has sold what it does not hold"


def v7_nothing_after_the_stop(facts: Facts, news: News) -> Iterator[str]:
    """After the acknowledgement of a stop nothing is taken, after that of a pause no buy."""
    for taken, row in rows_of_ours(facts, news):
        said = facts.acknowledged(row["strategy_id"])
        if said == "stopped" or (said == "paused" and taken.is_buy):
            yield f"{taken.client_order_id} was taken after {said} had been said"


def v9_written_before_it_is_sent(
    facts: Facts, request: Request, in_transaction: bool
) -> Iterator[str]:
    """What creates an order of ours has a committed row that says `sending`; no transaction is open."""
    if in_transaction:
        yield f"{request.method} {request.path} leaves while a transaction is open"
    cid = request.client_order_id
    if request.is_create and cid is not None:
        row = facts.mirror.orders.get(cid)
        if row is None or row["status"] != "sending":
            yield f"{cid} is sent with {'no row' if row is None else row['status']}"


def v11_never_there_is_never_there(facts: Facts, news: News) -> Iterator[str]:
    """An order that counts as never accepted is not taken later."""
    for taken, row in rows_of_ours(facts, news):
        if OrderStatus(row["status"]) in NEVER_THERE:
            yield f"{taken.client_order_id} counted as {row['status']} and was taken"


def v12_as_written_and_in_steps(facts: Facts, news: News) -> Iterator[str]:
    """Price and quantity taken are those of the row, to the last digit, and whole steps of the market."""
    for taken, row in rows_of_ours(facts, news):
        cid = taken.client_order_id
        if taken.quantity != row["quantity"]:
            yield f"{cid}: {taken.quantity} was taken, {row['quantity']} is written"
        if row["price"] is not None and taken.price != row["price"]:
            yield f"{cid}: taken at {taken.price}, written {row['price']}"
        if taken.is_buy != (row["side"] == "buy") or taken.symbol != row["symbol"]:
            yield f"{cid}: side or symbol differ"
        cycle = facts.mirror.tables["cycles"].get((row["strategy_id"], row["cycle_number"]))
        if cycle is not None:
            market = market_of(cycle["market"])
            if market.round_quantity(row["quantity"]) != row["quantity"]:
                yield f"{cid}: {row['quantity']} is no whole lot"
            if row["price"] is not None and market.tick_size and row["price"] % market.tick_size:
                yield f"{cid}: {row['price']} is no whole tick"


def v14_everybodys_own(facts: Facts, news: News) -> Iterator[str]:
    """What an exchange account takes belongs to a strategy on it, of the person whose account it is."""
    for taken, row in rows_of_ours(facts, news):
        cid = taken.client_order_id
        if row["account_id"] != taken.account_id:
            yield f"{cid} of account {row['account_id']} was taken on {taken.account_id}"
        strategy = facts.mirror.tables["strategies"].get(row["strategy_id"])
        account = facts.mirror.tables["exchange_accounts"].get(taken.account_id)
        if strategy is None or account is None or strategy["user_id"] != account["user_id"]:
            yield f"{cid}: strategy and account are not of one person"


def v17_taken_in_its_window(facts: Facts, news: News) -> Iterator[str]:
    """An order is taken within its window, counted from when it was planned, or never."""
    for taken, row in rows_of_ours(facts, news):
        cid = taken.client_order_id
        if taken.at > row["created_at"] + timedelta(seconds=WINDOW):
            yield f"{cid} was taken at {taken.at}, planned {row['created_at']}"
        if cid in facts.outdated:
            yield f"{cid} was taken, and the price that it was planned on is long gone"
