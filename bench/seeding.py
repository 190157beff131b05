"""Writes a population into an empty database, many rows to a statement: what the dashboard, the worker and
the simulated venue would have written one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from bench.population import (
    ACCOUNTS,
    BALANCE,
    HERD_SYMBOL,
    Spread,
    Trader,
    TradingAccount,
    populate,
)
from core.cycle import DesiredState, PassedLevels
from core.parameter_reading import write_parameters
from core.story import state_of
from db import cycles, installation, ledger, migrate, status
from db.accounts import SIMULATED, AccountKind
from db.clock import utc_now
from db.cycles import CycleChange
from db.engine import make_engine
from db.handles import Engine, Session
from db.ledger import LedgerAccount
from db.rights import Role
from db.statements import insert_rows
from db.status import ActualState, StrategyStatus
from db.tables import ExchangeAccount, LeaseRow, Strategy, StrategyParameters, User
from db.transactions import run
from tests.mariadb import PrivateMariaDB
from worker.venues.ledger import Entry, commit

ACCOUNTS_OF_A_PERSON = 10


@dataclass(frozen=True, slots=True)
class Seeded:
    """A database with its population. `herd`: the ids of the strategies that can be woken by one price."""

    url: str
    engine: Engine
    strategies: int
    herd: tuple[int, ...]


def empty(server: PrivateMariaDB) -> Seeded:
    url = server.new_database()
    engine = make_engine(url)
    migrate.upgrade(engine)
    return Seeded(url, engine, 0, ())


def seed(server: PrivateMariaDB, strategies: int, spread: Spread) -> Seeded:
    """A new database, whose orders have met every price up to now."""
    database = empty(server)
    engine, at = database.engine, utc_now()
    code = run(engine, installation.code, write=False)
    found = populate(strategies, code, at, spread)
    herd: list[int] = []
    while some := list(islice(found, ACCOUNTS_OF_A_PERSON)):
        _write(engine, some, at)
        herd += [t.strategy_id for a in some for t in a.traders if t.symbol == HERD_SYMBOL]
    now = utc_now()
    run(engine, lambda session: _walked(session, now))
    return replace(database, strategies=strategies, herd=tuple(herd))


def _walked(session: Session, at: datetime) -> None:
    found = ledger.accounts(session, range(1, ACCOUNTS + 1))
    ledger.walked(session, {account: row.rev for account, row in found.items()}, at)


def _write(engine: Engine, some: Sequence[TradingAccount], at: datetime) -> None:
    traders = [trader for account in some for trader in account.traders]

    def unit(session: Session) -> None:
        _people(session, some, at)
        _wishes(session, traders)
        begun = [trader for trader in traders if trader.cycle.orders]
        changes = [CycleChange(None, trader.cycle) for trader in begun]
        tokens = {account.account_id: 1 for account in some}
        free = {"owner": None, "token": 1, "beat": 0, "taken_at": None}
        insert_rows(session, LeaseRow, [{"account_id": number, **free} for number in tokens])
        cycles.save(session, changes, tokens, at)
        status.save(session, [_status(trader, at) for trader in begun])
        for account in some:
            ledger.open_account(session, account.account_id, {"USDT": BALANCE})

    run(engine, unit)
    for result in commit(engine, list(_entries(some, at))):
        if result is not None:
            raise result


def _people(session: Session, some: Sequence[TradingAccount], at: datetime) -> None:
    numbers = [account.account_id for account in some]
    people = sorted(set(map(_owner, numbers)))
    insert_rows(session, User, [_person(number, at) for number in people])
    rows = [
        {
            "id": number,
            "user_id": _owner(number),
            "name": f"Account {number}",
            "kind": AccountKind.SIMULATED,
            "exchange": SIMULATED,
            "quote_start": {"USDT": str(BALANCE)},
            "is_active": True,
            "created_at": at - timedelta(days=1),
        }
        for number in numbers
    ]
    insert_rows(session, ExchangeAccount, rows)


def _owner(account_id: int) -> int:
    return 1 + (account_id - 1) // ACCOUNTS_OF_A_PERSON


def _person(number: int, at: datetime) -> dict[str, object]:
    return {
        "id": number,
        "username": f"person{number}",
        "display_name": f"Person {number}",
        "password_hash": "nobody logs in here",
        "role": Role.PERSON,
        "is_active": True,
        "auth_version": 1,
        "created_at": at - timedelta(days=1),
        "time_zone": "UTC",
    }


def _wishes(session: Session, traders: Sequence[Trader]) -> None:
    wishes = [
        {
            "id": trader.strategy_id,
            "user_id": _owner(trader.account_id),
            "account_id": trader.account_id,
            "name": f"Strategy {trader.strategy_id}",
            "symbol": trader.symbol,
            "parameters_version": 1,
            "desired_state": DesiredState.RUNNING,
            "desired_rev": 1,
            "desired_at": trader.started_at,
            "passed_levels": PassedLevels.WAIT,
            "release": False,
            "created_at": trader.started_at,
            "changed_at": trader.started_at,
        }
        for trader in traders
    ]
    versions = [
        {
            "strategy_id": trader.strategy_id,
            "version": 1,
            "parameters": write_parameters(trader.parameters),
            "created_at": trader.started_at,
            "created_by": _owner(trader.account_id),
        }
        for trader in traders
    ]
    insert_rows(session, Strategy, wishes)
    insert_rows(session, StrategyParameters, versions)


def _status(trader: Trader, at: datetime) -> StrategyStatus:
    state, sentence = state_of(trader.cycle, at, None)
    return StrategyStatus(
        strategy_id=trader.strategy_id,
        account_id=trader.account_id,
        actual_state=ActualState(state),
        observed_rev=1,
        reason=sentence,
        missing=None,
        checked_at=at,
        updated_at=at,
    )


def _entries(some: Sequence[TradingAccount], at: datetime) -> Iterator[Entry]:
    """What each account's book did, as the venue itself writes it down."""
    for account in some:
        book = account.book
        changes = book.take_changes()
        if not changes:
            continue
        balances = [(asset, m.free, m.used) for asset, m in sorted(book.balances.items())]
        row = LedgerAccount(account.account_id, book.next_order, book.next_trade, at, 0)
        yield Entry(SIMULATED, row, changes, tuple(balances), at)


def wait_below(engine: Engine, strategy_ids: Sequence[int], trigger_price: Decimal) -> None:
    """All these strategies start at or below that price: a new version, as the form saves it."""
    at = utc_now()

    def unit(session: Session) -> None:
        found = session.query(StrategyParameters).filter(
            StrategyParameters.strategy_id.in_(strategy_ids), StrategyParameters.version == 1
        )
        versions = [
            {
                "strategy_id": row.strategy_id,
                "version": 2,
                "parameters": {**row.parameters, "trigger_price": f"{trigger_price:f}"},
                "created_at": at,
                "created_by": row.created_by,
            }
            for row in found
        ]
        insert_rows(session, StrategyParameters, versions)
        session.query(Strategy).filter(Strategy.id.in_(strategy_ids)).update(
            {"parameters_version": 2, "changed_at": at}, synchronize_session=False
        )

    run(engine, unit)
