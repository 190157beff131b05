"""The audit: rows of everybody's actions, chained by the worker, proven whole."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from db import audit
from db.transactions import run
from tests.db.people import AT, a_user
from tests.faults import fault

KEY = b"k" * 32


def note(engine, action, user_id=None):
    run(
        engine,
        lambda s: audit.append(
            s, actor_id=user_id, subject_id=user_id, action=action, details={"é": "1.50"}, at=AT
        ),
    )


def chained(engine, count=5):
    for number in range(count):
        note(engine, f"act {number}")
    assert run(engine, lambda s: audit.chain(s, KEY)) == count


def report(engine, key=KEY):
    return run(engine, lambda s: audit.verify_chain(s, key))


def test_a_whole_chain_is_proven_and_what_waits_is_said(engine):
    chained(engine)
    note(engine, "later")
    assert report(engine) == audit.ChainReport(ok=True, rows=5, unchained=1, broken_at=None)
    assert run(engine, lambda s: audit.chain(s, KEY)) == 1
    assert report(engine).rows == 6
    assert run(engine, lambda s: audit.chain(s, KEY)) == 0


def test_chaining_goes_on_where_it_stopped(engine):
    for number in range(5):
        note(engine, f"act {number}")
    assert [run(engine, lambda s: audit.chain(s, KEY, most=2)) for _ in range(3)] == [2, 2, 1]
    assert report(engine).ok


@fault("S17")
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET action = 'other' WHERE position = 3",
        "UPDATE audit SET details = '{}' WHERE position = 3",
        "UPDATE audit SET actor_user_id = 77 WHERE position = 1",
        "DELETE FROM audit WHERE position = 3",
        "DELETE FROM audit WHERE position = 1",
        "UPDATE audit SET hash = prev_hash WHERE position = 5",
        "UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE position = 2",
    ],
)
def test_changing_or_removing_a_chained_row_shows(engine, tampering):
    chained(engine)
    with engine.begin() as connection:
        connection.execute(text(tampering))
    assert not report(engine).ok


@fault("S17")
def test_without_the_key_nobody_makes_a_chain_that_holds(engine):
    chained(engine)
    assert not report(engine, b"x" * 32).ok


def test_a_row_committed_late_is_chained_after_those_with_larger_ids(engine):
    chained(engine, 3)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO audit (id, at, action, details) VALUES (-5, :at, 'late', '{}')"),
            {"at": "2026-11-22 12:00:00.000000"},
        )
    assert run(engine, lambda s: audit.chain(s, KEY)) == 1
    assert report(engine).ok


@fault("S1")
def test_people_read_what_concerns_them_and_nothing_else(engine):
    ann, bob = a_user(engine, "ann"), a_user(engine, "bob")
    note(engine, "hers", ann)
    assert "hers" in [row.action for row in run(engine, lambda s: audit.audit_of(s, ann))]
    assert "hers" not in [row.action for row in run(engine, lambda s: audit.audit_of(s, bob))]


def test_workers_that_chain_at_the_same_moment_make_one_chain(engine):
    for number in range(30):
        note(engine, f"act {number}")
    threads = [
        threading.Thread(target=lambda: run(engine, lambda s: audit.chain(s, KEY, most=5)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert report(engine) == audit.ChainReport(ok=True, rows=30, unchained=0, broken_at=None)
