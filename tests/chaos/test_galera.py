"""Workers on different nodes of a real cluster: the fence, takeovers, nodes that die or are cut off."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select, text

from core.money import ONE, ZERO
from db import leases, migrate
from db.engine import make_engine
from db.errors import CommitUnknown, DatabaseUnavailable, LeaseLost
from db.known_orders import ORDERS, known_orders
from db.statements import table_of
from db.tables import LeaseRow
from db.transactions import Session, run
from tests.builders import NOON
from tests.chaos.hosts import Host, prepare
from tests.faults import fault
from tests.galera import GaleraCluster

pytestmark = pytest.mark.slow
LEASES = table_of(LeaseRow)
accounts = itertools.count(1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[GaleraCluster]:
    with GaleraCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def url(cluster: GaleraCluster) -> str:
    url = cluster.new_database()
    engine = make_engine(url)
    migrate.upgrade(engine)
    prepare(engine)
    engine.dispose()
    return url


@pytest.fixture
def hosts(cluster: GaleraCluster, url: str) -> Iterator[list[Host]]:
    """One on each node."""
    cluster.wait_until_synced()
    engines = [make_engine(cluster.url(i, url)) for i in range(3)]
    stamp = time.monotonic_ns()
    yield [Host(engine, f"w{i}-{stamp}") for i, engine in enumerate(engines)]
    for engine in engines:
        engine.dispose()
    for node in cluster.nodes:
        node.resume()


def overtaken(hosts: list[Host]) -> tuple[int, int]:
    """Account and token of the first host; it is the second's by now, and the first node has not heard."""
    first, second, _ = hosts
    account = next(accounts)
    token = first.take(account)
    assert token is not None
    second.catch_up()
    second.declare_silent(first)
    second.slow_the_others_down()
    assert second.take(account) == token + 1
    return account, token


@fault("P6", "D16")
def test_a_late_write_through_another_node_is_refused_when_it_commits(hosts):
    """Its node has not heard of the takeover: only the cluster's certification can refuse it, with 1213."""
    first, second, third = hosts
    account, token = overtaken(hosts)
    with pytest.raises((LeaseLost, DatabaseUnavailable)):
        first.mark("behind the fence", lambda s: leases.fence(s, {account: token}))
    assert first.codes[1213] >= 1
    for host in hosts:
        host.catch_up()
        assert not host.sees("behind the fence")
    with pytest.raises(LeaseLost):
        first.mark("once it has heard", lambda s: leases.fence(s, {account: token}))
    second.mark("the new owner's", lambda s: leases.fence(s, {account: token + 1}))
    third.catch_up()
    assert third.sees("the new owner's")


def test_behind_a_locking_read_the_same_late_write_gets_through(hosts):
    """Why the fence is an UPDATE: read locks stay on their node. Were this to fail, it could be a read."""
    first = hosts[0]
    account, token = overtaken(hosts)

    def reads(session: Session) -> None:
        row = select(LEASES.c.token).where(LEASES.c.account_id == account).with_for_update()
        assert session.scalar(row) == token

    first.mark("behind a read", reads)
    first.catch_up()
    assert first.sees("behind a read")


@fault("E28")
def test_the_rows_of_orders_that_another_node_has_just_committed_are_seen(hosts):
    """Else an order of another account here is taken for nobody's and cancelled on the exchange."""
    first, second, _ = hosts
    name = f"s-{time.monotonic_ns()}"
    second.slow_the_others_down()
    run(second.engine, lambda s: s.execute(insert(ORDERS).values(**an_order(name))))
    found = run(first.engine, lambda s: known_orders(s, [name]), write=False)
    assert found[name].account_id == 77
    with first.engine.connect() as connection:
        assert connection.scalar(text("SELECT @@SESSION.wsrep_sync_wait")) == 0


