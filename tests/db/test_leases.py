"""Leases: one worker at a time, and a worker that was overtaken writes nothing any more."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update

from db import leases
from db.clock import DatabaseNow, utc_now
from db.errors import Conflict, LeaseLost
from db.statements import table_of
from db.tables import ExchangeAccount, LeaseRow, User, WorkerRow
from db.transactions import Session, run
from tests.faults import fault

WORKERS, LEASES = table_of(WorkerRow), table_of(LeaseRow)


@pytest.fixture
def account_ids(engine):
    """Three accounts of one person."""

    def make(session: Session) -> list[int]:
        at = utc_now()
        user = User(
            username="ada",
            display_name="Ada",
            password_hash="x",
            role="person",
            is_active=True,
            auth_version=1,
            created_at=at,
            time_zone="UTC",
        )
        session.add(user)
        session.flush()
        made = [
            ExchangeAccount(
                user_id=user.id,
                name=f"account {n}",
                kind="simulated",
                exchange="simulated",
                quote_start={"USDT": "1000"},
                is_active=True,
                created_at=at,
            )
            for n in range(3)
        ]
        session.add_all(made)
        session.flush()
        return [account.id for account in made]

    return run(engine, make)


@pytest.fixture
def workers(engine):
    for name, pid in (("w1", 11), ("w2", 12)):
        register(engine, name, pid)
    return "w1", "w2"


def register(engine, name: str, pid: int) -> None:
    run(engine, lambda s: leases.register_worker(s, name, "host", pid, "boot", "b1"))


def retire(engine, name: str) -> None:
    run(engine, lambda s: leases.retire(s, name))


def owned(engine, name: str) -> dict[int, int]:
    return run(engine, lambda s: leases.owned(s, name))


def silent(engine, name: str, seconds: int) -> None:
    """As if the worker had not beaten for so long."""
    run(
        engine,
        lambda s: s.execute(
            update(WORKERS).where(WORKERS.c.name == name).values(beat_at=DatabaseNow(seconds))
        ),
    )


def state(engine, name: str) -> str:
    query = select(WORKERS.c.state).where(WORKERS.c.name == name)
    return str(run(engine, lambda s: s.scalar(query)))


def take(engine, worker: str, account_id: int, gone=()) -> int | None:
    return run(engine, lambda s: leases.take(s, worker, account_id, gone))


def test_a_free_account_is_taken_once_and_its_token_counts_from_one(engine, workers, account_ids):
    assert run(engine, lambda s: leases.claimable(s, "w1")) == account_ids
    assert take(engine, "w1", account_ids[0]) == 1
    assert take(engine, "w2", account_ids[0]) is None
    assert run(engine, lambda s: leases.claimable(s, "w2")) == account_ids[1:]
    assert run(engine, lambda s: leases.owned(s, "w1")) == {account_ids[0]: 1}


def test_many_accounts_are_taken_together(engine, workers, account_ids):
    take(engine, "w2", account_ids[1])
    taken = run(engine, lambda s: leases.take_all(s, "w1", account_ids))
    assert taken == {account_ids[0]: 1, account_ids[2]: 1}


def test_an_account_that_was_given_back_has_a_new_token(engine, workers, account_ids):
    account = account_ids[0]
    first = take(engine, "w1", account)
    assert first is not None
    run(engine, lambda s: leases.release(s, "w1", [account]))
    with pytest.raises(LeaseLost):
        run(engine, lambda s: leases.fence(s, {account: first}))
    second = take(engine, "w2", account)
    assert second is not None
    assert second > first


def test_a_worker_that_is_late_by_less_than_the_limit_keeps_its_accounts(
    engine, workers, account_ids
):
    take(engine, "w1", account_ids[0])
    silent(engine, "w1", leases.DEAD_AFTER - 3)
    assert take(engine, "w2", account_ids[0]) is None
    assert state(engine, "w1") == "alive"


def test_a_silent_worker_is_declared_dead_for_good_before_it_is_overtaken(
    engine, workers, account_ids
):
    take(engine, "w1", account_ids[0])
    silent(engine, "w1", leases.DEAD_AFTER + 1)
    assert run(engine, lambda s: leases.claimable(s, "w2")) == account_ids
    assert take(engine, "w2", account_ids[0]) == 2
    assert state(engine, "w1") == "dead"
    assert run(engine, lambda s: leases.beat(s, "w1")) is False
    assert take(engine, "w1", account_ids[1]) is None
    assert run(engine, leases.alive_workers) == ["w2"]


def test_a_worker_whose_process_is_gone_is_overtaken_at_once(engine, workers, account_ids):
    take(engine, "w1", account_ids[0])
    here = run(engine, lambda s: leases.processes_on(s, "host"))
    assert [(p.name, p.pid, p.process_started) for p in here] == [
        ("w1", 11, "boot"),
        ("w2", 12, "boot"),
    ]
    assert run(engine, lambda s: leases.claimable(s, "w2", gone=["w1"])) == account_ids
    assert take(engine, "w2", account_ids[0], gone=["w1"]) == 2
    assert state(engine, "w1") == "dead"


def test_a_beat_keeps_a_worker_alive_and_says_how_it_is(engine, workers):
    silent(engine, "w1", 60)
    assert run(engine, leases.alive_workers) == ["w2"]
    assert run(engine, lambda s: leases.beat(s, "w1", lag_ms=1.5, accounts=2, strategies=3))
    assert run(engine, leases.alive_workers) == ["w1", "w2"]
    query = select(WORKERS.c.lag_ms, WORKERS.c.accounts, WORKERS.c.strategies)
    assert run(engine, lambda s: s.execute(query).first()) == (1.5, 2, 3)


def test_a_worker_that_ends_in_order_frees_its_accounts(engine, workers, account_ids):
    take(engine, "w1", account_ids[0])
    assert take(engine, "w2", account_ids[0]) is None
    run(engine, lambda s: leases.retire(s, "w1"))
    assert take(engine, "w2", account_ids[0]) == 3


def test_a_name_is_used_once(engine, workers):
    with pytest.raises(Conflict):
        run(engine, lambda s: leases.register_worker(s, "w1", "host", 99, "boot", "b1"))


def test_the_fence_holds_for_all_accounts_or_for_none(engine, workers, account_ids):
    tokens = run(engine, lambda s: leases.take_all(s, "w1", account_ids))
    run(engine, lambda s: leases.fence(s, tokens))
    run(engine, lambda s: leases.fence(s, {}))
    wrong = tokens | {account_ids[1]: tokens[account_ids[1]] + 1}
    with pytest.raises(LeaseLost):
        run(engine, lambda s: leases.fence(s, wrong))
    # The refused attempt has left no trace.
    query = select(LEASES.c.beat).order_by(LEASES.c.account_id)
    assert run(engine, lambda s: s.scalars(query).all()) == [2, 2, 2]


def test_swapped_tokens_are_no_lease(engine, workers, account_ids):
    take(engine, "w1", account_ids[0])
    run(engine, lambda s: leases.release(s, "w1", [account_ids[0]]))
    run(engine, lambda s: leases.take_all(s, "w1", account_ids))
    first, second = account_ids[:2]
    with pytest.raises(LeaseLost):
        run(engine, lambda s: leases.fence(s, {first: 1, second: 3}))


@fault("P6")
def test_a_paused_worker_that_writes_late_is_refused(engine, workers, account_ids):
    """It reads and plans, is paused past its life, is overtaken, and wakes up to write."""
    account = account_ids[0]
    token = take(engine, "w1", account)
    assert token is not None
    planned, overtaken = threading.Event(), threading.Event()
    outcome: list[BaseException | None] = []

    def late() -> None:
        planned.set()
        overtaken.wait(20)

        def unit(session: Session) -> None:
            leases.fence(session, {account: token})
            session.execute(update(LEASES).values(taken_at=None))

        try:
            run(engine, unit)
            outcome.append(None)
        except LeaseLost as error:
            outcome.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    planned.wait(20)
    silent(engine, "w1", leases.DEAD_AFTER + 1)
    assert take(engine, "w2", account) == token + 1
    overtaken.set()
    thread.join(20)
    assert isinstance(outcome[0], LeaseLost)
    # The new owner's write goes through, and the late one has changed nothing.
    run(engine, lambda s: leases.fence(s, {account: token + 1}))
    assert run(engine, lambda s: s.scalar(select(LEASES.c.taken_at))) is not None


@fault("P5", "E38")
def test_of_many_that_reach_for_the_same_account_one_gets_it(engine, account_ids):
    names = [f"racer{n}" for n in range(6)]
    for name in names:
        register(engine, name, 1)
    start = threading.Barrier(len(names))
    won: dict[str, dict[int, int]] = {}

    def race(name: str) -> None:
        start.wait(20)
        won[name] = run(engine, lambda s: leases.take_all(s, name, account_ids))

    threads = [threading.Thread(target=race, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    taken = sorted(account for tokens in won.values() for account in tokens)
    assert taken == sorted(account_ids)
    assert {name: t for name, t in won.items() if t} == {
        name: owned(engine, name) for name in names if won[name]
    }


def test_a_worker_that_beats_while_it_is_being_declared_dead_is_one_or_the_other(
    engine, workers, account_ids
):
    account = account_ids[0]
    for _ in range(10):
        name = f"beater{_}"
        register(engine, name, 1)
        token = take(engine, name, account)
        assert token is not None
        silent(engine, name, leases.DEAD_AFTER + 1)
        found: dict[str, object] = {}
        start = threading.Barrier(2)

        def beats(name=name, found=found, start=start) -> None:
            start.wait(20)
            found["alive"] = run(engine, lambda s: leases.beat(s, name))

        thread = threading.Thread(target=beats)
        thread.start()
        start.wait(20)
        found["token"] = take(engine, "w2", account)
        thread.join(20)
        assert (found["alive"], found["token"]) in [(True, None), (False, token + 1)]
        retire(engine, name)
        run(engine, lambda s: leases.release(s, "w2", [account]))


@fault("P7")
def test_life_is_judged_by_the_databases_clock(engine, workers):
    """The host's clock may be an hour off; what is stored and compared is the database's own."""
    stored = run(engine, lambda s: s.execute(select(WORKERS.c.beat_at)).scalars().first())
    now = run(engine, lambda s: s.execute(select(DatabaseNow())).scalar_one())
    earlier = run(engine, lambda s: s.execute(select(DatabaseNow(15))).scalar_one())
    assert stored is not None
    assert timedelta(0) <= now - stored < timedelta(seconds=30)
    assert timedelta(seconds=14) < now - earlier < timedelta(seconds=16)


def test_the_fence_of_one_worker_does_not_wait_for_anothers(mariadb_engine):
    """Locks of other accounts' rows must not stand in the way, however small the table is."""
    rows = [
        {"account_id": n, "owner": "w", "token": 1, "beat": 0, "taken_at": None}
        for n in range(1, 9)
    ]
    run(mariadb_engine, lambda s: s.execute(insert(LEASES), rows))
    with mariadb_engine.connect() as other:
        other.execute(text("UPDATE leases SET beat = beat + 1 WHERE account_id = 4"))
        began = utc_now()
        run(mariadb_engine, lambda s: leases.fence(s, {n: 1 for n in (1, 2, 3, 5, 6, 7, 8)}))
        assert utc_now() - began < timedelta(seconds=1)
        other.rollback()
