"""One pass over an account: events in, a unit of changes and the commands that follow its commit out.

Nothing here is asynchronous and nothing is remembered: `Turn` works on copies, and only a committed
turn is taken over by the account.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.cycle import Cycle, DesiredState
from core.engine import is_over, step
from core.entry import waits_for
from core.events import Command, Event, PlaceOrder, PriceSeen, Quote, TimePassed, WantedChanged
from core.market import Market
from core.money import ZERO
from core.story import Entry, state_of, tell, tell_halt
from core.succession import next_cycle, reparametrized
from core.triggers import Watch, watch
from db.cycles import CycleChange
from worker.gate import Held, may_start
from worker.tracked import Shown, Tracked

log = logging.getLogger(__name__)
ASK_AGAIN = timedelta(seconds=30)


@dataclass(slots=True)
class Draft:
    """What a turn makes of one strategy. `unpriced`: it would place orders if the price were fresh."""

    cycle: Cycle
    is_stored: bool
    answered_rev: int
    changes: list[CycleChange] = field(default_factory=list)
    closed: list[Cycle] = field(default_factory=list)
    journal: list[tuple[int, Entry]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    held: Held | None = None
    fault: str | None = None
    unpriced: bool = False


class Turn:
    """`quote_of(symbol)`: the fresh quote or None. `free`: free balance by asset.
    `window`: how long the venue may still accept a request after its signed time."""

    def __init__(
        self,
        tracked: Mapping[int, Tracked],
        at: datetime,
        quote_of: Callable[[str], Quote | None],
        market_of: Callable[[str], Market | None],
        free: Mapping[str, Decimal],
        window: timedelta,
    ) -> None:
        self.tracked = tracked
        self.at = at
        self.quote_of = quote_of
        self.market_of = market_of
        self.free = free
        self.window = window
        self.drafts: dict[int, Draft] = {}

    def feed(self, strategy_id: int, event: Event) -> None:
        """Step the strategy; where its cycle ends, the next one begins at this moment and price."""
        tracked = self.tracked[strategy_id]
        draft = self.drafts.get(strategy_id)
        if draft is None:
            draft = self.drafts[strategy_id] = Draft(
                tracked.cycle, tracked.is_stored, tracked.answered_rev
            )
        try:
            self._advance(tracked, draft, event)
        except (
            Exception
        ) as fault:  # the one bulkhead: a strategy that raises must not stop the others
            log.exception("strategy %s raised", strategy_id, extra={"strategy_id": strategy_id})
            self.drafts[strategy_id] = Draft(
                tracked.cycle,
                tracked.is_stored,
                tracked.answered_rev,
                fault=f"An internal fault ({type(fault).__name__}) stopped this strategy. Orders on"
                " the exchange stay as they are; the operator finds the details in the log.",
            )

    def _advance(self, tracked: Tracked, draft: Draft, event: Event) -> None:
        if draft.fault is not None:
            return
        if draft.cycle.is_idle():
            event = self._gated(tracked, draft, event)
        if isinstance(event, WantedChanged):
            draft.answered_rev = tracked.wish.desired_rev
            if tracked.wish.row_state is not tracked.wish.desired_state:
                draft.journal.append((draft.cycle.number, tell_halt(on=True)))
        before = draft.cycle
        after, commands = step(before, event)
        if self.quote_of(tracked.symbol) is None:
            after, commands = self._unplaced(draft, before, after, commands)
        draft.journal += [(after.number, entry) for entry in tell(before, after, event)]
        draft.commands += commands
        if after is not before and after != before:
            self._change(draft, after)
        if is_over(draft.cycle):
            self._succeed(tracked, draft)

    def _unplaced(
        self, draft: Draft, before: Cycle, after: Cycle, commands: tuple[Command, ...]
    ) -> tuple[Cycle, tuple[Command, ...]]:
        """Without a fresh price nothing is placed; what is missing is found again with the next one."""
        cancels = tuple(c for c in commands if not isinstance(c, PlaceOrder))
        if len(cancels) < len(commands):
            draft.unpriced = True
            after = replace(after, orders=after.orders[: len(before.orders)])
        return after, cancels

    def _change(self, draft: Draft, after: Cycle) -> None:
        """Fold this step into the change of the same cycle that the turn already holds."""
        last = draft.changes[-1] if draft.changes else None
        if last is not None and last.after.number == after.number:
            draft.changes[-1] = replace(last, after=after)
        else:
            before = draft.cycle if draft.is_stored else None
            draft.changes.append(CycleChange(before, after, self.at + self.window))
        draft.cycle, draft.is_stored = after, True

    def _succeed(self, tracked: Tracked, draft: Draft) -> None:
        over = draft.cycle
        draft.closed.append(over)
        parameters = tracked.wish.parameters or over.parameters
        market = self.market_of(tracked.symbol) or over.market
        draft.cycle = next_cycle(over, self.at, parameters, market)
        draft.changes.append(CycleChange(None, draft.cycle, self.at + self.window))
        quote = self.quote_of(tracked.symbol)
        if quote is not None:
            self._advance(tracked, draft, PriceSeen(self.at, quote))

    def _gated(self, tracked: Tracked, draft: Draft, event: Event) -> Event:
        """An idle cycle sees a price only when it may start: then the engine starts it."""
        if not isinstance(event, PriceSeen):
            return replace(event, quote=None)
        cycle = draft.cycle
        market = self.market_of(tracked.symbol) or cycle.market
        parameters = tracked.wish.parameters
        if parameters is not None and (parameters, market) != (cycle.parameters, cycle.market):
            self._change(draft, reparametrized(cycle, parameters, market))
            cycle = draft.cycle
        draft.held = None
        if waits_for(cycle, event.at, event.quote) is not None:
            return event
        if parameters is None:
            draft.held = Held(
                tracked.wish.problem or "The parameters of this strategy are unreadable."
            )
        else:
            free = self.free.get(cycle.market.quote, ZERO)
            draft.held = may_start(
                cycle, event.quote.ask, free, self._others(tracked, cycle.market.quote)
            )
        if draft.held is None:
            return event
        return TimePassed(event.at)

    def _others(self, tracked: Tracked, quote_asset: str) -> list[Cycle]:
        """The other strategies' cycles on this account, as this turn has left them."""
        found = []
        for strategy_id, other in self.tracked.items():
            if strategy_id == tracked.strategy_id:
                continue
            draft = self.drafts.get(strategy_id)
            cycle = other.cycle if draft is None else draft.cycle
            if cycle.market.quote == quote_asset:
                found.append(cycle)
        return found

    def shown(self, strategy_id: int) -> Shown:
        """The state and the sentence that the person sees after this turn."""
        tracked, draft = self.tracked[strategy_id], self.drafts[strategy_id]
        rev = draft.answered_rev
        if draft.fault is not None:
            return Shown("needs_attention", draft.fault, rev)
        problem = self._problem(tracked, draft.cycle)
        if problem is not None:
            return Shown("needs_attention", problem, rev)
        if draft.held is not None and draft.cycle.is_idle():
            state = "waiting" if draft.held.missing is not None else "needs_attention"
            return Shown(state, draft.held.sentence, rev, draft.held.missing)
        state, sentence = state_of(draft.cycle, self.at, self.quote_of(tracked.symbol))
        return Shown(state, sentence, rev)

    def _problem(self, tracked: Tracked, cycle: Cycle) -> str | None:
        """What is wrong with the strategy's own row. Settings matter only where a cycle is to start."""
        wish = tracked.wish
        if cycle.wanted in (DesiredState.STOPPED, DesiredState.CLOSED):
            return None
        return wish.problem if cycle.is_idle() or wish.parameters is not None else None

    def places_orders(self, strategy_id: int) -> bool:
        """Then the transaction that writes it reads the wanted state again."""
        return any(isinstance(command, PlaceOrder) for command in self.drafts[strategy_id].commands)

    def watch_of(self, strategy_id: int) -> Watch:
        """What the strategy waits for after this turn; one that was held back asks again later."""
        draft = self.drafts[strategy_id]
        if draft.fault is not None:
            return Watch(alarm=self.at + ASK_AGAIN)
        if draft.held is not None and draft.cycle.is_idle():
            return Watch(alarm=self.at + ASK_AGAIN)
        found = watch(draft.cycle, self.at)
        return replace(found, now=True) if draft.unpriced else found
