"""May this key be used? Asked of the exchange before a key is used at all, and each day again.

A key that could move coins away is refused. What the exchange does not tell, or would leave the key
usable from anywhere, the person has to confirm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from db.account_keys import SealedKey
from db.account_status import AccountStatus, KeyState
from db.accounts import Account
from worker.errors import KeyRefused, VenueUnavailable
from worker.exchanges.adapter import Adapter, Client, Permissions, Trouble

T = TypeVar("T")
AGAIN_AFTER = timedelta(days=1)
SOONER_AFTER = timedelta(minutes=15)
"""A key that is not in use is looked at more often: its owner may have mended it on the exchange."""
CONFIRMATIONS = 3
CONFIRM_EACH = 1.0
WARN_DAYS = (14, 3, 1)
# What ccxt and the adapters raise while they read an answer that is not what they expect.
GARBAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, TimeoutError)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """`permissions`: what the exchange said, as the screens show it."""

    state: KeyState
    sentence: str
    permissions: dict[str, Any] | None = None
    expires_at: datetime | None = None


async def check_key(
    adapter: Adapter, client: Client, account: Account, *, at: datetime
) -> KeyCheck:
    """Raises `VenueUnavailable` when the exchange gives no answer: then nothing is concluded."""
    try:
        permissions = await asked(adapter, lambda: adapter.permissions(client))
    except KeyRefused as refused:
        return KeyCheck(KeyState.REFUSED, str(refused))
    return judge(adapter.name, permissions, account, at)


async def asked(adapter: Adapter, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer to a signed question. That the key is bad counts only when it is said three times."""
    from ccxt.base.errors import BaseError  # takes a second to load, and a simulation needs it not

    said = ""
    for confirmation in range(CONFIRMATIONS):
        if confirmation:
            await asyncio.sleep(CONFIRM_EACH)
        try:
            return await ask()
        except (BaseError, *GARBAGE) as error:
            outcome = adapter.outcome(error)
        if outcome.trouble is not Trouble.KEY:
            # Raised from here, not from within: the text of that error holds a signed address.
            raise VenueUnavailable(outcome.code)
        said = outcome.code
    raise KeyRefused(
        f"{adapter.name} does not accept this key ({said}): it may be mistyped, revoked, expired, or bound to"
        f" another address than this server's. Look at it on {adapter.name}, then enter it here again."
    )


def judge(name: str, found: Permissions, account: Account, at: datetime) -> KeyCheck:
    """What follows from what a key may do. `name`: the exchange's, for the sentences."""
    refusal = _refusal(name, found, at)
    if refusal is not None:
        return KeyCheck(KeyState.REFUSED, refusal, shown(found), found.expires_at)
    doubts = _doubts(name, found, account)
    if doubts:
        until = "Nothing is traded until you have confirmed that on the account's page."
        sentence = " ".join([*doubts, until])
        return KeyCheck(KeyState.NEEDS_CONFIRMATION, sentence, shown(found), found.expires_at)
    warning = expiry_warning(found.expires_at, at)
    sentence = warning or "The key works: it can trade, and it cannot move coins away."
    if warning is None and not is_proven_harmless(found):
        sentence = "The key is in use. What it may do could not be verified, as you have confirmed."
    return KeyCheck(KeyState.ACTIVE, sentence, shown(found), found.expires_at)


def is_proven_harmless(found: Permissions) -> bool:
    return found.readable and found.can_withdraw is False and found.can_transfer is False


def shown(found: Permissions) -> dict[str, Any]:
    """For the status row: null is what the exchange does not tell."""
    return {
        "trade": found.can_trade,
        "withdraw": found.can_withdraw,
        "transfer": found.can_transfer,
        "addresses": None if found.addresses is None else list(found.addresses),
        "readable": found.readable,
    }


