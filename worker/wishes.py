"""From the strategies' rows to `Wish`: nothing in a row is trusted, and a halt is applied here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.cycle import Cycle, PassedLevels
from core.engine import BUYING
from core.errors import InvalidInput
from core.events import Event, Quote, WantedChanged
from core.market import Market, Side
from core.money import ONE
from core.order_ids import Identity
from core.orders import OrderStatus
from core.parameters import Parameters
from core.succession import first_cycle
from db.halt import Halt, effective_state
from db.wanted import Revision, Wanted, parameters_from_text
from worker.holds import Hold
from worker.tracked import Tracked, Wish


class WishReader:
    """Without state: equal parameter texts become one object in `db.wanted`."""

    def wish(self, row: Wanted, halt: Halt) -> Wish:
        parameters = self._parameters(row.parameters_text)
        problem = row.fault
        if isinstance(parameters, str):
            problem = parameters
        return Wish(
            desired_state=effective_state(row.desired_state, row.desired_at, halt),
            row_state=row.desired_state,
            revision=Revision(row.desired_rev, row.parameters_version),
            desired_at=row.desired_at,
            passed_levels=row.passed_levels,
            release=row.release,
            parameters=None if isinstance(parameters, str) else parameters,
            problem=problem,
        )

    def under_halt(self, wish: Wish, halt: Halt) -> Wish:
        """The same wish after a halt was called or lifted."""
        return replace(wish, desired_state=effective_state(wish.row_state, wish.desired_at, halt))

    def _parameters(self, text: str) -> Parameters | str:
        """The parameters, or the sentence that says why they are none."""
        try:
            return parameters_from_text(text)
        except InvalidInput as problem:
            return str(problem)


# Stands in a row that nobody can start: the gate holds a strategy without readable parameters back.
UNREADABLE = Parameters(base_order_size=ONE, safety_order_size=ONE)


def first_of(row: Wanted, wish: Wish, installation: str, market: Market) -> Cycle:
    """The cycle of a strategy that has none yet. Without usable parameters it can only wait."""
    identity = Identity(installation, row.account_id, row.strategy_id)
    cycle = first_cycle(identity, wish.parameters or UNREADABLE, market)
    return replace(cycle, wanted=wish.desired_state)


def wish_event(tracked: Tracked, quote: Quote | None, at: datetime) -> Event | None:
    """The wish as an event, None once the cycle knows it. Letting coins go and skipping levels wait for
    a fresh price."""
    wish = tracked.wish
    if tracked.answered_rev == wish.desired_rev and tracked.cycle.wanted is wish.desired_state:
        return None
    skips = wish.passed_levels is PassedLevels.SKIP and wish.desired_state in BUYING
    if (wish.release or skips) and quote is None:
        return None
    return WantedChanged(
        at=at,
        wanted=wish.desired_state,
        quote=quote,
        passed_levels=wish.passed_levels,
        release_at=quote.bid if wish.release and quote is not None else None,
    )


def has_read(tracked: Tracked, hold: Hold) -> bool:
    """The person wants it to buy, said so after this hold began, and the strategy had shown it."""
    wish, shown = tracked.wish, tracked.shown
    return (
        tracked.answered_rev != wish.desired_rev
        and wish.desired_state in BUYING
        and wish.desired_at > hold.since
        and shown is not None
        and hold.sentence in shown.sentence
    )


def obeys(tracked: Tracked) -> bool:
    """As committed: the cycle has been told its newest wish; where that is not to buy, no buy of it is left
    that could still fill. (A quarantined one waits for a person.)"""
    cycle = tracked.cycle
    if cycle.wanted is not tracked.newest_wish.desired_state:
        return False
    return cycle.wanted in BUYING or not any(
        order.side is Side.BUY and order.status is not OrderStatus.QUARANTINED
        for order in cycle.live()
    )
