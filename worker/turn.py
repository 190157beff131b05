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
from core.events import (
    Command,
    Event,
    PlaceOrder,
    PriceSeen,
    Quote,
    RulesChanged,
    TimePassed,
    WantedChanged,
)
from core.market import Market
from core.money import ZERO
from core.reserve import at_stake
from core.rules import differ, problem, under
from core.story import ActualState, Entry, state_of, tell, tell_halt
from core.succession import next_cycle, reparametrized
from core.triggers import Watch, watch
from db.cycles import CycleChange
from worker.allowance import (
    lacks_free_coins,
    planned_buys,
    what_is_free,
    within_cap,
    without,
    without_price,
)
from worker.gate import Held, fits_cap, may_start
from worker.holds import EXITS_STAY, Hold
from worker.tracked import Shown, Tracked

log = logging.getLogger(__name__)
ASK_AGAIN = timedelta(seconds=30)
GOING_ON = (ActualState.STARTING, ActualState.RUNNING, ActualState.FINISHING)
"""States in which a strategy buys: one that is held back says so instead."""


@dataclass(slots=True)
class Draft:
    """What a turn makes of one strategy. `unpriced`: it would place orders if the price were fresh.

    beyond_cap: why buys were left out. rules, rules_problem: as in `Tracked`."""

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
    beyond_cap: str | None = None
    rules: Market | None = None
    rules_problem: str | None = None


def _nothing_held(symbol: str) -> Hold | None:
    return None


