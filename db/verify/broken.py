"""What a check found, and which invariant it breaks, by the ids V1 to V20 that tests and screens use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

INVARIANTS = {
    "V1": "one live order per place in a cycle",
    "V2": "every order was written down before it was sent",
    "V3": "the exchange accepts an order once",
    "V4": "every fill is known, none twice",
    "V5": "never sells more than it bought",
    "V6": "never more money in use than the cap",
    "V7": "nothing is placed after a stop or a pause",
    "V8": "only the holder of an account writes",
    "V10": "what has ended stays ended, cycles follow each other",
    "V11": "no second try before the first is proven over",
    "V12": "prices and quantities are what the exchange takes",
    "V13": "orders follow from the cycle's own settings",
    "V16": "the list of what people did is whole",
    "V18": "nothing hangs: every order is proven, coins have their take profit",
    "V19": "coins and money add up exactly",
}
"""In plain words. Those that rows cannot show (V9, V14, V15, V17, V20) are the tests' alone."""

OF_CHECK = {
    "one live order per slot": "V1",
    "one open order per slot": "V1",
    "rows before orders": "V2",
    "orders are there": "V2",
    "accepted once": "V3",
    "orders are equal": "V4",
    "fills are equal": "V4",
    "fills have orders": "V4",
    "filled sums": "V4",
    "never more than ordered": "V4",
    "never sells more than held": "V5",
    "position": "V5",
    "cap": "V6",
    "stopped": "V7",
    "paused": "V7",
    "fencing token": "V8",
    "token went back": "V8",
    "final orders": "V10",
    "ended stays ended": "V10",
    "fills never shrink": "V10",
    "cycles count up": "V10",
    "one open cycle": "V10",
    "closed cycles": "V10",
    "orders have cycles": "V10",
    "readable": "V10",
    "dust is carried": "V19",
    "totals": "V19",
    "conservation": "V19",
    "ledger sums": "V19",
    "attempts count up": "V11",
    "no unproven retry": "V11",
    "ids follow from slots": "V11",
    "price steps": "V12",
    "quantity steps": "V12",
    "minimum quantity": "V12",
    "minimum notional": "V12",
    "levels follow from the settings": "V13",
    "audit chain": "V16",
    "unchained": "V16",
    "unknown too long": "V18",
    "cancelling too long": "V18",
    "no take profit": "V18",
    "wish not answered": "V18",
}

AT_ONCE = timedelta()
LASTING = {
    # What a worker mends by itself within moments is broken only when it stays.
    "levels follow from the settings": timedelta(minutes=5),
    "no take profit": timedelta(minutes=5),
    "unknown too long": timedelta(minutes=16),
    "cancelling too long": timedelta(minutes=16),
    "stopped": timedelta(minutes=1),
    "unchained": timedelta(minutes=1),
    "paused": timedelta(minutes=5),
    "wish not answered": timedelta(minutes=5),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """`check`: a short name of the rule. `what`: the order, trade or cycle that breaks it. `user_id`: whose,
    where no account says so."""

    check: str
    account_id: int
    what: str
    sentence: str
    strategy_id: int | None = None
    user_id: int | None = None

    @property
    def invariant(self) -> str:
        return OF_CHECK[self.check]

    @property
    def lasts(self) -> timedelta:
        """How long it must have been so before anybody is told."""
        return LASTING.get(self.check, AT_ONCE)
