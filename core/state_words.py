"""Every state that a screen can show, once: its word, what it means, and what its person can do.

The screens take their words from here, and Help prints these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.actual_state import ActualState
from core.cycle import DesiredState, ExitReason, PassedLevels
from core.entry import Waiting
from core.orders import OrderStatus


@dataclass(frozen=True, slots=True)
class Meaning:
    """`word` as it stands on the screen; `means` and `todo` are sentences, `todo` empty: there is nothing."""

    word: str
    means: str
    todo: str = ""


A, S, W = ActualState, OrderStatus, Waiting
ACTUAL_STATES: Mapping[ActualState, Meaning] = {
    A.STARTING: Meaning(
        "Starting",
        "The first buy of a cycle is about to be made, or is on its way to the exchange.",
    ),
    A.RUNNING: Meaning(
        "Running",
        "A cycle is under way: coins are held, extra buys and the take profit are in place.",
    ),
    A.WAITING: Meaning(
        "Waiting",
        "Nothing new is bought until something changes: a price, the end of a pause, money, or a hold of"
        " the account. The sentence beside it says which.",
    ),
    A.FINISHING: Meaning(
        "Finishing",
        "The cycle goes on as planned; no new one starts after it.",
        "Press Run to go on.",
    ),
    A.PAUSED: Meaning(
        "Paused",
        "Nothing is bought. Take profit, trailing and stop loss stay on.",
        "Press Run to go on; what the price has passed meanwhile is asked.",
    ),
    A.STOPPING: Meaning(
        "Stopping",
        "You asked to stop or to close; some orders are not yet proven cancelled, or coins not yet sold.",
    ),
    A.STOPPED: Meaning(
        "Stopped",
        "No order is live. Coins that are held stay yours, and nothing watches them.",
        "Start it again, and choose whether to keep the cycle or to release its coins.",
    ),
    A.CLOSED: Meaning(
        "Closed", "Everything is sold and no order is live.", "Start it again any time."
    ),
    A.NEEDS_ATTENTION: Meaning(
        "Needs you",
        "Nothing is bought until you have looked: an order was refused, cancelled or is unknown, coins are"
        " missing, or the account has a problem. Sales go on as far as they can.",
        "Read the sentence beside it; then press Try again, or stop.",
    ),
}
DESIRED_STATES: Mapping[DesiredState, Meaning] = {
    DesiredState.RUNNING: Meaning("run", "Cycles follow each other."),
    DesiredState.FINISHING: Meaning(
        "finish this cycle, then stop", "This cycle goes on as planned; then no new one starts."
    ),
    DesiredState.PAUSED: Meaning(
        "pause", "Waiting buys are cancelled. Take profit, trailing and stop loss stay on."
    ),
    DesiredState.STOPPED: Meaning(
        "stop", "Everything is cancelled. You keep the coins and nobody watches them."
    ),
    DesiredState.CLOSED: Meaning(
        "close", "Everything is cancelled, then the coins are sold at the market price."
    ),
}
ORDER_STATES: Mapping[OrderStatus, Meaning] = {
    S.SENDING: Meaning(
        "unknown yet", "It is written down and on its way; the exchange has not answered yet."
    ),
    S.OPEN: Meaning("open", "It rests on the exchange and waits for its price."),
    S.CANCELLING: Meaning(
        "being cancelled", "Its cancel was asked for; until that is proven it may still fill."
    ),
    S.QUARANTINED: Meaning(
        "needs you",
        "Nobody can say whether it exists. It counts as if it did, and nothing is bought.",
        "Look at the exchange. If it is not there and did not fill, say so on the strategy's page.",
    ),
    S.FILLED: Meaning("filled", "All of it was bought or sold."),
    S.CANCELLED: Meaning("cancelled", "It ended early; a part may have filled before."),
    S.REFUSED: Meaning(
        "refused",
        "The exchange does not take it, for good. Nothing was bought or sold by it.",
        "Read why, mend it, and press Try again.",
    ),
    S.NOT_PLACED: Meaning(
        "not placed, tried again later",
        "The exchange did not take it now; a new one follows by itself.",
    ),
    S.NOT_ACCEPTED: Meaning(
        "never reached the exchange", "It is proven that it never existed there; a new one follows."
    ),
}
WAITS: Mapping[Waiting, Meaning] = {
    W.NOT_WANTED: Meaning("not wanted", "You did not ask for a new cycle."),
    W.STOPPED_BY_STOP_LOSS: Meaning(
        "stopped by a stop loss",
        "As you set it, no cycle follows a stop loss.",
        "Press Run to go on.",
    ),
    W.ALL_CYCLES_DONE: Meaning(
        "all cycles done",
        "As many cycles as you set are done.",
        "Press Run to begin counting anew.",
    ),
    W.COOLDOWN: Meaning("pause between cycles", "The pause that you set is not over yet."),
    W.PRICE_TOO_HIGH: Meaning(
        "price too high", "The price is above the one at which you want to start."
    ),
    W.PRICE_TOO_LOW: Meaning(
        "price too low", "The price is below the lowest at which you want to start."
    ),
}
EXITS: Mapping[ExitReason, Meaning] = {
    ExitReason.STOP_LOSS: Meaning(
        "stop loss", "The price fell to the stop loss: everything is sold."
    ),
    ExitReason.TRAILING: Meaning(
        "trailing", "After the take profit the price fell from its peak: everything is sold."
    ),
    ExitReason.CLOSED: Meaning(
        "closed by you", "You asked for it: everything is sold at the market price."
    ),
}
PASSED_LEVELS: Mapping[PassedLevels, Meaning] = {
    PassedLevels.WAIT: Meaning(
        "wait", "Passed extra buys wait until the price is above them again."
    ),
    PassedLevels.SKIP: Meaning("skip", "Passed extra buys are left out of this cycle."),
    PassedLevels.BUY: Meaning("buy now", "Passed extra buys are made at once, at today's price."),
}
ATTENTION: Mapping[str, Meaning] = {
    "coins_missing": Meaning(
        "coins are missing",
        "Coins that the strategy holds are not on the account any more.",
        "Bring them back; or stop and release the coins; or close.",
    ),
    "vanished": Meaning(
        "an order vanished",
        "The exchange had an order and shows it no more. It counts as if it were still there.",
        "Look at the exchange. If it is not there and did not fill, say so on the strategy's page.",
    ),
    "quarantined": Meaning(
        "an order is unknown",
        "Nobody can say whether an order exists. It counts as if it did.",
        "Look at the exchange. If it is not there and did not fill, say so on the strategy's page.",
    ),
    "refused": Meaning(
        "an order was refused", "The exchange does not take an order, for good.",
        "Read why, mend it, and press Try again.",
    ),
    "cancelled_by_you": Meaning(
        "an order was cancelled by you", "It was cancelled on the exchange, and is not fought.",
        "Press Try again to have it placed again.",
    ),
}  # fmt: skip
HOLDS: Mapping[str, Meaning] = {
    "key": Meaning(
        "key", "The exchange does not accept the key of the account.", "Replace the key under Accounts."
    ),
    "caps": Meaning(
        "caps", "What may be in use on the account cannot be read.", "Set the caps under Accounts."
    ),
    "rolled_back": Meaning(
        "trades taken back", "The exchange does not list trades any more that it had reported.",
        "Compare with the exchange; then press Try again.",
    ),
    "symbol": Meaning(
        "symbol", "The exchange does not trade this symbol now.", "Wait, or stop the strategy."
    ),
    "rules": Meaning(
        "trading rules", "The exchange changed its rules, and the ladder does not fit them any more.",
        "Change the settings; the next cycle takes them.",
    ),
    "unreadable": Meaning(
        "unreadable", "A strategy of this account cannot be read, so nobody knows what it has in use.",
        "Ask your administrator.",
    ),
    "added_twice": Meaning(
        "added twice", "The same account of the exchange was added here twice.",
        "Give up one of the two under Accounts.",
    ),
    "clock": Meaning("clock", "The clock of this machine is wrong. It goes by itself when it is right."),
    "maintenance": Meaning("maintenance", "The exchange is closed or overloaded. It goes by itself."),
    "ban": Meaning("asked to wait", "The exchange asked us to wait. It goes by itself."),
    "peg": Meaning("coin off its value", "The quote coin is not worth what it should be. It goes by itself."),
    "reconcile": Meaning(
        "not compared",
        "The books and the exchange could not be compared, so nothing is decided. It goes by itself.",
    ),
}  # fmt: skip
"""Why an account buys nothing, by the short code of the worker."""
