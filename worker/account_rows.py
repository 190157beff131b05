"""From what a turn decided to the rows that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.cycle import Cycle
from core.money import plain
from core.story_entry import Entry
from db.account_status import AccountStatus
from db.accounts import Account, AccountKind
from db.cycles import CycleChange
from db.doubts import Inquiry, TakenForGone
from db.journal import JournalEntry, JournalLevel
from db.status import ActualState, StrategyStatus
from worker.tracked import Shown, Tracked
from worker.turn import Turn
from worker.units import Unit


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The account as its row says it. `caps`: the most that may be in use per quote coin; None: no limit
    (no real money). `rev`: changes with the caps."""

    account_id: int
    user_id: int
    stated: dict[str, Decimal]
    caps: Mapping[str, Decimal] | None = None
    rev: int = 0


def facts_of(account: Account) -> AccountFacts:
    """A live account without caps buys nothing: it has a cap for no coin."""
    is_live = account.kind is AccountKind.LIVE
    caps = (account.caps or {}) if is_live else None
    return AccountFacts(
        account.account_id, account.user_id, account.stated_balance, caps, account.rev
    )


class AccountRows:
    """Units of one account under the lease `token`."""

    def __init__(self, facts: AccountFacts, token: int) -> None:
        self.facts, self.token = facts, token

    def unit_of(self, turn: Turn, halt_rev: int) -> Unit | None:
        """Everything that the turn changed; None when that is nothing."""
        changes: list[CycleChange] = []
        closed: list[Cycle] = []
        statuses: list[StrategyStatus] = []
        journal: list[JournalEntry] = []
        for strategy_id, draft in turn.drafts.items():
            changes += draft.changes
            closed += draft.closed
            tracked, shown = turn.tracked[strategy_id], turn.shown(strategy_id)
            if shown != tracked.shown:
                statuses.append(self.status(tracked, shown, turn.at))
            journal += [self.entry(strategy_id, n, entry, turn.at) for n, entry in draft.journal]
        if not (changes or statuses or journal):
            return None
        planning = {
            strategy_id: turn.tracked[strategy_id].wish.revision
            for strategy_id in turn.drafts
            if turn.places_orders(strategy_id)
        }
        return Unit(
            account_id=self.facts.account_id,
            token=self.token,
            at=turn.at,
            changes=tuple(changes),
            closed=tuple(closed),
            statuses=tuple(statuses),
            journal=tuple(journal),
            revisions=planning,
            halt_rev=halt_rev,
            exposure=turn.exposure() if planning else None,
            terms_rev=self.facts.rev,
            taken_for_gone=tuple(self._taken_for_gone(changes, turn.at)),
        )

    def _taken_for_gone(
        self, changes: Sequence[CycleChange], at: datetime
    ) -> Iterator[TakenForGone]:
        for change in changes:
            for order in change.after.orders:
                name = order.client_order_id
                before = None if change.before is None else change.before.find(name)
                if order.was_said_gone and (before is None or not before.was_said_gone):
                    yield TakenForGone(
                        order.client_order_id,
                        change.after.identity.strategy_id,
                        self.facts.user_id,
                        plain(order.filled, 18),
                        at,
                    )

    def plain_unit(
        self,
        at: datetime,
        changes: Sequence[CycleChange] = (),
        journal: Sequence[JournalEntry] = (),
        statuses: Sequence[StrategyStatus] = (),
        account: AccountStatus | None = None,
        inquiries: Sequence[Inquiry] = (),
    ) -> Unit:
        """A unit that plans no order, so that no wish has to be read again for it."""
        return Unit(
            account_id=self.facts.account_id,
            token=self.token,
            at=at,
            changes=tuple(changes),
            closed=(),
            statuses=tuple(statuses),
            journal=tuple(journal),
            revisions={},
            halt_rev=0,
            account=account,
            inquiries=tuple(inquiries),
        )

    def status_unit(self, tracked: Tracked, shown: Shown, at: datetime) -> Unit:
        return self.plain_unit(at, statuses=[self.status(tracked, shown, at)])

    def entry(
        self, strategy_id: int | None, number: int | None, entry: Entry, at: datetime
    ) -> JournalEntry:
        return JournalEntry(
            at=at,
            user_id=self.facts.user_id,
            account_id=self.facts.account_id,
            strategy_id=strategy_id,
            cycle_number=number,
            client_order_id=entry.client_order_id,
            level=JournalLevel(entry.level),
            code=entry.code,
            sentence=entry.sentence,
        )

    def status(
        self, tracked: Tracked, shown: Shown, at: datetime, looked: datetime | None = None
    ) -> StrategyStatus:
        """`looked`: when the account was last looked at, where that is not now."""
        return StrategyStatus(
            strategy_id=tracked.strategy_id,
            account_id=self.facts.account_id,
            actual_state=ActualState(shown.actual_state),
            observed_rev=shown.observed_rev,
            reason=shown.sentence,
            missing=shown.missing,
            checked_at=looked or at,
            updated_at=at,
        )