def an_order(name: str) -> dict[str, object]:
    """A row as another worker writes it just before it sends the order."""
    return {
        "client_order_id": name, "account_id": 77, "strategy_id": time.monotonic_ns() // 1000,
        "cycle_number": 1, "position": 0, "symbol": "BTC/USDT", "role": "base", "level": 0,
        "attempt": 1, "side": "buy", "kind": "limit", "price": ONE, "planned_price": ONE, "quantity": ONE,
        "status": "sending", "created_at": NOON, "deadline": NOON, "reported_filled": ZERO,
        "cancel_asked": False, "expired": False, "token": 1,
    }  # fmt: skip


def owner_of(host: Host, account: int) -> str:
    query = select(LEASES.c.owner).where(LEASES.c.account_id == account)
    return str(run(host.engine, lambda s: s.scalar(query)))


def until_cut_off(host: Host, account: int, token: int) -> None:
    """Writes until the node has noticed that it is alone."""
    for attempt in itertools.count():
        try:
            host.mark(f"cut off? {attempt}", lambda s: leases.fence(s, {account: token}))
        except (DatabaseUnavailable, CommitUnknown):
            return


@fault("D1", "P5")
def test_of_workers_on_three_nodes_that_reach_for_an_account_one_gets_it(hosts):
    account = next(accounts)
    won: dict[str, int | None] = {}
    start = threading.Barrier(3)

    def race(host: Host) -> None:
        start.wait(20)
        won[host.name] = host.take(account)

    threads = [threading.Thread(target=race, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won.values(), key=str) == [1, None, None]
    for host in hosts:
        host.catch_up()
        assert won[owner_of(host, account)] == 1


@fault("D10", "D8")
def test_a_node_that_lost_the_majority_is_unavailable_and_comes_back(cluster, hosts):
    """Error 1047: nothing is decided there, and nothing is lost once the others are heard again."""
    alone = hosts[2]
    account = next(accounts)
    token = alone.take(account)
    assert token is not None
    for node in cluster.nodes[:2]:
        node.pause()
    until_cut_off(alone, account, token)
    with pytest.raises(DatabaseUnavailable):
        alone.mark("still cut off", lambda s: leases.fence(s, {account: token}))
    assert alone.codes[1047] >= 5
    for node in cluster.nodes[:2]:
        node.resume()
    cluster.wait_until_synced()
    alone.mark("heard again", lambda s: leases.fence(s, {account: token}))
    for host in hosts:
        host.catch_up()
        assert host.sees("heard again")
        assert not host.sees("still cut off")


@fault("D2", "D10")
def test_a_commit_that_was_under_way_when_the_majority_was_lost_is_unknown(cluster, hosts):
    alone = hosts[2]

    def cut_off(_session: Session) -> None:
        for node in cluster.nodes[:2]:
            node.pause()

    with pytest.raises(CommitUnknown):
        alone.mark("at the worst moment", cut_off)
    for node in cluster.nodes[:2]:
        node.resume()
    cluster.wait_until_synced()
    for host in hosts:
        host.catch_up()
    assert len({host.sees("at the worst moment") for host in hosts}) == 1


@fault("D10", "P1")
def test_a_node_is_killed_and_the_worker_on_another_takes_over_what_was_committed(cluster, hosts):
    first, second, third = hosts
    account = next(accounts)
    token = first.take(account)
    assert token is not None
    first.mark("before the power cut", lambda s: leases.fence(s, {account: token}))
    cluster.nodes[0].kill()
    try:
        cluster.wait_until_synced()
        second.declare_silent(first)
        assert second.take(account) == token + 1
        assert second.sees("before the power cut")
        second.mark("after it", lambda s: leases.fence(s, {account: token + 1}))
    finally:
        cluster.bring_back(0)
    first.catch_up()
    assert first.sees("after it")
    with pytest.raises(LeaseLost):
        first.mark("from the dead", lambda s: leases.fence(s, {account: token}))
    assert not third.sees("from the dead")
