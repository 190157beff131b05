"""What people want of their strategies, and what the worker reads of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text, update

from core.cycle import DesiredState, PassedLevels
from core.errors import InvalidInput
from db import strategies, wanted
from db.errors import Conflict, NotFound
from db.tables import Strategy, StrategyParameters, StrategyStatusRow
from db.transactions import run
from tests.db.people import AT, PARAMETERS, a_strategy, a_user, first_account, later, want
from tests.faults import fault


@pytest.fixture
def ann(engine):
    return a_user(engine)


def create(engine, user_id, **changes):
    given: dict[str, Any] = {
        "account_id": first_account(engine, user_id),
        "name": "One",
        "symbol": "BTC/USDT",
        "parameters": PARAMETERS,
        "at": AT,
    } | changes
    return run(engine, lambda s: strategies.create_strategy(s, user_id, **given))


def read(engine, strategy_id):
    (found,) = run(engine, lambda s: wanted.wanted(s, [strategy_id]))
    return found


def observe(engine, strategy_id, rev, state="stopped"):
    account_id = read(engine, strategy_id).account_id

    def unit(session):
        session.add(
            StrategyStatusRow(
                strategy_id=strategy_id,
                account_id=account_id,
                actual_state=state,
                observed_rev=rev,
                reason="",
                checked_at=AT,
                updated_at=AT,
            )
        )

    run(engine, unit)


def test_a_new_strategy_is_wanted_running_with_checked_parameters(engine, ann):
    found = read(engine, create(engine, ann))
    assert found.desired_state is DesiredState.RUNNING
    assert (found.desired_rev, found.parameters_version, found.fault) == (1, 1, None)
    assert found.parameters().max_safety_orders == 6
    assert found.parameters_text.startswith("{")


@fault("I1")
@pytest.mark.parametrize("value", ["NaN", "1e308", "-1", "0", "", "abc", float("inf"), None])
def test_bad_parameters_are_refused_with_the_name_of_the_field(engine, ann, value):
    with pytest.raises(InvalidInput) as refused:
        create(engine, ann, parameters=PARAMETERS | {"base_order_size": value})
    assert refused.value.field == "base_order_size"
    mine = [first_account(engine, ann)]
    assert run(engine, lambda s: wanted.all_wanted(s, mine)) == []


@fault("E29")
def test_a_second_strategy_on_the_same_account_and_symbol_is_refused_in_words(engine, ann):
    create(engine, ann)
    with pytest.raises(Conflict, match="One already trades BTC/USDT on the account Simulated"):
        create(engine, ann, name="Two")
    create(engine, ann, name="Two", symbol="ETH/USDT")


def test_an_archived_strategy_frees_its_symbol(engine, ann):
    first = create(engine, ann, start=False)
    run(engine, lambda s: strategies.archive_strategy(s, ann, first, at=later(1)))
    create(engine, ann)
    assert read(engine, first).archived
    assert read(engine, first).desired_state is DesiredState.STOPPED


@fault("I11")
def test_one_click_makes_one_strategy_however_often_it_arrives(engine, ann):
    made = []

    def click():
        made.append(create(engine, ann, key="click1"))

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    with pytest.raises(Conflict, match="used for something else"):
        want(engine, ann, made[0], DesiredState.PAUSED, key="click1")


def test_what_is_wanted_counts_up_and_is_stamped(engine, ann):
    strategy = create(engine, ann)
    rev = want(engine, ann, strategy, DesiredState.STOPPED, later(5), rev=1)
    assert rev == 2
    want(
        engine,
        ann,
        strategy,
        DesiredState.RUNNING,
        later(9),
        rev=2,
        passed_levels=PassedLevels.SKIP,
        release=True,
    )
    found = read(engine, strategy)
    assert (found.desired_rev, found.desired_at) == (3, later(9))
    assert (found.passed_levels, found.release) == (PassedLevels.SKIP, True)


@fault("D7", "I8")
def test_a_window_that_is_behind_is_told_so_but_a_stop_always_works(engine, ann):
    strategy = create(engine, ann)
    want(engine, ann, strategy, DesiredState.PAUSED, rev=1)
    with pytest.raises(Conflict, match="another window"):
        want(engine, ann, strategy, DesiredState.RUNNING, rev=1)
    assert want(engine, ann, strategy, DesiredState.STOPPED, rev=None) == 3


@fault("D7", "I8")
def test_of_two_edits_in_parallel_the_second_is_refused(engine, ann):
    strategy = create(engine, ann)

    def edit(size):
        changed = PARAMETERS | {"base_order_size": size}
        return run(
            engine,
            lambda s: strategies.edit_parameters(
                s, ann, strategy, parameters=changed, version=1, at=later(3)
            ),
        )

    assert edit("200") == 2
    with pytest.raises(Conflict, match="compare before you save"):
        edit("300")
    found = read(engine, strategy)
    assert found.parameters_version == 2
    assert str(found.parameters().base_order_size) == "200"
    versions = run(engine, lambda s: strategies.strategy_versions(s, ann, strategy))
    assert [version.version for version in versions] == [2, 1]


@fault("I10")
def test_a_strategy_is_archived_only_after_the_worker_saw_it_stopped(engine, ann):
    strategy = create(engine, ann)

    def archive():
        run(engine, lambda s: strategies.archive_strategy(s, ann, strategy, at=later(9)))

    with pytest.raises(Conflict, match="Stop it first"):
        archive()
    want(engine, ann, strategy, DesiredState.STOPPED)
    with pytest.raises(Conflict, match="Stop it first"):
        archive()
    observe(engine, strategy, rev=2)
    archive()
    with pytest.raises(NotFound):
        want(engine, ann, strategy, DesiredState.RUNNING)


def test_the_worker_hears_what_changed_archived_strategies_included(engine, ann):
    one, two = create(engine, ann, start=False), create(engine, ann, symbol="ETH/USDT")
    mine = [first_account(engine, ann)]
    run(engine, lambda s: strategies.archive_strategy(s, ann, one, at=later(60)))
    changed = run(engine, lambda s: wanted.changed_since(s, mine, later(30)))
    assert [found.strategy_id for found in changed] == [one]
    revisions = run(engine, lambda s: wanted.all_revisions(s, mine))
    assert revisions == {two: wanted.Revision(1, 1)}
    assert run(engine, lambda s: wanted.changed_since(s, [], AT)) == []


@pytest.mark.parametrize("nonsense", ["", "{", "[]", '{"base_order_size": "NaN"}', "null", "1e999"])
def test_parameters_written_by_hand_are_read_as_text_and_stop_nobody_else(engine, ann, nonsense):
    bad, good = create(engine, ann), create(engine, ann, symbol="ETH/USDT")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE strategy_parameters SET parameters = :p WHERE strategy_id = :s"),
            {"p": nonsense, "s": bad},
        )
    found = {w.strategy_id: w for w in run(engine, lambda s: wanted.wanted(s, [bad, good]))}
    assert found[bad].parameters_text == nonsense
    with pytest.raises(InvalidInput):
        found[bad].parameters()
    assert found[good].parameters().max_safety_orders == 6


@fault("P15")
def test_a_state_that_nobody_knows_counts_as_paused_and_says_so(engine, ann):
    strategy = create(engine, ann)
    run(engine, lambda s: s.execute(update(Strategy).values(desired_state="fly")))
    found = read(engine, strategy)
    assert found.desired_state is DesiredState.PAUSED
    assert found.fault is not None
    assert "desired_state" in found.fault


def test_a_version_that_is_missing_is_not_a_reason_to_raise(engine, ann):
    strategy = create(engine, ann)
    run(engine, lambda s: s.query(StrategyParameters).delete())
    with pytest.raises(InvalidInput, match="not JSON"):
        read(engine, strategy).parameters()


@fault("I12")
def test_the_symbol_must_be_a_spot_symbol(engine, ann):
    for symbol in ("", "BTC", "BTC/", "/USDT", "BTC/USDT:USDT", "B/U" + "X" * 70):
        with pytest.raises(InvalidInput, match="symbol"):
            create(engine, ann, symbol=symbol)


@fault("I5", "S10")
def test_a_strategy_has_a_name_without_tricks(engine, ann):
    strategy = a_strategy(engine, ann)
    with pytest.raises(InvalidInput, match="name"):
        run(
            engine,
            lambda s: strategies.rename_strategy(s, ann, strategy, name="<img src=x>", at=AT),
        )
