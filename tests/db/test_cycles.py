"""Cycles are read back as they were saved, in few statements, and nothing final ever opens again."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select, text, update

from core.cycle import BASE, TAKE_PROFIT, Cycle
from core.engine import is_over
from core.market import Market, Side
from core.order_ids import Identity, client_order_id
from core.orders import Fill, Kind, Order, OrderStatus, Role, Slot
from core.parameter_reading import read_parameters
from core.succession import next_cycle, totals
from db import cycles, installation
from db.cycles import CycleChange
from db.errors import Conflict
from db.statements import table_of
from db.tables import CycleRow, FillRow, OrderRow
from db.transactions import run
from tests.db import random_cycles
from tests.faults import fault

CYCLES, ORDERS, FILLS = table_of(CycleRow), table_of(OrderRow), table_of(FillRow)
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ACCOUNT = 7
TOKENS = {ACCOUNT: 3}
PARAMETERS = read_parameters({"base_order_size": "100", "safety_order_size": "50"})
MARKET = Market(symbol="BTC/USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"))


@pytest.fixture
def code(engine) -> str:
    return run(engine, installation.code)


def save(engine, *changes: CycleChange) -> None:
    run(engine, lambda s: cycles.save(s, changes, TOKENS, AT))


def load(engine, accounts=(ACCOUNT,)) -> list[Cycle]:
    stored = run(engine, lambda s: cycles.load_open(s, accounts), write=False)
    assert [s.fault for s in stored] == [None] * len(stored)
    return [s.cycle for s in stored if s.cycle is not None]


def a_cycle(code: str, strategy_id: int = 1, number: int = 1) -> Cycle:
    return Cycle(Identity(code, ACCOUNT, strategy_id), number, PARAMETERS, MARKET)


def an_order(cycle: Cycle, slot: Slot, status: OrderStatus, attempt: int = 1) -> Order:
    side = Side.BUY if slot.level is not None else Side.SELL
    return Order(
        client_order_id=client_order_id(cycle.identity, cycle.number, slot, attempt),
        slot=slot,
        attempt=attempt,
        side=side,
        kind=Kind.LIMIT,
        price=Decimal("100.5"),
        planned_price=Decimal("100.5"),
        quantity=Decimal("1.5"),
        status=status,
        created_at=AT,
    )


def filled(order: Order, price: str, trade_id: str, at: datetime = AT) -> Order:
    fill = Fill(
        trade_id, at, Decimal(price), order.quantity, Decimal("0.15"), "USDT", Decimal("0.15")
    )
    return replace(
        order,
        status=OrderStatus.FILLED,
        fills=(fill,),
        reported_filled=order.quantity,
        finished_at=at,
    )


def a_ladder(code: str, strategy_id: int) -> Cycle:
    """A running cycle as most of them are: base order filled, six levels and a take profit resting."""
    cycle = a_cycle(code, strategy_id)
    cycle = cycle.with_order(
        filled(an_order(cycle, BASE, OrderStatus.OPEN), "100", f"t{strategy_id}")
    )
    cycle = cycle.with_order(an_order(cycle, TAKE_PROFIT, OrderStatus.OPEN))
    for level in range(1, 7):
        resting = an_order(cycle, Slot(Role.SAFETY, level), OrderStatus.OPEN)
        cycle = cycle.with_order(replace(resting, price=Decimal(100 - level)))
    return cycle


@contextmanager
def counted(engine):
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, _parameters, _context, _many) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_what_was_saved_is_loaded_equal_before_and_after_any_change(engine, code):
    @settings(
        max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(st.data())
    def check(data):
        def empty(session) -> None:
            for table in (CYCLES, ORDERS, FILLS):
                session.execute(delete(table))

        run(engine, empty)
        count = data.draw(st.integers(1, 3))
        first = [
            data.draw(random_cycles.cycles(Identity(code, ACCOUNT, strategy)))
            for strategy in range(1, count + 1)
        ]
        save(engine, *(CycleChange(None, cycle) for cycle in first))
        assert load(engine) == first
        second = [data.draw(random_cycles.later(cycle)) for cycle in first]
        pairs = zip(first, second, strict=True)
        save(engine, *(CycleChange(before, after) for before, after in pairs))
        assert load(engine) == second

    check()


def test_only_open_cycles_of_the_accounts_asked_for_are_loaded(engine, code):
    mine = a_ladder(code, 1)
    others = replace(a_cycle(code, 2), identity=Identity(code, 8, 2))
    tokens = {ACCOUNT: 1, 8: 1}
    changes = [CycleChange(None, mine), CycleChange(None, others)]
    run(engine, lambda s: cycles.save(s, changes, tokens, AT))
    assert load(engine) == [mine]
    assert load(engine, [8]) == [others]
    assert load(engine, [7, 8]) == [mine, others]
    assert load(engine, []) == []


def test_an_order_is_stamped_with_the_lease_and_its_deadline(engine, code):
    cycle = a_cycle(code)
    order = an_order(cycle, BASE, OrderStatus.SENDING)
    deadline = AT + timedelta(seconds=4)
    save(engine, CycleChange(None, cycle.with_order(order), deadline))
    row = run(engine, lambda s: s.execute(select(ORDERS)).mappings().one())
    assert (row["token"], row["deadline"], row["live"], row["level"]) == (3, deadline, 1, 0)
    assert row["account_id"] == ACCOUNT


def test_without_a_deadline_an_order_has_the_request_window(engine, code):
    cycle = a_cycle(code)
    order = an_order(cycle, TAKE_PROFIT, OrderStatus.SENDING)
    save(engine, CycleChange(None, cycle.with_order(order)))
    row = run(engine, lambda s: s.execute(select(ORDERS)).mappings().one())
    assert row["deadline"] == AT + timedelta(seconds=5)
    assert row["level"] == -1


def test_what_has_not_changed_is_not_written(engine, code):
    cycle = a_ladder(code, 1)
    save(engine, CycleChange(None, cycle))
    with counted(engine) as sent:
        save(engine, CycleChange(cycle, cycle))
    assert sent == []
    changed = cycle.with_order(replace(cycle.orders[2], venue_order_id="v"))
    with counted(engine) as sent:
        save(engine, CycleChange(cycle, changed))
    assert len(sent) == 1
    assert "orders" in sent[0]


def test_a_thousand_changes_are_five_statements(engine, code):
    before = [a_ladder(code, n) for n in range(1, 201)]
    old, new = before[:100], before[100:]
    save(engine, *(CycleChange(None, cycle) for cycle in old))
    after = [
        replace(
            cycle.with_order(
                filled(cycle.orders[2], "99", f"s{cycle.identity.strategy_id}")
            ).with_order(an_order(cycle, TAKE_PROFIT, OrderStatus.REFUSED, 2)),
            peak=Decimal(1),
        )
        for cycle in old
    ]
    changes = [CycleChange(None, cycle) for cycle in new]
    changes += [CycleChange(b, a) for b, a in zip(old, after, strict=True)]
    with counted(engine) as sent:
        save(engine, *changes)
    assert len(sent) == 5
    assert load(engine) == after + new


def test_the_server_too_receives_each_of_them_as_one_statement(mariadb_engine):
    """The driver must put all rows in one INSERT, also when it may have to update."""
    code = run(mariadb_engine, installation.code)
    before = [a_ladder(code, n) for n in range(1, 51)]
    after = [
        replace(c.with_order(replace(c.orders[1], venue_order_id="v")), peak=Decimal(1))
        for c in before
    ]

    def inserts() -> int:
        query = text("SHOW GLOBAL STATUS LIKE 'Com_insert'")
        return run(mariadb_engine, lambda s: int(s.execute(query).one()[1]))

    start = inserts()
    save(mariadb_engine, *(CycleChange(None, cycle) for cycle in before))
    assert inserts() - start == 3
    start = inserts()
    save(mariadb_engine, *(CycleChange(b, a) for b, a in zip(before, after, strict=True)))
    assert inserts() - start == 2


def test_loading_takes_as_many_statements_for_one_as_for_hundreds(engine, code):
    save(engine, CycleChange(None, a_ladder(code, 1)))
    with counted(engine) as one:
        load(engine)
    save(engine, *(CycleChange(None, a_ladder(code, n)) for n in range(2, 150)))
    with counted(engine) as many:
        load(engine, range(1, 400))
    assert len(one) == len(many) <= 4


def test_loaded_cycles_share_what_is_equal_and_are_small(engine, code):
    save(engine, *(CycleChange(None, a_ladder(code, n)) for n in range(1, 301)))
    load(engine)
    tracemalloc.start()
    found = load(engine)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({id(cycle.parameters) for cycle in found}) == 1
    assert len({id(cycle.market) for cycle in found}) == 1
    assert used / len(found) < 6_000


def test_a_second_live_order_of_a_slot_is_refused_by_the_database(engine, code):
    cycle = a_ladder(code, 1)
    save(engine, CycleChange(None, cycle))
    for slot in (TAKE_PROFIT, Slot(Role.SAFETY, 1)):
        second = cycle.with_order(an_order(cycle, slot, OrderStatus.SENDING, attempt=2))
        with pytest.raises(Conflict):
            save(engine, CycleChange(cycle, second))
    assert load(engine) == [cycle]
    over = cycle.with_order(an_order(cycle, TAKE_PROFIT, OrderStatus.NOT_PLACED, attempt=2))
    save(engine, CycleChange(cycle, over))
    assert load(engine) == [over]


def test_a_slot_is_freed_and_taken_again_in_one_save(engine, code):
    cycle = a_ladder(code, 1)
    save(engine, CycleChange(None, cycle))
    ended = replace(cycle.orders[1], status=OrderStatus.CANCELLED, finished_at=AT)
    moved = cycle.with_order(ended).with_order(
        an_order(cycle, TAKE_PROFIT, OrderStatus.SENDING, attempt=2)
    )
    save(engine, CycleChange(cycle, moved))
    assert load(engine) == [moved]


@pytest.mark.parametrize("final", [s for s in OrderStatus if not s.is_live])
@pytest.mark.parametrize("late", list(OrderStatus))
def test_a_late_write_never_moves_a_final_order(engine, code, final, late):
    """As if a worker with an older picture got past the fence: the second belt."""
    cycle = a_cycle(code)
    resting = cycle.with_order(an_order(cycle, BASE, OrderStatus.OPEN))
    save(engine, CycleChange(None, resting))
    ended = resting.with_order(
        replace(resting.orders[0], status=final, finished_at=AT, reason="proof")
    )
    save(engine, CycleChange(resting, ended))
    wrong = resting.with_order(
        replace(resting.orders[0], status=late, venue_order_id="late", reason=None)
    )
    save(engine, CycleChange(resting, wrong))
    crossed = final is OrderStatus.CANCELLED and late is OrderStatus.FILLED
    overwritten = late is final or crossed
    # `wrong` equals `resting` in its status only when it is open, and is written in any case.
    assert load(engine) == [wrong if overwritten else ended]


@fault("E5")
def test_the_same_trade_told_twice_is_one_fill(engine, code):
    cycle = a_cycle(code)
    resting = cycle.with_order(an_order(cycle, BASE, OrderStatus.OPEN))
    save(engine, CycleChange(None, resting))
    bought = resting.with_order(filled(resting.orders[0], "100", "t1"))
    save(engine, CycleChange(resting, bought))
    save(engine, CycleChange(resting, bought))
    assert load(engine) == [bought]


def test_a_cycle_number_is_used_once(engine, code):
    save(engine, CycleChange(None, a_cycle(code)))
    with pytest.raises(Conflict):
        save(engine, CycleChange(None, a_cycle(code)))


def test_a_change_of_another_cycle_is_a_mistake(engine, code):
    with pytest.raises(ValueError, match="same cycle"):
        save(engine, CycleChange(a_cycle(code, 1), a_cycle(code, 2)))


def test_a_cycle_that_is_over_is_closed_once_with_its_totals(engine, code):
    cycle = a_cycle(code)
    cycle = cycle.with_order(filled(an_order(cycle, BASE, OrderStatus.OPEN), "100", "t1"))
    sold = filled(an_order(cycle, TAKE_PROFIT, OrderStatus.OPEN), "110", "t2", AT)
    over = cycle.with_order(sold)
    assert is_over(over)
    following = next_cycle(over, AT, PARAMETERS, MARKET)
    save(engine, CycleChange(None, cycle))

    def end(session) -> None:
        changes = [CycleChange(cycle, over), CycleChange(None, following)]
        cycles.save(session, changes, TOKENS, AT)
        cycles.close(session, [over], AT)

    run(engine, end)
    run(engine, lambda s: cycles.close(s, [over], AT + timedelta(days=1)))
    assert load(engine) == [following]
    query = select(CYCLES).where(CYCLES.c.number == 1)
    row = run(engine, lambda s: s.execute(query).mappings().one())
    expected = totals(over)
    assert row["realized_pnl"] == expected.realized_pnl == Decimal("14.7")
    assert (row["fees"], row["dust_quantity"]) == (Decimal("0.3"), 0)
    assert (row["bought_cost"], row["sold_proceeds"]) == (Decimal(150), Decimal(165))
    assert (row["ended_by"], row["levels_filled"]) == ("take_profit", 0)
    assert (row["closed_at"], row["started_at"]) == (AT, AT)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("parameters", '{"base_order_size": "NaN", "safety_order_size": "1"}'),
        ("parameters", "no json"),
        ("parameters", "[]"),
        ("market", "{}"),
        ("market", '{"symbol": "A/B", "tick_size": "1e308"}'),
        ("wanted", "rich"),
        ("exit", "never"),
        ("skipped", '{"a": 1}'),
        ("held", '["1"]'),
    ],
)
def test_a_row_spoiled_by_hand_is_said_and_leaves_the_others_alone(engine, code, column, value):
    spoiled, whole = a_ladder(code, 1), a_ladder(code, 2)
    save(engine, CycleChange(None, spoiled), CycleChange(None, whole))
    statement = text(f"UPDATE cycles SET `{column}` = :value WHERE strategy_id = 1")
    run(engine, lambda s: s.execute(statement, {"value": value}))
    first, second = run(engine, lambda s: cycles.load_open(s, [ACCOUNT]))
    assert first.cycle is None
    assert first.fault is not None
    assert "cycle 1" in first.fault
    assert (first.strategy_id, first.account_id, first.number) == (1, ACCOUNT, 1)
    assert second.cycle == whole


def test_an_order_spoiled_by_hand_is_said_too(engine, code):
    save(engine, CycleChange(None, a_ladder(code, 1)))
    run(engine, lambda s: s.execute(update(ORDERS).values(kind="wish")))
    (stored,) = run(engine, lambda s: cycles.load_open(s, [ACCOUNT]))
    assert stored.cycle is None
