"""The live auditor: each minute the invariants V1 to V20 are asked of the rows of the accounts held here.

It reads only what may have changed. Every transaction of a worker on an account adds one to its lease's
`beat`, so an account whose beat stands still is looked at again only if time alone can break something of it:
an order on its way, coins without a take profit, anything found before; and a few others in turn, so that
what was changed from outside is found as well. After each read it rests many times as long as the read took,
so it never takes more than a few percent of a core; with very many busy accounts a round takes longer than a
minute instead. Real money has rounds of its own, which wait for no others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from db import audit_findings, journal
from db.accounts import AccountKind
from db.audit_findings import Recorded
from db.clock import utc_now
from db.errors import CommitUnknown, DatabaseUnavailable
from db.handles import Session
from db.transactions import run
from db.verify import check_books, snapshots
from db.verify.broken import Broken
from db.verify.caps import check_caps
from db.verify.chain import EVERYBODY, Followed, check_unchained, follow_chain
from db.verify.liveness import check_liveness, is_at_rest
from db.verify.progress import Seen, check_progress, seen_of
from db.verify.recent import Mark, Recent, load_recent, marks, unanswered
from worker.audit_words import about, entries, findings_of
from worker.clock import monotonic
from worker.database import Database

R = TypeVar("R")
log = logging.getLogger(__name__)
EACH = 60.0
ACCOUNTS_AT_ONCE = 4
IN_TURN = 4
"""How many accounts that stand still are looked at in a round all the same."""
REST = 30
"""Times as long as a read took it rests afterwards."""
FIRST_LOOK_BACK = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)
ANSWERED_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an account gave. `seen`: of a live one, to be compared with at the next look."""

    account_id: int
    user_id: int | None
    broken: tuple[Broken, ...]
    at_rest: bool
    seen: Seen | None = None


