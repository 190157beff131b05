"""What this process holds in memory of one account. The rows are the truth; this is a copy of them."""

from __future__ import annotations

from core.orders import Order, OrderStatus
from db.wanted import Revision
from worker.account_rows import AccountFacts, AccountRows
from worker.desk import Desk
from worker.holds import Hold, Holds
from worker.live_orders import LiveOrders
from worker.proof import Proof
from worker.taken_back import TakenBack
from worker.tracked import Tracked

UNREADABLE = (
    "The records of another strategy on this account cannot be read, so nobody knows how much of the"
    " account's cap it uses."
)
DOUBTED = (OrderStatus.SENDING, OrderStatus.QUARANTINED)


class AccountMemory:
    """Shared by the parts of one account's consumer; `token` is that of its lease.

    unreadable: strategies whose rows cannot be used, each with the wish under which that was so.
    holds: why nothing is bought now. taken_back: trades that the venue does not list any more.
    """

    def __init__(self, facts: AccountFacts, token: int, desk: Desk) -> None:
        self.facts = facts
        self.desk = desk
        self.rows = AccountRows(facts, token)
        self.tracked: dict[int, Tracked] = {}
        self.live = LiveOrders()
        self.proof = Proof(desk.venue.request_window, desk.venue.index_lag)
        self.unreadable: dict[int, Revision] = {}
        self.holds = Holds()
        self.taken_back = TakenBack(self.holds)

    def take_facts(self, facts: AccountFacts) -> None:
        """The account's row has changed."""
        self.facts = self.rows.facts = facts

    def no_buys(self, symbol: str) -> Hold | None:
        """Why nothing is bought on `symbol` now; None: it may be."""
        desk, quote = self.desk, symbol.partition("/")[2]
        at = desk.venue.now()
        if symbol in desk.problems:
            return Hold("symbol", desk.problems[symbol], at)
        held = self.holds.of(quote) if self.holds else None
        if held is not None:
            return held
        if self.facts.caps is not None and self.unreadable:
            return Hold("unreadable", UNREADABLE, at)
        clock, peg = desk.clock_problem(), desk.quote_problem(quote)
        if clock is not None or peg is not None:
            return Hold("clock" if peg is None else "peg", clock or peg or "", at)
        return None

    @property
    def account_id(self) -> int:
        return self.facts.account_id

    def track(self, tracked: Tracked) -> None:
        """Take a strategy over as its rows say it; orders in doubt are doubted from now on."""
        self.tracked[tracked.strategy_id] = tracked
        now = self.desk.monotonic()
        self.live.know(tracked.strategy_id, tracked.cycle)
        for order in tracked.cycle.live():
            if order.status in DOUBTED:
                self.proof.doubt(order.client_order_id, now)

    def untrack(self, strategy_id: int) -> Tracked | None:
        tracked = self.tracked.pop(strategy_id, None)
        if tracked is not None:
            self.live.forget(tracked.cycle)
            self.desk.unfollow(tracked.symbol, strategy_id)
        return tracked

    def order(self, client_order_id: str) -> Order | None:
        """A live order of ours; None when it is none or final."""
        strategy_id = self.live.owner(client_order_id)
        tracked = None if strategy_id is None else self.tracked.get(strategy_id)
        return None if tracked is None else tracked.cycle.find(client_order_id)
