"""The most that a live account may have in use, per quote coin: read strictly, kept as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from core.errors import InvalidInput
from core.money import plain
from core.parameter_reading import SIZE, read_number

ASSET = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
MOST_COINS = 20


def read_caps(caps: Mapping[str, Decimal | str]) -> dict[str, Decimal]:
    """Caps as exact amounts above 0; raises InvalidInput with a sentence."""
    if not caps:
        raise InvalidInput(
            "cap", "is missing; state the most that may be in use at once, such as 500 USDT."
        )
    if len(caps) > MOST_COINS:
        raise InvalidInput("cap", f"names too many coins; use at most {MOST_COINS}.")
    read: dict[str, Decimal] = {}
    for asset, amount in caps.items():
        coin = asset.strip().upper()
        if not ASSET.fullmatch(coin):
            raise InvalidInput("cap", "must name a coin such as USDT.")
        if coin in read:
            raise InvalidInput("cap", f"names {coin} twice; state it once.")
        read[coin] = read_number(f"cap of {coin}", amount, SIZE)
    return read


def stored_caps(value: object) -> dict[str, Decimal] | None:
    """The caps in a row; None when it has none, or holds something else: then nothing may be bought."""
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        return None
    try:
        return read_caps(value)
    except InvalidInput:
        return None


def caps_from_text(text: str | None) -> dict[str, Decimal] | None:
    """The same of a column that was read as text, in which anything may have been written by hand."""
    return stored_caps(_value(text))


def stored_amounts(text: str | None) -> dict[str, Decimal]:
    """A stated balance, read like that; what is none of all is empty: nothing can be bought with it."""
    value = _value(text)
    if not isinstance(value, dict):
        return {}
    try:
        return {asset: read_number("balance", amount, SIZE) for asset, amount in value.items()}
    except InvalidInput:
        return {}


def _value(text: str | None) -> Any:
    try:
        return orjson.loads(text or "null")
    except (orjson.JSONDecodeError, TypeError):
        return None


def caps_as_text(caps: Mapping[str, Decimal]) -> dict[str, str]:
    return {asset: plain(amount, 60) for asset, amount in caps.items()}
