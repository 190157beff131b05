"""Logging in: sessions, tickets, one-time secrets, and what slows guessing down."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.errors import InvalidInput
from db import links, login, login_attempts, passwords, sessions, users
from db.errors import Conflict, NotAllowed, NotFound
from db.login import LoginRefused
from db.rights import Role
from db.tables import LoginAttempt, LoginSession, Model, User
from db.transactions import run
from tests.db.people import AT, HASH, a_user, an_administrator, later
from tests.faults import fault

PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def _fast_hashes(monkeypatch):
    """bcrypt at its lowest cost: how slow it is, is not what most of these tests are about."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    passwords._dummy_hash.cache_clear()


@pytest.fixture
def ann(engine):
    return a_user(engine, "ann", password_hash=passwords.hash_password(PASSWORD))


def enter(engine, username="ann", password=PASSWORD, address=HERE, at=AT, trusted=False):
    return login.log_in(
        engine, username, password, address=address, agent="Test/1", trusted=trusted, at=at
    )


def fail(engine, times=1, **given):
    for _ in range(times):
        with pytest.raises(LoginRefused):
            enter(engine, **({"password": "wrong password here"} | given))


def who(engine, sid, at=AT):
    return run(engine, lambda s: sessions.session_user(s, sid, at=at))


def test_the_right_password_opens_a_session_that_lives_twelve_hours(engine, ann):
    opened = enter(engine, " Ann ")
    found = who(engine, opened.sid)
    assert (found.user_id, found.username, found.role) == (ann, "ann", Role.PERSON)
    assert opened.expires_at == AT + timedelta(hours=12)
    assert who(engine, opened.sid, AT + timedelta(hours=11, minutes=59)) is not None
    assert who(engine, opened.sid, AT + timedelta(hours=12)) is None


def test_a_trusted_device_stays_thirty_days(engine, ann):
    assert enter(engine, trusted=True).expires_at == AT + timedelta(days=30)


@fault("S3")
def test_a_session_that_nobody_opened_or_somebody_ended_is_nobody(engine, ann):
    opened = enter(engine)
    assert who(engine, "made up") is None
    run(engine, lambda s: sessions.end_session(s, opened.sid, at=AT))
    assert who(engine, opened.sid) is None


@fault("S12")
def test_neither_session_ids_nor_tickets_nor_codes_are_stored(engine, ann):
    opened = enter(engine)
    ticket = run(engine, lambda s: sessions.make_ticket(s, "jwt", at=AT))
    token = run(engine, lambda s: links.reset_token(s, ann, at=AT, actor_id=None))
    with engine.connect() as connection:
        for table in Model.metadata.sorted_tables:
            stored = repr(connection.execute(select(table)).all())
            for secret in (opened.sid, ticket, token, PASSWORD):
                assert secret not in stored


@fault("S6")
def test_the_same_sentence_whether_the_name_the_password_or_the_person_is_wrong(engine, ann):
    root = an_administrator(engine)
    sentences = set()
    for given in ({"username": "nobody"}, {"password": "wrong password"}, {"username": "'; --"}):
        with pytest.raises(LoginRefused) as refused:
            enter(engine, **given)
        sentences.add(str(refused.value))
    run(engine, lambda s: users.set_active(s, root, ann, active=False, at=AT))
    with pytest.raises(LoginRefused) as refused:
        enter(engine)
    sentences.add(str(refused.value))
    assert len(sentences) == 1


def test_a_password_beyond_bcrypts_72_bytes_never_matches_its_beginning(engine, ann):
    fail(engine, password=PASSWORD + "x" * 80)
    assert not passwords.check_password(PASSWORD + "\0", passwords.hash_password(PASSWORD))


@fault("S5")
def test_after_five_failures_a_name_rests_at_that_address_for_fifteen_minutes(engine, ann):
    fail(engine, 5)
    fail(engine, password=PASSWORD)
    fail(engine, password=PASSWORD, at=AT + timedelta(minutes=14, seconds=59))
    assert enter(engine, at=AT + timedelta(minutes=15)).user_id == ann


