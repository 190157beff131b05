"""Invariants of our own rows, asked after each commit that changed them."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from core.accounting import position
from core.cycle import Cycle
from core.ladder import required_capital, safety_levels
from core.market import Market, Side
from core.orders import GONE, LIVE, TRANSITIONS, Order, OrderStatus
from core.parameters import Parameters
from core.wanted import base_price, target_price
from db.cycle_rows import market_of, parameters_of
from db.cycles import load_open
from db.transactions import run
from tests.simulation.facts import Facts, slot_of
from tests.simulation.mirror import Changes, Row

NEVER_THERE = (OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.NOT_ACCEPTED)
FRESH, WINDOW = 12.0, 5.0
"""How old a price may be when an order is planned on it (two seconds for the way), and for how long after
that the exchange may take the order."""
SLIP, MARGIN = Decimal("1.02"), Decimal("1.01")


def new_orders(changes: Changes) -> list[Row]:
    return [new for old, new in changes.of("orders") if old is None and new is not None]


def v1_one_live_row_per_slot(facts: Facts, changes: Changes) -> Iterator[str]:
    """At most one row of a slot is sending, open, cancelling or quarantined."""
    for row in new_orders(changes):
        live = facts.live_rows.get(slot_of(row), set())
        if len(live) > 1:
            yield f"slot {slot_of(row)} has live rows {sorted(live)}"


def v5_never_sold_more(facts: Facts, changes: Changes) -> Iterator[str]:
    """By our fills, a strategy never holds less than nothing (dust carried on is part of it)."""
    concerned = {new["strategy_id"] for _, new in changes.of("fills") if new is not None}
    for strategy_id in concerned:
        held = facts.held_by_fills[strategy_id]
        if held + facts.oversold_by(strategy_id) < 0:
            yield f"strategy {strategy_id} holds {held} by its fills"


def v6_within_the_ladder(facts: Facts, changes: Changes) -> Iterator[str]:
    """What a cycle has bought and may still buy is within what its ladder needs (2 % for market orders)."""
    cycles = {(row["strategy_id"], row["cycle_number"]) for row in new_orders(changes)}
    for key in cycles:
        cycle = facts.mirror.tables["cycles"].get(key)
        if cycle is None:
            continue
        spent = sum((_at_stake(facts, cid) for cid in facts.by_cycle[key]), Decimal(0))
        parameters, market = _pinned(cycle)
        most = required_capital(parameters, market, cycle["size_factor"]) * SLIP
        if spent > most:
            yield f"cycle {key} has {spent} at stake, its ladder needs {most}"


def v6_within_the_cap(facts: Facts, changes: Changes) -> Iterator[str]:
    """What a live account's positions have cost and its live buys may cost, `sending` counted whole, is
    within its cap whenever a buy is written (1 % for market orders and fees)."""
    buyers = {row["account_id"] for row in new_orders(changes) if row["side"] == "buy"}
    capped = {a for a in buyers if facts.mirror.tables["exchange_accounts"][a]["caps"]}
    if not capped:
        return
    in_use: dict[tuple[int, str], Decimal] = {}
    for stored in run(facts.store.engine, lambda s: load_open(s, capped), write=False):
        cycle = stored.cycle
        if cycle is not None:
            key = stored.account_id, cycle.market.quote
            spent = position(cycle).cost + sum((_may_cost(o) for o in cycle.live()), Decimal(0))
            in_use[key] = in_use.get(key, Decimal(0)) + spent
    for (account_id, coin), amount in in_use.items():
        caps = json.loads(facts.mirror.tables["exchange_accounts"][account_id]["caps"])
        cap = Decimal(caps.get(coin, 0))
        if amount > cap * MARGIN:
            yield f"account {account_id} has {amount} {coin} in use, its cap is {cap}"


def _may_cost(order: Order) -> Decimal:
    if order.side is Side.SELL:
        return Decimal(0)
    return (order.quantity - order.filled) * (order.price or order.planned_price)


def _at_stake(facts: Facts, cid: str) -> Decimal:
    row = facts.mirror.orders[cid]
    if row["side"] != "buy":
        return Decimal(0)
    whole = row["status"] in LIVE
    quantity: Decimal = row["quantity"] if whole else row["reported_filled"]
    price: Decimal = row["price"] or row["planned_price"]
    return quantity * price


def v7_nothing_live_at_the_acknowledgement(facts: Facts, changes: Changes) -> Iterator[str]:
    """Where "stopped" is said nothing is live; where "paused" is said only exits are."""
    concerned = {new["strategy_id"] for _, new in changes.of("strategy_status") if new}
    for strategy_id in concerned:
        said = facts.acknowledged(strategy_id)
        if said not in ("stopped", "paused"):
            continue
        for slot, live in facts.live_rows.items():
            if slot[0] != strategy_id:
                continue
            for cid in live:
                if said == "stopped" or facts.mirror.orders[cid]["side"] == "buy":
                    yield f"strategy {strategy_id} says {said} while {cid} is live"


def v8_fenced(facts: Facts, changes: Changes) -> Iterator[str]:
    """Every row is written under the token that its account's lease has at that commit, and tokens grow."""
    for old, new in changes.of("orders"):
        if new is None:
            continue
        lease = facts.mirror.tables["leases"].get(new["account_id"])
        if lease is None or new["token"] != lease["token"]:
            given = None if lease is None else lease["token"]
            yield f"{new['client_order_id']} carries token {new['token']}, the lease is at {given}"
        if old is not None and new["token"] < old["token"]:
            yield f"{new['client_order_id']} went back from token {old['token']} to {new['token']}"
    for old, new in changes.of("leases"):
        if old is not None and new is not None and new["token"] < old["token"]:
            yield f"the lease of account {new['account_id']} went back to token {new['token']}"


