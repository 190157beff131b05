"""Pure: what the screens say of a live account, in which colour, and whether a strategy may start on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.exchanges import LIVE_EXCHANGES, LiveExchange
from core.money import ZERO
from dashboard.formatting import ago, count, duration, money
from db.account_status import AccountStatus, KeyState, SelfTest
from db.reports import LiveAccount

STALE_AFTER = timedelta(minutes=3)
SOON = timedelta(days=14)
VERY_SOON = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Said:
    """A badge and the sentence beside it. `colour`: as Streamlit names it; red and orange want something."""

    word: str
    colour: str
    sentence: str

    @property
    def is_urgent(self) -> bool:
        return self.colour in ("red", "orange")


NO_KEY = Said("no key yet", "orange", "Enter its key: nothing is traded without one.")
WAITING = Said(
    "key waits to be checked", "blue",
    "The worker asks the exchange what this key may do, usually within a minute.",
)  # fmt: skip


def exchange_of(exchange: str) -> LiveExchange | None:
    return LIVE_EXCHANGES.get(exchange)


def exchange_name(exchange: str) -> str:
    found = exchange_of(exchange)
    return exchange if found is None else found.name


def key_said(live: LiveAccount) -> Said:
    status = live.status
    if live.key_version is None:
        return NO_KEY
    if status is None or status.key_version is None:
        return WAITING
    said = _by_state(status)
    if status.key_version < live.key_version and status.key_state is KeyState.ACTIVE:
        # Of a newer one that was refused the worker says so itself.
        waits = "A newer key is stored. Until the worker has accepted it, the one before is used."
        is_told = status.sentence.startswith("The new key")
        return Said(said.word, "orange", status.sentence if is_told else waits)
    if status.key_version < live.key_version:
        return WAITING
    return said


def _by_state(status: AccountStatus) -> Said:
    match status.key_state:
        case KeyState.ACTIVE:
            return Said("key works", "green", status.sentence)
        case KeyState.NEEDS_CONFIRMATION:
            return Said("needs confirmation", "orange", status.sentence)
        case KeyState.REFUSED:
            return Said("key refused", "red", status.sentence)
        case KeyState.CHECKING:
            return Said("key is being checked", "blue", status.sentence or WAITING.sentence)
        case KeyState.NONE:
            return WAITING


def expiry_said(status: AccountStatus | None, now: datetime) -> Said | None:
    """None while the end of the key is far away or unknown."""
    if status is None or status.expires_at is None or status.expires_at - now > SOON:
        return None
    left = status.expires_at - now
    if left <= timedelta():
        return Said("key has expired", "red", "Make a new one on the exchange and replace it here.")
    colour = "red" if left <= VERY_SOON else "orange"
    sentence = "Make a new one on the exchange and replace it here; running cycles go on with it."
    return Said(f"key ends in {duration(left.total_seconds())}", colour, sentence)


def self_test_said(live: LiveAccount) -> Said:
    status = live.status
    if live.account.self_test_rev > (status.self_test_rev if status else 0):
        return Said(
            "self-test waits", "blue",
            "You have agreed to it; the worker begins within a minute.",
        )  # fmt: skip
    test = status.self_test if status else SelfTest.NONE
    sentence = status.self_test_sentence if status else ""
    match test:
        case SelfTest.PASSED:
            return Said("self-test passed", "green", sentence)
        case SelfTest.FAILED:
            return Said("self-test failed", "red", sentence)
        case SelfTest.RUNNING:
            return Said("self-test runs", "blue", sentence)
        case SelfTest.NONE:
            return Said(
                "no self-test yet", "gray",
                "One smallest order, far below the market, placed and taken back: it shows that orders of"
                " this account arrive, are found again and can be cancelled.",
            )  # fmt: skip


def proof_said(live: LiveAccount) -> Said | None:
    """An exchange on which nobody here has passed the self-test."""
    if live.is_proven:
        return None
    caps = ", ".join(money(cap, coin) for coin, cap in live.caps_now.items())
    limit = f"Until somebody has, at most {caps} is used on this account." if caps else ""
    name = exchange_name(live.account.exchange)
    return Said(
        "not yet proven", "orange",
        f"Nobody here has passed the self-test on {name}. {limit}",
    )  # fmt: skip


def checked_said(live: LiveAccount, now: datetime) -> Said | None:
    """The last comparison with the exchange. None: there is nothing to compare yet."""
    status = live.status
    if status is None or status.key_state is not KeyState.ACTIVE:
        return None
    if status.reconciled_at is None:
        return Said(
            "not compared yet", "gray", "The exchange and these figures were not compared yet."
        )
    age, when = now - status.reconciled_at, ago(status.reconciled_at, now)
    if age > STALE_AFTER:
        return Said(
            "frozen", "red",
            f"Last compared with the exchange {when}. What is shown is as it was then; nothing new is"
            " bought until the worker has compared again. Resting orders stay on the exchange.",
        )  # fmt: skip
    if status.mismatch:
        words = mismatch_words(status.mismatch)
        return Said("does not match", "red", f"Checked {when}: {words}")
    return Said("matches", "green", f"Checked {when}, matches the exchange.")


def mismatch_words(mismatch: Mapping[str, Any]) -> str:
    """What the exchange has less of than the strategies hold: {symbol: quantity as text}."""
    lacks = ", ".join(f"{amount} {symbol.partition('/')[0]}" for symbol, amount in mismatch.items())
    return (
        f"the exchange has less than your strategies hold ({lacks} missing). They buy nothing, and sell only"
        " what is there. If you sold or moved the coins yourself, stop the strategy and start it again,"
        " releasing its coins."
    )


def permissions_words(facts: Mapping[str, Any] | None) -> str | None:
    """What the exchange says that the key may do."""
    if not facts:
        return None
    said = []
    for name in ("trade", "withdraw", "transfer"):
        may = facts.get(name)
        said.append(f"{name}: {'it does not say' if may is None else 'yes' if may else 'no'}")
    addresses = facts.get("addresses")
    if addresses is None:
        bound = "it does not say"
    else:
        bound = ", ".join(str(address) for address in addresses) or "no address"
    return f"What the key may do, as the exchange says: {', '.join(said)}. Bound to: {bound}."


def foreign_said(status: AccountStatus | None) -> Said | None:
    """Orders that are not ours: nothing to worry about if the person made them."""
    if status is None or not status.foreign_orders:
        return None
    number = count(status.foreign_orders, "order is", "orders are")
    return Said(
        "orders of others", "orange",
        f"{number} on the exchange that Stepladder did not place. They are never touched. If neither you"
        " nor another program of yours placed them, somebody else has a key: delete all keys there now.",
    )  # fmt: skip


def hold_said(status: AccountStatus | None) -> Said | None:
    if status is None or status.hold is None:
        return None
    return Said("nothing is bought", "red", status.hold)


def everything_said(live: LiveAccount, now: datetime) -> list[Said]:
    """In the order in which a person should read it."""
    found = [
        key_said(live),
        hold_said(live.status),
        checked_said(live, now),
        expiry_said(live.status, now),
        foreign_said(live.status),
        proof_said(live),
    ]
    said = [each for each in found if each is not None]
    if live.status is not None and live.status.key_state is KeyState.ACTIVE:
        said.append(self_test_said(live))
    return said


def why_not(live: LiveAccount | None, quote: str) -> str | None:
    """Why no strategy can be started on it now, with the way out; None: it can."""
    if live is None:
        return "This account is put away or does not exist."
    key = key_said(live)
    if live.status is None or live.status.key_state is not KeyState.ACTIVE:
        return f"This account cannot trade yet: {key.word}. {key.sentence}"
    if live.status.hold is not None:
        return live.status.hold
    if live.caps_now.get(quote, ZERO) <= 0:
        return f"This account has no cap for {quote}: under Accounts, state the most that may be in use."
    return None


def cap_left(live: LiveAccount, quote: str) -> Decimal:
    return max(live.caps_now.get(quote, ZERO) - live.in_use.get(quote, ZERO), ZERO)


def asks_for(status: AccountStatus) -> tuple[bool, bool]:
    """(address, unverified): which of the two the person must take upon themselves, as the worker found."""
    facts = status.permissions or {}
    no_address = facts.get("bound") is False
    known = [facts.get(name) for name in ("trade", "withdraw", "transfer", "bound")]
    return no_address, not facts.get("readable", False) or None in known
