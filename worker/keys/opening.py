"""Opens a sealed exchange key, for the account that it was sealed for and for no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from db.account_keys import FORMAT, SealedKey
from db.accounts import Account, AccountKind
from db.notification_targets import SealedTarget
from worker.errors import KeyRefused

# Keys and passwords travel in headers of requests: with a line break in it one could add headers.
WORD = re.compile(r"[\x21-\x7e]+", re.ASCII)
LINE = re.compile(r"[\x20-\x7e]+", re.ASCII)
LINES = re.compile(r"[\x20-\x7e\n]+", re.ASCII)
NO_PAIR = (
    "The exchange key of this account was sealed for a key pair that this worker does not have. Enter the"
    " exchange key again, or ask the operator to put back the folder config/ from its copy."
)
DAMAGED = "The stored exchange key of this account is damaged. Enter the exchange key again."
UNKNOWN_FORMAT = (
    "The exchange key of this account was sealed by another version of Stepladder. Run the same version"
    " everywhere, or enter the exchange key again."
)
NOT_THEIRS = (
    "The stored exchange key was made for another account, so it is not used. Enter this account's key"
    " again, and tell the administrator: somebody may have changed the database."
)


class ExchangeKey:
    """An API key in clear, in memory only. Nothing that shows, copies or writes objects gets at it.

    `fingerprint`: the same for the same API key on the same exchange, and says nothing about it.
    """

    __slots__ = ("api_key", "fingerprint", "password", "secret")

    api_key: str
    secret: str
    password: str
    fingerprint: str

    def __init__(self, api_key: str, secret: str, password: str, fingerprint: str) -> None:
        self.api_key, self.secret, self.password = api_key, secret, password
        self.fingerprint = fingerprint

    def __repr__(self) -> str:
        return f"<exchange key {self.fingerprint[:8]}>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExchangeKey) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an exchange key is not copied or written anywhere")


def fingerprint(secret_of_ours: bytes, exchange: str, api_key: str) -> str:
    """HMAC of the key id: equal keys are noticed, and a stolen database tells nothing about them."""
    meaning = f"exchange key 1\n{exchange}\n{api_key}".encode()
    return hmac.new(secret_of_ours, meaning, hashlib.sha256).hexdigest()


def open_key(
    sealed: SealedKey,
    private_keys: Mapping[str, PrivateKey],
    account: Account,
    secret_of_ours: bytes,
) -> ExchangeKey:
    """Raises `KeyRefused` with a sentence for the owner; errors carry nothing of what was inside.

    private_keys: by the id of their pair. secret_of_ours: what fingerprints are made with.
    """
    content = _content(sealed, private_keys)
    if content is None or content.get("v") != FORMAT:
        raise KeyRefused(DAMAGED if content is None else UNKNOWN_FORMAT)
    bound = (content.get("user_id"), content.get("account_id"), content.get("exchange"))
    theirs = (account.user_id, account.account_id, account.exchange)
    row = (sealed.user_id, sealed.account_id, account.exchange)
    if bound != theirs or row != theirs or account.kind is not AccountKind.LIVE:
        raise KeyRefused(NOT_THEIRS)
    api_key = _text(WORD, content.get("key"))
    secret = _text(LINES, content.get("secret"))
    password = "" if content.get("password") == "" else _text(LINE, content.get("password"))
    if api_key is None or secret is None or password is None:
        raise KeyRefused(DAMAGED)
    mark = fingerprint(secret_of_ours, account.exchange, api_key)
    return ExchangeKey(api_key, secret, password, mark)


def opened_bytes(
    sealed: SealedKey | SealedTarget, private_keys: Mapping[str, PrivateKey]
) -> bytes | None:
    """What is inside, unread; None: damaged. Raises `KeyRefused` when the pair is not here."""
    private = private_keys.get(sealed.pair_id)
    if private is None:
        raise KeyRefused(NO_PAIR)
    try:
        return SealedBox(private).decrypt(base64.b64decode(sealed.sealed, validate=True))
    except (CryptoError, binascii.Error, ValueError):
        return None


def _content(sealed: SealedKey, private_keys: Mapping[str, PrivateKey]) -> dict[str, Any] | None:
    clear = opened_bytes(sealed, private_keys)
    if clear is None:
        return None
    try:
        found = orjson.loads(clear)
    except orjson.JSONDecodeError:
        # Not raised on from here: that error holds the whole text.
        return None
    return found if isinstance(found, dict) else None


def _text(allowed: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and allowed.fullmatch(value) else None
