"""The halt: everybody paused at once, nobody restored silently."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from core.cycle import DesiredState
from db import halt, strategies
from db.errors import Conflict, NotAllowed
from db.halt import NEVER, effective_state
from db.tables import HaltAcknowledgement as Acknowledged
from db.transactions import run
from tests.db.people import AT, a_strategy, a_user, an_administrator, first_account, later, want
from tests.faults import fault

BUYING = (DesiredState.RUNNING, DesiredState.FINISHING)


@pytest.fixture
def root(engine):
    return an_administrator(engine)


def set_halt(engine, by, on, at=AT, reason="drill"):
    return run(engine, lambda s: halt.set_halt(s, by, on=on, reason=reason, at=at))


def test_without_a_halt_everybody_has_what_they_want(engine):
    found = run(engine, halt.read_halt)
    assert found == NEVER
    for state in DesiredState:
        assert effective_state(state, AT, found) is state


def test_a_halt_pauses_who_buys_and_lets_stops_and_closes_be(engine, root):
    found = set_halt(engine, root, on=True, at=later(10))
    assert run(engine, halt.read_halt) == found
    for state in DesiredState:
        meant = DesiredState.PAUSED if state in BUYING else state
        assert effective_state(state, AT, found) is meant
        assert effective_state(state, later(99), found) is meant


def test_lifting_restores_nobody_until_they_press_run_again(engine, root):
    set_halt(engine, root, on=True, at=later(10))
    found = set_halt(engine, root, on=False, at=later(20))
    for when in (AT, later(15), later(20)):
        assert effective_state(DesiredState.RUNNING, when, found) is DesiredState.PAUSED
    assert effective_state(DesiredState.RUNNING, later(21), found) is DesiredState.RUNNING


def test_during_a_halt_nothing_is_started_but_everything_can_be_stopped(engine, root):
    ann = a_user(engine)
    strategy = a_strategy(engine, ann)
    account = first_account(engine, ann)
    set_halt(engine, root, on=True)
    for state in BUYING:
        with pytest.raises(Conflict, match="halted"):
            want(engine, ann, strategy, state)
    with pytest.raises(Conflict, match="halted"):
        run(
            engine,
            lambda s: strategies.create_strategy(
                s,
                ann,
                account_id=account,
                name="New",
                symbol="ETH/USDT",
                parameters={"base_order_size": "10", "safety_order_size": "10"},
                at=AT,
            ),
        )
    want(engine, ann, strategy, DesiredState.STOPPED)
    want(engine, ann, strategy, DesiredState.CLOSED)


@fault("S8")
def test_only_an_administrator_halts_and_every_change_counts_up(engine, root):
    ann = a_user(engine)
    with pytest.raises(NotAllowed):
        set_halt(engine, ann, on=True)
    revisions = [set_halt(engine, root, on=on).rev for on in (True, True, False, True)]
    assert revisions == [1, 1, 2, 3]


def test_each_worker_acknowledges_for_itself(engine, root):
    set_halt(engine, root, on=True)
    for worker, rev in (("w1", 1), ("w2", 0), ("w2", 1), ("w1", 1)):
        run(engine, partial(halt.acknowledge, worker=worker, rev=rev, at=AT))
    rows = run(engine, lambda s: s.execute(select(Acknowledged.worker, Acknowledged.rev)).all())
    assert sorted(tuple(row) for row in rows) == [("w1", 1), ("w2", 1)]