@functools.cache
def reachable(status: OrderStatus) -> frozenset[OrderStatus]:
    """One commit may hold several transitions."""
    found = {status}
    grown = True
    while grown:
        more = {after for known in found for after in TRANSITIONS[known]} - found
        found |= more
        grown = bool(more)
    return frozenset(found)


def v10_monotone(facts: Facts, changes: Changes) -> Iterator[str]:
    """Statuses follow the table, filled never shrinks, rows are never deleted, cycles count up by one."""
    for old, new in changes.of("orders"):
        if old is not None:
            yield from _went_back(facts, old, new)
    for old, new in changes.of("cycles"):
        yield from _out_of_step(facts, old, new)
    for old, new in changes.of("fills"):
        if old is not None and new != old:
            yield f"the fill {old['trade_id']} has changed"


def _went_back(facts: Facts, old: Row, new: Row | None) -> Iterator[str]:
    cid = old["client_order_id"]
    if new is None:
        if cid not in facts.forgiven:
            yield f"the row of {cid} is gone"
    elif OrderStatus(new["status"]) not in reachable(OrderStatus(old["status"])):
        yield f"{cid} went from {old['status']} to {new['status']}"
    elif new["reported_filled"] < old["reported_filled"]:
        yield f"{cid} was filled {old['reported_filled']}, now {new['reported_filled']}"


def _out_of_step(facts: Facts, old: Row | None, new: Row | None) -> Iterator[str]:
    if old is None and new is not None and new["number"] > 1:
        before = facts.mirror.tables["cycles"].get((new["strategy_id"], new["number"] - 1))
        if before is None or before["closed_at"] is None:
            yield f"cycle {new['number']} of strategy {new['strategy_id']} follows no closed one"
    if old is not None and old["closed_at"] is not None and (new or {}).get("closed_at") is None:
        yield f"a closed cycle of strategy {old['strategy_id']} is open again"


def v11_no_unproven_retry(facts: Facts, changes: Changes) -> Iterator[str]:
    """A next attempt exists only after a final one; what we say was never accepted never was."""
    for row in new_orders(changes):
        if row["attempt"] == 1:
            continue
        slot = slot_of(row)
        earlier = [
            facts.mirror.orders[cid]
            for cid in facts.by_cycle[slot[0], slot[1]]
            if slot_of(facts.mirror.orders[cid]) == slot
        ]
        before = [r for r in earlier if r["attempt"] == row["attempt"] - 1]
        if not before or before[0]["status"] in LIVE:
            yield f"{row['client_order_id']} is attempt {row['attempt']}, the one before is not final"
    for old, new in changes.of("orders"):
        if new is not None and new["reason"] == GONE and (old or {}).get("reason") != GONE:
            yield from _ended_by_nobody(facts, old, new)
        if new is None or OrderStatus(new["status"]) not in NEVER_THERE:
            continue
        if facts.taken_by_id[new["account_id"], new["client_order_id"]]:
            yield f"{new['client_order_id']} counts as {new['status']}, the exchange took it"


def _ended_by_nobody(facts: Facts, old: Row | None, new: Row) -> Iterator[str]:
    """Only the person whose account it is ends an order in quarantine by their word."""
    answer = facts.mirror.tables["order_answers"].get(new["client_order_id"])
    owner = facts.mirror.tables["exchange_accounts"][new["account_id"]]["user_id"]
    if answer is None or answer["user_id"] != owner:
        yield f"{new['client_order_id']} ended on a word that its person never gave"
    if old is None or old["status"] != "quarantined":
        yield f"{new['client_order_id']} ended on a word and was not in quarantine"


