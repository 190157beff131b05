"""A sealed key opens for its own account only, and an open one shows itself to nobody."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from nacl.public import PrivateKey, SealedBox

from db.account_keys import SealedKey, seal
from db.accounts import Account, AccountKind
from db.keys import pair_id
from tests.db.people import AT
from tests.faults import fault
from worker.errors import KeyRefused
from worker.keys import opening
from worker.keys.opening import ExchangeKey, fingerprint, open_key

OURS = b"k" * 32
PAIR = PrivateKey.generate()
PAIRS = {pair_id(bytes(PAIR.public_key)): PAIR}
ACCOUNT = Account(
    account_id=7,
    user_id=3,
    name="Real",
    kind=AccountKind.LIVE,
    exchange="binance",
    venue="binance",
    stated_balance={},
    created_at=AT,
    archived_at=None,
    caps={"USDT": Decimal(500)},
)
CANARY = "canary-0815"


def sealed(text: str | None = None, **given) -> SealedKey:
    content: dict[str, Any] = {
        "user_id": 3,
        "account_id": 7,
        "exchange": "binance",
        "api_key": f"key-{CANARY}",
        "secret": f"secret\n{CANARY}",
        "password": f"pass {CANARY}",
        "at": AT,
    } | given
    (pair,) = PAIRS
    return SealedKey(1, 7, 3, 1, pair, text or seal(PAIR.public_key, **content), AT)


def boxed(content: object) -> SealedKey:
    clear = content if isinstance(content, bytes) else orjson.dumps(content)
    return sealed(base64.b64encode(SealedBox(PAIR.public_key).encrypt(clear)).decode())


def opened(key: SealedKey | None = None, account: Account = ACCOUNT, pairs=PAIRS) -> ExchangeKey:
    return open_key(key or sealed(), pairs, account, OURS)


def test_what_was_sealed_is_opened_again():
    key = opened()
    assert key.api_key == f"key-{CANARY}"
    assert key.secret == f"secret\n{CANARY}"
    assert key.password == f"pass {CANARY}"
    assert opened(sealed(password="")).password == ""


def test_the_text_inside_is_what_the_browser_will_write():
    clear = SealedBox(PAIR).decrypt(base64.b64decode(sealed().sealed))
    content = json.loads(clear)
    assert sorted(content) == [
        "account_id", "created", "exchange", "key", "nonce", "password", "secret", "user_id", "v",
    ]  # fmt: skip
    assert json.dumps(content, sort_keys=True, separators=(",", ":")).encode() == clear


@fault("E31", "S13")
@pytest.mark.parametrize("changed", [{"user_id": 4}, {"account_id": 8}, {"exchange": "okx"}])
def test_a_text_that_was_sealed_for_somebody_else_is_refused(changed):
    with pytest.raises(KeyRefused, match="made for another account"):
        opened(sealed(**changed))


@fault("S13", "I13")
def test_a_row_that_was_moved_to_another_account_is_refused():
    for moved in (replace(ACCOUNT, account_id=8), replace(ACCOUNT, user_id=4)):
        with pytest.raises(KeyRefused, match="made for another account"):
            opened(sealed(), moved)
    with pytest.raises(KeyRefused, match="made for another account"):
        opened(replace(sealed(), user_id=4))


def test_a_paper_account_has_no_key():
    with pytest.raises(KeyRefused):
        opened(sealed(), replace(ACCOUNT, kind=AccountKind.PAPER))


@pytest.mark.parametrize(
    "text", ["", "not base64!", base64.b64encode(b"short").decode(), "é", sealed().sealed[:-8]]
)
def test_a_damaged_text_is_refused_with_the_way_out(text):
    with pytest.raises(KeyRefused, match="Enter the exchange key again"):
        opened(replace(sealed(), sealed=text))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'"x"', CANARY.encode()])
def test_what_is_no_key_inside_is_refused(content):
    with pytest.raises(KeyRefused, match="damaged"):
        opened(boxed(content))


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "a\nHeader: b"},
        {"key": ""},
        {"key": 5},
        {"secret": None},
        {"password": "a\nb"},
        {"v": 2},
    ],
)
def test_what_no_seal_of_ours_would_hold_is_refused(changed):
    content = {
        "v": 1, "user_id": 3, "account_id": 7, "exchange": "binance", "created": "", "nonce": "",
        "key": "k", "secret": "s", "password": "",
    }  # fmt: skip
    assert opened(boxed(content)).api_key == "k"
    with pytest.raises(KeyRefused):
        opened(boxed(content | changed))


def test_another_pair_does_not_open_it_and_an_unknown_one_is_named_as_such():
    other = PrivateKey.generate()
    (pair,) = PAIRS
    with pytest.raises(KeyRefused, match="damaged"):
        opened(pairs={pair: other})
    with pytest.raises(KeyRefused, match="key pair that this worker does not have"):
        opened(pairs={})


@fault("S11")
def test_an_open_key_shows_itself_nowhere():
    key = opened()
    shown = [
        repr(key),
        str(key),
        f"{key}",
        f"{key:>40}",
        "{} {!r}".format(*[key, key]),
        repr([key]),
        repr({key: key}),
    ]
    assert not any(CANARY in text for text in shown)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_open_key_is_not_copied_or_written(write):
    with pytest.raises(TypeError, match="not copied") as refusal:
        write(opened())
    assert CANARY not in str(refusal.value)
    with pytest.raises(TypeError):
        json.dumps(opened())
    with pytest.raises(TypeError):
        orjson.dumps(opened())


def test_equal_keys_are_equal_by_their_fingerprint_which_says_nothing_about_them():
    key, again = opened(), opened(sealed(secret="another"))
    assert key == again
    assert hash(key) == hash(again)
    assert key != opened(sealed(api_key="another"))
    assert key != CANARY
    assert len(key.fingerprint) == 64
    assert fingerprint(OURS, "okx", key.api_key) != key.fingerprint
    assert fingerprint(b"x" * 32, "binance", key.api_key) != key.fingerprint


def test_no_refusal_carries_what_was_inside():
    """Not in its text, not in what led to it: a debugger or a log handler would write that as well."""
    cases = [
        (sealed(user_id=4), PAIRS),
        (boxed(f'{{"v": 1, "key": "{CANARY}"'.encode()), PAIRS),
        (boxed({"v": 2, "key": CANARY}), PAIRS),
        (sealed(), {}),
    ]
    for key, pairs in cases:
        with pytest.raises(KeyRefused) as refusal:
            opened(key, pairs=pairs)
        error: BaseException | None = refusal.value
        while error is not None:
            assert CANARY not in repr(error)
            assert CANARY not in repr(vars(error))
            assert not isinstance(error, orjson.JSONDecodeError)
            error = error.__cause__ or error.__context__
    assert opening.DAMAGED
