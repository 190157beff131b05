"""Real workers on MariaDB: shared, killed, paused, told to stop, left without a database, given nonsense."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.cycle import DesiredState
from db import halt, strategies
from db.rights import Role
from tests.crash import BUSY
from tests.crash_books import examine, settle
from tests.mariadb import PrivateMariaDB
from tests.worker_process import PATIENCE, WorkerHouse, now, wait_until

LIVE = "('sending', 'open', 'cancelling', 'quarantined')"


@pytest.fixture
def house(tmp_path: Path, mariadb_url: str) -> Iterator[WorkerHouse]:
    house = WorkerHouse(tmp_path / "house", mariadb_url)
    yield house
    house.close()


def rows(house: WorkerHouse, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with house.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def number(house: WorkerHouse, query: str, **values: Any) -> int:
    return int(rows(house, query, **values)[0][0])


def fills(house: WorkerHouse) -> int:
    return number(house, "SELECT COUNT(*) FROM fills")


def it_goes_on(house: WorkerHouse, when: str, seconds: float = PATIENCE) -> None:
    before = fills(house)
    wait_until(f"it trades {when}", lambda: fills(house) > before + 4, seconds)


def owners(house: WorkerHouse) -> Counter[str]:
    """How many accounts each worker holds."""
    found = rows(house, "SELECT owner FROM leases WHERE owner IS NOT NULL")
    return Counter(owner for (owner,) in found)


def busy_accounts(house: WorkerHouse, count: int) -> list[int]:
    """Accounts with two busy strategies each, beside the idle one that every person has; returns the
    strategies."""
    person = house.person()
    made = []
    for each in range(1, count + 1):
        account = house.account(person, f"Account {each}", balance="100000")
        for symbol in ("PRACTICE1/USDT", "PRACTICE2/USDT"):
            made.append(house.strategy(person, account, symbol, BUSY))
    return made


def the_books_agree(house: WorkerHouse) -> None:
    left = settle(house)
    assert not left
    found = examine(house.engine)
    assert found.ok, found


def test_two_workers_share_the_accounts_and_the_one_left_takes_over(house):
    busy_accounts(house, 3)
    with house.start() as first:
        wait_until("all accounts are held", lambda: owners(house).total() == 4)
        (name,) = owners(house)
        with house.start() as second:
            wait_until("each has half", lambda: sorted(owners(house).values()) == [2, 2])
            wait_until("both trade", lambda: fills(house) > 16)
            first.kill()
            killed = time.monotonic()
            wait_until("it takes over", lambda: owners(house)[name] == 0)
            wait_until("it has all", lambda: sorted(owners(house).values()) == [4])
            assert time.monotonic() - killed < 6
            it_goes_on(house, "alone")
            second.signal(signal.SIGTERM)
            assert second.wait(20) == 0
    the_books_agree(house)


def test_a_paused_worker_whose_accounts_were_taken_writes_nothing_and_comes_back_as_another(house):
    busy_accounts(house, 3)
    with house.start() as paused:
        wait_until("it trades", lambda: fills(house) > 4)
        (name,) = owners(house)
        paused.signal(signal.SIGSTOP)
        with house.start() as other:
            wait_until("the other takes over", lambda: owners(house)[name] == 0, 40)
            wait_until("it has all", lambda: sorted(owners(house).values()) == [4])
            taken_at = now()
            tokens = dict(rows(house, "SELECT account_id, token FROM leases"))
            time.sleep(3)
            paused.signal(signal.SIGCONT)
            wait_until("it comes back", lambda: number(house, "SELECT COUNT(*) FROM workers") == 3)
            wait_until("each has half", lambda: sorted(owners(house).values()) == [2, 2])
            assert owners(house)[name] == 0
            it_goes_on(house, "both together")
            for worker in (paused, other):
                worker.signal(signal.SIGTERM)
                assert worker.wait(20) == 0
    late = "SELECT COUNT(*) FROM orders WHERE account_id = :account AND created_at > :at AND token < :token"
    for account, token in tokens.items():
        assert number(house, late, account=account, at=taken_at, token=token) == 0
    the_books_agree(house)


def test_told_to_stop_it_leaves_its_orders_and_gives_its_leases_back(house):
    busy_accounts(house, 2)
    with house.start() as worker:
        wait_until("it trades", lambda: fills(house) > 6)
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.said()
        assert "Traceback" not in worker.said()
    assert not owners(house)
    assert number(house, "SELECT COUNT(*) FROM venue_orders WHERE status = 'open'") > 0
    assert rows(house, "SELECT state FROM workers") == [("dead",)]
    the_books_agree(house)


def test_it_survives_a_database_that_is_stopped_and_one_that_is_killed(tmp_path):
    with PrivateMariaDB(tmp_path / "mariadb") as server:
        house = WorkerHouse(tmp_path / "house", server.new_database())
        busy_accounts(house, 2)
        with house.start() as worker:
            for end in (server.stop, server.kill):
                it_goes_on(house, "before the end of the database")
                end()
                worker.sleep_while_running(6)
                server.start()
                house.engine.dispose()
                it_goes_on(house, "after it", 60)
            worker.signal(signal.SIGTERM)
            assert worker.wait(20) == 0, worker.said()
        the_books_agree(house)
        house.close()


GOOD = {"base_order_size": "100", "safety_order_size": "50"}
MANY = [{"deviation": f"0.{i:03}", "size": "10"} for i in range(1, 102)]
NONSENSE: list[tuple[str, str]] = [
    ("take_profit", json.dumps(GOOD | {"take_profit": "NaN"})),
    ("price_deviation", json.dumps(GOOD | {"price_deviation": "Infinity"})),
    ("base_order_size", json.dumps(GOOD | {"base_order_size": "1e308"})),
    ("base_order_size", json.dumps(GOOD | {"base_order_size": 1e308})),
    ("safety_order_size", json.dumps(GOOD | {"safety_order_size": "-50"})),
    ("volume_scale", json.dumps(GOOD | {"volume_scale": "0"})),
    ("step_scale", json.dumps(GOOD | {"step_scale": ""})),
    ("stop_loss", json.dumps(GOOD | {"stop_loss": "a lot"})),
    ("max_safety_orders", json.dumps(GOOD | {"max_safety_orders": 101})),
    ("custom_levels", json.dumps({"base_order_size": "100", "custom_levels": MANY})),
    ("max_safety_orders", json.dumps(GOOD | {"max_safety_orders": 9, "step_scale": "3"})),
    ("parameters", '{"base_order_size": NaN}'),
    ("parameters", "{not JSON"),
    ("parameters", "[]"),
    ("parameters", ""),
]


def test_nonsense_written_into_a_row_is_named_and_the_others_go_on(house):
    person = house.person()
    account = house.account(person, "Account")
    good = house.strategy(person, account, "PRACTICE1/USDT", BUSY)
    bad = {}
    for place, (field, nonsense) in enumerate(NONSENSE, start=2):
        made = house.strategy(person, account, f"PRACTICE{place}/USDT", GOOD)
        bad[made] = field
        statement = "UPDATE strategy_parameters SET parameters = :nonsense WHERE strategy_id = :id"
        house.run(
            lambda s, q=statement, n=nonsense, i=made: s.execute(text(q), {"nonsense": n, "id": i})
        )
    odd: dict[int, str] = {}
    for column, value, named in (
        ("desired_state", "rich", "desired_state"),
        ("symbol", "NOPE/USDT", "symbol"),
        ("passed_levels", "all", "passed_levels"),
    ):
        made = house.strategy(person, account, f"PRACTICE{90 + len(odd)}/USDT", GOOD)
        odd[made] = named
        statement = f"UPDATE strategies SET {column} = :value WHERE id = :id"
        house.run(lambda s, q=statement, v=value, i=made: s.execute(text(q), {"value": v, "id": i}))
    with house.start() as worker:

        def states() -> dict[int, tuple[str, str]]:
            query = "SELECT strategy_id, actual_state, reason FROM strategy_status"
            return {row[0]: (row[1], row[2]) for row in rows(house, query)}

        wait_until("every strategy says something", lambda: len(states()) == 1 + len(bad | odd))
        wait_until(
            "all of them need attention",
            lambda: all(states()[i][0] == "needs_attention" for i in bad | odd),
        )
        told = states()
        for strategy, field in (bad | odd).items():
            assert field in told[strategy][1], (field, told[strategy])
        assert told[good][0] in ("running", "starting", "waiting")
        traded = "SELECT COUNT(*) FROM fills WHERE strategy_id = :id"
        wait_until("the good one trades", lambda: number(house, traded, id=good) > 2)
        ordered = rows(house, "SELECT DISTINCT strategy_id FROM orders")
        assert ordered == [(good,)]
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        assert "Traceback" not in worker.said()
    the_books_agree(house)


def test_a_halt_pauses_everybody_and_is_acknowledged_when_nothing_can_buy(house):
    made = busy_accounts(house, 2)
    administrator = house.person("root", Role.ADMINISTRATOR)
    with house.start() as worker:
        wait_until("it trades", lambda: fills(house) > 4)
        called = house.run(
            lambda s: halt.set_halt(s, administrator, on=True, reason="Drill.", at=now())
        )

        def acknowledged(rev: int) -> bool:
            return rev in [told for (told,) in rows(house, "SELECT rev FROM halt_acknowledgements")]

        wait_until("it is acknowledged", lambda: acknowledged(called.rev))
        buying = f"SELECT COUNT(*) FROM orders WHERE side = 'buy' AND status IN {LIVE}"
        assert number(house, buying) == 0
        acknowledged_at = now()
        states = dict(rows(house, "SELECT strategy_id, actual_state FROM strategy_status"))
        assert {states[i] for i in made} == {"paused"}
        time.sleep(4)
        lifted = house.run(
            lambda s: halt.set_halt(s, administrator, on=False, reason="Over.", at=now())
        )
        wait_until("so is its end", lambda: acknowledged(lifted.rev))
        time.sleep(3)
        bought = "SELECT COUNT(*) FROM orders WHERE side = 'buy' AND created_at > :at"
        assert number(house, bought, at=acknowledged_at) == 0
        person = number(house, "SELECT user_id FROM strategies WHERE id = :id", id=made[0])
        house.run(
            lambda s: strategies.set_desired(
                s, person, made[0], DesiredState.RUNNING, at=now(), rev=None
            )
        )
        wait_until("who presses run, runs", lambda: number(house, bought, at=acknowledged_at))
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    the_books_agree(house)


def test_a_stop_is_acknowledged_only_when_no_order_of_it_lives(house):
    made = busy_accounts(house, 1)
    person = number(house, "SELECT user_id FROM strategies WHERE id = :id", id=made[0])
    acknowledged = (
        "SELECT strategy_id FROM strategy_status JOIN strategies ON id = strategy_id"
        " WHERE actual_state = 'stopped' AND observed_rev = desired_rev"
    )
    living = (
        f"SELECT COUNT(*) FROM orders WHERE strategy_id = :id AND (status IN {LIVE}"
        " OR client_order_id IN (SELECT client_order_id FROM venue_orders WHERE status = 'open'))"
    )
    with house.start() as worker:
        wait_until("they have orders", lambda: all(number(house, living, id=i) > 2 for i in made))
        for strategy in made:
            house.run(
                lambda s, i=strategy: strategies.set_desired(
                    s, person, i, DesiredState.STOPPED, at=now(), rev=None
                )
            )
        stopped: set[int] = set()
        deadline = time.monotonic() + 20
        while len(stopped) < len(made) and time.monotonic() < deadline:
            stopped = {row[0] for row in rows(house, acknowledged)}
            assert all(number(house, living, id=i) == 0 for i in stopped)
            time.sleep(0.01)
        assert stopped == set(made)
        count = number(house, "SELECT COUNT(*) FROM orders")
        time.sleep(3)
        assert number(house, "SELECT COUNT(*) FROM orders") == count
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    the_books_agree(house)


WRONG = [
    ("VENUE_ROUTES", '{"api.binance.com": "http://93.184.216.34:80"}'),
    ("VENUE_ROUTES", '{"api.binance.com": "http://localhost.example.com"}'),
    ("VENUE_ROUTES", "api.binance.com"),
    ("VENUE_ROUTES", "[]"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "postgresql://localhost/stepladder"),
    ("LOG_LEVEL", "loud"),
    ("LOG_RETENTION_DAYS", "0"),
    ("LOG_RETENTION_DAYS", "some"),
    ("HEARTBEAT_URL", "ftp://example.com"),
    ("REPLAY_CANDLES", "/no/such/file.parquet"),
]


def test_a_wrong_setting_stops_the_start_with_one_sentence_that_names_it(tmp_path):
    house = WorkerHouse(tmp_path / "house", f"sqlite:///{tmp_path / 'small.db'}")
    started = [(name, value, house.start(**{name: value})) for name, value in WRONG]
    for name, value, worker in started:
        with worker:
            assert worker.wait(60) == 2, (name, value, worker.said())
        said = worker.said().strip()
        assert name in said, (name, value, said)
        assert len(said.splitlines()) == 1, said
    house.close()
