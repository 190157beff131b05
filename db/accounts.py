"""Exchange accounts of people. Simulated and paper ones have a stated balance, live ones caps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from core.exchanges import LIVE_EXCHANGES
from core.money import plain
from core.parameter_reading import SIZE, read_number
from db import audit, clicks
from db.account_rows import SIMULATED as SIMULATED
from db.account_rows import Account as Account
from db.account_rows import AccountKind as AccountKind
from db.account_rows import Terms as Terms
from db.account_rows import as_account as as_account
from db.account_rows import from_raw, raw_accounts, terms_from_raw
from db.account_rows import venue_name as venue_name
from db.caps import ASSET, caps_as_text, read_caps
from db.errors import Conflict, NotFound
from db.exchange_proofs import proven
from db.matched import rows_matched
from db.names import clean_name
from db.open_cycles import has_open_cycle
from db.tables import ExchangeAccount, Strategy

FIRST_BALANCE = {"USDT": Decimal(10_000)}
EXCHANGE = re.compile(r"[a-z0-9]{2,32}", re.ASCII)


def accounts(session: Session, user_id: int, *, archived: bool = False) -> tuple[Account, ...]:
    """Those in use, or those archived."""
    column = ExchangeAccount.archived_at
    rows = session.scalars(
        select(ExchangeAccount)
        .where(
            ExchangeAccount.user_id == user_id,
            column.is_not(None) if archived else column.is_(None),
        )
        .order_by(ExchangeAccount.id)
    )
    return tuple(as_account(row) for row in rows)


def account(session: Session, user_id: int, account_id: int) -> Account:
    return as_account(_row(session, user_id, account_id))


def lock_account(session: Session, user_id: int, account_id: int) -> Account:
    """The same, for whoever is about to add to it: it is not archived meanwhile."""
    return as_account(_row(session, user_id, account_id, lock=True))


def trading_accounts(session: Session) -> tuple[Account, ...]:
    """For the worker: of everybody. Asked each second, so it reads plain rows.

    Rows may be written by hand: a stated balance or a cap that cannot be read is none; an account of an
    unknown kind is left out. Caps are low as long as the exchange is not proven here.
    """
    rows = session.execute(
        raw_accounts()
        .where(ExchangeAccount.archived_at.is_(None), ExchangeAccount.is_active.is_(True))
        .order_by(ExchangeAccount.id)
    )
    proofs = proven(session)
    return tuple(
        from_raw(row, is_proven=row.exchange in proofs)
        for row in rows
        if row.kind in set(AccountKind)
    )


def terms(session: Session, account_ids: Sequence[int]) -> dict[int, Terms]:
    """For the worker: of these accounts, as they are now; archived ones absent."""
    rows = session.execute(
        raw_accounts().where(
            ExchangeAccount.id.in_(account_ids), ExchangeAccount.archived_at.is_(None)
        )
    )
    proofs = proven(session)
    return {row.id: terms_from_raw(row, is_proven=row.exchange in proofs) for row in rows}


def add_first_account(session: Session, user_id: int, *, at: datetime) -> int:
    """What every new person begins with."""
    return _add(session, user_id, "Simulated", AccountKind.SIMULATED, SIMULATED, FIRST_BALANCE, at)


def add_simulated_account(
    session: Session,
    user_id: int,
    *,
    name: str,
    balance: Mapping[str, Decimal | str],
    at: datetime,
    key: str | None = None,
) -> int:
    stated = read_balance(balance)
    kind = AccountKind.SIMULATED
    return clicks.once(
        session,
        user_id,
        key,
        "add account",
        lambda: _add(session, user_id, name, kind, SIMULATED, stated, at),
        at=at,
    )


def add_paper_account(
    session: Session,
    user_id: int,
    *,
    name: str,
    exchange: str,
    balance: Mapping[str, Decimal | str],
    at: datetime,
    key: str | None = None,
) -> int:
    """`exchange`: the id of the exchange whose real prices are used, such as "binance"."""
    if not EXCHANGE.fullmatch(exchange) or exchange == SIMULATED:
        raise InvalidInput("exchange", "is not known; choose one from the list.")
    stated = read_balance(balance)
    kind = AccountKind.PAPER
    return clicks.once(
        session,
        user_id,
        key,
        "add account",
        lambda: _add(session, user_id, name, kind, exchange, stated, at),
        at=at,
    )


def add_live_account(
    session: Session,
    user_id: int,
    *,
    name: str,
    exchange: str,
    caps: Mapping[str, Decimal | str],
    accepts_no_address: bool,
    accepts_unverified: bool,
    at: datetime,
    key: str | None = None,
) -> int:
    """A real account. It trades only once a key for it is stored and the worker has accepted that."""
    if exchange not in LIVE_EXCHANGES:
        raise InvalidInput("exchange", "cannot be traded live; choose one from the list.")
    given = read_caps(caps)
    consents = {"accepts_no_address": accepts_no_address, "accepts_unverified": accepts_unverified}

    def act() -> int:
        account_id = _add(session, user_id, name, AccountKind.LIVE, exchange, {}, at)
        _change_terms(session, user_id, account_id, at, caps=caps_as_text(given), **consents)
        return account_id

    return clicks.once(session, user_id, key, "add account", act, at=at)


def change_caps(
    session: Session,
    user_id: int,
    account_id: int,
    *,
    caps: Mapping[str, Decimal | str],
    at: datetime,
) -> None:
    """Holds for every order planned from now on; what is bought already stays."""
    _change_terms(session, user_id, account_id, at, caps=caps_as_text(read_caps(caps)))


def confirm(
    session: Session,
    user_id: int,
    account_id: int,
    *,
    accepts_no_address: bool,
    accepts_unverified: bool,
    at: datetime,
) -> None:
    """What the person has read about the key and takes upon themselves; may be taken back."""
    _change_terms(
        session,
        user_id,
        account_id,
        at,
        accepts_no_address=bool(accepts_no_address),
        accepts_unverified=bool(accepts_unverified),
    )


def ask_self_test(session: Session, user_id: int, account_id: int, *, at: datetime) -> None:
    """Consent to one self-test: the smallest order, far below the market, placed and cancelled."""
    row = _row(session, user_id, account_id, lock=True)
    _change_terms(session, user_id, account_id, at, self_test_rev=row.self_test_rev + 1)


def rename_account(
    session: Session, user_id: int, account_id: int, *, name: str, at: datetime
) -> None:
    cleaned = clean_name("name", name)
    _row(session, user_id, account_id)
    _check_name(session, user_id, cleaned, account_id)
    _change(session, user_id, account_id, name=cleaned)
    _note(session, user_id, "account renamed", {"account": account_id, "name": cleaned}, at)


def archive_account(session: Session, user_id: int, account_id: int, *, at: datetime) -> None:
    """Refused while anything on it is open. Its history stays readable."""
    row = _row(session, user_id, account_id, lock=True)
    if row.archived_at is not None:
        return
    if has_open_cycle(session, account_ids=[account_id]):
        raise Conflict(
            "A cycle is open on this account. Close it (sells the coins) or stop it and release the coins"
            " first; then the account can be archived."
        )
    active = session.scalars(
        select(Strategy.name)
        .where(Strategy.account_id == account_id, Strategy.archived_at.is_(None))
        .order_by(Strategy.id)
    ).all()
    if active:
        raise Conflict(
            f"This account still has strategies ({', '.join(active)}); archive them first."
        )
    _change(session, user_id, account_id, archived_at=at, is_active=False)
    _note(session, user_id, "account archived", {"account": account_id}, at)


def read_balance(balance: Mapping[str, Decimal | str]) -> dict[str, Decimal]:
    """A stated balance as exact amounts; raises InvalidInput."""
    if not balance:
        raise InvalidInput("balance", "is empty; state how much there is to trade with.")
    stated = {}
    for asset, amount in balance.items():
        coin = asset.strip().upper()
        if not ASSET.fullmatch(coin):
            raise InvalidInput("balance", "must name a coin such as USDT.")
        stated[coin] = read_number(f"balance of {coin}", amount, SIZE)
    return stated


def _add(
    session: Session,
    user_id: int,
    name: str,
    kind: AccountKind,
    exchange: str,
    balance: Mapping[str, Decimal],
    at: datetime,
) -> int:
    cleaned = clean_name("name", name)
    _check_name(session, user_id, cleaned, None)
    row = ExchangeAccount(
        user_id=user_id,
        name=cleaned,
        kind=kind.value,
        exchange=exchange,
        quote_start={asset: plain(amount, 60) for asset, amount in balance.items()},
        is_active=True,
        created_at=at,
    )
    session.add(row)
    session.flush()
    details = {"account": row.id, "name": cleaned, "kind": kind.value, "exchange": exchange}
    _note(session, user_id, "account added", details, at)
    return row.id


def _change_terms(
    session: Session, user_id: int, account_id: int, at: datetime, **values: Any
) -> None:
    """Each change counts in `rev`, so that an order planned before it is not written after it."""
    row = _row(session, user_id, account_id, lock=True)
    if row.kind != AccountKind.LIVE or row.archived_at is not None:
        raise Conflict("This is not a live account in use; only those have caps and keys.")
    before = {name: getattr(row, name) for name in values}
    _change(session, user_id, account_id, rev=row.rev + 1, **values)
    details = {"account": account_id, "before": before, "after": values}
    _note(session, user_id, "live account changed", details, at)


def _check_name(session: Session, user_id: int, name: str, own_id: int | None) -> None:
    taken = {
        other.name.casefold() for other in accounts(session, user_id) if other.account_id != own_id
    }
    if name.casefold() in taken:
        raise InvalidInput("name", "is the name of another account of yours; choose another.")


def _row(session: Session, user_id: int, account_id: int, *, lock: bool = False) -> ExchangeAccount:
    wanted = select(ExchangeAccount).where(
        ExchangeAccount.id == account_id, ExchangeAccount.user_id == user_id
    )
    row = session.scalar(wanted.with_for_update() if lock else wanted)
    if row is None:
        raise NotFound("There is no such account.")
    return row


def _change(session: Session, user_id: int, account_id: int, **values: object) -> None:
    done = session.execute(
        update(ExchangeAccount)
        .where(ExchangeAccount.id == account_id, ExchangeAccount.user_id == user_id)
        .values(**values)
    )
    if rows_matched(done) != 1:
        raise NotFound("There is no such account.")


def _note(
    session: Session, user_id: int, action: str, details: dict[str, object], at: datetime
) -> None:
    audit.append(
        session, actor_id=user_id, subject_id=user_id, action=action, details=details, at=at
    )
