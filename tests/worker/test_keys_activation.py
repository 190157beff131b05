"""What a key may do decides whether it is used; what nobody can tell, the person confirms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db.account_keys import SealedKey
from db.account_status import AccountStatus, KeyState
from tests.db.people import AT
from tests.faults import fault
from tests.worker.live_keys import GOOD, NoAnswer, SaysSo
from tests.worker.test_keys_opening import ACCOUNT
from worker.errors import VenueUnavailable
from worker.exchanges.adapter import BOUND
from worker.keys import activation
from worker.keys.activation import check_key, due, expiry_warning, judge, warning_is_new

DAY = timedelta(days=1)
ACCEPTS_ANY_ADDRESS = replace(ACCOUNT, accepts_no_address=True)
ACCEPTS_UNVERIFIED = replace(ACCOUNT, accepts_unverified=True)
ACCEPTS_ALL = replace(ACCOUNT, accepts_no_address=True, accepts_unverified=True)


def state(found, account=ACCOUNT, at=AT):
    return judge("Binance", found, account, at).state


def sentence(found, account=ACCOUNT, at=AT):
    return judge("Binance", found, account, at).sentence


def test_a_key_that_can_only_trade_from_one_address_is_used():
    assert state(GOOD) is KeyState.ACTIVE
    assert state(replace(GOOD, addresses=BOUND)) is KeyState.ACTIVE


@fault("E32", "S15")
@pytest.mark.parametrize("right", ["withdraw", "transfer"])
def test_a_key_that_can_move_coins_away_is_refused_whatever_was_confirmed(right):
    withdraws = right == "withdraw"
    found = replace(GOOD, can_withdraw=withdraws, can_transfer=not withdraws)
    assert state(found, ACCEPTS_ALL) is KeyState.REFUSED
    assert f"can {right} coins" in sentence(found)
    assert "make a new key" in sentence(found)


def test_a_key_that_cannot_trade_is_refused():
    assert state(replace(GOOD, can_trade=False), ACCEPTS_ALL) is KeyState.REFUSED
    assert "cannot place spot orders" in sentence(replace(GOOD, can_trade=False))


@fault("E32")
def test_a_key_that_works_from_anywhere_has_to_be_confirmed():
    found = replace(GOOD, addresses=())
    assert state(found) is KeyState.NEEDS_CONFIRMATION
    assert "works from any address" in sentence(found)
    assert state(found, ACCEPTS_UNVERIFIED) is KeyState.NEEDS_CONFIRMATION
    assert state(found, ACCEPTS_ANY_ADDRESS) is KeyState.ACTIVE


@pytest.mark.parametrize(
    "unknown",
    [
        {"can_withdraw": None},
        {"can_transfer": None},
        {"can_trade": None},
        {"addresses": None},
        {"readable": False},
        {"can_trade": None, "can_withdraw": None, "can_transfer": None, "readable": False},
    ],
)
def test_what_the_exchange_does_not_tell_has_to_be_confirmed(unknown):
    found = replace(GOOD, **unknown)
    assert state(found) is KeyState.NEEDS_CONFIRMATION
    assert "does not tell everything" in sentence(found)
    assert state(found, ACCEPTS_ANY_ADDRESS) is KeyState.NEEDS_CONFIRMATION
    assert state(found, ACCEPTS_UNVERIFIED) is KeyState.ACTIVE


def test_both_doubts_are_named_and_both_have_to_be_confirmed():
    found = replace(GOOD, can_withdraw=None, addresses=())
    assert "any address" in sentence(found)
    assert "does not tell" in sentence(found)
    assert state(found, ACCEPTS_ANY_ADDRESS) is KeyState.NEEDS_CONFIRMATION
    assert state(found, ACCEPTS_ALL) is KeyState.ACTIVE


@fault("E31")
def test_the_end_of_a_key_is_told_14_3_and_1_days_ahead():
    ends = AT + 20 * DAY
    assert [expiry_warning(ends, AT + days * DAY) is not None for days in (0, 5, 6, 19)] == [
        False, False, True, True,
    ]  # fmt: skip
    told, last = [], None
    for hours in range(0, 24 * 20, 6):
        now = AT + timedelta(hours=hours)
        if warning_is_new(ends, last, now):
            told.append(activation.days_left(ends, now))
        last = now
    assert told == [14, 3, 1]
    found = replace(GOOD, expires_at=ends)
    assert "expires in 3 days, on" in sentence(found, at=AT + 17 * DAY)
    assert "expires in 1 day," in sentence(found, at=AT + 19.5 * DAY)
    assert state(found, at=AT + 19 * DAY) is KeyState.ACTIVE
    assert state(found, at=ends) is KeyState.REFUSED
    assert "has expired" in sentence(found, at=ends)


# --- asking the exchange


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(activation, "CONFIRM_EACH", 0)


async def test_a_key_is_bad_only_when_the_exchange_says_so_three_times():
    exchange = SaysSo(KeyError("signature=abc"), KeyError("signature=abc"), GOOD)
    found = await check_key(exchange.adapter, None, ACCOUNT, at=AT)
    assert found.state is KeyState.ACTIVE
    assert len(exchange.asked) == 3


@fault("E31")
async def test_a_key_that_is_revoked_is_refused_without_the_text_of_the_error():
    exchange = SaysSo(KeyError("https://x/?signature=abc"))
    found = await check_key(exchange.adapter, None, ACCOUNT, at=AT)
    assert found.state is KeyState.REFUSED
    assert "Binance does not accept this key (test KeyError)" in found.sentence
    assert "signature" not in found.sentence
    assert len(exchange.asked) == 3


async def test_an_exchange_that_does_not_answer_proves_nothing():
    exchange = SaysSo(NoAnswer("https://x/?signature=abc"))
    with pytest.raises(VenueUnavailable) as error:
        await check_key(exchange.adapter, None, ACCOUNT, at=AT)
    assert "signature" not in str(error.value)
    assert error.value.__context__ is None
    assert len(exchange.asked) == 1


# --- when to look


KEY = SealedKey(1, 7, 3, 2, "0" * 16, "", AT - DAY)


def said(key_state, version=2, checked=AT, **more):
    return AccountStatus(
        account_id=7, user_id=3, key_version=version, key_state=key_state, checked_at=checked,
        updated_at=AT, **more,
    )  # fmt: skip


def after(status, time, account=ACCOUNT, newest=KEY):
    return due(status, account, newest, AT + time)


@fault("E32")
def test_a_key_in_use_is_looked_at_each_day():
    assert not after(said(KeyState.ACTIVE), DAY - timedelta(seconds=1))
    assert after(said(KeyState.ACTIVE), DAY)


@pytest.mark.parametrize("key_state", [KeyState.REFUSED, KeyState.NEEDS_CONFIRMATION])
def test_one_that_is_not_in_use_sooner_and_not_all_the_time(key_state):
    assert not after(said(key_state), timedelta(minutes=14))
    assert after(said(key_state), timedelta(minutes=15))


def test_a_new_key_at_once_and_once():
    new = replace(KEY, version=3, created_at=AT + timedelta(seconds=1))
    assert after(None, timedelta(0))
    assert after(said(KeyState.ACTIVE), timedelta(seconds=2), newest=new)
    later = said(KeyState.ACTIVE, checked=AT + timedelta(seconds=3))
    assert not after(later, timedelta(seconds=4), newest=new)
    assert after(later, timedelta(minutes=16), newest=new)


def test_one_that_was_confirmed_at_once_and_a_half_confirmed_one_not():
    found = replace(GOOD, can_withdraw=None, addresses=())
    status = said(KeyState.NEEDS_CONFIRMATION, permissions=activation.shown(found))
    second = timedelta(seconds=1)
    assert not after(status, second)
    assert not after(status, second, ACCEPTS_ANY_ADDRESS)
    assert after(status, second, ACCEPTS_ALL)


def test_an_account_without_a_key_is_looked_at_once():
    assert due(said(KeyState.ACTIVE), ACCOUNT, None, AT)
    assert not due(said(KeyState.NONE, version=None), ACCOUNT, None, AT + DAY)
    assert not due(None, ACCOUNT, None, AT)


@fault("P7")
def test_a_clock_that_was_set_back_does_not_put_the_check_off():
    assert after(said(KeyState.ACTIVE), -DAY)
