"""The live auditor finds what breaks, tells whom it concerns, and costs nothing where nothing happens."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from core.cycle import DesiredState
from db import account_status, accounts, audit, audit_findings, leases
from db.account_status import AccountStatus, KeyState
from db.clock import utc_now
from db.reports import person_journal
from db.transactions import run
from tests.db.people import a_strategy, a_user, an_administrator, first_account, later, want
from tests.db.trading import has_traded
from tests.simulation.world import Plan, simulate
from worker import auditor as auditors
from worker.auditor import Auditor
from worker.database import Database

KEY = b"k" * 32
WORKER = "w1"


class Watched:
    """An account that has traded, its auditor, and a clock that moves when the test says so."""

    def __init__(self, engine, *, live: bool = False):
        self.engine, self.seconds = engine, 1000.0
        self.root = an_administrator(engine)
        self.ann = a_user(engine)
        self.strategy = a_strategy(engine, self.ann)
        self.account = first_account(engine, self.ann)
        self.closed, self.opened = has_traded(engine, self.strategy)
        if live:
            self.sql("UPDATE exchange_accounts SET kind = 'ccxt', exchange = 'binance'")
        run(engine, lambda session: audit.chain(session, KEY))
        self.database = Database(engine)
        self.auditor = Auditor(self.database, lambda: WORKER, live=live, audit_key=KEY)

    def sql(self, statement: str) -> None:
        """A change that should never have been made."""
        with self.engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount > 0

    def works(self) -> None:
        """The worker does something on the account."""
        run(self.engine, lambda session: leases.fence(session, {self.account: 3}))

    def look(self, after: float = 60) -> int:
        self.seconds += after
        return asyncio.run(self.auditor.look())

    def found(self) -> set[str]:
        known = run(self.engine, lambda s: audit_findings.audit_findings(s, self.root))
        return {each.finding.check_id for each in known if each.resolved_at is None}

    def told(self) -> list[tuple[str, str]]:
        rows = run(self.engine, lambda s: person_journal(s, self.ann))
        return [(row.level, row.sentence) for row in rows if row.code.startswith("audit_")]


@pytest.fixture
def watched(sqlite_engine, monkeypatch):
    made = Watched(sqlite_engine)
    monkeypatch.setattr(auditors, "monotonic", lambda: made.seconds)
    yield made
    made.database.close()


@pytest.fixture
def live(sqlite_engine, monkeypatch):
    made = Watched(sqlite_engine, live=True)
    monkeypatch.setattr(auditors, "monotonic", lambda: made.seconds)
    yield made
    made.database.close()


def test_whole_books_are_not_spoken_of(watched):
    assert watched.look() == 1
    assert watched.found() == set()
    assert watched.told() == []


def test_on_mariadb_it_looks_at_one_moment_and_tells_as_well(mariadb_engine, monkeypatch):
    made = Watched(mariadb_engine)
    monkeypatch.setattr(auditors, "monotonic", lambda: made.seconds)
    made.look()
    assert made.found() == set()
    made.sql("UPDATE orders SET reported_filled = 0 WHERE role = 'base' AND cycle_number = 2")
    made.works()
    made.look()
    assert made.found() == {"V4"}
    assert [level for level, _ in made.told()] == ["alarm"]
    made.database.close()


def test_an_account_on_which_nothing_happens_is_not_read_again(watched, monkeypatch):
    monkeypatch.setattr(auditors, "IN_TURN", 0)
    watched.sql("UPDATE orders SET status = 'open' WHERE live = 1")
    statements = []
    assert watched.look() == 1
    event.listen(watched.engine, "after_cursor_execute", lambda *given: statements.append(given[2]))
    assert watched.look() == 0
    assert not [each for each in statements if "orders" in each or "fills" in each]
    watched.works()
    assert watched.look() == 1


def test_what_was_changed_from_outside_is_found_in_turn(watched):
    watched.look()
    watched.sql("UPDATE orders SET quantity = quantity + 1 WHERE role = 'base'")
    watched.look()
    assert watched.found() == {"V4"}


BROKEN = {
    "V3": "UPDATE orders SET venue_order_id = 'one'",
    "V4": "UPDATE orders SET reported_filled = 0 WHERE role = 'base'",
    "V8": "UPDATE orders SET token = 9",
    "V10": "UPDATE orders SET finished_at = NULL WHERE role = 'base'",
    "V11": "UPDATE orders SET attempt = 3 WHERE role = 'base'",
    "V12": "UPDATE orders SET quantity = 0.0001 WHERE role = 'safety'",
}


@pytest.mark.parametrize("invariant", BROKEN)
def test_each_invariant_is_watched(watched, invariant):
    watched.look()
    watched.sql(BROKEN[invariant])
    watched.works()
    watched.look()
    assert invariant in watched.found()


def test_the_person_is_told_once_when_it_breaks_and_once_when_it_is_whole(watched):
    watched.sql("UPDATE orders SET reported_filled = 0 WHERE role = 'base' AND cycle_number = 2")
    for _ in range(3):
        watched.look()
    ((level, sentence),) = watched.told()
    assert level == "alarm"
    assert '(V4): "every fill is known, none twice".' in sentence
    assert "Compare with the exchange" in sentence
    watched.sql("UPDATE orders SET reported_filled = quantity WHERE role = 'base'")
    watched.look()
    assert watched.found() == set()
    assert [level for level, _ in watched.told()] == ["info", "alarm"]


def test_what_mends_itself_within_moments_is_not_spoken_of(watched):
    watched.sql("DELETE FROM orders WHERE role = 'take_profit' AND cycle_number = 2")
    watched.look()
    watched.look(after=200)
    assert watched.found() == set()
    watched.look(after=200)
    assert watched.found() == {"V18"}
    assert "no take profit is placed" in watched.told()[0][1]


def test_a_strategy_that_needs_its_person_is_not_spoken_of_as_well(watched):
    watched.sql("DELETE FROM orders WHERE role = 'take_profit' AND cycle_number = 2")
    watched.sql("UPDATE strategy_status SET actual_state = 'needs_attention'")
    watched.look()
    watched.look(after=400)
    assert watched.found() == set()


def test_an_order_that_nobody_proves_is_found_after_a_quarter_of_an_hour(watched):
    watched.sql("UPDATE orders SET status = 'sending' WHERE role = 'take_profit' AND live = 1")
    watched.look()
    watched.look(after=14 * 60)
    assert watched.found() == set()
    watched.look(after=3 * 60)
    assert watched.found() == {"V18"}


def test_a_level_that_does_not_follow_from_the_settings_is_found(watched):
    watched.sql("UPDATE orders SET price = price + 0.01 WHERE role = 'safety' AND live = 1")
    watched.look()
    watched.look(after=400)
    assert watched.found() == {"V13"}


def test_an_order_that_lives_after_a_stop_was_acknowledged_is_found(watched):
    watched.sql("UPDATE cycles SET wanted = 'stopped' WHERE number = 2")
    watched.sql("UPDATE strategy_status SET actual_state = 'stopped'")
    watched.look()
    watched.look(after=90)
    assert watched.found() == {"V7"}


def test_a_wish_that_is_not_answered_is_found(watched):
    want(watched.engine, watched.ann, watched.strategy, DesiredState.PAUSED, at=later(5))
    watched.look()
    watched.look(after=400)
    assert "V18" in watched.found()


NONSENSE = [
    "UPDATE strategy_status SET actual_state = 'nonsense'",
    "UPDATE orders SET quantity = 'much' WHERE role = 'safety'",
    "UPDATE orders SET status = 'lost'",
    "UPDATE cycles SET market = '{' WHERE number = 2",
]


@pytest.mark.parametrize("statement", NONSENSE)
def test_rows_that_cannot_be_read_are_a_finding_and_end_nothing(watched, statement):
    watched.sql(statement)
    assert watched.look() == 1
    assert watched.found() == {"V10"}


def test_a_status_of_a_live_account_that_cannot_be_read_is_a_finding(live):
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "1000"}'""")
    want(live.engine, live.ann, live.strategy, DesiredState.PAUSED, at=later(5))
    said = AccountStatus(account_id=live.account, user_id=live.ann, updated_at=utc_now())
    run(live.engine, lambda session: account_status.save(session, [said]))
    live.sql("UPDATE account_status SET key_state = 'nonsense'")
    live.look()
    assert "V10" in live.found()


