"""Secrets that are long and random (session ids, tickets, links) are stored as their hash only."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without the letters and digits that people confuse."""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def new_code(groups: int = 5, length: int = 4) -> str:
    """To be typed by a person: XXXX-XXXX-XXXX-XXXX-XXXX is a hundred bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(length)) for _ in range(groups))


def code_hash(code: str) -> str:
    """Of a code as typed: case, spaces and dashes do not matter."""
    return secret_hash("".join(c for c in code.upper() if c.isalnum()))


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", errors="replace")).hexdigest()
