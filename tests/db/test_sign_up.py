"""How people come: invited, by themselves, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.errors import StepladderError
from db import sign_up, users
from db.errors import Conflict, NotAllowed, NotFound
from db.rights import Role
from db.sign_up import SignUp
from db.transactions import run
from tests.db.people import AT, HASH, a_user, an_administrator, later
from tests.faults import fault


@pytest.fixture
def root(engine):
    return an_administrator(engine)


def set_mode(engine, root, mode):
    run(engine, lambda s: sign_up.set_mode(s, root, mode, at=AT))


def invite(engine, root, role=Role.PERSON):
    return run(engine, lambda s: sign_up.invite(s, root, role=role, at=AT))


def accept(engine, token, username="cleo", at=AT):
    return run(engine, lambda s: sign_up.accept(
        s, token, username=username, display_name="", password_hash=HASH, at=at
    ))  # fmt: skip


def come(engine, username="cleo", at=AT):
    return run(engine, lambda s: sign_up.sign_up(
        s, username=username, display_name="", password_hash=HASH, at=at
    ))  # fmt: skip


def test_it_is_closed_until_an_administrator_opens_it(engine, root):
    assert run(engine, sign_up.mode) is SignUp.CLOSED
    with pytest.raises(Conflict, match="by invitation"):
        invite(engine, root)
    with pytest.raises(NotAllowed):
        come(engine)
    ann = a_user(engine)
    with pytest.raises(NotAllowed):
        set_mode(engine, ann, SignUp.OPEN)
    set_mode(engine, root, SignUp.BY_INVITATION)
    assert run(engine, sign_up.mode) is SignUp.BY_INVITATION
    with pytest.raises(NotAllowed):
        come(engine)


def test_an_invitation_makes_one_person_of_its_role_within_a_week(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    token, late = invite(engine, root, Role.ADMINISTRATOR), invite(engine, root)
    assert run(engine, lambda s: sign_up.is_invited(s, token, at=AT))
    cleo = accept(engine, token)
    assert run(engine, lambda s: users.get_user(s, cleo)).role is Role.ADMINISTRATOR
    assert not run(engine, lambda s: sign_up.is_invited(s, token, at=AT))
    with pytest.raises(Conflict):
        accept(engine, token, "dora")
    with pytest.raises(Conflict):
        accept(engine, late, "dora", at=AT + timedelta(days=7))


def test_of_many_who_bring_one_invitation_at_the_same_moment_one_comes_in(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    token = invite(engine, root)

    def attempt(number):
        try:
            return accept(engine, token, f"person-{number}")
        except StepladderError:
            return None

    with ThreadPoolExecutor(6) as threads:
        came = [user_id for user_id in threads.map(attempt, range(6)) if user_id is not None]
    assert len(came) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users")) == 2


def test_a_name_that_is_taken_does_not_use_the_invitation_up(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    token = invite(engine, root)
    with pytest.raises(StepladderError, match="taken"):
        accept(engine, token, "root")
    assert accept(engine, token, "cleo")


def test_invitations_are_listed_without_their_secret_and_withdrawn(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    token = invite(engine, root)
    (one,) = run(engine, lambda s: sign_up.invitations(s, root, at=AT))
    assert (one.role, one.by) == (Role.PERSON, "Root")
    assert token not in repr(one)
    run(engine, lambda s: sign_up.withdraw(s, root, one.invitation_id, at=AT))
    with pytest.raises(Conflict):
        accept(engine, token)
    with pytest.raises(NotFound):
        run(engine, lambda s: sign_up.withdraw(s, root, one.invitation_id, at=AT))


def test_closing_stops_invitations_that_are_out(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    token = invite(engine, root)
    set_mode(engine, root, SignUp.CLOSED)
    assert not run(engine, lambda s: sign_up.is_invited(s, token, at=AT))
    with pytest.raises(NotAllowed):
        accept(engine, token)


@fault("S8")
def test_the_invitation_of_somebody_who_is_no_administrator_any_more_is_worth_nothing(engine, root):
    set_mode(engine, root, SignUp.BY_INVITATION)
    other = an_administrator(engine, "other")
    token = invite(engine, other, Role.ADMINISTRATOR)
    run(engine, lambda s: users.set_role(s, root, other, role=Role.PERSON, at=AT))
    with pytest.raises(Conflict):
        accept(engine, token)


@fault("S8")
def test_who_comes_by_themselves_is_a_person_and_only_so_many_come_in_an_hour(engine, root):
    set_mode(engine, root, SignUp.OPEN)
    cleo = come(engine)
    assert run(engine, lambda s: users.get_user(s, cleo)).role is Role.PERSON
    for number in range(sign_up.MOST_PER_HOUR - 2):
        come(engine, f"person-{number}")
    with pytest.raises(Conflict, match="Too many"):
        come(engine, "one-more")
    assert come(engine, "one-more", later(3601))


def test_before_the_first_administrator_nobody_signs_up(engine):
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO settings VALUES ('sign_up', '{\"mode\":\"open\"}', :t, NULL)"),
            {"t": "2026-11-22 12:00:00.000000"},
        )
    assert run(engine, sign_up.mode) is SignUp.OPEN
    with pytest.raises(NotAllowed):
        come(engine)


@fault("I13")
@pytest.mark.parametrize("value", ["nonsense", "[]", '{"mode":"wide open"}', "7", "null"])
def test_a_setting_written_by_hand_that_says_nothing_is_closed(engine, root, value):
    set_mode(engine, root, SignUp.OPEN)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE settings SET value = :v WHERE name = 'sign_up'"), {"v": value}
        )
    assert run(engine, sign_up.mode) is SignUp.CLOSED
