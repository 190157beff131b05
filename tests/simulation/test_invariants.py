"""Each invariant is shown a world that breaks it, and must say so: none is a check that cannot fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from tests.exchange.weights import Weights
from tests.exchange.wire import Request
from tests.simulation import checks_book as book
from tests.simulation import checks_rest as rest
from tests.simulation import checks_rows as rows
from tests.simulation.facts import Facts, slot_of
from tests.simulation.mirror import Changes, Row
from tests.simulation.patches import virtual
from tests.simulation.secrets_kept import v15_no_secret_written, v20_within_the_budget
from tests.simulation.there import News, Taken
from tests.simulation.world import Plan, World

D = Decimal
WHOLE = D("1000")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A minute of trading without any fault, then calm."""
    found = World(Plan(3, seconds=60, venue="ledger", each=0, persons=1))
    with virtual(found.clock, found.lives, found.luck("names")):
        found.populate()
        found.run()
        assert found.facts.breaches == []
        yield found
        found.close()


@pytest.fixture
def facts(world: World) -> Facts:
    """A copy that the test may spoil."""
    return _copied(world.facts)


def _copied(facts: Facts) -> Facts:
    copy = Facts.__new__(Facts)
    copy.__dict__.update(facts.__dict__)
    tables = {name: dict(table) for name, table in facts.mirror.tables.items()}
    copy.mirror = SimpleNamespace(tables=tables, orders=tables["orders"])  # type: ignore[assignment]
    copy.live_rows = {slot: set(live) for slot, live in facts.live_rows.items()}
    copy.open_there = {slot: set(there) for slot, there in facts.open_there.items()}
    copy.taken_by_id = facts.taken_by_id.copy()
    copy.held_by_fills = facts.held_by_fills.copy()
    copy.outdated = set(facts.outdated)
    copy.held = {name: replace(held) for name, held in facts.held.items()}
    copy.start = {name: dict(coins) for name, coins in facts.start.items()}
    return copy


def an_order(facts: Facts, **wanted: Any) -> Row:
    return next(
        dict(row)
        for row in facts.mirror.orders.values()
        if all(row[name] == value for name, value in wanted.items())
    )


def new(table: str, row: Row) -> Changes:
    return Changes({table: [(None, row)]})


def taken(row: Row, **changes: Any) -> News:
    order = Taken(
        row["account_id"], 9_999, row["client_order_id"], row["symbol"], row["side"] == "buy",
        row["price"] or D(0), row["quantity"], D(0), True, row["created_at"],
    )  # fmt: skip
    return News([(None, replace(order, **changes))])


def a_create(client_order_id: str) -> Request:
    named = {"newClientOrderId": client_order_id}
    return Request("POST", "api.binance.com", "/api/v3/order", named, "", None)


def said(sentences: Iterable[str]) -> list[str]:
    return list(sentences)


def acknowledge(facts: Facts, strategy_id: int, state: str) -> None:
    wish = facts.mirror.tables["strategies"][strategy_id]
    facts.mirror.tables["strategies"][strategy_id] = wish | {"desired_state": state}
    status = facts.mirror.tables["strategy_status"][strategy_id]
    reason = "Paused: nothing is bought." if state == "paused" else "Stopped."
    facts.mirror.tables["strategy_status"][strategy_id] = status | {
        "actual_state": state,
        "observed_rev": wish["desired_rev"],
        "reason": reason,
    }


def test_v1_two_live_rows_of_one_slot(facts: Facts) -> None:
    row = an_order(facts, status="open")
    facts.live_rows[slot_of(row)].add("another")
    assert said(rows.v1_one_live_row_per_slot(facts, new("orders", row)))


def test_v1_two_open_orders_of_one_slot(facts: Facts) -> None:
    row = an_order(facts, status="open")
    facts.open_there[slot_of(row)].add(9_999)
    assert said(book.v1_one_open_order_per_slot(facts, taken(row)))


def test_v2_taken_without_a_row(facts: Facts) -> None:
    row = an_order(facts)
    assert said(book.v2_written_before(facts, taken(row, client_order_id="ssim0unknown00000")))
    early = taken(row, at=row["created_at"] - timedelta(seconds=9))
    assert said(book.v2_written_before(facts, early))


def test_v3_taken_twice(facts: Facts) -> None:
    row = an_order(facts)
    facts.taken_by_id[row["account_id"], row["client_order_id"]] = 2
    assert said(book.v3_accepted_once(facts, taken(row)))


def test_v4_a_fill_is_missing_added_or_other(facts: Facts) -> None:
    fills = facts.mirror.tables["fills"]
    key, fill = next(iter(fills.items()))
    del fills[key]
    assert said(rest.v4_fills_equal(facts))
    for change in (fill | {"quantity": WHOLE}, fill | {"fee": WHOLE}):
        fills[key] = change
        assert said(rest.v4_fills_equal(facts))
    fills[key] = fill
    fills[key[0], key[1], "none"] = fill
    assert said(rest.v4_fills_equal(facts))