class Auditor:
    """Of the live accounts, or of the others. `worker()`: the name under which leases are held.

    audit_key: with it the chain of the audit is followed as well.
    """

    def __init__(
        self,
        database: Database,
        worker: Callable[[], str],
        *,
        live: bool,
        audit_key: bytes | None = None,
    ) -> None:
        self.database = database
        self.worker = worker
        self.live = live
        self.audit_key = audit_key
        self._snapshots = snapshots(database.engine)
        self._marks: dict[int, Mark] = {}
        self._restless: set[int] = set()
        self._seen: dict[int, Seen] = {}
        self._since: dict[tuple[str, int, str, int | None], float] = {}
        self._open: set[int] = set()
        self._last = utc_now() - FIRST_LOOK_BACK
        self._chain = Followed()
        self._told: set[int] = set()

    async def run(self) -> None:
        while True:
            started = monotonic()
            await self.look()
            took = monotonic() - started
            if took > EACH:
                log.info("an audit of %s accounts took %.0f s", len(self._marks), took)
            await asyncio.sleep(max(1.0, EACH - took))

    async def look(self) -> int:
        """One round; how many accounts had to be read."""
        try:
            looked = await self._look_at_accounts()
            if self.audit_key is not None:
                await self._look_at_chain(self.audit_key)
        except (DatabaseUnavailable, CommitUnknown) as error:
            log.warning("the audit is repeated: %s", error)
            return 0
        return looked

    async def _look_at_accounts(self) -> int:
        at, name = utc_now(), self.worker()
        now = await self._read(lambda session: marks(session, name, live=self.live))
        self._open = await self._read(audit_findings.open_in)
        late = await self._unanswered(now, at)
        self._forget(now)
        again = self._restless | self._open | {broken.account_id for broken in late}
        due = [i for i, mark in now.items() if self._marks.get(i) != mark or i in again]
        due += self._longest_unseen(set(due))
        for start in range(0, len(due), ACCOUNTS_AT_ONCE):
            some = due[start : start + ACCOUNTS_AT_ONCE]
            await self._look_at_some(some, now, late)
        self._last = at
        return len(due)

    async def _look_at_some(
        self, account_ids: Sequence[int], now: Mapping[int, Mark], late: Sequence[Broken]
    ) -> None:
        started, at, since = monotonic(), utc_now(), self._last - OVERLAP
        for look in await self._looks(account_ids, since, at):
            own = [broken for broken in late if broken.account_id == look.account_id]
            await self._tell(look, self._lasting(look.account_id, [*look.broken, *own]), at)
            self._remember(look, now[look.account_id])
        await asyncio.sleep((monotonic() - started) * REST)

    async def _looks(self, account_ids: Sequence[int], since: datetime, at: datetime) -> list[Look]:
        """One for each account. Rows that cannot even be read must not end the worker that trades."""

        def unit(session: Session) -> list[Look]:
            found = load_recent(session, account_ids, since)
            return [self._look(session, recent, at) for recent in found]

        try:
            return await self._read(unit)
        except (DatabaseUnavailable, CommitUnknown):
            raise
        except Exception as fault:  # it is a finding, and loud in the log
            if len(account_ids) == 1:
                log.exception("account %s cannot be audited", account_ids[0])
                return [_unreadable(account_ids[0], fault)]
        return [look for i in account_ids for look in await self._looks([i], since, at)]

    def _look(self, session: Session, recent: Recent, at: datetime) -> Look:
        """In a thread, on one snapshot."""
        books, is_held = recent.books, recent.hold is not None
        broken = [
            *check_books(books),
            *check_liveness(books, recent.statuses, at, is_held=is_held),
            *check_caps(session, recent),
        ]
        seen = seen_of(books) if recent.kind is AccountKind.LIVE else None
        before = self._seen.get(recent.account_id)
        if seen is not None and before is not None:
            broken += check_progress(before, books)
        return Look(recent.account_id, recent.user_id, tuple(broken), is_at_rest(books), seen)

    async def _unanswered(self, now: Mapping[int, Mark], at: datetime) -> list[Broken]:
        if not now:
            return []
        before = at - ANSWERED_WITHIN
        try:
            found = await self._read(lambda session: unanswered(session, now.keys(), before))
        except (DatabaseUnavailable, CommitUnknown):
            raise
        except Exception:  # whose rows these are is found when the accounts are read
            log.exception("wishes cannot be compared with what is shown")
            return []
        sentence = "It was changed over 5 minutes ago, and the worker has not answered."
        return [
            Broken("wish not answered", account_id, "what is wanted", sentence, strategy_id)
            for account_id, strategy_id in found
        ]

    async def _look_at_chain(self, key: bytes) -> None:
        at, known = utc_now(), self._chain

        def unit(session: Session) -> tuple[Followed, list[Broken]]:
            followed, broken = follow_chain(session, key, known)
            return followed, [*broken, *check_unchained(session, at)]

        try:
            self._chain, broken = await self._read(unit)
        except (DatabaseUnavailable, CommitUnknown):
            raise
        except Exception as fault:  # as above
            log.exception("the audit chain cannot be followed")
            broken = [Broken("audit chain", EVERYBODY, "the audit", _why(fault))]
        look = Look(EVERYBODY, None, tuple(broken), at_rest=True)
        await self._tell(look, self._lasting(EVERYBODY, broken), at)

    def _lasting(self, account_id: int, broken: Sequence[Broken]) -> list[Broken]:
        """Those that have been so for long enough."""
        now, told = monotonic(), []
        current = {(e.check, e.account_id, e.what, e.user_id): e for e in broken}
        for key in [k for k in self._since if k[1] == account_id and k not in current]:
            del self._since[key]
        for key, each in current.items():
            if now - self._since.setdefault(key, now) >= each.lasts.total_seconds():
                told.append(each)
        return told

    def _longest_unseen(self, due: set[int]) -> list[int]:
        """Of those that stand still."""
        return [i for i in self._marks if i not in due][:IN_TURN]

    def _remember(self, look: Look, mark: Mark) -> None:
        # Last in the order, which is the order of looking.
        self._marks.pop(look.account_id, None)
        self._marks[look.account_id] = mark
        if look.at_rest and not look.broken:
            self._restless.discard(look.account_id)
        else:
            self._restless.add(look.account_id)
        if look.seen is not None:
            self._seen[look.account_id] = look.seen

    def _forget(self, now: Mapping[int, Mark]) -> None:
        """What is known of accounts that another worker holds now."""
        for account_id in self._marks.keys() - now.keys():
            del self._marks[account_id]
            self._seen.pop(account_id, None)
            self._restless.discard(account_id)
            for key in [key for key in self._since if key[1] == account_id]:
                del self._since[key]

    async def _tell(self, look: Look, broken: Sequence[Broken], at: datetime) -> None:
        """Writes only when there is something to say, or something to take back."""
        if not broken and look.account_id not in self._open:
            return
        found, concerned = findings_of(broken), self._concerned(look, broken)

        def unit(session: Session) -> Recorded:
            recorded = audit_findings.record(session, [look.account_id], found, at=at)
            for user_id in sorted(concerned):
                own = recorded if look.user_id else about(user_id, recorded, broken)
                journal.append(session, entries(own, user_id, at))
            return recorded

        recorded = await self.database.write(unit)
        if look.account_id == EVERYBODY:
            self._told = concerned if broken else set()
        for finding in recorded.fresh:
            place = (finding.check_id, finding.account_id)
            log.critical("%s of account %s: %s", *place, finding.sentence)
        for finding in recorded.gone:
            log.warning("%s of account %s is whole again", finding.check_id, finding.account_id)

    def _concerned(self, look: Look, broken: Sequence[Broken]) -> set[int]:
        """Who reads of it: the account's person, or whom the rows of the audit name. Who was told of those is
        told as well when they are whole."""
        if look.user_id is not None:
            return {look.user_id}
        return self._told | {each.user_id for each in broken if each.user_id is not None}

    async def _read(self, unit: Callable[[Session], R]) -> R:
        return await self.database.call(run, self._snapshots, unit, write=False)


def _unreadable(account_id: int, fault: Exception) -> Look:
    broken = Broken("readable", account_id, "the account", _why(fault))
    return Look(account_id, None, (broken,), at_rest=False)


def _why(fault: Exception) -> str:
    return f"It cannot be checked ({type(fault).__name__}); the log says more."
