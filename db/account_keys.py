"""Exchange keys, sealed: whoever writes them cannot read them again; only the worker can.

The clear text is canonical JSON {v, user_id, account_id, exchange, created, nonce, key, secret, password},
sealed (libsodium sealed box) with the worker's public key. Owner and account inside are compared with the
row when it is opened, so a text moved to another row is of no use.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from nacl.public import PublicKey, SealedBox
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from db import audit
from db.accounts import AccountKind, lock_account
from db.errors import Conflict
from db.matched import rows_matched
from db.statements import table_of
from db.tables import AccountKeyRow, ExchangeAccount
from db.tables.keys import SEALED_LENGTH

KEYS = table_of(AccountKeyRow)
FORMAT = 1
PAIR_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
OVERHEAD = 48  # bytes that a sealed box adds
LONGEST = {"api key": 500, "secret": 4000, "password": 200}
PRINTABLE = re.compile(r"[\x20-\x7e]*", re.ASCII)
PEM = re.compile(r"[\x20-\x7e\n]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """One version of an account's key, as stored; nothing in it is trusted before it is opened."""

    key_id: int
    account_id: int
    user_id: int
    version: int
    pair_id: str
    sealed: str = field(repr=False)
    created_at: datetime


def seal(
    public_key: PublicKey,
    *,
    user_id: int,
    account_id: int,
    exchange: str,
    api_key: str,
    secret: str,
    password: str,
    at: datetime,
) -> str:
    """Base64 text for `store_key`. `password`: "" where the exchange has none. Raises InvalidInput.

    Later the browser does this, in the same format, so that the dashboard never holds the clear text.
    """
    clear = {
        "v": FORMAT,
        "user_id": user_id,
        "account_id": account_id,
        "exchange": exchange,
        "created": at.isoformat(),
        "nonce": secrets.token_hex(16),
        "key": _clean("api key", api_key, PRINTABLE),
        "secret": _clean("secret", secret, PEM),
        "password": _clean("password", password, PRINTABLE, may_be_empty=True),
    }
    box = SealedBox(public_key)
    sealed = box.encrypt(orjson.dumps(clear, option=orjson.OPT_SORT_KEYS))
    return base64.b64encode(sealed).decode("ascii")


def store_key(
    session: Session, user_id: int, account_id: int, *, sealed: str, pair_id: str, at: datetime
) -> int:
    """The new version. The key before it goes on being used until the worker has accepted this one."""
    account = lock_account(session, user_id, account_id)
    if account.kind is not AccountKind.LIVE or account.archived_at is not None:
        raise Conflict("This is not a live account in use; only those have keys.")
    if not PAIR_ID.fullmatch(pair_id) or not looks_sealed(sealed):
        raise InvalidInput("key", "was not sealed as it must be; reload the page and try again.")
    newest = session.scalar(
        select(func.max(AccountKeyRow.version)).where(AccountKeyRow.account_id == account_id)
    )
    version = (newest or 0) + 1
    session.add(
        AccountKeyRow(
            account_id=account_id,
            user_id=user_id,
            version=version,
            pair_id=pair_id,
            sealed=sealed,
            created_at=at,
        )
    )
    session.flush()
    audit.append(
        session,
        actor_id=user_id,
        subject_id=user_id,
        action="exchange key stored",
        details={"account": account_id, "version": version, "pair": pair_id},
        at=at,
    )
    return version


def key_version(session: Session, user_id: int, account_id: int) -> int | None:
    """The newest version that this person has stored for the account; None: no key."""
    return session.scalar(
        select(func.max(AccountKeyRow.version)).where(
            AccountKeyRow.account_id == account_id, AccountKeyRow.user_id == user_id
        )
    )


def newest_keys(session: Session, account_ids: Sequence[int]) -> dict[int, SealedKey]:
    """For the worker: by account; those without a key, or whose key was erased, are absent."""
    newest: dict[int, SealedKey] = {}
    for key in _read(session, KEYS.c.account_id.in_(account_ids)):
        newest[key.account_id] = key
    return newest


def key_versions(session: Session, account_id: int) -> list[SealedKey]:
    """For the worker: all that are still readable, oldest first: the one in use may not be the newest."""
    return _read(session, KEYS.c.account_id == account_id)


def keys_not_of_pair(session: Session, pair: str, *, after: int, most: int) -> list[SealedKey]:
    """For the rotation: keys sealed for another pair than this one, by id, those after this id."""
    rows = select(KEYS).where(KEYS.c.pair_id != pair, KEYS.c.id > after, KEYS.c.sealed.is_not(None))
    found = session.execute(rows.order_by(KEYS.c.id).limit(most))
    return [_as_key(row) for row in found]


def reseal(session: Session, key: SealedKey, *, sealed: str, pair_id: str) -> bool:
    """For the rotation. False: the row is no longer what it was; nothing was changed."""
    done = session.execute(
        update(KEYS)
        .where(KEYS.c.id == key.key_id, KEYS.c.pair_id == key.pair_id, KEYS.c.sealed == key.sealed)
        .values(sealed=sealed, pair_id=pair_id)
    )
    return rows_matched(done) == 1


def drop_older_keys(session: Session, account_id: int, version: int) -> int:
    """For the worker, once `version` is active: how many older ones were removed."""
    statement = delete(KEYS).where(KEYS.c.account_id == account_id, KEYS.c.version < version)
    return rows_matched(session.execute(statement))


def archived_with_keys(session: Session) -> list[int]:
    """For the worker: archived accounts whose keys are still to be erased."""
    rows = session.scalars(
        select(KEYS.c.account_id)
        .join(ExchangeAccount, ExchangeAccount.id == KEYS.c.account_id)
        .where(ExchangeAccount.archived_at.is_not(None), KEYS.c.sealed.is_not(None))
        .distinct()
        .order_by(KEYS.c.account_id)
    )
    return list(rows)


def erase_keys(session: Session, account_ids: Sequence[int]) -> int:
    """For the worker, when accounts were archived: the sealed texts are gone, the rows stay."""
    statement = (
        update(KEYS)
        .where(KEYS.c.account_id.in_(account_ids), KEYS.c.sealed.is_not(None))
        .values(sealed=None)
    )
    return rows_matched(session.execute(statement))


def _read(session: Session, condition: ColumnElement[bool]) -> list[SealedKey]:
    rows = session.execute(
        select(KEYS)
        .where(condition, KEYS.c.sealed.is_not(None))
        .order_by(KEYS.c.account_id, KEYS.c.version)
    )
    return [_as_key(row) for row in rows]


def _as_key(row: Any) -> SealedKey:
    return SealedKey(
        row.id,
        row.account_id,
        row.user_id,
        row.version,
        row.pair_id,
        row.sealed,
        row.created_at,
    )


def _clean(
    field_name: str, text: str, allowed: re.Pattern[str], *, may_be_empty: bool = False
) -> str:
    """Raises InvalidInput, which never repeats what was typed."""
    value = text.replace("\r\n", "\n").strip()
    if not value and not may_be_empty:
        raise InvalidInput(field_name, "is empty; copy it from the exchange.")
    if len(value) > LONGEST[field_name]:
        raise InvalidInput(field_name, "is too long to be one; copy it again.")
    if not allowed.fullmatch(value):
        raise InvalidInput(field_name, "holds letters that no key has; copy it again.")
    return value


def looks_sealed(sealed: str) -> bool:
    if len(sealed) > SEALED_LENGTH or not sealed.isascii():
        return False
    try:
        return len(base64.b64decode(sealed, validate=True)) > OVERHEAD
    except (binascii.Error, ValueError):
        return False