def test_v5_more_sold_than_held(facts: Facts) -> None:
    fill = next(iter(facts.mirror.tables["fills"].values()))
    facts.held_by_fills[fill["strategy_id"]] = D(-1)
    assert said(rows.v5_never_sold_more(facts, new("fills", fill)))
    row = an_order(facts, side="sell")
    facts.held[row["strategy_id"]].quantity = D(0)
    facts.selling = {row["strategy_id"]: {9_999: D(1)}}
    assert said(book.v5_sells_only_its_own(facts, taken(row)))


def test_v5_what_the_exchange_itself_sold_too_much_is_not_ours(facts: Facts) -> None:
    fill = next(iter(facts.mirror.tables["fills"].values()))
    facts.oversold = {fill["strategy_id"]: {9_999: D(1), 9_998: D(-5)}}
    facts.held_by_fills[fill["strategy_id"]] = D(-1)
    assert not said(rows.v5_never_sold_more(facts, new("fills", fill)))
    facts.held_by_fills[fill["strategy_id"]] = D("-1.1")
    assert said(rows.v5_never_sold_more(facts, new("fills", fill)))


def test_v6_more_at_stake_than_the_ladder_needs(facts: Facts) -> None:
    row = an_order(facts, status="open", side="buy")
    facts.mirror.orders[row["client_order_id"]] = row | {"quantity": WHOLE}
    assert said(rows.v6_within_the_ladder(facts, new("orders", row)))


def test_v6_more_in_use_than_the_cap(facts: Facts) -> None:
    row = an_order(facts, status="open", side="buy")
    account = facts.mirror.tables["exchange_accounts"][row["account_id"]]
    for cap, broken in (("1", True), ("1000000", False)):
        capped = account | {"caps": json.dumps({"USDT": cap})}
        facts.mirror.tables["exchange_accounts"][row["account_id"]] = capped
        assert bool(said(rows.v6_within_the_cap(facts, new("orders", row)))) is broken


@pytest.mark.parametrize("state", ["stopped", "paused"])
def test_v7_something_lives_after_the_acknowledgement(facts: Facts, state: str) -> None:
    row = an_order(facts, status="open", side="buy")
    acknowledge(facts, row["strategy_id"], state)
    status = facts.mirror.tables["strategy_status"][row["strategy_id"]]
    assert said(rows.v7_nothing_live_at_the_acknowledgement(facts, new("strategy_status", status)))
    assert said(book.v7_nothing_after_the_stop(facts, taken(row)))


def test_v8_another_token_than_the_lease(facts: Facts) -> None:
    row = an_order(facts)
    assert said(rows.v8_fenced(facts, new("orders", row | {"token": row["token"] + 1})))
    back = Changes({"orders": [(row | {"token": 9}, row)]})
    assert said(rows.v8_fenced(facts, back))


@pytest.mark.parametrize("status", [None, "open", "sending"])
@pytest.mark.parametrize("in_transaction", [True, False])
def test_v9_sent_without_a_row_or_in_a_transaction(
    facts: Facts, status: str | None, in_transaction: bool
) -> None:
    row = an_order(facts) | {"status": status}
    cid = row["client_order_id"]
    if status is None:
        del facts.mirror.orders[cid]
    else:
        facts.mirror.orders[cid] = row
    broken = in_transaction or status != "sending"
    assert (
        bool(said(book.v9_written_before_it_is_sent(facts, a_create(cid), in_transaction)))
        is broken
    )


def test_v9_is_asked_of_each_request_that_leaves() -> None:
    there = World(Plan(3, persons=1))
    there.place._before_send(a_create("ssim0unknown00000"))
    assert [breach.invariant for breach in there.facts.breaches] == ["V9"]
    there.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row | {"status": "open"},
        lambda row: row | {"reported_filled": D(0)},
        lambda row: None,
    ],
)
def test_v10_something_goes_back(facts: Facts, change: Callable[[Row], Row | None]) -> None:
    row = an_order(facts, status="filled")
    assert said(rows.v10_monotone(facts, Changes({"orders": [(row, change(row))]})))


def test_v10_a_cycle_follows_none(facts: Facts) -> None:
    cycle = next(iter(facts.mirror.tables["cycles"].values()))
    assert said(rows.v10_monotone(facts, new("cycles", cycle | {"number": 77})))


