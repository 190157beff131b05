"""A person's history over all strategies, exposure over all people, and logs with filters."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import event

from core.accounting import position
from core.exposure import outlook_of_cycle
from db import audit, reports
from db.accounts import AccountKind
from db.errors import NotAllowed
from db.reports import Which
from db.tables import AuditEntry, CycleRow, LogRecord
from db.transactions import run
from tests.builders import at
from tests.db.people import AT, a_strategy, a_user, an_administrator, first_account, later
from tests.db.trading import has_traded


@pytest.fixture
def ann(engine):
    return a_user(engine)


@pytest.fixture
def strategy(engine, ann):
    return a_strategy(engine, ann)


@pytest.fixture
def traded(engine, strategy):
    return has_traded(engine, strategy)


def ask(engine, report, *given, **more):
    return run(engine, lambda s: report(s, *given, **more), write=False)


def a_past(engine, strategy, account, moments, symbol="BTC/USDT"):
    """Closed cycles of that strategy with made-up results, numbered from 10."""
    shared = {
        "account_id": account, "parameters": {}, "market": {}, "engine_version": 1, "wanted": "x",
        "size_factor": Decimal(1), "carried_quantity": Decimal(0), "carried_cost": Decimal(0),
        "cycles_done": 0, "stop_losses_in_row": 0, "reinvested": Decimal(0), "skipped": [], "held": [],
        "missing": Decimal(0), "fees": Decimal("0.1"), "bought_cost": Decimal(1),
        "sold_proceeds": Decimal(1), "dust_quantity": Decimal(0), "dust_cost": Decimal(0),
        "levels_filled": 0, "ended_by": "take_profit",
    }  # fmt: skip

    def unit(session):
        for number, (closed_at, earned) in enumerate(moments, start=10):
            row = CycleRow(
                strategy_id=strategy, number=number, started_at=closed_at, closed_at=closed_at,
                realized_pnl=Decimal(earned), **shared,
            )  # fmt: skip
            session.add(row)

    run(engine, unit)


def test_cycles_and_fills_of_all_strategies_say_whose_they_are(engine, ann, strategy, traded):
    closed, _ = traded
    (cycle,) = ask(engine, reports.cycles, ann)
    assert (cycle.strategy, cycle.account, cycle.kind) == (
        "Calm one", "Simulated", AccountKind.SIMULATED
    )  # fmt: skip
    assert (cycle.symbol, cycle.quote, cycle.number) == ("BTC/USDT", "USDT", 1)
    assert cycle.realized_pnl == position(closed).realized
    fills = ask(engine, reports.fills, ann)
    assert [(f.cycle_number, f.role, f.level) for f in fills] == [
        (2, "safety", 1), (2, "base", 0), (1, "take_profit", None), (1, "base", 0)
    ]  # fmt: skip
    assert all(f.fee_asset and f.fee_value > 0 for f in fills)


def test_pages_join_without_a_gap_or_a_row_twice_even_at_one_moment(engine, ann, strategy):
    account = first_account(engine, ann)
    a_past(engine, strategy, account, [(later(n // 4), "1.5") for n in range(25)])
    whole = ask(engine, reports.cycles, ann)
    assert len(whole) == 25
    seen, place = [], None
    while page := ask(engine, reports.cycles, ann, before=place, limit=4):
        seen += page
        place = page[-1].place
    assert tuple(seen) == whole


def test_pages_of_fills_join_too(engine, ann, strategy, traded):
    whole = ask(engine, reports.fills, ann)
    first = ask(engine, reports.fills, ann, limit=2)
    rest = ask(engine, reports.fills, ann, before=first[-1].place)
    assert first + rest == whole


def test_account_strategy_and_time_are_asked_for(engine, ann, strategy, traded):
    account = first_account(engine, ann)
    for which, cycles, fills in (
        (Which(account_id=account, strategy_id=strategy), 1, 4),
        (Which(account_id=account + 1), 0, 0),
        (Which(strategy_id=strategy + 1), 0, 0),
        (Which(since=at(60), until=at(62)), 1, 1),
        (Which(until=at(60)), 0, 1),
    ):
        assert len(ask(engine, reports.cycles, ann, which=which)) == cycles, which
        assert len(ask(engine, reports.fills, ann, which=which)) == fills, which
    bob = a_user(engine, "bob")
    assert ask(engine, reports.fills, bob, which=Which(strategy_id=strategy)) == ()


def test_months_are_those_of_the_persons_calendar_and_exact(engine, ann, strategy):
    account = first_account(engine, ann)
    end = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    a_past(engine, strategy, account, [
        (end, "0.1"), (end.replace(hour=10), "-0.3"), (end.replace(day=30), "0.000000000000000001")
    ])  # fmt: skip
    (october,) = ask(engine, reports.months, ann, time_zone="UTC")
    assert (october.year, october.month, october.cycles, october.won) == (2026, 10, 3, 2)
    assert october.realized_pnl == Decimal("-0.199999999999999999")
    assert october.fees == Decimal("0.3")
    november, october = ask(engine, reports.months, ann, time_zone="Europe/Berlin")
    assert (november.month, november.realized_pnl) == (11, Decimal("0.1"))
    assert october.cycles == 2


@pytest.mark.parametrize("report", [reports.cycles, reports.fills])
def test_a_page_is_one_question_however_long(engine, ann, strategy, traded, report):
    said = []
    event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    ask(engine, report, ann)
    assert len([each for each in said if each.startswith("SELECT")]) == 1


def test_exposure_is_summed_over_people_per_quote_coin(engine, ann, strategy, traded):
    root, bob = an_administrator(engine), a_user(engine, "bob")
    _, opened = has_traded(engine, a_strategy(engine, bob, "ETH/USDT"))
    a_strategy(engine, bob, "ETH/EUR")
    euro, dollar = ask(engine, reports.exposure, root, at=at(135))
    assert (euro.quote, euro.strategies, euro.still_to_spend, euro.losses) == ("EUR", 1, 0, ())
    assert (dollar.people, dollar.strategies, dollar.unknown) == (2, 2, 0)
    alone = outlook_of_cycle(opened, Decimal("98.5"))
    assert dollar.still_to_spend == 2 * alone.still_to_spend
    assert [each.amount for each in dollar.losses] == [2 * each.amount for each in alone.losses]
    assert dollar.in_position == 2 * position(opened).cost
    with pytest.raises(NotAllowed):
        ask(engine, reports.exposure, ann, at=AT)


def test_a_strategy_without_a_price_is_counted_as_far_as_it_is_known(engine, ann, strategy, traded):
    root = an_administrator(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tickers")
    (dollar,) = ask(engine, reports.exposure, root, at=at(135))
    assert (dollar.unknown, dollar.losses) == (1, ())
    assert dollar.still_to_spend > 0
    assert dollar.in_position > 0


def test_the_audit_is_read_by_person_and_action_page_by_page(engine, ann, strategy):
    root = an_administrator(engine)
    every = ask(engine, reports.audit_log, root)
    with engine.connect() as connection:
        assert len(every) == connection.exec_driver_sql("SELECT count(*) FROM audit").scalar()
    hers = ask(engine, reports.audit_log, root, person=ann)
    assert {row.subject for row in hers} == {"Ann"}
    assert hers == ask(engine, audit.audit_of, ann)
    (made,) = ask(engine, reports.audit_log, root, person=ann, action="strategy created")
    assert made.details["strategy"] == strategy
    first = ask(engine, reports.audit_log, root, limit=2)
    assert first + ask(engine, reports.audit_log, root, before_id=first[-1].audit_id) == every
    assert "strategy created" in ask(engine, reports.audit_actions, root)
    for report in (reports.audit_log, reports.audit_actions):
        with pytest.raises(NotAllowed):
            ask(engine, report, ann)


def test_what_an_administrator_did_to_somebody_is_read_by_both(engine, ann):
    root = an_administrator(engine)
    run(engine, lambda s: s.add(AuditEntry(
        at=AT, actor_user_id=root, subject_user_id=ann, action="tested", details={}
    )))  # fmt: skip
    for who in (ann, root):
        newest = ask(engine, audit.audit_of, who)[0]
        assert (newest.actor, newest.subject, newest.action) == ("Root", "Ann", "tested")


def test_the_log_is_asked_by_level_person_strategy_and_text(engine, ann):
    root = an_administrator(engine)

    def add(session):
        for number, level in enumerate(("INFO", "ERROR", "INFO")):
            session.add(LogRecord(
                at=later(number), level=level, logger="x", process="worker", user_id=ann + number,
                strategy_id=number, sentence=f"100%_Sure Nr. {number}",
            ))  # fmt: skip

    run(engine, add)

    def found(**asked):
        return [row.strategy_id for row in ask(engine, reports.log_records, root, **asked)]

    assert found() == [2, 1, 0]
    assert found(level="ERROR") == [1]
    assert found(person=ann + 2) == [2]
    assert found(strategy=0) == [0]
    assert found(text="0%_sure nr") == [2, 1, 0]
    assert found(text="0%x") == []
    assert found(text="%") == [2, 1, 0]
    assert found(text="sure__nr") == []
    newest = ask(engine, reports.log_records, root, limit=1)[0]
    assert found(before_id=newest.log_id) == [1, 0]
