"""Keeping a person out, with what becomes of their cycles, in one transaction."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from sqlalchemy import text

from core.cycle import DesiredState
from db import halt, sessions, strategies, users
from db.errors import Conflict, NotAllowed, NotFound
from db.tables import Strategy
from db.transactions import run
from tests.db.people import (
    AT,
    PARAMETERS,
    a_strategy,
    a_user,
    an_administrator,
    first_account,
    later,
    want,
)
from tests.faults import fault

RUNNING, FINISHING, PAUSED = (
    DesiredState.RUNNING, DesiredState.FINISHING, DesiredState.PAUSED
)  # fmt: skip
STOPPED, CLOSED = DesiredState.STOPPED, DesiredState.CLOSED
BEFORE = (RUNNING, FINISHING, PAUSED, STOPPED, CLOSED)


@pytest.fixture
def root(engine):
    return an_administrator(engine)


@pytest.fixture
def ann(engine):
    return a_user(engine)


def of_each_state(engine, user_id):
    found = []
    for number, state in enumerate(BEFORE):
        found.append(a_strategy(engine, user_id, f"PRACTICE{number}/USDT"))
        want(engine, user_id, found[-1], state)
    return found


def states(engine, found):
    return [DesiredState(row(engine, strategy).desired_state) for strategy in found]


def row(engine, strategy):
    return run(engine, lambda s: s.get_one(Strategy, strategy))


def keep_out(engine, root, user_id, cycles, at=AT):
    return run(engine, lambda s: users.keep_out(s, root, user_id, cycles=cycles, at=at))


@pytest.mark.parametrize(
    ("cycles", "after"),
    [
        (FINISHING, [FINISHING, FINISHING, PAUSED, STOPPED, CLOSED]),
        (PAUSED, [PAUSED, PAUSED, PAUSED, STOPPED, CLOSED]),
        (STOPPED, [STOPPED, STOPPED, STOPPED, STOPPED, CLOSED]),
    ],
)
def test_nothing_does_more_than_before(engine, root, ann, cycles, after):
    bob = a_user(engine, "bob")
    other = a_strategy(engine, bob)
    found = of_each_state(engine, ann)
    changed = keep_out(engine, root, ann, cycles, later(5))
    assert states(engine, found) == after
    assert changed == sum(a is not b for a, b in zip(BEFORE, after, strict=True))
    assert states(engine, [other]) == [RUNNING]
    first = row(engine, found[0])
    assert (first.desired_rev, first.changed_at, first.release) == (3, later(5), False)


@fault("S4")
def test_their_sessions_end_at_once(engine, root, ann):
    opened = run(engine, lambda s: sessions.open_session(
        s, ann, address="x", agent="x", trusted=True, at=AT
    ))  # fmt: skip
    keep_out(engine, root, ann, PAUSED)
    assert run(engine, lambda s: sessions.session_user(s, opened.sid, at=AT)) is None


@fault("S8")
@pytest.mark.parametrize("cycles", [RUNNING, CLOSED])
def test_an_administrator_neither_starts_nor_sells_for_others(engine, root, ann, cycles):
    found = of_each_state(engine, ann)
    with pytest.raises(Conflict, match="owner alone"):
        keep_out(engine, root, ann, cycles)
    assert states(engine, found) == list(BEFORE)
    assert run(engine, lambda s: users.get_user(s, ann)).is_active


def test_nobody_else_keeps_people_out_and_the_last_administrator_stays(engine, root, ann):
    with pytest.raises(NotAllowed):
        keep_out(engine, ann, root, PAUSED)
    with pytest.raises(Conflict, match="last administrator"):
        keep_out(engine, root, root, PAUSED)
    with pytest.raises(NotFound):
        keep_out(engine, root, 10**9, PAUSED)


def test_what_a_halt_has_paused_does_not_buy_again_by_being_told_to_finish(engine, root, ann):
    strategy = a_strategy(engine, ann)
    for on in (True, False):
        change = partial(halt.set_halt, administrator_id=root, on=on, reason="x", at=later(10))
        run(engine, change)
    keep_out(engine, root, ann, FINISHING, later(20))
    wish, now = row(engine, strategy), run(engine, halt.read_halt)
    assert wish.desired_state == FINISHING
    assert halt.effective_state(FINISHING, wish.desired_at, now) is PAUSED


@fault("D7")
def test_a_strategy_that_is_started_meanwhile_is_either_quiet_or_refused(engine, root, ann):
    """Their clicks lock their row first, as keeping out does: none gets through in between."""
    first_account(engine, ann)
    refused = []

    def start(number):
        account = first_account(engine, ann)
        try:
            run(engine, lambda s: strategies.create_strategy(
                s, ann, account_id=account, name="Late", symbol=f"LATE{number}/USDT",
                parameters=PARAMETERS, at=AT,
            ))  # fmt: skip
        except NotFound:
            refused.append(number)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    keep_out(engine, root, ann, STOPPED)
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT desired_state FROM strategies")).scalars().all()
    assert set(rows) <= {"stopped"}
    assert len(rows) + len(refused) == 6
