"""Client order ids are a pure function of what the order means: the same slot and attempt, the same id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.orders import Slot

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
INSTALLATION_LENGTH = 4
HASH_LENGTH = 12
SELF_TEST = "t"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose cycle it is. `installation`: four base-36 characters, random once per deployment."""

    installation: str
    account_id: int
    strategy_id: int

    @property
    def prefix(self) -> str:
        return prefix(self.installation)


def prefix(installation: str) -> str:
    """What all orders of this installation start with, five characters."""
    return f"s{installation}"


def client_order_id(identity: Identity, cycle_number: int, slot: Slot, attempt: int) -> str:
    """17 lower-case alphanumerics: fits every venue known (EXCHANGES 3)."""
    meaning = (
        f"{identity.account_id}/{identity.strategy_id}/{cycle_number}"
        f"/{slot.role}/{'' if slot.level is None else slot.level}/{attempt}"
    )
    return identity.prefix + _digits(meaning)


def self_test_id(installation: str, account_id: int, request: int) -> str:
    """Of the order by which an account is tried out: one letter longer than any strategy's, so never one."""
    return f"{prefix(installation)}{SELF_TEST}{_digits(f'self-test/{account_id}/{request}')}"


def is_self_test(order_id: str, installation: str) -> bool:
    start = prefix(installation) + SELF_TEST
    return len(order_id) == len(start) + HASH_LENGTH and order_id.startswith(start)


def _digits(meaning: str) -> str:
    number = int.from_bytes(hashlib.sha256(meaning.encode("ascii")).digest(), "big")
    digits = []
    for _ in range(HASH_LENGTH):
        number, digit = divmod(number, 36)
        digits.append(ALPHABET[digit])
    return "".join(digits)