def test_v11_the_attempt_before_is_live(facts: Facts) -> None:
    row = an_order(facts, status="open", attempt=1)
    second = row | {"client_order_id": "second", "attempt": 2}
    facts.mirror.orders["second"] = second
    facts.by_cycle[row["strategy_id"], row["cycle_number"]] |= {"second"}
    assert said(rows.v11_no_unproven_retry(facts, new("orders", second)))
    facts.by_cycle[row["strategy_id"], row["cycle_number"]] -= {"second"}


def test_v11_not_accepted_and_yet_there(facts: Facts) -> None:
    row = an_order(facts, status="filled") | {"status": "not_accepted"}
    assert said(rows.v11_no_unproven_retry(facts, new("orders", row)))
    facts.mirror.orders[row["client_order_id"]] = row
    assert said(book.v11_never_there_is_never_there(facts, taken(row)))


@pytest.mark.parametrize("name", ["quantity", "price"])
def test_v12_other_amounts_than_written(facts: Facts, name: str) -> None:
    row = an_order(facts, kind="limit")
    assert said(book.v12_as_written_and_in_steps(facts, taken(row, **{name: WHOLE})))
    crooked = row[name] + D("0.000001")
    facts.mirror.orders[row["client_order_id"]] = row | {name: crooked}
    assert said(book.v12_as_written_and_in_steps(facts, taken(row, **{name: crooked})))


@pytest.mark.parametrize(
    ("role", "name"), [("safety", "price"), ("take_profit", "price"), ("base", "quantity")]
)
def test_v13_not_from_the_parameters(facts: Facts, role: str, name: str) -> None:
    newest = {key: c for key, c in facts.mirror.tables["cycles"].items() if c["closed_at"] is None}
    row = next(
        row
        for row in facts.mirror.orders.values()
        if row["role"] == role and (row["strategy_id"], row["cycle_number"]) in newest
    )
    assert said(rows.v13_from_the_pinned_snapshot(facts, new("orders", row | {name: WHOLE})))


def test_v14_on_somebody_elses_account(facts: Facts) -> None:
    row = an_order(facts)
    assert said(book.v14_everybodys_own(facts, taken(row, account_id=999)))


def test_v15_a_secret_in_the_log() -> None:
    assert said(v15_no_secret_written(["CANARY"], ["a line with CANARY in it"]))
    assert not said(v15_no_secret_written(["CANARY"], ["a line"]))


def test_v16_a_changed_audit_row(world: World, facts: Facts) -> None:
    assert not said(rest.v16_audited(facts))
    change = "UPDATE audit SET action = 'x' || action WHERE id = 1"
    world.store.rows(change)
    assert said(rest.v16_audited(facts))
    world.store.rows(change.replace("'x' || action", "substr(action, 2)"))
    assert not said(rest.v16_audited(facts))


def test_v17_a_price_long_gone(facts: Facts) -> None:
    row = an_order(facts, role="base") | {"planned_price": D("1.23")}
    now = new("orders", row | {"created_at": facts.venue_now()})
    assert said(rows.v17_fresh(facts, now))


def test_v17_a_price_long_gone_of_an_order_that_is_taken_although_it_was_written_too_late(
    facts: Facts,
) -> None:
    row = an_order(facts, role="base") | {"planned_price": D("1.23")}
    at = facts.venue_now() - timedelta(seconds=6)
    assert not said(rows.v17_fresh(facts, new("orders", row | {"created_at": at})))
    assert said(book.v17_taken_in_its_window(facts, taken(row)))


def test_v17_taken_after_its_window(facts: Facts) -> None:
    row = an_order(facts)
    assert not said(book.v17_taken_in_its_window(facts, taken(row)))
    late = taken(row, at=row["created_at"] + timedelta(seconds=5.001))
    assert said(book.v17_taken_in_its_window(facts, late))


def test_v18_in_doubt_unanswered_or_not_for_sale(facts: Facts) -> None:
    assert not said(rest.v18_alive(facts))
    cid, row = next(iter(facts.mirror.orders.items()))
    facts.mirror.orders[cid] = row | {"status": "sending"}
    assert said(rest.v18_alive(facts))
    facts.mirror.orders[cid] = row
    strategy_id, wish = next(iter(facts.mirror.tables["strategies"].items()))
    facts.mirror.tables["strategies"][strategy_id] = wish | {"desired_rev": 99}
    assert said(rest.v18_alive(facts))


def test_v19_a_coin_too_many(facts: Facts) -> None:
    assert not said(rest.v19_conserved(facts))
    account_id = next(iter(facts.start))
    facts.start[account_id]["USDT"] += D("0.00000001")
    assert said(rest.v19_conserved(facts))


def test_v20_too_much_weight() -> None:
    weights = Weights(lambda: 0, limit=100)
    assert not said(v20_within_the_budget(weights))
    weights.windows["here", 0] = SimpleNamespace(weight=81)  # type: ignore[assignment]
    assert said(v20_within_the_budget(weights))
