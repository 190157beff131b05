"""What the live auditor reads each minute: cycles that are open or ended since, of many accounts at once.

Without the ledger of the simulated and paper venues and without history: those are `python -m db verify`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import Session

from db import account_status, installation, status
from db.account_status import KeyState
from db.accounts import AccountKind
from db.caps import stored_caps
from db.statements import table_of
from db.status import StrategyStatus
from db.tables import CycleRow, ExchangeAccount, FillRow, LeaseRow, OrderRow, Strategy
from db.tables.strategies import StrategyStatusRow
from db.verify.books import Books, Row, StoredRow, read_cycles

CYCLES = table_of(CycleRow)


@dataclass(frozen=True, slots=True)
class Mark:
    """Grows with every transaction that a worker makes on the account: unchanged, nothing is new."""

    token: int
    beat: int


@dataclass(frozen=True, slots=True)
class Recent:
    """One account. `caps`, `hold`: of a live account: None when it has none, or nothing holds it back."""

    account_id: int
    user_id: int
    kind: AccountKind
    caps: dict[str, Decimal] | None
    hold: str | None
    books: Books
    statuses: dict[int, StrategyStatus]


def marks(session: Session, worker: str, *, live: bool) -> dict[int, Mark]:
    """Of the accounts that this worker holds: the live ones, or the others."""
    is_live = ExchangeAccount.kind == AccountKind.LIVE.value
    rows = session.execute(
        select(LeaseRow.account_id, LeaseRow.token, LeaseRow.beat)
        .join(ExchangeAccount, ExchangeAccount.id == LeaseRow.account_id)
        .where(LeaseRow.owner == worker, is_live if live else not_(is_live))
        .order_by(LeaseRow.account_id)
    )
    return {account_id: Mark(token, beat) for account_id, token, beat in rows}


def load_recent(session: Session, account_ids: Collection[int], since: datetime) -> list[Recent]:
    """As many statements for one account as for hundreds."""
    wanted = sorted(account_ids)
    recent = and_(
        CYCLES.c.account_id.in_(wanted),
        or_(CYCLES.c.closed_at.is_(None), CYCLES.c.closed_at >= since),
    )
    orders = _of_cycles(session, OrderRow, recent) + _live_of_no_open_cycle(session, wanted)
    fills = _of_cycles(session, FillRow, recent)
    code = installation.code(session)
    cycles = read_cycles(session, recent, orders, fills, code)
    orders_of, fills_of = _by_account(orders), _by_account(fills)
    cycles_of: dict[int, list[StoredRow]] = defaultdict(list)
    for stored in cycles:
        cycles_of[stored.row["account_id"]].append(stored)
    statuses: dict[int, dict[int, StrategyStatus]] = defaultdict(dict)
    for shown in status.load(session, wanted).values():
        statuses[shown.account_id][shown.strategy_id] = shown
    tokens = _tokens(session, wanted)
    said = account_status.load(session, wanted)
    return [
        Recent(
            account_id=row.id,
            user_id=row.user_id,
            kind=AccountKind(row.kind),
            caps=stored_caps(row.caps),
            hold=said[row.id].hold if row.id in said else None,
            books=Books(
                account_id=row.id,
                prefix=f"s{code}",
                token=tokens.get(row.id, 0),
                start=None,
                cycles=cycles_of[row.id],
                orders={order["client_order_id"]: order for order in orders_of[row.id]},
                fills=fills_of[row.id],
                ledger_orders={},
                ledger_trades=(),
                ledger_balances=(),
                only_recent=True,
            ),
            statuses=statuses[row.id],
        )
        for row in _accounts(session, wanted)
    ]


def unanswered(
    session: Session, account_ids: Collection[int], before: datetime
) -> list[tuple[int, int]]:
    """(account, strategy) whose wish of before then the worker has not acknowledged, where it can: an
    account that is not served says why itself."""
    rows = session.execute(
        select(Strategy.account_id, Strategy.id, ExchangeAccount.kind)
        .join(ExchangeAccount, ExchangeAccount.id == Strategy.account_id)
        .outerjoin(StrategyStatusRow, StrategyStatusRow.strategy_id == Strategy.id)
        .where(
            Strategy.account_id.in_(sorted(account_ids)),
            Strategy.archived_at.is_(None),
            Strategy.desired_at < before,
            or_(
                StrategyStatusRow.observed_rev.is_(None),
                StrategyStatusRow.observed_rev < Strategy.desired_rev,
            ),
        )
    ).all()
    live = [row.account_id for row in rows if row.kind == AccountKind.LIVE.value]
    said = account_status.load(session, live) if live else {}
    served = {
        account_id
        for account_id, each in said.items()
        if each.key_state is KeyState.ACTIVE and each.hold is None
    }
    return [
        (row.account_id, row.id)
        for row in rows
        if row.kind != AccountKind.LIVE.value or row.account_id in served
    ]


def _accounts(session: Session, wanted: Sequence[int]) -> Sequence[Any]:
    return session.execute(
        select(
            ExchangeAccount.id, ExchangeAccount.user_id, ExchangeAccount.kind, ExchangeAccount.caps
        ).where(ExchangeAccount.id.in_(wanted))
    ).all()


def _tokens(session: Session, wanted: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(LeaseRow.account_id, LeaseRow.token).where(LeaseRow.account_id.in_(wanted))
    )
    return {account_id: token for account_id, token in rows}


def _of_cycles(session: Session, model: Any, recent: ColumnElement[bool]) -> list[Row]:
    table = table_of(model)
    its_cycle = and_(
        table.c.strategy_id == CYCLES.c.strategy_id, table.c.cycle_number == CYCLES.c.number
    )
    return list(session.execute(select(table).join(CYCLES, its_cycle).where(recent)).mappings())


def _live_of_no_open_cycle(session: Session, wanted: Sequence[int]) -> list[Row]:
    """There should be none: what lives belongs to an open cycle."""
    table = table_of(OrderRow)
    its_cycle = and_(
        table.c.strategy_id == CYCLES.c.strategy_id,
        table.c.cycle_number == CYCLES.c.number,
        CYCLES.c.closed_at.is_(None),
    )
    statement = (
        select(table)
        .outerjoin(CYCLES, its_cycle)
        .where(table.c.account_id.in_(wanted), table.c.live == 1, CYCLES.c.strategy_id.is_(None))
    )
    return list(session.execute(statement).mappings())


def _by_account(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(row)
    return found