class Turn:
    """`quote_of(symbol)`: the fresh quote or None. `free`: free balance by asset; None: nobody asked, so no
    cycle starts in this turn, and whoever would is woken again at once.
    `window`: how long the venue may still accept a request after its signed time.

    no_buys(symbol): why no buys are planned there now; exits go on. caps: the most that may be in use per
    quote coin; None: there is no limit (no real money)."""

    def __init__(
        self,
        tracked: Mapping[int, Tracked],
        at: datetime,
        quote_of: Callable[[str], Quote | None],
        market_of: Callable[[str], Market | None],
        free: Mapping[str, Decimal] | None,
        window: timedelta,
        no_buys: Callable[[str], Hold | None] = _nothing_held,
        caps: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.tracked = tracked
        self.at = at
        self.quote_of = quote_of
        self.market_of = market_of
        self.free = free
        self.window = window
        self.no_buys = no_buys
        self.caps = caps
        self.drafts: dict[int, Draft] = {}

    def feed(self, strategy_id: int, event: Event) -> None:
        """Step the strategy; where its cycle ends, the next one begins at this moment and price."""
        tracked = self.tracked[strategy_id]
        draft = self.drafts.get(strategy_id)
        if draft is None:
            draft = self.drafts[strategy_id] = Draft(
                tracked.cycle,
                tracked.is_stored,
                tracked.answered_rev,
                rules=tracked.rules,
                rules_problem=tracked.rules_problem,
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
                fault=f"An internal fault ({type(fault).__name__}) stopped this strategy. While it lasts"
                " nothing is bought or sold for it and no stop loss is watched; its orders on the exchange"
                " stay as they are. It is tried again by itself; if it stays so, tell your administrator.",
            )

    def _advance(self, tracked: Tracked, draft: Draft, event: Event) -> None:
        if draft.fault is not None:
            return
        self._take_rules(tracked, draft)
        if draft.cycle.is_idle():
            event = self._gated(tracked, draft, event)
        if isinstance(event, WantedChanged):
            draft.answered_rev = tracked.wish.desired_rev
            if tracked.wish.row_state is not tracked.wish.desired_state:
                draft.journal.append((draft.cycle.number, tell_halt(on=True)))
        self._step(tracked, draft, event)
        if is_over(draft.cycle):
            self._succeed(tracked, draft)

    def _take_rules(self, tracked: Tracked, draft: Draft) -> None:
        """A running cycle takes the venue's rules on as soon as they differ from its own."""
        market = self.market_of(tracked.symbol)
        if market is None or market is draft.rules:
            return
        is_first, draft.rules = draft.rules is None, market
        if draft.cycle.is_idle():
            return
        if differ(draft.cycle, market):
            changed = under(draft.cycle, market)
            draft.rules_problem = problem(replace(draft.cycle, market=changed))
            quote = self.quote_of(tracked.symbol)
            self._step(tracked, draft, RulesChanged(self.at, changed, quote))
        elif is_first and draft.cycle.rules_changed_at is not None:
            # Taken on before this process held the account: whether they fit was known to another one.
            draft.rules_problem = problem(draft.cycle)

    def _step(self, tracked: Tracked, draft: Draft, event: Event) -> None:
        before = draft.cycle
        after, commands = step(before, event)
        if commands:
            after, commands = self._allowed(tracked, draft, before, after, commands)
        draft.journal += [(after.number, entry) for entry in tell(before, after, event)]
        draft.commands += commands
        if after is not before and after != before:
            self._change(draft, after)

    def _allowed(
        self,
        tracked: Tracked,
        draft: Draft,
        before: Cycle,
        after: Cycle,
        commands: tuple[Command, ...],
    ) -> tuple[Cycle, tuple[Command, ...]]:
        """What may be written of it; what is left out is found again by the next step."""
        if self.quote_of(tracked.symbol) is None:
            planned = without_price(before, after, commands)
            draft.unpriced = draft.unpriced or len(planned[1]) < len(commands)
            return planned
        if self.free is not None and lacks_free_coins(before):
            free = self.free.get(after.market.base, ZERO)
            after, commands = what_is_free(after, commands, free)
        buys = planned_buys(commands)
        if not buys:
            return after, commands
        if self._held_back(tracked, draft) is not None:
            return without(after, commands, [order.client_order_id for order in buys])
        if self.caps is None:
            return after, commands
        others = self._others(tracked, after.market.quote)
        planned, draft.beyond_cap = within_cap(after, commands, self.caps, others)
        return planned

    def _held_back(self, tracked: Tracked, draft: Draft) -> Hold | None:
        """Why this strategy buys nothing now."""
        if draft.rules_problem is not None:
            sentence = f"The exchange changed its trading rules: {draft.rules_problem}"
            return Hold("rules", sentence, self.at)
        return self.no_buys(tracked.symbol)

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
        draft.cycle, draft.rules_problem = next_cycle(over, self.at, parameters, market), None
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
            draft.held = self._may_not_start(tracked, draft, event.quote.ask)
        if draft.held is None:
            return event
        return TimePassed(event.at)

    def _may_not_start(self, tracked: Tracked, draft: Draft, price: Decimal) -> Held | None:
        """Why the next cycle does not start now."""
        hold = self.no_buys(tracked.symbol)
        if hold is not None:
            return Held(hold.sentence, waits=hold.state == "waiting")
        if self.free is None:
            draft.unpriced = True
            return Held("What is free on the account is being looked at.", waits=True)
        cycle = draft.cycle
        quote = cycle.market.quote
        others = self._others(tracked, quote)
        held = may_start(cycle, price, self.free.get(quote, ZERO), others)
        if held is not None or self.caps is None:
            return held
        return fits_cap(cycle, self.caps.get(quote), others)

    def exposure(self) -> dict[str, Decimal] | None:
        """What is in use per quote coin in which this turn buys, once it is written; None without caps."""
        if self.caps is None:
            return None
        buying = {
            draft.cycle.market.quote
            for draft in self.drafts.values()
            if planned_buys(draft.commands)
        }
        return {quote: sum(map(at_stake, self._all(quote)), ZERO) for quote in buying}

    def _all(self, quote_asset: str) -> list[Cycle]:
        drafts = self.drafts
        cycles = (drafts[i].cycle if i in drafts else t.cycle for i, t in self.tracked.items())
        return [cycle for cycle in cycles if cycle.market.quote == quote_asset]

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
            return Shown(draft.held.state, draft.held.sentence, rev, draft.held.missing)
        state, sentence = state_of(draft.cycle, self.at, self.quote_of(tracked.symbol))
        if state in GOING_ON:
            hold = self._held_back(tracked, draft)
            if hold is not None:
                return Shown(hold.state, f"{hold.sentence} Nothing is bought. {EXITS_STAY}", rev)
            if draft.beyond_cap is not None:
                sentence = f"{sentence} {draft.beyond_cap}"
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
        if draft.held is not None and draft.cycle.is_idle() and not draft.unpriced:
            return Watch(alarm=self.at + ASK_AGAIN)
        found = watch(draft.cycle, self.at)
        if draft.beyond_cap is not None:
            again = self.at + ASK_AGAIN
            found = replace(found, alarm=min(found.alarm or again, again))
        return replace(found, now=True) if draft.unpriced else found
