"""People: what is accepted, who may change whom, what ends sessions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.errors import InvalidInput
from db import accounts, audit, sessions, users
from db.accounts import AccountKind
from db.errors import Conflict, NotAllowed, NotFound
from db.rights import Role
from db.transactions import run
from tests.db.people import AT, HASH, a_strategy, a_user, an_administrator, later
from tests.faults import fault


def log_in(engine, user_id):
    return run(
        engine,
        lambda session: sessions.open_session(
            session, user_id, address="192.0.2.1", agent="test", trusted=False, at=AT
        ),
    )


def is_in(engine, sid, at=AT):
    return run(engine, lambda session: sessions.session_user(session, sid, at=at)) is not None


def test_a_new_person_has_a_simulated_account_with_ten_thousand(engine):
    ann = a_user(engine)
    (account,) = run(engine, lambda session: accounts.accounts(session, ann))
    assert account.kind is AccountKind.SIMULATED
    assert account.venue == "simulated"
    assert account.stated_balance == {"USDT": Decimal(10_000)}


@fault("I4", "I5", "I7")
@pytest.mark.parametrize(
    "username", ["", "ab", "a" * 33, "a b", "änn", "ann'--", "a\0bc", "<b>ann"]
)
def test_names_that_could_be_confused_or_do_harm_are_refused(engine, username):
    with pytest.raises(InvalidInput, match="username: must have 3 to 32"):
        a_user(engine, username)


@fault("I7")
def test_a_name_is_taken_once_whatever_its_case(engine):
    a_user(engine, "ann")
    with pytest.raises(InvalidInput, match="is taken"):
        a_user(engine, " ANN ")


@fault("I5", "I6", "I7", "S10")
@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 61, "<script>", "a\u202eb", "=1+1", "*bold*", "a`b"]
)
def test_a_display_name_that_a_screen_would_have_to_fear_is_refused(engine, name):
    ann = a_user(engine)
    with pytest.raises(InvalidInput, match="display_name"):
        run(engine, lambda s: users.rename_user(s, ann, display_name=name, at=AT))


@fault("S8")
def test_only_an_administrator_adds_people(engine):
    ann, root = a_user(engine), an_administrator(engine)
    new: dict[str, Any] = {
        "display_name": "Bob",
        "password_hash": HASH,
        "role": Role.PERSON,
        "at": AT,
    }
    with pytest.raises(NotAllowed):
        run(engine, lambda s: users.add_person(s, ann, username="bob", **new))
    bob = run(engine, lambda s: users.add_person(s, root, username="bob", **new))
    assert run(engine, lambda s: users.get_user(s, bob)).username == "bob"


@fault("S4")
@pytest.mark.parametrize(
    "change",
    [
        lambda s, root, ann: users.change_password(s, ann, password_hash=HASH, at=AT),
        lambda s, root, ann: users.set_role(s, root, ann, role=Role.ADMINISTRATOR, at=AT),
        lambda s, root, ann: users.set_active(s, root, ann, active=False, at=AT),
        lambda s, root, ann: sessions.end_all_sessions(s, ann, at=AT),
    ],
)
def test_password_role_and_disabling_end_every_session_at_once(engine, change):
    ann, root = a_user(engine), an_administrator(engine)
    hers, his = log_in(engine, ann), log_in(engine, root)
    run(engine, lambda session: change(session, root, ann))
    assert not is_in(engine, hers.sid)
    assert is_in(engine, his.sid)


@fault("S8")
def test_the_last_administrator_stays(engine):
    root = an_administrator(engine)
    for attempt in (
        lambda s: users.set_role(s, root, root, role=Role.PERSON, at=AT),
        lambda s: users.set_active(s, root, root, active=False, at=AT),
        lambda s: users.remove_person(s, root, root, at=AT),
    ):
        with pytest.raises(Conflict, match="last administrator"):
            run(engine, attempt)


@fault("I10")
def test_a_person_whose_strategy_may_still_buy_is_not_removed(engine):
    ann, root = a_user(engine), an_administrator(engine)
    a_strategy(engine, ann)
    with pytest.raises(Conflict, match="Stop it first"):
        run(engine, lambda s: users.remove_person(s, root, ann, at=AT))
    assert run(engine, lambda s: users.get_user(s, ann)).is_active


def test_a_person_with_nothing_running_is_removed_with_all_their_things(engine):
    ann, root = a_user(engine), an_administrator(engine)
    a_strategy(engine, ann, start=False)
    run(engine, lambda s: users.remove_person(s, root, ann, at=later(1)))
    assert not run(engine, lambda s: users.get_user(s, ann)).is_active
    assert run(engine, lambda s: accounts.accounts(s, ann)) == ()
    assert len(run(engine, lambda s: accounts.accounts(s, ann, archived=True))) == 1


def test_people_see_what_an_administrator_did_to_them(engine):
    ann, root = a_user(engine), an_administrator(engine)
    run(engine, lambda s: users.set_active(s, root, ann, active=False, at=later(5)))
    newest = run(engine, lambda s: audit.audit_of(s, ann))[0]
    assert (newest.actor, newest.action) == ("Root", "person kept out")


def test_nobody_is_changed_who_does_not_exist(engine):
    root = an_administrator(engine)
    with pytest.raises(NotFound):
        run(engine, lambda s: users.set_active(s, root, 10**9, active=True, at=AT))


def test_a_time_zone_must_exist(engine):
    ann = a_user(engine)
    run(engine, lambda s: users.set_time_zone(s, ann, time_zone="Europe/Berlin", at=AT))
    assert run(engine, lambda s: users.get_user(s, ann)).time_zone == "Europe/Berlin"
    with pytest.raises(InvalidInput, match="time_zone"):
        run(engine, lambda s: users.set_time_zone(s, ann, time_zone="../etc/passwd", at=AT))