def v13_from_the_pinned_snapshot(facts: Facts, changes: Changes) -> Iterator[str]:
    """A level's price and quantity, a take profit's price and a base order's size follow from the parameters
    and market rules that the cycle holds."""
    fresh = [row for row in new_orders(changes) if row["attempt"] >= 1]
    if not fresh:
        return
    accounts = {row["account_id"] for row in fresh}
    stored = run(facts.store.engine, lambda s: load_open(s, accounts), write=False)
    cycles = {(c.strategy_id, c.number): c.cycle for c in stored if c.cycle is not None}
    for row in fresh:
        cycle = cycles.get((row["strategy_id"], row["cycle_number"]))
        if cycle is not None:
            yield from _follows(row, cycle, _just_filled(row, changes))


def _just_filled(row: Row, changes: Changes) -> list[str]:
    """Orders of its cycle that filled further in the commit that wrote the row."""
    return [
        new["client_order_id"]
        for old, new in changes.of("orders")
        if old is not None
        and new is not None
        and new["strategy_id"] == row["strategy_id"]
        and new["reported_filled"] != old["reported_filled"]
    ]


def _targets(cycle: Cycle, just_filled: list[str]) -> set[Decimal]:
    """What the take profit may ask for: one commit holds several steps, and it was planned at one of them."""
    found = set()
    for count in range(len(just_filled) + 1):
        for later in itertools.combinations(just_filled, count):
            known = tuple(
                replace(order, fills=()) if order.client_order_id in later else order
                for order in cycle.orders
            )
            then = replace(cycle, orders=known)
            target = target_price(then, position(then))
            if target is not None:
                found.add(cycle.market.round_price(Side.SELL, target))
    return found


def _follows(row: Row, cycle: Cycle, just_filled: list[str]) -> Iterator[str]:
    cid = row["client_order_id"]
    if row["role"] == "safety":
        start = base_price(cycle)
        levels = () if start is None else safety_levels(
            cycle.parameters, start, cycle.market, cycle.size_factor
        )  # fmt: skip
        level = next((found for found in levels if found.number == row["level"]), None)
        if level is None or level.price != row["price"] or row["quantity"] > level.quantity:
            yield f"{cid} ({row['quantity']} at {row['price']}) is not level {level}"
    elif row["role"] == "take_profit" and row["kind"] == "limit":
        targets = _targets(cycle, just_filled)
        if row["price"] not in targets:
            yield f"{cid} sells at {row['price']}, the target is {sorted(targets)}"
    elif row["role"] == "base":
        size = cycle.parameters.base_order_size * cycle.size_factor
        if row["quantity"] * row["planned_price"] > size:
            yield f"{cid} spends more than {size}"


def v17_fresh(facts: Facts, changes: Changes) -> Iterator[str]:
    """An order that takes its price from the market was planned on one of the last ten seconds. One that is
    written when its window is over (its process stood still) can be taken by nobody: if it ever is, says
    `checks_book.v17_taken_in_its_window`."""
    for row in new_orders(changes):
        walk = facts.walks.get(row["symbol"])
        follows_the_market = row["kind"] == "market" or row["role"] == "base"
        if walk is None or not follows_the_market:
            continue
        late = (facts.venue_now() - row["created_at"]).total_seconds()
        ticks = walk.since(facts.clock.seconds - FRESH - min(max(late, 0.0), WINDOW))
        shown = {tick.bid for tick in ticks} | {tick.ask for tick in ticks}
        if row["planned_price"] in shown | _rounded(facts, row, shown) or _is_rest(facts, row):
            continue
        if late > WINDOW:
            facts.outdated.add(row["client_order_id"])
        else:
            yield f"{row['client_order_id']} reckons with {row['planned_price']}, long gone"


def _rounded(facts: Facts, row: Row, shown: set[Decimal]) -> set[Decimal]:
    """On the ticks that the symbol has by now, which may be coarser than those of the market's prices."""
    cycle = facts.mirror.tables["cycles"].get((row["strategy_id"], row["cycle_number"]))
    if cycle is None:
        return set()
    market = _pinned(cycle)[1]
    return {market.round_price(Side(row["side"]), price) for price in shown}


def _is_rest(facts: Facts, row: Row) -> bool:
    """A further attempt may keep the price of the first."""
    return row["kind"] == "limit" and row["attempt"] > 1


def _pinned(cycle: Row) -> tuple[Parameters, Market]:
    return parameters_of(cycle["parameters"]), market_of(cycle["market"])