@fault("S5")
def test_a_stranger_elsewhere_cannot_lock_a_person_out(engine, ann):
    fail(engine, 5, address=THERE)
    fail(engine, address=THERE, password=PASSWORD)
    assert enter(engine, address=HERE).user_id == ann


def test_a_success_forgives_the_typing_errors_before_it(engine, ann):
    fail(engine, 4)
    enter(engine, at=later(1))
    fail(engine, 4, at=later(2))
    assert enter(engine, at=later(3)).user_id == ann


@fault("S5")
def test_one_address_trying_many_names_rests_after_forty(engine, ann):
    for number in range(40):
        fail(engine, username=f"name{number}", address=THERE)
    fail(engine, password=PASSWORD, address=THERE)
    assert enter(engine, address=HERE).user_id == ann


@fault("S5")
def test_during_an_attack_from_everywhere_each_address_has_its_first_try(engine, ann, monkeypatch):
    monkeypatch.setattr(login_attempts, "MOST_ALTOGETHER", 20)
    for number in range(20):
        fail(engine, username="ann", address=f"203.0.113.{number}")
    fail(engine, password=PASSWORD, address="203.0.113.3")
    assert enter(engine, address=HERE).user_id == ann


@fault("S5")
def test_guesses_at_the_same_moment_all_count(engine, ann):
    refused, entered = [], []

    def guess():
        try:
            entered.append(enter(engine, password="wrong password"))
        except LoginRefused:
            refused.append(1)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), entered) == (12, [])
    tries = run(engine, lambda s: s.scalars(select(LoginAttempt)).all())
    assert len(tries) == 5


@fault("S11")
def test_a_password_typed_into_the_name_field_is_not_kept(engine, ann):
    fail(engine, username=PASSWORD)
    (attempt,) = run(engine, lambda s: s.scalars(select(LoginAttempt)).all())
    assert attempt.username == "?"


def test_last_seen_is_written_at_most_once_a_minute(engine, ann):
    found = who(engine, enter(engine).sid)
    for seconds in (10, 59, 60, 61):
        run(engine, partial(sessions.touch, session_id=found.session_id, at=later(seconds)))
    row = run(engine, lambda s: s.get_one(LoginSession, found.session_id))
    assert row.last_seen_at == later(60)
    assert not found.needs_touch(later(59))
    assert found.needs_touch(later(60))


@fault("S3")
def test_a_ticket_gives_its_cookie_once_and_for_thirty_seconds(engine):
    ticket = run(engine, lambda s: sessions.make_ticket(s, "cookie", at=AT))
    use = lambda given, at: run(engine, lambda s: sessions.use_ticket(s, given, at=at))  # noqa: E731
    assert use("made up", AT) is None
    assert use(ticket, later(29)) == "cookie"
    assert use(ticket, later(29)) is None
    late = run(engine, lambda s: sessions.make_ticket(s, "cookie", at=AT))
    assert use(late, later(30)) is None


@fault("S4")
def test_what_raises_risk_asks_for_the_password_again_after_five_minutes(engine, ann):
    opened = enter(engine)
    found = who(engine, opened.sid)
    assert found.is_confirmed(later(299))
    assert not found.is_confirmed(later(300))
    given: dict[str, Any] = {"address": HERE, "at": later(400)}
    assert not login.confirm_password(engine, ann, found.session_id, "wrong password", **given)
    assert login.confirm_password(engine, ann, found.session_id, PASSWORD, **given)
    assert who(engine, opened.sid, later(401)).is_confirmed(later(401))