def due(
    status: AccountStatus | None, account: Account, newest: SealedKey | None, at: datetime
) -> bool:
    """Whether the exchange is to be asked about the key now. `newest`: the newest one stored."""
    if newest is None:
        return status is not None and status.key_state is not KeyState.NONE
    if status is None or status.checked_at is None or status.checked_at > at:
        return True
    if status.key_version == newest.version:
        is_settled = status.key_state is KeyState.ACTIVE
        if status.key_state is KeyState.NEEDS_CONFIRMATION and _is_confirmed(status, account):
            return True
    else:
        # An older one is in use, because this one was refused; or this one has just come.
        is_settled = False
        if newest.created_at > status.checked_at or status.key_state is not KeyState.ACTIVE:
            return True
    return at >= status.checked_at + (AGAIN_AFTER if is_settled else SOONER_AFTER)


def _is_confirmed(status: AccountStatus, account: Account) -> bool:
    """Whether all that was doubted when the exchange was asked has been confirmed since."""
    known = status.permissions or {}
    found = Permissions(
        can_trade=known.get("trade"),
        can_withdraw=known.get("withdraw"),
        can_transfer=known.get("transfer"),
        addresses=None if known.get("addresses") is None else tuple(known["addresses"]),
        readable=known.get("readable", False),
    )
    return not _doubts("", found, account)


def days_left(expires_at: datetime, at: datetime) -> int:
    """Whole days, rounded up: 1 on the last day."""
    return -((at - expires_at) // timedelta(days=1))


def expiry_warning(expires_at: datetime | None, at: datetime) -> str | None:
    """A sentence from 14 days before the end on; None: there is nothing to warn of."""
    if expires_at is None or days_left(expires_at, at) > max(WARN_DAYS):
        return None
    left = days_left(expires_at, at)
    days = "1 day" if left == 1 else f"{left} days"
    return (
        f"The key expires in {days}, on {expires_at:%Y-%m-%d}. Make a new one"
        " on the exchange and replace it here; running cycles go on with it."
    )


def warning_is_new(expires_at: datetime | None, last: datetime | None, at: datetime) -> bool:
    """Whether a person is to be told again: once at 14, 3 and 1 days. `last`: when it was last looked at."""
    if expires_at is None or expiry_warning(expires_at, at) is None:
        return False
    if last is None:
        return True
    return any(
        days_left(expires_at, at) <= step < days_left(expires_at, last) for step in WARN_DAYS
    )


def _refusal(name: str, found: Permissions, at: datetime) -> str | None:
    if found.can_withdraw:
        return (
            "This key can withdraw coins, so it is not used: whoever stole it could empty the account."
            f" On {name}, take that right away from it or make a new key, then enter that here."
        )
    if found.can_transfer:
        return (
            "This key can transfer coins to other accounts, so it is not used: whoever stole it could empty"
            f" the account. On {name}, take that right away from it or make a new key, then enter that here."
        )
    if found.can_trade is False:
        return (
            f"This key cannot place spot orders. On {name}, allow it spot trading (and nothing that moves"
            " coins away), or make a new key and enter that here."
        )
    if found.expires_at is not None and found.expires_at <= at:
        return f"This key has expired. Make a new one on {name} and enter that here."
    return None


def _doubts(name: str, found: Permissions, account: Account) -> list[str]:
    """What the person has to confirm and has not yet."""
    doubts = []
    known = found.readable and None not in (
        found.can_trade, found.can_withdraw, found.can_transfer, found.addresses,
    )  # fmt: skip
    if not known and not account.accepts_unverified:
        doubts.append(
            f"{name} does not tell everything that this key may do. Make sure there that it cannot withdraw"
            " or transfer, and that it is bound to this server's address."
        )
    if found.addresses == () and not account.accepts_no_address:
        doubts.append(
            "This key works from any address: whoever steals it can trade with your money from anywhere. Bind"
            f" it to this server's address on {name}, or confirm that you accept this."
        )
    return doubts
