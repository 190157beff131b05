"""Exchange keys: stored sealed, one version after the other, erased when they are no longer needed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from nacl.public import PrivateKey

from core.errors import InvalidInput
from db import account_keys, accounts
from db.account_keys import newest_keys, seal, store_key
from db.errors import Conflict, NotFound
from db.keys import pair_id
from db.transactions import run
from tests.db.people import AT, a_live_account, a_user, first_account, later
from tests.faults import fault

PAIR = PrivateKey.generate()
PAIR_ID = pair_id(bytes(PAIR.public_key))


def sealed(user_id: int, account_id: int, **given: Any) -> str:
    named: dict[str, Any] = {
        "exchange": "binance",
        "api_key": "id",
        "secret": "s",
        "password": "",
        "at": AT,
    } | given
    return seal(PAIR.public_key, user_id=user_id, account_id=account_id, **named)


def store(engine, user_id, account_id, text=None, pair=PAIR_ID, at=AT) -> int:
    text = text or sealed(user_id, account_id)
    return run(
        engine, lambda s: store_key(s, user_id, account_id, sealed=text, pair_id=pair, at=at)
    )


@pytest.fixture
def ann(engine):
    return a_user(engine)


@pytest.fixture
def account_id(engine, ann):
    return a_live_account(engine, ann)


def test_a_key_is_replaced_by_a_new_version_and_the_old_one_stays_until_it_is_dropped(
    engine, ann, account_id
):
    assert [store(engine, ann, account_id), store(engine, ann, account_id, at=later(9))] == [1, 2]
    newest = run(engine, lambda s: newest_keys(s, [account_id]))[account_id]
    assert (newest.version, newest.user_id, newest.pair_id) == (2, ann, PAIR_ID)
    assert newest.created_at == later(9)
    kept = run(engine, lambda s: account_keys.key_versions(s, account_id))
    assert [key.version for key in kept] == [1, 2]
    assert run(engine, lambda s: account_keys.drop_older_keys(s, account_id, 2)) == 1
    assert store(engine, ann, account_id) == 3


def test_erased_keys_are_gone_and_their_numbers_are_not_used_again(engine, ann, account_id):
    other = a_live_account(engine, ann, name="Another")
    for place in (account_id, other):
        store(engine, ann, place)
    assert run(engine, lambda s: account_keys.erase_keys(s, [account_id])) == 1
    assert set(run(engine, lambda s: newest_keys(s, [account_id, other]))) == {other}
    others = run(engine, lambda s: account_keys.keys_not_of_pair(s, "f" * 16, after=0, most=9))
    assert [key.account_id for key in others] == [other]
    assert run(engine, lambda s: account_keys.key_version(s, ann, account_id)) == 1
    assert store(engine, ann, account_id) == 2


def test_archived_accounts_whose_keys_are_to_be_erased_are_found(engine, ann, account_id):
    other = a_live_account(engine, ann, name="Another")
    for place in (account_id, other):
        store(engine, ann, place)
    assert run(engine, account_keys.archived_with_keys) == []
    run(engine, lambda s: accounts.archive_account(s, ann, account_id, at=AT))
    assert run(engine, account_keys.archived_with_keys) == [account_id]
    run(engine, lambda s: account_keys.erase_keys(s, [account_id]))
    assert run(engine, account_keys.archived_with_keys) == []


def test_a_simulated_or_archived_account_takes_no_key(engine, ann, account_id):
    with pytest.raises(Conflict, match="not a live account"):
        store(engine, ann, first_account(engine, ann))
    run(engine, lambda s: accounts.archive_account(s, ann, account_id, at=AT))
    with pytest.raises(Conflict, match="not a live account"):
        store(engine, ann, account_id)


@fault("S1")
def test_somebody_elses_account_takes_no_key(engine, ann, account_id):
    bob = a_user(engine, "bob")
    with pytest.raises(NotFound):
        store(engine, bob, account_id)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("secret in clear", PAIR_ID),
        (base64.b64encode(b"x" * 48).decode(), PAIR_ID),
        ("A" * 8004, PAIR_ID),
        ("é" * 100, PAIR_ID),
        (base64.b64encode(b"x" * 99).decode(), "NOT-A-PAIR"),
    ],
)
def test_what_is_not_sealed_is_not_stored(engine, ann, account_id, text, pair):
    with pytest.raises(InvalidInput, match="not sealed") as refusal:
        store(engine, ann, account_id, text, pair)
    assert text not in str(refusal.value)
    assert run(engine, lambda s: newest_keys(s, [account_id])) == {}


@fault("S11")
@pytest.mark.parametrize(
    "typed",
    [
        {"api_key": ""},
        {"secret": " "},
        {"api_key": "a\nb"},
        {"secret": "é"},
        {"password": "x" * 201},
    ],
)
def test_what_cannot_be_a_key_is_refused_without_being_repeated(typed):
    with pytest.raises(InvalidInput) as refusal:
        sealed(1, 2, **typed)
    (value,) = typed.values()
    assert not value.strip() or value not in str(refusal.value)


def test_two_seals_of_the_same_key_differ():
    assert sealed(1, 2) != sealed(1, 2)


def test_a_sealed_key_does_not_show_its_text_when_printed(engine, ann, account_id):
    text = sealed(ann, account_id)
    store(engine, ann, account_id, text)
    assert text not in repr(run(engine, lambda s: newest_keys(s, [account_id])))
