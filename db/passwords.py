"""Passwords: what is accepted, and bcrypt. Slow on purpose, so never called inside a transaction.

The hashes are those of streamlit-authenticator's Hasher; a test holds the two together.
"""

from __future__ import annotations

import functools
import secrets
import unicodedata

import bcrypt

from core.errors import InvalidInput

SHORTEST = 12
# bcrypt looks at no more: a longer password would silently be cut.
LONGEST_BYTES = 72
ROUNDS = 12


def hash_password(password: str) -> str:
    """Raises InvalidInput when the password is too short or too long."""
    return bcrypt.hashpw(_checked(password), bcrypt.gensalt(ROUNDS)).decode("ascii")


def check_password(password: str, password_hash: str | None) -> bool:
    """Takes the same time for a person who does not exist (None) as for a wrong password."""
    given = password.encode("utf-8", errors="replace")
    fits = len(given) <= LONGEST_BYTES and b"\0" not in given
    stored = (password_hash or _dummy_hash()).encode("ascii")
    matches = bcrypt.checkpw(given if fits else b"?", stored)
    return matches and fits and password_hash is not None


def _checked(password: str) -> bytes:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise InvalidInput("password", "holds a character that cannot be typed; leave it out.")
    given = password.encode()
    if len(given) < SHORTEST:
        raise InvalidInput(
            "password", f"is too short; use at least {SHORTEST} characters, such as four words."
        )
    if len(given) > LONGEST_BYTES:
        raise InvalidInput(
            "password",
            f"is too long; use at most {LONGEST_BYTES} characters (accented ones count double).",
        )
    return given


@functools.cache
def _dummy_hash() -> str:
    return bcrypt.hashpw(secrets.token_bytes(16).hex().encode(), bcrypt.gensalt(ROUNDS)).decode()
