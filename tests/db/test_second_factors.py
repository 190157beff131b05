"""The second factor: set up, asked for at sign-in, used once, lost and reset."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pyotp
import pytest
from sqlalchemy import select, text

from core.errors import InvalidInput
from db import links, login, passwords, second_factors, sessions, users
from db.errors import Conflict, NotAllowed, NotFound
from db.login import CodeNeeded, LoginRefused
from db.second_factors import SeedUnreadable
from db.tables import Model
from db.transactions import run
from tests.db.people import AT, a_user, an_administrator, later
from tests.faults import fault

PASSWORD = "correct horse battery"
KEY = secrets.token_bytes(32)
HERE = "192.0.2.1"


@pytest.fixture(scope="module")
def recovery():
    return second_factors.new_recovery_codes()


@pytest.fixture
def ann(engine, monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    passwords._dummy_hash.cache_clear()
    return a_user(engine, "ann", password_hash=passwords.hash_password(PASSWORD))


def enrolled(engine, user_id, recovery, at=AT):
    """The phone: what shows the codes."""
    seed = run(engine, lambda s: second_factors.enrol(s, user_id, seed_key=KEY, at=at))
    phone = pyotp.TOTP(seed.secret)
    run(
        engine,
        lambda s: second_factors.confirm(
            s, user_id, phone.at(at), seed_key=KEY, recovery=recovery, at=at
        ),
    )
    return phone


def verify(engine, user_id, code, at):
    return run(engine, lambda s: second_factors.verify(s, user_id, code, seed_key=KEY, at=at))


def start(engine, at=AT, password=PASSWORD, address=HERE):
    """The token that the right password gives."""
    with pytest.raises(CodeNeeded) as asked:
        login.log_in(engine, "ann", password, address=address, agent="x", trusted=False, at=at)
    return asked.value.token


def finish(engine, token, code, at, address=HERE):
    return login.finish_log_in(
        engine, token, code, seed_key=KEY, address=address, agent="x", trusted=False, at=at
    )


def test_it_is_asked_for_only_once_a_code_has_shown_that_the_phone_has_it(engine, ann, recovery):
    seed = run(engine, lambda s: second_factors.enrol(s, ann, seed_key=KEY, at=AT))
    assert seed.uri.startswith("otpauth://totp/Stepladder:ann?")
    opened = login.log_in(engine, "ann", PASSWORD, address=HERE, agent="x", trusted=False, at=AT)
    assert opened.user_id == ann
    with pytest.raises(InvalidInput, match="wrong or too old"):
        run(engine, lambda s: second_factors.confirm(
            s, ann, "000000", seed_key=KEY, recovery=recovery, at=AT
        ))  # fmt: skip
    phone = enrolled(engine, ann, recovery)
    known = run(engine, lambda s: second_factors.second_factor(s, ann))
    assert known is not None
    assert (known.confirmed_at, known.recovery_codes_left) == (AT, 10)
    opened = finish(engine, start(engine, later(30)), phone.at(later(30)), later(30))
    who = run(engine, lambda s: sessions.session_user(s, opened.sid, at=later(30)))
    assert who is not None
    assert who.has_second_factor


@fault("S7")
def test_a_code_counts_once_however_many_bring_it_at_the_same_moment(engine, ann, recovery):
    phone, now = enrolled(engine, ann, recovery), later(60)
    code = phone.at(now)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: verify(engine, ann, code, now), range(50)))
    assert answers.count(True) == 1


@fault("S7")
def test_the_code_that_set_it_up_and_codes_before_the_last_one_are_refused(engine, ann, recovery):
    phone = enrolled(engine, ann, recovery)
    assert not verify(engine, ann, phone.at(AT), later(1))
    assert verify(engine, ann, phone.at(later(90)), later(60)), "a phone a little early"
    assert not verify(engine, ann, phone.at(later(60)), later(61))


@pytest.mark.parametrize("seconds", [-90, -60, 60, 90])
def test_a_code_of_another_time_is_refused(engine, ann, recovery, seconds):
    phone, now = enrolled(engine, ann, recovery), later(3600)
    assert not verify(engine, ann, phone.at(now + timedelta(seconds=seconds)), now)


@pytest.mark.parametrize("code", ["", "12345", "١٢٣٤٥٦", "abcdef", "1" * 10_000, "12 34\0"])
def test_nonsense_is_refused(engine, ann, recovery, code):
    enrolled(engine, ann, recovery)
    assert not verify(engine, ann, code, later(60))


@fault("S7", "S5")
def test_codes_cannot_be_guessed_and_who_has_a_recovery_code_comes_in_all_the_same(
    engine, ann, recovery
):
    phone = enrolled(engine, ann, recovery)
    tried = 0
    for number in range(100):
        now, address = later(120 + number), f"198.51.100.{number // 3}"
        token = run(engine, partial(links.code_token, user_id=ann, at=now))
        before = tried
        with pytest.raises(LoginRefused):
            finish(engine, token, "000000", now, address)
        with engine.connect() as connection:
            counted = text("SELECT count(*) FROM login_attempts WHERE username LIKE 'code:%'")
            tried = connection.scalar(counted)
        assert tried - before in (0, 1)
    assert tried == login.MOST_CODES_PER_PERSON
    now = later(230)
    with pytest.raises(LoginRefused):
        finish(engine, start(engine, now), phone.at(now), now)
    assert finish(engine, start(engine, now), recovery.codes[0], now).user_id == ann
    much_later = later(230 + 15 * 60)
    assert finish(engine, start(engine, much_later), phone.at(much_later), much_later)


def test_a_recovery_code_lets_in_once_however_it_is_typed(engine, ann, recovery):
    enrolled(engine, ann, recovery)
    typed = recovery.codes[3].lower().replace("-", " ")
    assert finish(engine, start(engine), typed, later(1)).user_id == ann
    with pytest.raises(LoginRefused):
        finish(engine, start(engine), typed, later(2))
    known = run(engine, lambda s: second_factors.second_factor(s, ann))
    assert known is not None
    assert known.recovery_codes_left == 9


def test_new_recovery_codes_replace_the_old(engine, ann, recovery):
    enrolled(engine, ann, recovery)
    others = second_factors.new_recovery_codes()
    run(engine, lambda s: second_factors.replace_recovery_codes(s, ann, recovery=others, at=AT))
    with pytest.raises(LoginRefused):
        finish(engine, start(engine), recovery.codes[0], later(1))
    assert finish(engine, start(engine), others.codes[0], later(2)).user_id == ann


def test_the_right_password_alone_opens_no_session_and_its_token_works_once_for_five_minutes(
    engine, ann, recovery
):
    phone = enrolled(engine, ann, recovery)
    token = start(engine, later(60))
    assert run(engine, lambda s: sessions.open_sessions(s, ann, at=later(60))) == ()
    assert finish(engine, token, phone.at(later(60)), later(60))
    with pytest.raises(LoginRefused):
        finish(engine, token, phone.at(later(90)), later(90))
    token = start(engine, later(120))
    with pytest.raises(LoginRefused):
        finish(engine, token, phone.at(later(421)), later(421))


def test_a_login_half_done_ends_with_the_sessions(engine, ann, recovery):
    phone = enrolled(engine, ann, recovery)
    token = start(engine, later(60))
    run(engine, lambda s: users.change_password(s, ann, password_hash="x", at=later(61)))
    with pytest.raises(LoginRefused):
        finish(engine, token, phone.at(later(62)), later(62))


def test_a_wrong_password_never_says_that_there_is_a_second_factor(engine, ann, recovery):
    enrolled(engine, ann, recovery)
    with pytest.raises(LoginRefused):
        login.log_in(engine, "ann", "wrong password", address=HERE, agent="x", trusted=False, at=AT)


def test_a_code_confirms_a_session_as_a_password_does(engine, ann, recovery):
    phone = enrolled(engine, ann, recovery)
    opened = finish(engine, start(engine, later(60)), phone.at(later(60)), later(60))
    now = later(1000)

    def who():
        return run(engine, lambda s: sessions.session_user(s, opened.sid, at=now))

    assert not who().is_confirmed(now)
    login.confirm_code(
        engine, ann, who().session_id, phone.at(now), seed_key=KEY, address=HERE, at=now
    )
    assert who().is_confirmed(now)


def test_an_administrator_resets_it_and_ends_the_sessions(engine, ann, recovery):
    root, bob = an_administrator(engine), a_user(engine, "bob")
    phone = enrolled(engine, ann, recovery)
    finish(engine, start(engine, later(60)), phone.at(later(60)), later(60))
    with pytest.raises(NotAllowed):
        run(engine, lambda s: second_factors.reset(s, bob, ann, at=AT))
    run(engine, lambda s: second_factors.reset(s, root, ann, at=later(61)))
    assert run(engine, lambda s: sessions.open_sessions(s, ann, at=later(61))) == ()
    assert run(engine, lambda s: second_factors.second_factor(s, ann)) is None
    enrolled(engine, ann, recovery)


def test_it_is_removed_by_its_person_and_set_up_only_once(engine, ann, recovery):
    enrolled(engine, ann, recovery)
    with pytest.raises(Conflict, match="already"):
        run(engine, lambda s: second_factors.enrol(s, ann, seed_key=KEY, at=AT))
    run(engine, lambda s: second_factors.remove(s, ann, at=AT))
    with pytest.raises(NotFound):
        run(engine, lambda s: second_factors.remove(s, ann, at=AT))


@fault("S12")
def test_neither_seeds_nor_recovery_codes_stand_in_the_database(engine, ann, recovery):
    phone = enrolled(engine, ann, recovery)
    finish(engine, start(engine, later(60)), phone.at(later(60)), later(60))
    with engine.connect() as connection:
        kept = repr([connection.execute(select(t)).all() for t in Model.metadata.sorted_tables])
    for secret in (phone.secret, *recovery.codes):
        assert secret not in kept
        assert secret.replace("-", "") not in kept


@fault("S13")
def test_a_seed_moved_to_another_person_or_sealed_with_another_key_is_of_no_use(
    engine, ann, recovery
):
    bob = a_user(engine, "bob")
    phone = enrolled(engine, ann, recovery)
    enrolled(engine, bob, second_factors.RecoveryCodes((), "s", ()))
    with engine.begin() as connection:
        seed = connection.scalar(
            text("SELECT seed FROM second_factors WHERE user_id = :a"), {"a": ann}
        )
        connection.execute(
            text("UPDATE second_factors SET seed = :s WHERE user_id = :b"), {"s": seed, "b": bob}
        )
    with pytest.raises(SeedUnreadable):
        verify(engine, bob, phone.at(later(60)), later(60))
    with pytest.raises(SeedUnreadable):
        run(engine, lambda s: second_factors.verify(
            s, ann, phone.at(later(60)), seed_key=bytes(32), at=later(60)
        ))  # fmt: skip
