"""What screens show of a strategy that has traded."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from core.accounting import position
from core.cycle import DesiredState
from db import halt, reports
from db.errors import NotAllowed, NotFound
from db.transactions import run
from tests.builders import at
from tests.db.people import AT, a_strategy, a_user, an_administrator, want
from tests.db.trading import has_traded
from tests.faults import fault


@pytest.fixture
def ann(engine):
    return a_user(engine)


@pytest.fixture
def strategy(engine, ann):
    return a_strategy(engine, ann)


@pytest.fixture
def traded(engine, strategy):
    return has_traded(engine, strategy)


def card_of(engine, user_id, when=None):
    (card,) = run(engine, lambda s: reports.home(s, user_id, at=when or at(135)), write=False)
    return card


def statements_of(engine, unit):
    said: list[str] = []

    def listen(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT"):
            said.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    run(engine, unit, write=False)
    event.remove(engine, "before_cursor_execute", listen)
    return len(said)


def test_a_card_shows_what_is_wanted_what_is_and_what_was_earned(engine, ann, strategy, traded):
    closed, opened = traded
    card = card_of(engine, ann)
    assert card.cycle == opened
    assert card.position == position(opened)
    assert (card.desired_state, card.effective_state) == (DesiredState.RUNNING,) * 2
    assert (card.actual_state, card.reason, card.silent) == ("running", "Buying.", False)
    assert not card.is_settling
    assert (card.levels_filled, card.level_count, card.cycles_closed) == (1, 3, 1)
    earned = position(closed).realized + position(opened).realized
    assert card.realized_pnl == earned
    assert card.fees == position(closed).fees + position(opened).fees
    assert card.unrealized_pnl == card.position.unrealized(Decimal(98), Decimal("0.001"))
    assert (card.last_price, card.price_is_fresh) == (Decimal("98.5"), True)
    assert not card_of(engine, ann, at(141)).price_is_fresh


def test_a_strategy_that_no_worker_has_seen_is_shown_as_settling_and_silent(engine, ann, strategy):
    card = card_of(engine, ann)
    assert (card.actual_state, card.observed_rev, card.silent) == (None, None, True)
    assert card.is_settling
    assert (card.cycle, card.realized_pnl, card.unrealized_pnl) == (None, 0, 0)
    assert card.level_count == 6


def test_a_worker_without_a_heartbeat_is_silent(engine, ann, strategy, traded):
    with engine.begin() as connection:
        connection.execute(text("UPDATE workers SET beat_at = '2020-01-01 00:00:00.000000'"))
    assert card_of(engine, ann).silent


def test_a_halt_shows_in_what_holds(engine, ann, strategy, traded):
    root = an_administrator(engine)
    run(engine, lambda s: halt.set_halt(s, root, on=True, reason="", at=AT))
    card = card_of(engine, ann)
    assert card.desired_state is DesiredState.RUNNING
    assert card.effective_state is DesiredState.PAUSED


def test_a_report_takes_as_many_statements_for_one_strategy_as_for_many(engine, ann, traded):
    def home(session):
        reports.home(session, ann, at=AT)

    one = statements_of(engine, home)
    for number in range(5):
        a_strategy(engine, ann, f"COIN{number}/USDT")
    assert statements_of(engine, home) == one <= 9


def test_one_strategy_in_detail(engine, ann, strategy, traded):
    detail = run(engine, lambda s: reports.strategy_detail(s, ann, strategy, at=AT))
    assert detail.card == card_of(engine, ann, AT)
    assert detail.parameters is not None
    assert detail.parameters.max_safety_orders == 6
    assert detail.fault is None


def test_parameters_written_by_hand_are_shown_with_what_is_wrong(engine, ann, strategy):
    with engine.begin() as connection:
        connection.execute(text("UPDATE strategy_parameters SET parameters = '{'"))
    detail = run(engine, lambda s: reports.strategy_detail(s, ann, strategy, at=AT))
    assert (detail.parameters, detail.parameters_text) == (None, "{")
    assert "not JSON" in str(detail.fault)


def test_a_cycle_written_by_hand_hides_no_other(engine, ann, strategy, traded):
    a_strategy(engine, ann, "ETH/USDT")
    with engine.begin() as connection:
        connection.execute(text("UPDATE cycles SET wanted = 'fly' WHERE number = 2"))
    cards = run(engine, lambda s: reports.home(s, ann, at=AT))
    assert [card.fault is None for card in cards] == [False, True]
    assert cards[0].cycle is None


def test_the_history_of_a_strategy(engine, ann, strategy, traded):
    closed, _ = traded
    (cycle,) = run(engine, lambda s: reports.closed_cycles(s, ann, strategy))
    assert (cycle.number, cycle.ended_by, cycle.levels_filled) == (1, "take_profit", 0)
    assert cycle.realized_pnl == position(closed).realized
    fills = run(engine, lambda s: reports.strategy_fills(s, ann, strategy))
    assert [(f.cycle_number, f.role, f.level) for f in fills] == [
        (1, "base", 0),
        (1, "take_profit", None),
        (2, "base", 0),
        (2, "safety", 1),
    ]
    late = run(engine, lambda s: reports.strategy_fills(s, ann, strategy, since=at(100), limit=1))
    assert [(f.cycle_number, f.role) for f in late] == [(2, "safety")]
    (entry,) = run(engine, lambda s: reports.strategy_journal(s, ann, strategy))
    assert entry.sentence == "Bought."
    assert run(engine, lambda s: reports.person_journal(s, ann)) == (entry,)


def test_balances_are_those_of_the_venues_book(engine, ann, strategy, traded):
    ((account, found),) = run(engine, lambda s: reports.balances(s, ann)).items()
    assert account == card_of(engine, ann).account_id
    assert {balance.asset for balance in found} == {"BTC", "USDT"}
    assert sum(balance.used for balance in found) > 0


def test_an_administrator_sees_all_people_strategies_and_workers(engine, ann, strategy, traded):
    root = an_administrator(engine)
    people = run(engine, lambda s: reports.people(s, root))
    assert [(p.username, p.accounts, p.strategies) for p in people] == [
        ("ann", 1, 1),
        ("root", 1, 0),
    ]
    (card,) = run(engine, lambda s: reports.all_strategies(s, root, at=at(135)))
    assert card == card_of(engine, ann)
    (worker,) = run(engine, lambda s: reports.worker_health(s, root, at=AT + timedelta(days=999)))
    assert (worker.name, worker.is_alive, worker.halt_rev) == ("w1", True, None)
    assert len(run(engine, lambda s: reports.all_journal(s, root))) == 1
    assert run(engine, lambda s: reports.log_records(s, root)) == ()


@fault("S8")
@pytest.mark.parametrize(
    "report",
    [
        reports.people,
        lambda s, who: reports.all_strategies(s, who, at=AT),
        lambda s, who: reports.worker_health(s, who, at=AT),
        reports.log_records,
        reports.all_journal,
    ],
)
def test_nobody_else_sees_that(engine, ann, report):
    with pytest.raises(NotAllowed):
        run(engine, lambda s: report(s, ann))
    with pytest.raises(NotAllowed):
        run(engine, lambda s: report(s, 10**9))


def test_what_is_put_away_is_shown_only_when_asked_for(engine, ann, strategy):
    want(engine, ann, strategy, DesiredState.STOPPED)
    with engine.begin() as connection:
        connection.execute(text("UPDATE strategies SET archived_at = created_at"))
    assert run(engine, lambda s: reports.home(s, ann, at=AT)) == ()
    (card,) = run(engine, lambda s: reports.home(s, ann, at=AT, archived=True))
    assert card.strategy_id == strategy
    with pytest.raises(NotFound):
        run(engine, lambda s: reports.strategy_detail(s, ann, 10**9, at=AT))