def test_an_audit_that_cannot_be_read_is_a_finding_and_ends_nothing(watched):
    watched.sql("UPDATE audit SET details = '{' WHERE position = 1")
    watched.look()
    assert watched.found() == {"V16"}


def test_an_account_that_another_worker_has_taken_is_left_to_that_one(watched):
    watched.sql("UPDATE orders SET reported_filled = 0 WHERE role = 'base'")
    watched.look()
    watched.sql("UPDATE leases SET owner = 'w2'")
    assert watched.look() == 0
    other = Auditor(watched.database, lambda: "w2", live=False)
    watched.sql("UPDATE orders SET reported_filled = quantity WHERE role = 'base'")
    asyncio.run(other.look())
    assert watched.found() == set()


def test_a_changed_row_of_the_audit_is_found(watched):
    watched.look()
    watched.sql("UPDATE audit SET action = 'nothing happened' WHERE position = 1")
    later = Auditor(watched.database, lambda: WORKER, live=False, audit_key=KEY)
    asyncio.run(later.look())
    assert watched.found() == {"V16"}


def test_whoever_a_changed_row_of_the_audit_concerns_is_told_and_named(watched):
    watched.look()
    watched.sql(
        "UPDATE audit SET action = 'nothing happened'"
        " WHERE position = (SELECT MAX(position) FROM audit)"
    )
    later = Auditor(watched.database, lambda: WORKER, live=False, audit_key=KEY)
    asyncio.run(later.look())
    ((level, sentence),) = watched.told()
    assert level == "alarm"
    assert "V16" in sentence
    known = run(watched.engine, lambda s: audit_findings.audit_findings(s, watched.root))
    assert "As it reads now it concerns Ann, account Simulated." in known[0].finding.sentence


