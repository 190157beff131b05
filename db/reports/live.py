"""Live accounts as screens show them: wish, key, what the worker says, money in use. Never a key itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from core.money import ZERO, exact
from core.reserve import at_stake
from db import account_status, audit_findings, tables
from db.account_status import AccountStatus
from db.accounts import Account, AccountKind, as_account
from db.cycles import load_open
from db.exchange_proofs import proven, unproven_caps
from db.reports.histories import JournalRow, read_journal
from db.reports.reading import worker_is_alive
from db.rights import require_administrator
from db.tables import (
    AccountKeyRow,
    ExchangeAccount,
    ExchangeBanRow,
    LeaseRow,
    Strategy,
    User,
    WorkerRow,
)


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """`status`: None until the worker has said something. `key_version`: the newest key stored, None
    without one. is_proven: somebody here has passed the self-test on that exchange. caps_now: the caps that
    hold now, lower while it is not proven. in_use: what counts against them, by quote coin. silent: no
    live worker holds the account."""

    account: Account
    owner: str
    status: AccountStatus | None
    key_version: int | None
    is_proven: bool
    caps_now: dict[str, Decimal]
    in_use: dict[str, Decimal]
    silent: bool


@dataclass(frozen=True, slots=True)
class Ban:
    """`address`: of the host whose requests the exchange refuses until then."""

    exchange: str
    address: str
    until: datetime


@dataclass(frozen=True, slots=True)
class FindingRow:
    """`check_id`: such as "V1". owner, account, strategy: names; empty where it is about none."""

    check_id: str
    owner: str
    account: str
    strategy: str
    sentence: str
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None


def live_accounts(session: Session, user_id: int) -> tuple[LiveAccount, ...]:
    """Of this person, those in use."""
    return _live(session, ExchangeAccount.user_id == user_id)


def live_account(session: Session, user_id: int, account_id: int) -> LiveAccount | None:
    """None: it is not live, not theirs, or put away."""
    mine = (ExchangeAccount.user_id == user_id, ExchangeAccount.id == account_id)
    return next(iter(_live(session, *mine)), None)


def account_journal(
    session: Session, user_id: int, account_id: int, *, limit: int = 50
) -> tuple[JournalRow, ...]:
    """Newest first: what happened to the account as a whole, not to one of its strategies."""
    row = tables.JournalRow
    return read_journal(
        session,
        limit,
        row.user_id == user_id,
        row.account_id == account_id,
        row.strategy_id.is_(None),
    )


def all_live_accounts(session: Session, administrator_id: int) -> tuple[LiveAccount, ...]:
    require_administrator(session, administrator_id)
    return _live(session)


def bans(session: Session, administrator_id: int, *, at: datetime) -> tuple[Ban, ...]:
    """Those that are not over."""
    require_administrator(session, administrator_id)
    rows = session.execute(
        select(ExchangeBanRow.exchange, ExchangeBanRow.address, ExchangeBanRow.until)
        .where(ExchangeBanRow.until > at)
        .order_by(ExchangeBanRow.until.desc())
    )
    return tuple(Ban(*row) for row in rows)


def findings(
    session: Session, administrator_id: int, *, limit: int = 100
) -> tuple[FindingRow, ...]:
    """What the auditor found: what is broken still first, then the newest."""
    known = audit_findings.audit_findings(session, administrator_id, limit=limit)
    accounts = {each.finding.account_id for each in known}
    named = {
        account_id: (owner, name)
        for account_id, owner, name in session.execute(
            select(ExchangeAccount.id, User.display_name, ExchangeAccount.name)
            .join(User, User.id == ExchangeAccount.user_id)
            .where(ExchangeAccount.id.in_(accounts))
        )
    }
    strategies = {each.finding.strategy_id for each in known} - {None}
    called = {
        strategy_id: name
        for strategy_id, name in session.execute(
            select(Strategy.id, Strategy.name).where(Strategy.id.in_(strategies))
        )
    }
    return tuple(
        FindingRow(
            check_id=each.finding.check_id,
            owner=named.get(each.finding.account_id, ("", ""))[0],
            account=named.get(each.finding.account_id, ("", ""))[1],
            strategy=called.get(each.finding.strategy_id or 0, ""),
            sentence=each.finding.sentence,
            first_seen=each.first_seen,
            last_seen=each.last_seen,
            resolved_at=each.resolved_at,
        )
        for each in known
    )


def _live(session: Session, *conditions: ColumnElement[bool]) -> tuple[LiveAccount, ...]:
    rows = session.execute(
        select(ExchangeAccount, User.display_name, worker_is_alive().label("served"))
        .join(User, User.id == ExchangeAccount.user_id)
        .outerjoin(LeaseRow, LeaseRow.account_id == ExchangeAccount.id)
        .outerjoin(WorkerRow, WorkerRow.name == LeaseRow.owner)
        .where(
            ExchangeAccount.kind == AccountKind.LIVE.value,
            ExchangeAccount.archived_at.is_(None),
            *conditions,
        )
        .order_by(ExchangeAccount.id)
    ).all()
    ids = [row.id for row, _, _ in rows]
    if not ids:
        return ()
    said = account_status.load(session, ids)
    keys, in_use, proofs = _keys(session, ids), _in_use(session, ids), proven(session)
    found = []
    for row, owner, served in rows:
        account, is_proven = as_account(row), row.exchange in proofs
        caps = account.caps or {}
        found.append(
            LiveAccount(
                account=account,
                owner=owner,
                status=said.get(row.id),
                key_version=keys.get(row.id),
                is_proven=is_proven,
                caps_now=caps if is_proven else unproven_caps(caps),
                in_use=in_use.get(row.id, {}),
                silent=not served,
            )
        )
    return tuple(found)


def _keys(session: Session, account_ids: Sequence[int]) -> dict[int, int]:
    """Only which version is the newest: the sealed text is for the worker."""
    newest = func.max(AccountKeyRow.version)
    mine = and_(
        AccountKeyRow.account_id.in_(account_ids),
        AccountKeyRow.user_id == ExchangeAccount.user_id,
    )
    rows = session.execute(
        select(AccountKeyRow.account_id, newest)
        .join(ExchangeAccount, ExchangeAccount.id == AccountKeyRow.account_id)
        .where(mine)
        .group_by(AccountKeyRow.account_id)
    )
    return {account_id: version for account_id, version in rows}


@exact
def _in_use(session: Session, account_ids: Iterable[int]) -> dict[int, dict[str, Decimal]]:
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for stored in load_open(session, account_ids):
        if stored.cycle is not None:
            own, quote = found[stored.account_id], stored.cycle.market.quote
            own[quote] = own.get(quote, ZERO) + at_stake(stored.cycle)
    return found
