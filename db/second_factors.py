"""The second factor: a code of six digits that a phone shows (TOTP, RFC 6238), and ten codes for its loss.

The seed is sealed with a key file of the dashboard's, its owner bound inside. A code counts once: the time
step of the last one taken is kept, and only a later one is taken. Recovery codes are kept as scrypt hashes.
`db.login` asks for codes and slows guessing down.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import orjson
import pyotp
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.errors import InvalidInput, StepladderError
from db import audit, users
from db.errors import Conflict, NotFound
from db.matched import rows_matched
from db.rights import lock_person, require_administrator
from db.secret_hash import new_code
from db.tables import RecoveryCodeRow, SecondFactorRow, User

ISSUER = "Stepladder"
WINDOW = 1
"""Time steps of 30 s before and after now: phones are a little early or late."""
RECOVERY_CODES = 10
WRONG = "This code is wrong or too old; type the one that the app shows now."


class SeedUnreadable(StepladderError):
    """What is stored was not sealed with this key file, or not for this person."""

    def __init__(self) -> None:
        super().__init__(
            "This second factor cannot be read: config/second-factor.key is not the file with which it was"
            " made. Put it back from your copy, or let an administrator reset the second factor."
        )


@dataclass(frozen=True, slots=True)
class Seed:
    """Shown once. `secret`: base32, to be typed; `uri`: what the QR picture says."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """`codes` are shown once and never stored."""

    codes: tuple[str, ...] = field(repr=False)
    salt: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """confirmed_at: None until a code has shown that the phone has the seed; it is not asked for before."""

    confirmed_at: datetime | None
    recovery_codes_left: int


def new_recovery_codes() -> RecoveryCodes:
    """Half a second of work, so not inside a transaction. 80 bits each."""
    salt = secrets.token_hex(16)
    codes = tuple(new_code(groups=4) for _ in range(RECOVERY_CODES))
    return RecoveryCodes(codes, salt, tuple(recovery_hash(code, salt) for code in codes))


def recovery_hash(code: str, salt: str) -> str:
    """Of a code as typed: case, spaces, dashes do not matter. 50 ms and 16 MB, not inside a transaction."""
    typed = "".join(c for c in code.upper() if c.isalnum())[:100].encode()
    return hashlib.scrypt(typed, salt=salt.encode(), n=2**14, r=8, p=1, dklen=32).hex()


def second_factor(session: Session, user_id: int) -> SecondFactor | None:
    row = session.get(SecondFactorRow, user_id)
    if row is None:
        return None
    left = session.scalar(
        select(func.count())
        .select_from(RecoveryCodeRow)
        .where(RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.used_at.is_(None))
    )
    return SecondFactor(row.confirmed_at, left or 0)


def enrol(session: Session, user_id: int, *, seed_key: bytes, at: datetime) -> Seed:
    """A new seed, asked for once `confirm` has seen a code of it. Replaces one that was never confirmed."""
    lock_person(session, user_id)
    known = session.get(SecondFactorRow, user_id)
    if known is not None:
        if known.confirmed_at is not None:
            raise Conflict("You have a second factor already; remove it before you set up another.")
        session.delete(known)
        session.flush()
    secret = pyotp.random_base32()
    session.add(
        SecondFactorRow(
            user_id=user_id,
            seed=_seal(secret, user_id, seed_key),
            salt="",
            last_step=0,
            created_at=at,
            confirmed_at=None,
        )
    )
    session.flush()
    username = session.scalar(select(User.username).where(User.id == user_id))
    return Seed(secret, pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER))


def confirm(
    session: Session,
    user_id: int,
    code: str,
    *,
    seed_key: bytes,
    recovery: RecoveryCodes,
    at: datetime,
) -> None:
    """From now on it is asked for. Raises InvalidInput for a wrong code. `recovery`: show its codes now."""
    lock_person(session, user_id)
    row = _row(session, user_id)
    if row.confirmed_at is not None:
        raise Conflict("Your second factor works already.")
    step = _step(row, code, seed_key, at)
    if step is None:
        raise InvalidInput("code", WRONG)
    row.confirmed_at, row.last_step = at, step
    _put_codes(session, row, recovery, at)
    _note(session, user_id, user_id, "second factor set up", at)


def verify(session: Session, user_id: int, code: str, *, seed_key: bytes, at: datetime) -> bool:
    """True for one caller with each code: compare-and-swap on the time step. Not slowed down here."""
    row = session.get(SecondFactorRow, user_id)
    if row is None or row.confirmed_at is None:
        return False
    step = _step(row, code, seed_key, at)
    if step is None:
        return False
    done = session.execute(
        update(SecondFactorRow)
        .where(SecondFactorRow.user_id == user_id, SecondFactorRow.last_step < step)
        .values(last_step=step)
    )
    return rows_matched(done) == 1


def recovery_salt(session: Session, user_id: int) -> str | None:
    """For `recovery_hash`; None without a second factor."""
    found = session.execute(
        select(SecondFactorRow.salt).where(
            SecondFactorRow.user_id == user_id, SecondFactorRow.confirmed_at.is_not(None)
        )
    ).first()
    return None if found is None else str(found.salt)


def use_recovery_code(session: Session, user_id: int, hashed: str, *, at: datetime) -> bool:
    """`hashed`: by `recovery_hash`. True for one caller with each code."""
    done = session.execute(
        update(RecoveryCodeRow)
        .where(
            RecoveryCodeRow.user_id == user_id,
            RecoveryCodeRow.hash == hashed,
            RecoveryCodeRow.used_at.is_(None),
        )
        .values(used_at=at)
    )
    if rows_matched(done) != 1:
        return False
    _note(session, user_id, user_id, "recovery code used", at)
    return True


def replace_recovery_codes(
    session: Session, user_id: int, *, recovery: RecoveryCodes, at: datetime
) -> None:
    """Those before let nobody in any more."""
    lock_person(session, user_id)
    row = _row(session, user_id)
    if row.confirmed_at is None:
        raise Conflict("Set up the second factor first.")
    _put_codes(session, row, recovery, at)
    _note(session, user_id, user_id, "recovery codes replaced", at)


def remove(session: Session, user_id: int, *, at: datetime) -> None:
    """By the person, who has just given a code (`db.login.confirm_code`)."""
    lock_person(session, user_id)
    _row(session, user_id)
    _erase(session, user_id)
    _note(session, user_id, user_id, "second factor removed", at)


def reset(session: Session, administrator_id: int, user_id: int, *, at: datetime) -> None:
    """For who lost phone and codes. Ends every session of the person; the password stays."""
    require_administrator(session, administrator_id)
    _row(session, user_id)
    _erase(session, user_id)
    users.end_sessions(session, user_id, at=at)
    _note(session, administrator_id, user_id, "second factor reset", at)


def _row(session: Session, user_id: int) -> SecondFactorRow:
    row = session.get(SecondFactorRow, user_id)
    if row is None:
        raise NotFound("There is no second factor.")
    return row


def _erase(session: Session, user_id: int) -> None:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user_id))
    session.execute(delete(SecondFactorRow).where(SecondFactorRow.user_id == user_id))


def _put_codes(
    session: Session, row: SecondFactorRow, recovery: RecoveryCodes, at: datetime
) -> None:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == row.user_id))
    row.salt = recovery.salt
    for hashed in recovery.hashes:
        session.add(RecoveryCodeRow(user_id=row.user_id, hash=hashed, created_at=at, used_at=None))
    session.flush()


def _step(row: SecondFactorRow, code: str, seed_key: bytes, at: datetime) -> int | None:
    """The time step whose code this is."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    totp = pyotp.TOTP(_open(row.seed, row.user_id, seed_key))
    try:
        return totp.verify_and_get_timecode(typed, for_time=at, valid_window=WINDOW)
    except OTPVerificationError:
        return None


def _seal(secret: str, user_id: int, seed_key: bytes) -> str:
    clear = orjson.dumps({"user_id": user_id, "seed": secret})
    return base64.b64encode(SecretBox(seed_key).encrypt(clear)).decode("ascii")


def _open(sealed: str, user_id: int, seed_key: bytes) -> str:
    """Raises SeedUnreadable; the owner inside makes a row that was copied to another person useless."""
    try:
        clear = orjson.loads(SecretBox(seed_key).decrypt(base64.b64decode(sealed, validate=True)))
    except (CryptoError, binascii.Error, ValueError):
        raise SeedUnreadable from None
    if clear.get("user_id") != user_id:
        raise SeedUnreadable
    return str(clear["seed"])


def _note(session: Session, actor_id: int, subject_id: int, action: str, at: datetime) -> None:
    audit.append(
        session, actor_id=actor_id, subject_id=subject_id, action=action, details={}, at=at
    )
