"""A draft of the wizard: one per person, and two windows that write it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from core.errors import InvalidInput
from db import drafts, preferences
from db.drafts import DraftChanged
from db.errors import Conflict, NotFound
from db.preferences import Theme
from db.transactions import run
from tests.db.people import AT, a_user, later
from tests.faults import fault


@pytest.fixture
def ann(engine):
    return a_user(engine)


def save(engine, user_id, content, rev, at=AT):
    return run(engine, lambda s: drafts.save(s, user_id, content=content, rev=rev, at=at))


def load(engine, user_id):
    return run(engine, lambda s: drafts.load(s, user_id))


def test_a_draft_is_kept_and_goes_on_after_it_was_put_away(engine, ann):
    assert load(engine, ann) == drafts.NONE_YET
    assert save(engine, ann, {"symbol": "BTC/USDT", "levels": ["1", "2"]}, 0) == 1
    assert save(engine, ann, {"symbol": "ETH/USDT"}, 1, later(5)) == 2
    found = load(engine, ann)
    assert (found.rev, found.content, found.changed_at) == (2, {"symbol": "ETH/USDT"}, later(5))
    assert run(engine, lambda s: drafts.drop(s, ann, rev=2, at=AT)) == 3
    assert load(engine, ann).content is None
    assert save(engine, ann, {"name": "Übung"}, 3) == 4


@fault("I8")
def test_the_second_of_two_windows_is_shown_what_the_first_has_saved(engine, ann):
    save(engine, ann, {"name": "first"}, 0)
    with pytest.raises(DraftChanged) as refused:
        save(engine, ann, {"name": "second"}, 0)
    assert refused.value.draft.content == {"name": "first"}
    assert save(engine, ann, {"name": "second"}, refused.value.draft.rev) == 2


@fault("I8")
def test_of_windows_that_save_at_the_same_moment_one_gets_through(engine, ann):
    save(engine, ann, {}, 0)

    def attempt(number):
        try:
            return save(engine, ann, {"number": number}, 1)
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(attempt, range(6)))
    assert [answer for answer in answers if answer is not None] == [2]


def test_a_window_that_saves_what_was_put_away_elsewhere_is_told_so(engine, ann):
    save(engine, ann, {"name": "mine"}, 0)
    run(engine, lambda s: drafts.drop(s, ann, rev=1, at=AT))
    with pytest.raises(DraftChanged):
        save(engine, ann, {"name": "mine"}, 1)


def test_a_draft_that_never_ends_is_refused(engine, ann):
    with pytest.raises(InvalidInput, match="too long"):
        save(engine, ann, {"name": "x" * drafts.LONGEST}, 0)


@fault("I13")
@pytest.mark.parametrize("value", ["nonsense", "[1]", "7"])
def test_a_draft_written_by_hand_is_no_draft(engine, ann, value):
    save(engine, ann, {}, 0)
    with engine.begin() as connection:
        connection.execute(text("UPDATE drafts SET content = :v"), {"v": value})
    assert load(engine, ann).content is None
    assert save(engine, ann, {}, 1) == 2


def test_nobody_who_does_not_exist_has_a_draft(engine):
    with pytest.raises(NotFound):
        save(engine, 10**9, {}, 0)


def test_a_theme_is_kept_and_one_that_nobody_knows_is_the_devices(engine, ann):
    def theme():
        return run(engine, lambda s: preferences.theme(s, ann))

    assert theme() is Theme.SYSTEM
    for chosen in (Theme.DARK, Theme.LIGHT):
        run(engine, partial(preferences.set_theme, user_id=ann, theme=chosen, at=AT))
        assert theme() is chosen
    with engine.begin() as connection:
        connection.execute(text("UPDATE user_preferences SET theme = 'neon'"))
    assert theme() is Theme.SYSTEM
