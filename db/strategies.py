"""What people want of their strategies. Only the dashboard writes here; the worker reads `db.wanted`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.orm import Session

from core.cycle import DesiredState, PassedLevels
from core.errors import InvalidInput
from core.parameter_reading import read_parameters, write_parameters
from db import audit, clicks
from db.accounts import Account, lock_account
from db.errors import Conflict, NotFound
from db.halt import BUYING, read_halt
from db.matched import rows_matched
from db.names import clean_name
from db.open_cycles import has_open_cycle
from db.tables import Strategy, StrategyParameters, StrategyStatusRow

LONGEST_SYMBOL = 64
AT_REST = (DesiredState.STOPPED, DesiredState.CLOSED)


@dataclass(frozen=True, slots=True)
class Version:
    version: int
    parameters_text: str
    created_at: datetime


def create_strategy(
    session: Session,
    user_id: int,
    *,
    account_id: int,
    name: str,
    symbol: str,
    parameters: Mapping[str, Any],
    at: datetime,
    start: bool = True,
    key: str | None = None,
) -> int:
    """A new strategy, running unless `start` is false. Raises InvalidInput or Conflict with a sentence."""
    cleaned = clean_name("name", name)
    checked = write_parameters(read_parameters(parameters))

    def create() -> int:
        where = lock_account(session, user_id, account_id)
        _check_symbol(session, where, symbol)
        if start:
            _refuse_during_halt(session)
        row = Strategy(
            user_id=user_id,
            account_id=account_id,
            name=cleaned,
            symbol=symbol,
            parameters_version=1,
            desired_state=(DesiredState.RUNNING if start else DesiredState.STOPPED).value,
            desired_rev=1,
            desired_at=at,
            passed_levels=PassedLevels.WAIT.value,
            release=False,
            created_at=at,
            changed_at=at,
        )
        session.add(row)
        session.flush()
        _add_version(session, user_id, row.id, 1, checked, at)
        details = {"strategy": row.id, "account": account_id, "symbol": symbol, "start": start}
        _note(session, user_id, "strategy created", details, at)
        return row.id

    return clicks.once(session, user_id, key, "create strategy", create, at=at)


def edit_parameters(
    session: Session,
    user_id: int,
    strategy_id: int,
    *,
    parameters: Mapping[str, Any],
    version: int,
    at: datetime,
    key: str | None = None,
) -> int:
    """A new version, used from the next cycle on. `version`: the one that the person started from."""
    checked = write_parameters(read_parameters(parameters))

    def edit() -> int:
        _row(session, user_id, strategy_id)
        done = session.execute(
            update(Strategy)
            .where(*_own(user_id, strategy_id), Strategy.parameters_version == version)
            .values(parameters_version=version + 1, changed_at=at)
        )
        if rows_matched(done) != 1:
            raise Conflict(
                "The settings of this strategy were changed in another window meanwhile. Open it again and"
                " compare before you save."
            )
        _add_version(session, user_id, strategy_id, version + 1, checked, at)
        details = {"strategy": strategy_id, "version": version + 1, "parameters": checked}
        _note(session, user_id, "strategy edited", details, at)
        return version + 1

    return clicks.once(session, user_id, key, f"edit strategy {strategy_id}", edit, at=at)


def set_desired(
    session: Session,
    user_id: int,
    strategy_id: int,
    state: DesiredState,
    *,
    at: datetime,
    rev: int | None,
    passed_levels: PassedLevels = PassedLevels.WAIT,
    release: bool = False,
    key: str | None = None,
) -> int:
    """Changes what is wanted and returns the new revision.

    `rev`: the revision that the person saw; None for what must work whatever was wanted before (pause and
    stop). `passed_levels`, `release`: what the person chose on starting again.
    """

    def change() -> int:
        row = _row(session, user_id, strategy_id)
        if state in BUYING:
            _refuse_during_halt(session)
        expected = row.desired_rev if rev is None else rev
        done = session.execute(
            update(Strategy)
            .where(*_own(user_id, strategy_id), Strategy.desired_rev == expected)
            .values(
                desired_state=state.value,
                desired_rev=expected + 1,
                desired_at=at,
                changed_at=at,
                passed_levels=passed_levels.value,
                release=release,
            )
        )
        if rows_matched(done) != 1:
            raise Conflict(
                "This strategy was changed in another window meanwhile. Look at what it does now and press"
                " the button again if you still want to."
            )
        details = {
            "strategy": strategy_id,
            "state": state.value,
            "rev": expected + 1,
            "passed_levels": passed_levels.value,
            "release": release,
        }
        _note(session, user_id, "strategy " + state.value, details, at)
        return expected + 1

    action = f"want strategy {strategy_id}"
    return clicks.once(session, user_id, key, action, change, at=at)


def rename_strategy(
    session: Session, user_id: int, strategy_id: int, *, name: str, at: datetime
) -> None:
    cleaned = clean_name("name", name)
    done = session.execute(
        update(Strategy).where(*_own(user_id, strategy_id)).values(name=cleaned, changed_at=at)
    )
    if rows_matched(done) != 1:
        raise NotFound("There is no such strategy.")
    details = {"strategy": strategy_id, "name": cleaned}
    _note(session, user_id, "strategy renamed", details, at)


def archive_strategy(session: Session, user_id: int, strategy_id: int, *, at: datetime) -> None:
    """Puts a strategy away once it is at rest; its history stays readable."""
    row = _row(session, user_id, strategy_id)
    if has_open_cycle(session, strategy_ids=[strategy_id]):
        raise Conflict(
            "Its cycle is still open. Close it (sells the coins), or stop it and release the coins; then it"
            " can be archived."
        )
    if not _is_at_rest(session, row):
        raise Conflict(
            "It may still buy. Stop it first and wait until it says stopped; then it can be archived."
        )
    session.execute(
        update(Strategy)
        .where(*_own(user_id, strategy_id), Strategy.desired_rev == row.desired_rev)
        .values(
            archived_at=at,
            changed_at=at,
            desired_state=DesiredState.STOPPED.value,
            desired_rev=row.desired_rev + 1,
        )
    )
    _note(session, user_id, "strategy archived", {"strategy": strategy_id}, at)


def strategy_versions(session: Session, user_id: int, strategy_id: int) -> tuple[Version, ...]:
    """Newest first. As text: a version written by hand may hold anything."""
    rows = session.execute(
        select(
            StrategyParameters.version,
            type_coerce(StrategyParameters.parameters, Text).label("parameters_text"),
            StrategyParameters.created_at,
        )
        .join(Strategy, Strategy.id == StrategyParameters.strategy_id)
        .where(Strategy.id == strategy_id, Strategy.user_id == user_id)
        .order_by(StrategyParameters.version.desc())
    )
    return tuple(Version(row.version, row.parameters_text, row.created_at) for row in rows)


def _is_at_rest(session: Session, row: Strategy) -> bool:
    """The worker has said that it stopped, after the person wanted it; or it was never started."""
    if row.desired_state not in AT_REST:
        return False
    status = session.get(StrategyStatusRow, row.id)
    if status is None:
        return row.desired_rev == 1
    return status.observed_rev >= row.desired_rev and status.actual_state in AT_REST


def _check_symbol(session: Session, where: Account, symbol: str) -> None:
    if where.archived_at is not None:
        raise Conflict("This account is archived; choose another.")
    base, slash, quote = symbol.partition("/")
    if not (base and slash and quote) or len(symbol) > LONGEST_SYMBOL or ":" in symbol:
        raise InvalidInput("symbol", "must be a spot symbol such as BTC/USDT.")
    taken = session.scalar(
        select(Strategy.name).where(
            Strategy.account_id == where.account_id, Strategy.active_symbol == symbol
        )
    )
    if taken is not None:
        raise Conflict(
            f"The strategy {taken} already trades {symbol} on the account {where.name}, and two would sell"
            " each other's coins. Choose another symbol or another account, or archive that strategy."
        )


def _refuse_during_halt(session: Session) -> None:
    if read_halt(session).on:
        raise Conflict(
            "An administrator has halted all trading, so nothing can be started now. Stopping and closing"
            " work."
        )


def _add_version(
    session: Session,
    user_id: int,
    strategy_id: int,
    version: int,
    parameters: dict[str, Any],
    at: datetime,
) -> None:
    session.add(
        StrategyParameters(
            strategy_id=strategy_id,
            version=version,
            parameters=parameters,
            created_at=at,
            created_by=user_id,
        )
    )
    session.flush()


def _own(user_id: int, strategy_id: int) -> tuple[Any, ...]:
    return (
        Strategy.id == strategy_id,
        Strategy.user_id == user_id,
        Strategy.archived_at.is_(None),
    )


def _row(session: Session, user_id: int, strategy_id: int) -> Strategy:
    row = session.scalar(select(Strategy).where(*_own(user_id, strategy_id)))
    if row is None:
        raise NotFound("There is no such strategy.")
    return row


def _note(
    session: Session, user_id: int, action: str, details: dict[str, Any], at: datetime
) -> None:
    audit.append(
        session, actor_id=user_id, subject_id=user_id, action=action, details=details, at=at
    )
