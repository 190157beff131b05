"""What one account writes in one go, and the transaction that writes many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.cycle import Cycle
from db import account_status, accounts, cycles, doubts, journal, leases, status
from db.account_status import AccountStatus
from db.accounts import Terms
from db.cycles import CycleChange
from db.doubts import Inquiry, TakenForGone
from db.errors import CommitUnknown, Stale
from db.halt import read_halt
from db.handles import Engine, Session
from db.journal import JournalEntry
from db.status import StrategyStatus
from db.transactions import run
from db.wanted import Revision, revisions


@dataclass(frozen=True, slots=True)
class Unit:
    """`revisions`: the wishes under which orders are planned; another one in the row makes it stale.

    exposure: what is in use per quote coin in which this buys, once it is written; checked against the
    account's caps as its row has them, under `terms_rev`. None: no real money is spent.
    inquiries: what was found out about orders in quarantine. taken_for_gone: those that end on a
    person's word.
    """

    account_id: int
    token: int
    at: datetime
    changes: tuple[CycleChange, ...]
    closed: tuple[Cycle, ...]
    statuses: tuple[StrategyStatus, ...]
    journal: tuple[JournalEntry, ...]
    revisions: Mapping[int, Revision]
    halt_rev: int
    exposure: Mapping[str, Decimal] | None = None
    terms_rev: int = 0
    account: AccountStatus | None = None
    inquiries: tuple[Inquiry, ...] = ()
    taken_for_gone: tuple[TakenForGone, ...] = ()


class Writer:
    """Runs in a thread. One fence statement for the accounts of a whole batch."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def commit(self, units: Sequence[Unit]) -> list[BaseException | None]:
        """One result per unit. Whatever goes wrong with the batch, its units run again one by one;
        only a COMMIT of unknown outcome is never repeated."""
        if len({unit.account_id for unit in units}) < len(units):
            # One of them was planned under an older lease: each stands behind its own token.
            return [self.commit([unit])[0] for unit in units]
        try:
            return list(run(self.engine, lambda session: self._write(session, units)))
        except CommitUnknown as unknown:
            return [unknown for _ in units]
        except Exception as error:  # a unit that cannot be written must not stop the others
            if len(units) == 1:
                return [error]
        return [self.commit([unit])[0] for unit in units]

    def _write(self, session: Session, units: Sequence[Unit]) -> list[BaseException | None]:
        tokens = {unit.account_id: unit.token for unit in units}
        leases.fence(session, tokens)
        stale = _stale(session, units)
        good = [unit for unit in units if unit.account_id not in stale]
        changes = [change for unit in good for change in unit.changes]
        if changes:
            cycles.save(session, changes, tokens, good[0].at)
        for at, over in _closed_by_time(good).items():
            cycles.close(session, over, at)
        doubts.save_inquiries(session, [one for unit in good for one in unit.inquiries])
        doubts.note_taken(session, [one for unit in good for one in unit.taken_for_gone])
        status.save(session, [row for unit in good for row in unit.statuses])
        journal.append(session, [entry for unit in good for entry in unit.journal])
        said = [unit.account for unit in good if unit.account is not None]
        if said:
            account_status.save(session, said, account_status.ABOUT_THE_BALANCES)
        return [stale.get(unit.account_id) for unit in units]


def _closed_by_time(units: Sequence[Unit]) -> dict[datetime, list[Cycle]]:
    found: dict[datetime, list[Cycle]] = {}
    for unit in units:
        if unit.closed:
            found.setdefault(unit.at, []).extend(unit.closed)
    return found


def _stale(session: Session, units: Sequence[Unit]) -> dict[int, BaseException]:
    """Accounts that plan orders under a wish that is no longer the row's, or beyond their caps."""
    planned = {sid: rev for unit in units for sid, rev in unit.revisions.items()}
    if not planned:
        return {}
    return _wished_otherwise(session, units, planned) | _beyond_caps(session, units)


def _beyond_caps(session: Session, units: Sequence[Unit]) -> dict[int, BaseException]:
    buying = [unit for unit in units if unit.exposure]
    if not buying:
        return {}
    known = accounts.terms(session, [unit.account_id for unit in buying])
    return {
        unit.account_id: Stale("the account's caps changed while orders were planned")
        for unit in buying
        if not _fits(unit, known.get(unit.account_id))
    }


def _fits(unit: Unit, terms: Terms | None) -> bool:
    if terms is None or terms.caps is None or terms.rev != unit.terms_rev:
        return False
    caps, exposure = terms.caps, unit.exposure or {}
    return all(quote in caps and used <= caps[quote] for quote, used in exposure.items())


def _wished_otherwise(
    session: Session, units: Sequence[Unit], planned: Mapping[int, Revision]
) -> dict[int, BaseException]:
    now = revisions(session, list(planned))
    halt_rev = read_halt(session).rev
    return {
        unit.account_id: Stale("the wanted state changed while orders were planned")
        for unit in units
        if unit.revisions
        and (
            unit.halt_rev != halt_rev
            or any(now.get(sid) != rev for sid, rev in unit.revisions.items())
        )
    }
