"""Notifications: whom to tell, what waits, and workers that share or lose it."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import orjson
import pytest
from nacl.public import PrivateKey, SealedBox
from sqlalchemy import select, text

from core.errors import InvalidInput
from db import notification_targets as targets
from db import outbox, retention
from db.errors import Conflict, NotFound
from db.keys import pair_id
from db.notification_targets import CHOICES, Event, Kind, TargetState
from db.outbox import Notice
from db.tables import NotificationTargetRow, OutboxRow
from db.transactions import run
from tests.db.people import AT, a_user, later
from tests.faults import fault

PRIVATE = PrivateKey.generate()
PAIR = pair_id(bytes(PRIVATE.public_key))
ADDRESS = "tgram://123456:CANARY/789"


@pytest.fixture
def ann(engine):
    return a_user(engine)


def sealed(user_id, kind=Kind.TELEGRAM, address=ADDRESS):
    return targets.seal_address(
        PRIVATE.public_key, user_id=user_id, kind=kind, address=address, at=AT
    )


def a_target(engine, user_id, events=(Event.ALARM,), name="Phone"):
    return run(engine, lambda s: targets.add_target(
        s, user_id, kind=Kind.TELEGRAM, name=name, sealed=sealed(user_id), pair_id=PAIR,
        events=events, at=AT,
    ))  # fmt: skip


def say(engine, user_id, event=Event.ALARM, sentence="Look at it.", at=AT, times=1):
    notices = [Notice(user_id, event, sentence)] * times
    return run(engine, lambda s: outbox.add(s, notices, at=at))


def take(engine, worker="w1", most=10, at=AT):
    return run(engine, lambda s: outbox.take(s, worker, most=most, at=at))


def test_an_address_is_opened_by_the_worker_alone_and_names_its_owner(engine, ann):
    number = a_target(engine, ann)
    found = run(engine, lambda s: targets.sealed_targets(s, [number]))[number]
    clear = orjson.loads(SealedBox(PRIVATE).decrypt(base64.b64decode(found.sealed)))
    assert (clear["user_id"], clear["kind"], clear["address"]) == (ann, "telegram", ADDRESS)
    assert found.sealed not in repr(found)
    (shown,) = run(engine, lambda s: targets.targets(s, ann))
    assert (shown.name, shown.events, shown.state) == (
        "Phone", frozenset({Event.ALARM}), TargetState.UNTRIED
    )  # fmt: skip


@fault("S12")
def test_no_address_stands_in_the_database(engine, ann):
    a_target(engine, ann)
    with engine.connect() as connection:
        assert "CANARY" not in repr(connection.execute(select(NotificationTargetRow)).all())


@pytest.mark.parametrize("address", [
    "", "http://10.0.0.1/", "file:///etc/passwd", "json://internal/", "mailtos://me@example.com",
    "tgram://a b", "tgram://\n", "tgram://" + "x" * 2000, "TGRAM://x", "tgram://é",
])  # fmt: skip
def test_an_address_of_another_kind_is_refused_without_being_repeated(address):
    with pytest.raises(InvalidInput) as refused:
        sealed(1, address=address)
    assert not address or address not in str(refused.value)


def test_only_who_wants_an_event_is_told(engine, ann):
    bob = a_user(engine, "bob")
    phone = a_target(engine, ann, (Event.ALARM, Event.STOP_LOSS))
    a_target(engine, ann, (Event.BUY,), "Other")
    assert say(engine, ann) == 1
    assert say(engine, bob) == 0
    assert say(engine, ann, Event.SIGN_IN) == 0
    (one,) = take(engine)
    assert (one.user_id, one.target_id, one.sentence) == (ann, phone, "Look at it.")
    run(engine, lambda s: targets.set_events(s, ann, phone, events=CHOICES, at=AT))
    assert say(engine, ann, Event.SIGN_IN) == 1


def test_what_was_sent_is_not_sent_again(engine, ann):
    a_target(engine, ann)
    say(engine, ann)
    (one,) = take(engine)
    assert run(engine, lambda s: outbox.done(s, "w1", one.outbox_id, at=later(1)))
    assert take(engine, at=later(3600)) == []


def test_workers_that_take_at_the_same_moment_share(engine, ann):
    a_target(engine, ann)
    say(engine, ann, times=20)
    with ThreadPoolExecutor(4) as threads:
        both = list(threads.map(lambda w: take(engine, f"w{w}", 20), range(4)))
    taken = [one.outbox_id for mine in both for one in mine]
    assert len(taken) == len(set(taken))
    rest = take(engine, "w9", 20)
    assert len(taken) + len(rest) == 20


@fault("P1")
def test_what_a_dead_worker_had_taken_is_sent_by_another(engine, ann):
    a_target(engine, ann)
    say(engine, ann)
    (lost,) = take(engine, "w1")
    assert take(engine, "w2", at=later(119)) == []
    (found,) = take(engine, "w2", at=later(120))
    assert (found.outbox_id, found.attempts) == (lost.outbox_id, 2)
    assert not run(engine, lambda s: outbox.done(s, "w1", lost.outbox_id, at=later(121)))
    assert run(engine, lambda s: outbox.done(s, "w2", lost.outbox_id, at=later(121)))


def test_what_fails_waits_longer_each_time_and_is_given_up_after_a_day(engine, ann):
    a_target(engine, ann)
    say(engine, ann)
    at, waits = AT, []
    while True:
        (one,) = take(engine, at=at)
        tell = partial(outbox.failed, worker="w1", outgoing=one, for_good=False, at=at)
        if not run(engine, tell):
            break
        with engine.connect() as connection:
            again = connection.scalar(select(OutboxRow.next_at))
        waits.append((again - at).total_seconds())
        assert take(engine, at=again - timedelta(seconds=1)) == []
        at = again
    assert waits[:4] == [30, 60, 120, 240]
    assert max(waits) == 7200
    assert waits == sorted(waits)
    assert at - AT >= timedelta(days=1)
    assert take(engine, at=at + timedelta(days=3)) == []


def test_what_is_hopeless_is_given_up_at_once(engine, ann):
    a_target(engine, ann)
    say(engine, ann)
    (one,) = take(engine)
    assert not run(engine, lambda s: outbox.failed(s, "w1", one, for_good=True, at=AT))
    assert take(engine, at=later(9999)) == []


def test_a_flood_ends_with_a_sentence_that_says_so(engine, ann):
    a_target(engine, ann)
    assert say(engine, ann, times=300) == outbox.MOST_WAITING
    assert say(engine, ann) == 0
    every = take(engine, most=500)
    assert len(every) == outbox.MOST_WAITING
    assert every[-1].sentence == outbox.MORE


def test_a_test_is_sent_at_most_twice_a_minute_and_only_to_ones_own(engine, ann):
    phone, bob = a_target(engine, ann), a_user(engine, "bob")

    def press(who, at):
        run(engine, lambda s: outbox.add_test(s, who, phone, at=at))

    with pytest.raises(NotFound):
        press(bob, AT)
    press(ann, AT)
    with pytest.raises(Conflict, match="half a minute"):
        press(ann, later(29))
    press(ann, later(30))
    assert [one.event for one in take(engine, at=later(30))] == ["test", "test"]
    run(engine, lambda s: targets.tried(s, phone, works=False, sentence="No answer.", at=later(31)))
    (shown,) = run(engine, lambda s: targets.targets(s, ann))
    assert (shown.state, shown.sentence) == (TargetState.FAILS, "No answer.")


def test_a_target_takes_what_was_still_to_be_sent_with_it_and_there_are_ten_at_most(engine, ann):
    phone = a_target(engine, ann)
    say(engine, ann)
    run(engine, lambda s: targets.remove_target(s, ann, phone, at=AT))
    assert take(engine) == []
    for number in range(targets.MOST_TARGETS):
        a_target(engine, ann, name=f"Phone {number}")
    with pytest.raises(Conflict, match="remove one"):
        a_target(engine, ann)


@fault("I13")
def test_a_target_written_by_hand_hides_no_other(engine, ann):
    a_target(engine, ann, name="Bad")
    with engine.begin() as connection:
        connection.execute(text("UPDATE notification_targets SET kind='pager', events='7'"))
    a_target(engine, ann, name="Good")
    assert [t.name for t in run(engine, lambda s: targets.targets(s, ann))] == ["Good"]
    assert say(engine, ann) == 1


def test_addresses_follow_a_change_of_the_workers_keys(engine, ann):
    number = a_target(engine, ann)
    (old,) = run(engine, lambda s: targets.targets_not_of_pair(s, "f" * 16, after=0, most=9))
    assert run(engine, lambda s: targets.reseal_target(s, old, sealed="bmV3", pair_id="f" * 16))
    assert not run(engine, lambda s: targets.reseal_target(s, old, sealed="x", pair_id="f" * 16))
    assert run(engine, lambda s: targets.targets_not_of_pair(s, "f" * 16, after=0, most=9)) == []
    found = run(engine, lambda s: targets.sealed_targets(s, [number]))[number]
    assert found == replace(old, sealed="bmV3", pair_id="f" * 16)


def test_old_notifications_go(engine, ann):
    a_target(engine, ann)
    say(engine, ann)
    limits = {"log_days": 14, "journal_days": 365}
    assert run(engine, lambda s: retention.prune(s, at=AT, **limits))["outbox"] == 0
    after = AT + timedelta(days=8)
    assert run(engine, lambda s: retention.prune(s, at=after, **limits))["outbox"] == 1
