"""The book of the simulated and paper venues, for `worker.venues` alone, in transactions of its own.

Two writers of one account race for its `rev`: `write` raises `Stale` for the second, who reads again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select, tuple_, update
from sqlalchemy.orm import Session

from core.market import Side
from core.money import ZERO
from core.orders import Kind
from db.errors import Stale
from db.matched import rows_matched
from db.statements import insert_rows, table_of, upsert_rows
from db.tables import VenueAccountRow, VenueBalanceRow, VenueOrderRow, VenueTradeRow

ACCOUNTS, BALANCES = table_of(VenueAccountRow), table_of(VenueBalanceRow)
ORDERS, TRADES = table_of(VenueOrderRow), table_of(VenueTradeRow)


class LedgerStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """next_order, next_trade: the numbers to give next. walked_until: prices have met its orders so far."""

    account_id: int
    next_order: int
    next_trade: int
    walked_until: datetime | None
    rev: int


@dataclass(frozen=True, slots=True)
class LedgerBalance:
    account_id: int
    asset: str
    free: Decimal
    used: Decimal


@dataclass(frozen=True, slots=True)
class LedgerOrder:
    """`locked`: what it holds of the balance: quote for a buy, base for a sell."""

    client_order_id: str
    account_id: int
    venue: str
    symbol: str
    venue_order_id: str
    side: Side
    kind: Kind
    price: Decimal | None
    quantity: Decimal
    filled: Decimal
    status: LedgerStatus
    locked: Decimal
    created_at: datetime
    updated_at: datetime
    walked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerTrade:
    """`seq` counts the account's trades 1, 2, 3 ...: the cursor."""

    account_id: int
    symbol: str
    trade_id: str
    seq: int
    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """What one step of the venue changes. `accounts` as read: their `rev` is the one that must still hold.

    Their other values are the new ones. Orders and balances are new or replaced, trades are new.
    """

    accounts: Sequence[LedgerAccount]
    orders: Sequence[LedgerOrder] = ()
    trades: Sequence[LedgerTrade] = ()
    balances: Sequence[LedgerBalance] = ()


def open_account(session: Session, account_id: int, balance: Mapping[str, Decimal]) -> None:
    """Gives an account its stated balance, once; a second call changes nothing."""
    exists = session.scalar(
        select(ACCOUNTS.c.account_id).where(ACCOUNTS.c.account_id == account_id)
    )
    if exists is not None:
        return
    account = LedgerAccount(account_id, next_order=1, next_trade=1, walked_until=None, rev=0)
    # Two workers may both find nothing: what is there already then stays as it is.
    upsert_rows(session, VenueAccountRow, [asdict(account)], changing=())
    start = [
        asdict(LedgerBalance(account_id, asset, free, ZERO)) for asset, free in balance.items()
    ]
    upsert_rows(session, VenueBalanceRow, start, changing=())


def accounts(session: Session, account_ids: Iterable[int]) -> dict[int, LedgerAccount]:
    rows = _rows(session, select(ACCOUNTS).where(ACCOUNTS.c.account_id.in_(sorted(account_ids))))
    return {row["account_id"]: LedgerAccount(**row) for row in rows}


def balances(session: Session, account_ids: Iterable[int]) -> list[LedgerBalance]:
    query = select(BALANCES).where(BALANCES.c.account_id.in_(sorted(account_ids)))
    ordered = query.order_by(BALANCES.c.account_id, BALANCES.c.asset)
    return [LedgerBalance(**row) for row in _rows(session, ordered)]


def open_orders(session: Session, account_ids: Iterable[int]) -> list[LedgerOrder]:
    return _orders(
        session,
        select(ORDERS).where(
            ORDERS.c.account_id.in_(sorted(account_ids)), ORDERS.c.status == LedgerStatus.OPEN
        ),
    )


def orders_of(session: Session, account_id: int) -> list[LedgerOrder]:
    """All that the account ever had, finished ones included."""
    return _orders(session, select(ORDERS).where(ORDERS.c.account_id == account_id))


def find_orders(session: Session, client_order_ids: Iterable[str]) -> dict[str, LedgerOrder]:
    ids = sorted(set(client_order_ids))
    found = _orders(session, select(ORDERS).where(ORDERS.c.client_order_id.in_(ids)))
    return {order.client_order_id: order for order in found}


def trades_of(session: Session, client_order_ids: Iterable[str]) -> list[LedgerTrade]:
    ids = sorted(set(client_order_ids))
    query = select(TRADES).where(TRADES.c.client_order_id.in_(ids))
    return _trades(session, query.order_by(TRADES.c.account_id, TRADES.c.seq))


def write(session: Session, change: LedgerChange) -> None:
    """All of it or nothing: raises `Stale` when one of the accounts has changed since it was read."""
    if not change.accounts:
        return
    read = sorted((account.account_id, account.rev) for account in change.accounts)
    guarded = (
        update(ACCOUNTS)
        .where(
            ACCOUNTS.c.account_id.in_([account for account, _ in read]),
            tuple_(ACCOUNTS.c.account_id, ACCOUNTS.c.rev).in_(read),
        )
        .values(rev=ACCOUNTS.c.rev + 1)
    )
    if rows_matched(session.execute(guarded)) != len(read):
        raise Stale("The ledger of the venue has changed meanwhile.")
    counted = ("next_order", "next_trade", "walked_until")
    upsert_rows(session, VenueAccountRow, [asdict(a) for a in change.accounts], counted)
    changing = ("filled", "status", "locked", "updated_at", "walked_until")
    upsert_rows(session, VenueOrderRow, [asdict(order) for order in change.orders], changing)
    insert_rows(session, VenueTradeRow, [asdict(trade) for trade in change.trades])
    upsert_rows(session, VenueBalanceRow, [asdict(b) for b in change.balances], ("free", "used"))


def walked(session: Session, revisions: Mapping[int, int], at: datetime) -> None:
    """The open orders of these accounts have met every price up to `at`; one statement.

    `revisions`: the `rev` by account that the caller stands on. An account that has moved on is left
    out: somebody else walks it now.
    """
    session.execute(
        update(ACCOUNTS)
        .where(
            ACCOUNTS.c.account_id.in_(sorted(revisions)),
            tuple_(ACCOUNTS.c.account_id, ACCOUNTS.c.rev).in_(sorted(revisions.items())),
        )
        .values(walked_until=at)
    )


def _rows(session: Session, query: Select[Any]) -> Iterable[dict[str, Any]]:
    return (dict(row) for row in session.execute(query).mappings())


def _orders(session: Session, query: Select[Any]) -> list[LedgerOrder]:
    found = []
    for row in _rows(session, query.order_by(ORDERS.c.created_at, ORDERS.c.venue_order_id)):
        row |= {"side": Side(row["side"]), "kind": Kind(row["kind"])}
        found.append(LedgerOrder(**row | {"status": LedgerStatus(row["status"])}))
    return found


def _trades(session: Session, query: Select[Any]) -> list[LedgerTrade]:
    return [LedgerTrade(**row | {"side": Side(row["side"])}) for row in _rows(session, query)]