@fault("S1")
def test_a_person_sees_and_ends_their_own_sessions_only(engine, ann):
    bob = a_user(engine, "bob")
    opened = enter(engine)
    (session_row,) = run(engine, lambda s: sessions.open_sessions(s, ann, at=AT))
    assert (session_row.address, session_row.agent) == (HERE, "Test/1")
    with pytest.raises(NotFound):
        run(engine, lambda s: sessions.end_session_of(s, bob, session_row.session_id, at=AT))
    assert who(engine, opened.sid) is not None
    run(engine, lambda s: sessions.end_session_of(s, ann, session_row.session_id, at=AT))
    assert who(engine, opened.sid) is None


def test_the_set_up_code_makes_the_first_administrator_once(engine):
    first = run(engine, lambda s: links.make_setup_code(s, at=AT))
    code = run(engine, lambda s: links.make_setup_code(s, at=AT))

    def create(given, name="root"):
        return run(
            engine,
            lambda s: links.create_administrator(
                s, code=given, username=name, display_name="", password_hash=HASH, at=AT
            ),
        )

    for wrong in (first, "", "AAAA-AAAA"):
        with pytest.raises(Conflict, match="wrong, used or too old"):
            create(wrong)
    root = create(code.lower().replace("-", " "))
    assert run(engine, lambda s: users.get_user(s, root)).role is Role.ADMINISTRATOR
    with pytest.raises(Conflict):
        create(code, "other")
    with pytest.raises(Conflict, match="people already"):
        run(engine, lambda s: links.make_setup_code(s, at=AT))


@fault("S23")
def test_a_reset_link_sets_a_password_once_within_a_day_and_ends_sessions(engine, ann):
    root, opened = an_administrator(engine), enter(engine)
    with pytest.raises(NotAllowed):
        run(engine, lambda s: links.make_reset_link(s, ann, root, at=AT))
    old = run(engine, lambda s: links.make_reset_link(s, root, ann, at=AT))
    token = run(engine, lambda s: links.make_reset_link(s, root, ann, at=AT))
    assert run(engine, lambda s: links.reset_owner(s, old, at=AT)) is None
    assert run(engine, lambda s: links.reset_owner(s, token, at=AT)) == "ann"
    assert run(engine, lambda s: links.reset_owner(s, token, at=AT + timedelta(days=1))) is None
    new = passwords.hash_password("another good one")
    use = lambda: run(engine, lambda s: links.reset_password(s, token, password_hash=new, at=AT))  # noqa: E731
    assert use() == ann
    assert who(engine, opened.sid) is None
    assert enter(engine, password="another good one").user_id == ann
    with pytest.raises(Conflict, match="used or too old"):
        use()


@pytest.mark.parametrize(
    "password", ["", "short", "eleven char", "x" * 73, "é" * 37, "tab\tinside it"]
)
def test_passwords_are_refused_in_words(password):
    with pytest.raises(InvalidInput, match=r"password: (is too|holds)"):
        passwords.hash_password(password)


def test_the_authenticators_own_hasher_takes_our_hashes_and_we_take_its(monkeypatch):
    from streamlit_authenticator.utilities import Hasher

    assert Hasher.check_pw(PASSWORD, passwords.hash_password(PASSWORD))
    assert not Hasher.check_pw("something else", passwords.hash_password(PASSWORD))
    assert passwords.check_password(PASSWORD, Hasher.hash(PASSWORD))
    monkeypatch.undo()
    assert passwords.hash_password(PASSWORD).startswith("$2b$12$")


def test_a_session_is_asked_about_with_one_statement(engine, ann, monkeypatch):
    from sqlalchemy import event

    opened, statements = enter(engine), []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert who(engine, opened.sid) is not None
    assert len([s for s in statements if s.startswith("SELECT")]) == 1


@fault("S4")
def test_rows_changed_by_hand_end_the_session(engine, ann):
    opened = enter(engine)
    run(engine, lambda s: s.execute(update(User).values(auth_version=User.auth_version + 1)))
    assert who(engine, opened.sid) is None
    run(engine, lambda s: s.execute(text("DELETE FROM sessions")))
    assert who(engine, opened.sid) is None