def test_a_row_that_is_missing_accuses_nobody(watched):
    watched.look()
    watched.sql("DELETE FROM audit WHERE position = 1")
    later = Auditor(watched.database, lambda: WORKER, live=False, audit_key=KEY)
    asyncio.run(later.look())
    assert watched.found() == {"V16"}
    assert watched.told() == []


def test_those_whose_rows_the_worker_never_chained_are_told(watched):
    watched.look()
    note = {"actor_id": None, "subject_id": watched.ann, "action": "x"}
    long_ago = utc_now() - timedelta(hours=1)
    run(watched.engine, lambda s: audit.append(s, **note, details={}, at=long_ago))
    watched.look()
    watched.look(after=61)
    assert [level for level, _ in watched.told()] == ["alarm"]
    run(watched.engine, lambda s: audit.chain(s, KEY))
    watched.look()
    assert [level for level, _ in watched.told()] == ["info", "alarm"], "newest first"


def test_audit_rows_that_were_cut_off_are_found(watched):
    watched.look()
    watched.sql("DELETE FROM audit WHERE position > 1")
    watched.look()
    assert watched.found() == {"V16"}


def test_whatever_goes_wrong_at_an_exchange_nothing_of_ours_is_found_broken(monkeypatch):
    """The simulation runs the whole worker, its auditors too, against an exchange that fails at random."""
    found, looks = [], []
    tell = Auditor._tell

    async def listening(self, look, broken, at):
        looks.append(look.account_id)
        found.extend(broken)
        await tell(self, look, broken, at)

    monkeypatch.setattr(Auditor, "_tell", listening)
    simulate(Plan(4, seconds=200.0, each=8.0))
    # The exchange itself may execute more than was ordered (E34): that is worth an alarm.
    assert {each.check for each in found} <= {"never more than ordered"}
    assert len(set(looks)) > 1


def test_a_live_account_beyond_its_cap_is_found(live):
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "1000"}'""")
    live.look()
    assert live.found() == set()
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "150"}'""")
    live.look()
    assert live.found() == {"V6"}
    assert "the cap is 150 USDT" in live.told()[0][1]


def test_a_cap_that_was_lowered_below_what_is_in_use_is_not_broken(live):
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "1000"}'""")
    run(
        live.engine,
        lambda s: accounts.change_caps(
            s, live.ann, live.account, caps={"USDT": "150"}, at=datetime.now(UTC)
        ),
    )
    live.look()
    assert live.found() == set()


def test_what_had_ended_on_a_live_account_must_not_come_back(live):
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "1000"}'""")
    live.look()
    live.sql("UPDATE orders SET status = 'refused' WHERE role = 'base' AND cycle_number = 2")
    live.works()
    live.look()
    assert "V10" in live.found()


def test_a_live_account_that_waits_is_not_spoken_of_for_what_it_lacks(live):
    live.sql("""UPDATE exchange_accounts SET caps = '{"USDT": "1000"}'""")
    live.sql("DELETE FROM orders WHERE role = 'take_profit' AND cycle_number = 2")
    said = AccountStatus(
        account_id=live.account, user_id=live.ann, key_state=KeyState.ACTIVE, hold="Closed.",
        updated_at=utc_now(),
    )  # fmt: skip
    run(live.engine, lambda session: account_status.save(session, [said]))
    live.look()
    live.look(after=400)
    assert live.found() == set()
